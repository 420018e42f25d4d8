"""How a data set is asked for: names, paths, keys; and the one message for what a file leaves open."""

import math
import shlex

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.data.reference import Doubt, Reading, Reference, ask
from engine.errors import DataError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("mnist", Reference("mnist")),
        ("wine.csv", Reference("wine.csv")),
        ({"path": "digits"}, Reference("digits")),
        ({"path": "a.csv", "label": 3}, Reference("a.csv", Reading(label="3"))),
        ({"path": "a.csv", "ignore": "id", "keep": [1, "b"]}, Reference("a.csv", Reading(None, ("id",), ("1", "b")))),
        ({"path": "a.csv", "scale": "none", "header": False}, Reference("a.csv", Reading(header=False, scale=1.0))),
        ({"path": "a.csv", "scale": "pixels"}, Reference("a.csv", Reading(scale=255.0))),
        ({"path": "a.csv", "scale": "Standardize"}, Reference("a.csv", Reading(scale="standardise"))),
        ({"path": "a.csv", "scale": "255"}, Reference("a.csv", Reading(scale=255.0))),
        ({"path": "a.csv", "scale": None, "ignore": None}, Reference("a.csv")),
    ],
)
def test_reference_is_a_name_a_path_or_a_mapping(value, expected):
    assert Reference.parse(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "a data set must be auto, mnist, fashion-mnist, digits, or the path"),
        ("a\0b.csv", "a data set must be"),
        (3, "or a mapping with its path"),
        (["a.csv"], "or a mapping with its path"),
        ({}, "or a mapping with its path"),
        ({"path": 3}, "or a mapping with its path"),
        ({"path": "a.csv", "lable": "y"}, "has the keys path, label, .* but not lable"),
        ({"path": "a.csv", "label": ["a", "b"]}, "label must be one column's name or number"),
        ({"path": "a.csv", "label": True}, "label must be one column"),
        ({"path": "a.csv", "ignore": [["a"]]}, "ignore must be names or numbers"),
        ({"path": "a.csv", "ignore": {"a": 1}}, "ignore must be names or numbers"),
        ({"path": "a.csv", "header": "yes"}, "header must be true or false"),
        ({"path": "a.csv", "scale": 0}, "scale must be none, standardise, pixels, or a number above 0"),
        ({"path": "a.csv", "scale": -1}, "scale must be none"),
        ({"path": "a.csv", "scale": math.nan}, "scale must be none"),
        ({"path": "a.csv", "scale": 10**400}, "scale must be none"),
        ({"path": "a.csv", "scale": "big"}, "scale must be none"),
        ({"path": "a.csv", "scale": True}, "scale must be none"),
        ({"path": "a.csv", "scale": [1]}, "scale must be none"),
        ({"path": "mnist", "scale": 16}, "mnist is read as it is known"),
    ],
)
def test_reference_names_what_it_cannot_be(value, message):
    with pytest.raises(DataError, match=message):
        Reference.parse(value)


NAMES = st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable())


@given(path=NAMES.filter(str.strip).map(lambda name: f"{name}.csv"), label=NAMES, ignored=NAMES)
def test_what_ask_suggests_is_understood_in_a_study_file_and_by_a_shell(path, label, ignored):
    doubts = [Doubt("which", "label", label), Doubt("drop", "ignore", ignored), Doubt("range", "scale", "16")]
    lines = str(ask(path, doubts, Reading(ignore=("id",), keep=("b",), header=False))).split("\n")
    expected = {"label": label, "ignore": ["id", ignored] if ignored != "id" else ["id"], "keep": ["b"]}
    stated = yaml.safe_load(lines[-3])["dataset"]
    assert Reference.parse(stated) == Reference.parse({"path": path, **expected, "header": False, "scale": 16})
    typed = ["--dataset", path, "--label", label]
    for name in expected["ignore"]:
        typed += ["--ignore", name]
    assert shlex.split(lines[-1]) == [*typed, "--keep", "b", "--no-header", "--scale", "16"]
