"""`digitsweep new`: what it writes is a study, with and without everything that stands in its comments."""

import re
from pathlib import Path

import pytest
import yaml

from engine.configuration import DOMAINS
from engine.errors import DigitsweepError
from search.spec.examples import CLAIMS, FIGURES
from search.spec.meaning import DRIVERS
from search.spec.space import SpecError
from search.spec.study import StudySpec, load_spec
from search.spec.template import template, write_template


@pytest.fixture(params=DRIVERS)
def text(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_template("First try", request.param).read_text(encoding="utf-8")


def load(text):
    Path("changed.yaml").write_text(text, encoding="utf-8")
    return load_spec("changed.yaml")


def test_a_new_file_is_a_study_and_names_every_key_and_hyperparameter(text):
    spec = load_spec("First try.yaml")
    assert (spec.study, spec.claims) == ("first-try", [])
    assert "?" in spec.question
    for name in {*StudySpec.model_fields, *DOMAINS} - {"source"}:
        assert re.search(rf"^ *(# ?)?{name}:", text, re.MULTILINE), name
    assert max(map(len, text.splitlines())) <= 120


def test_every_key_in_its_comments_can_be_taken_into_use(text):
    fixed = load(re.sub(r"^  #(?! )", "  ", text, flags=re.MULTILINE)).fixed
    assert {*fixed, *load(text).space} == DOMAINS.keys()
    keys = re.findall(r"^#([a-z_]+):", text, re.MULTILINE)
    assert {"dataset", "seed", "at", "page", "claims", "figures"} <= {*keys}
    for key in keys:
        used = re.sub(
            rf"^#{key}:(.*\n)((?:#  .*\n)*)", lambda m: m[0].replace("\n#", "\n")[1:], text, flags=re.MULTILINE
        )
        stated = load(used).model_dump()[key]
        assert stated
        assert key == "dataset" or stated != load(text).model_dump()[key] or key in ("seed", "at", "replicates")


def test_a_new_file_takes_no_other_files_place(tmp_path):
    path = tmp_path / "x.yml"
    assert write_template(str(path), "grid") == path
    before = path.read_text()
    with pytest.raises(DigitsweepError, match="is there already"):
        write_template(str(path), "ofat")
    assert path.read_text() == before


@pytest.mark.parametrize(("study", "says"), [("?", "a letter or a digit"), ("none/x", "No such file or directory")])
def test_a_name_that_no_new_file_can_have_is_refused(study, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DigitsweepError, match=says):
        write_template(study, "grid")
    with pytest.raises(SpecError, match="no driver 'gird'"):
        write_template("x", "gird")
    assert list(tmp_path.iterdir()) == []


FIDELITY = "fidelity: {train_images: [100, 200], epochs: [1, 2]}\n"


EXAMPLES = [(key, *one) for key, examples in (("claims", CLAIMS), ("figures", FIGURES)) for one in examples.items()]


@pytest.mark.parametrize(("key", "form", "item"), EXAMPLES)
def test_every_example_is_one_of_its_form(key, form, item, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if form == "agreement":
        study = re.sub(r"^  epochs:.*\n", "", template("x", "random"), flags=re.MULTILINE) + FIDELITY
    else:
        study = template("x", "grid")
    (stated,) = load(study + yaml.dump({key: yaml.safe_load(item)})).model_dump()[key]
    assert form in stated if key == "claims" else form == stated["figure"]


def test_every_form_has_an_example():
    from analysis.claims.forms import FORMS
    from analysis.figures.requests import REQUESTS

    assert CLAIMS.keys() == FORMS.keys()
    assert FIGURES.keys() == REQUESTS.keys()
