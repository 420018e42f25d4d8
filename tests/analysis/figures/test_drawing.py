"""Figures are computed, then drawn and written, the same twice, or left out with a reason."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from matplotlib import image, pyplot

from analysis.figures.drawing import FILE_NAMES, NAMES, compute, draw, draw_all, svg
from analysis.figures.style import style


@pytest.fixture(scope="module")
def drawn(synthetic_database, tmp_path_factory):
    return draw_all(synthetic_database, tmp_path_factory.mktemp("figures"))


def test_draw_all_writes_three_files_for_every_figure(drawn):
    assert [result.name for result in drawn if result.drawn] == list(NAMES)
    for result in drawn:
        drawing, picture, values = result.files
        assert [path.name for path in result.files] == [
            f"{FILE_NAMES[result.name]}{s}" for s in (".svg", ".png", ".csv")
        ]
        assert len(list(ElementTree.parse(drawing).iter("{http://www.w3.org/2000/svg}path"))) > 10
        # 5.2 inches at 160 points an inch, and not one colour alone.
        pixels = image.imread(picture)
        assert (pixels.shape[1], pixels.std() > 0.01) == (832, True)
        assert pd.read_csv(values).shape == result.table.shape
        assert result.caption.endswith(".")


def test_every_figure_but_the_computed_one_names_its_runs(drawn, tables):
    known = set(tables.runs["run_id"])
    for result in drawn:
        assert bool(result.run_ids) == (result.name != "momentum_bowl")
        assert set(result.run_ids) <= known


def test_every_figure_is_computed_without_a_drawing_library(synthetic_database):
    code = (
        "import sys; from analysis.figures.drawing import NAMES, compute; from analysis.tables import read_tables\n"
        "tables = read_tables(sys.argv[1])\n"
        "print(all(compute(name, tables).drawn for name in NAMES), {'matplotlib', 'seaborn'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, synthetic_database]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "set()"]


def test_drawing_leaves_nothing_in_pyplot(drawn):
    assert all(result.drawn for result in drawn)
    assert pyplot.get_fignums() == []


def test_a_drawing_is_the_same_twice(tables):
    result = compute("decay_effect", tables)
    with style():
        assert svg(draw(result)) == svg(draw(result))


def test_from_one_study_the_others_are_left_out_with_their_command(digits_database, tmp_path):
    results = {result.name: result for result in draw_all(digits_database, tmp_path)}
    assert sorted(name for name, result in results.items() if result.drawn) == [
        "component_chain",
        "decay_effect",
        "grid_effects",
        "linear_accuracy",
        "linear_curves",
        "momentum_bowl",
        "momentum_effect",
    ]
    assert results["hidden_size"].command == "make ofat DATASET=digits"
    assert results["expected_best"].command == "make mlp-random N=50 DATASET=digits"
    assert not (tmp_path / f"{FILE_NAMES['hidden_size']}.svg").exists()


def test_figures_stay_drawable_with_one_run_per_level(tables, tmp_path):
    single = tables.runs[(tables.runs["replicate"] == 0)]
    for name in ("hidden_size", "one_factor", "activation_curves", "confirmation"):
        result = compute(name, dataclasses.replace(tables, runs=single))
        assert result.drawn
        with style():
            svg(draw(result))
