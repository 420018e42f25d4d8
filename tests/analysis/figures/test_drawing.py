"""Which figures a study has; drawings are written, the same twice, or left out with a reason."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from matplotlib import image, pyplot

import analysis
from analysis.claims.forms import FORMS as CLAIMS
from analysis.figures.drawing import ANSWERS, FORMS, IN_FRONT, MAX_OFFERED, draw, draw_all, figures_of, files_of, svg
from analysis.figures.requests import REQUESTS
from analysis.figures.style import style
from analysis.report import build
from benchmarks import synthetic
from tests.analysis.figures.conftest import among, study

ROOT = Path(__file__).parents[3]


def saying(found, **keys):
    return dataclasses.replace(found, spec=dict(found.spec) | keys)


def of(found, *others):
    return figures_of(found, among(found, *others))


def test_every_form_is_a_module_that_can_be_asked_for():
    folder = Path(analysis.__file__).parent / "figures"
    assert FORMS.keys() == REQUESTS.keys() == {
        file.stem for file in folder.glob("*.py") if "\ndef caption(" in file.read_text(encoding="utf-8")
    }  # fmt: skip


def test_a_figure_names_no_study():
    names = [
        file.read_text(encoding="utf-8").split("study: ")[1].split()[0] for file in ROOT.glob("experiments/*.yaml")
    ]
    assert len(names) >= 12
    for file in (Path(analysis.__file__).parent / "figures").glob("*.py"):
        assert not [name for name in names if name in file.read_text(encoding="utf-8")], file


def test_the_first_offered_stand_in_front_where_nothing_is_asked(grid):
    found = of(grid)
    assert [figure.front for figure in found] == [True] * IN_FRONT + [False] * (len(found) - IN_FRONT)
    assert [figure.form for figure in found[:3]] == ["response", "interaction", "distribution"]
    assert found[0].stem == "01_response_hidden_size"
    assert found[0].title == "Test accuracy against hidden size, by dropout of hidden units"


def test_what_is_asked_for_stands_in_front_once_and_under_its_number(grid):
    asked = [
        {
            "figure": "response",
            "axis": "dropout_hidden",
            "by": ["hidden_size"],
            "number": "Figure 9",
            "title": "Dropout",
        },
        {"figure": "momentum_bowl"},
    ]
    found = of(saying(grid, figures=asked))
    assert [(figure.number, figure.title) for figure in found if figure.front] == [
        ("Figure 9", "Dropout"),
        ("", "Gradient descent with and without momentum"),
    ]
    assert [figure.stem.partition("_")[2] for figure in found].count("response_dropout_hidden") == 1


def test_what_the_claims_speak_of_stands_in_front_where_nothing_is_asked(grid, drawn):
    claims = [
        {"compare": {"factor": "dropout_hidden", "level": 0.2, "against": 0.0}, "metric": "validation_loss"},
        {"trend": {"factor": "hidden_size"}, "compare": None},
        {"level": {"of": "selected", "at_least": 0.9}},
        {"selected": {"against": "drawn"}},
        {"agreement": {"against": "drawn", "at_least": 0.5}},
    ]
    found = of(saying(grid, claims=claims), drawn)
    assert [figure.title for figure in found if figure.front] == [
        "Validation loss by dropout of hidden units, 0 and 0.2",
        "Test accuracy against hidden size, by dropout of hidden units",
        "Training of the selected and the median configuration",
        "Test accuracy of wide and drawn",
    ]
    assert {figure.form for figure in found if not figure.drawn} == {"fidelity"}


def test_never_more_than_ten_are_offered(switched):
    assert len(of(switched)) <= MAX_OFFERED
    many = {name: [False, True] if name == "momentum" else [0.1, 0.2] for name in ("momentum", "dropout_hidden")}
    many |= {"dropout_input": [0.1, 0.2], "weight_decay": [0.1, 0.2], "learning_rate": [0.1, 0.2, 0.3]}
    wide = study("many", "grid", many, lambda config, replicate: 0.8 + 0.1 * config["learning_rate"])
    assert len(of(wide)) == MAX_OFFERED


LEFT_OUT = [
    ({"figure": "paired", "factor": "activation"}, "study wide must vary activation"),
    ({"figure": "distribution", "beside": "elsewhere"}, "study elsewhere is not in the database"),
    ({"figure": "confirmation"}, "study wide is not confirmed"),
    ({"figure": "hologram", "title": "Of a later version"}, "in words that are not known"),
    ({"figure": "paired", "factor": "dropout_hidden", "colour": "red"}, "colour: Extra inputs"),
    ({"figure": "response", "axis": "hidden_size", "by": ["momentum"]}, "study wide must vary momentum"),
    ({"figure": "expected_best"}, "independent draws"),
    ({"figure": "fidelity"}, "trains at one fidelity"),
]


def test_what_is_asked_for_and_cannot_be_drawn_is_left_out_with_its_reason(grid):
    found = of(saying(grid, figures=[asked for asked, _ in LEFT_OUT]))
    for figure, (asked, reason) in zip(found, LEFT_OUT, strict=False):
        assert (figure.drawn, figure.asked, figure.front) == (False, True, True)
        assert reason in figure.reason
        assert bool(figure.command) == (asked["figure"] == "confirmation")


def test_a_study_without_a_result_offers_nothing_and_says_why(grid):
    empty = dataclasses.replace(grid, all_runs=grid.all_runs.assign(state="running"))
    assert of(empty) == []
    (figure,) = of(saying(empty, figures=[{"figure": "curves"}]))
    assert (figure.drawn, figure.command) == (False, "digitsweep run wide.yaml")


STUDIES = ("grid", "switched", "one_by_one", "drawn", "halved")


@pytest.mark.parametrize("name", STUDIES)
def test_every_form_of_a_study_is_drawn(name, request, confirmed):
    found = request.getfixturevalue(name)
    asked = [{"figure": "momentum_bowl"}, {"figure": "component_chain"}, {"figure": "curves", "behind": "all"}]
    extra = asked if name == "grid" else []
    figures = figures_of(saying(found, figures=extra), confirmed if name == "grid" else among(found))
    assert len(figures) >= (5 if name != "halved" else 2)
    assert all(figure.drawn for figure in figures)
    for figure in {figure.form: figure for figure in figures}.values():
        assert figure.caption.endswith(".")
        assert bool(figure.run_ids) == (figure.form != "momentum_bowl")
        with style():
            assert draw(figure).axes[0].has_data() or figure.form == "component_chain"
    assert pyplot.get_fignums() == []


def test_a_drawing_is_the_same_twice(switched):
    figure = next(figure for figure in of(switched) if figure.form == "paired")
    with style():
        assert svg(draw(figure)) == svg(draw(figure))


def test_two_strips_and_marks_are_drawn(grid, drawn):
    marks = {"elsewhere: lowest": 0.81, "elsewhere: mean": 0.86}
    stated = {"figure": "distribution", "marks": marks}
    for asked in (stated, stated | {"beside": "drawn"}):
        figure = of(saying(grid, figures=[asked]), drawn)[0]
        with style():
            texts = [text.get_text() for text in draw(figure).axes[0].texts]
        assert len([text for text in texts if "elsewhere:" in text]) == 2


def test_tables_are_computed_without_a_drawing_library():
    code = (
        "import sys; sys.path.insert(0, '.'); from tests.analysis.figures import conftest as made\n"
        "from analysis.figures.drawing import figures_of\n"
        "grid = made.study('wide', 'grid', {'hidden_size': [10, 20, 40]}, lambda c, _: c['hidden_size'] / 50)\n"
        "print(len(figures_of(grid, made.among(grid))), {'matplotlib', 'seaborn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    count, *found = done.stdout.decode().split()
    assert (int(count) >= 3, found) == (True, ["set()"])


def test_draw_all_writes_three_files_for_every_figure_of_every_study(tmp_path):
    database = str(tmp_path / "runs.sqlite")
    synthetic.write(database, dataset="digits", only=("ofat-momentum",), seed=7, seed_suffix=True)
    found = draw_all(database, tmp_path / "out")
    drawn = [figure for figure in found if figure.drawn]
    assert drawn
    for figure in drawn:
        drawing, picture, values = figure.files
        assert figure.files == files_of(figure, tmp_path / "out")
        assert drawing.parent == tmp_path / "out" / "figures" / "ofat-momentum@digits+7"
        assert len(list(ElementTree.parse(drawing).iter("{http://www.w3.org/2000/svg}path"))) > 10
        # 5.2 inches at 160 points an inch, and not one colour alone.
        pixels = image.imread(picture)
        assert (pixels.shape[1], pixels.std() > 0.01) == (832, True)
        assert pd.read_csv(values).shape == figure.table.shape
    build(database, tmp_path / "both", figures=True)
    alone, both = (
        {file.relative_to(tmp_path / name): file.read_bytes() for file in (tmp_path / name).rglob("figures/*/*")}
        for name in ("out", "both")
    )
    assert alone == both


def test_every_form_of_claim_has_its_figure():
    assert ANSWERS.keys() == CLAIMS.keys()
