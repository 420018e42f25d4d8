"""docs/architecture.md: every file and every name on it is there, every wing is listed, and imports are as it says."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.test_imports import PACKAGES, graph

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FILES = sorted(
    set(re.findall(r"\b(?:engine|search|analysis|benchmarks|tests|experiments)/[\w/]*\.\w+|\bdigitsweep\.py", PAGE))
)
# A line of a drawing: a file, then the names in it; and `Name (file)` where something passes.
NAMED = re.findall(
    r"((?:engine|search|analysis)/[\w/]+)\.py {1,}((?:[A-Za-z_][\w.]*)(?:, [A-Za-z_][\w.]*)*)(?:  |\n)", PAGE
)
NAMED += [(file, name) for name, file in re.findall(r"(\w+) \(((?:engine|search|analysis)/[\w/]+)\.py\)", PAGE)]
WINGS = dict(re.findall(r"^\| `([a-z/]+)/` \|.*\| ([^|]*) \|$", PAGE, re.MULTILINE))


def test_every_file_of_the_page_is_there():
    assert len(FILES) > 30
    assert [file for file in FILES if file != "experiments/x.yaml" and not (ROOT / file).exists()] == []


@pytest.mark.parametrize(("file", "names"), NAMED)
def test_every_name_of_the_page_is_in_its_file(file, names):
    for name in names.split(", "):
        found = import_module(file.replace("/", "."))
        for part in name.split("."):
            found = getattr(found, part)


def test_the_drawings_name_many():
    assert len(NAMED) > 35


def test_every_wing_is_on_the_page():
    packages = {
        str(file.parent.relative_to(ROOT)) for package in PACKAGES for file in (ROOT / package).rglob("__init__.py")
    }
    assert WINGS.keys() == packages


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_imports_what_the_page_says(wing):
    inside = wing.replace("/", ".")
    allowed = [name.removesuffix(".py").strip("/").replace("/", ".") for name in re.findall(r"`([^`]+)`", WINGS[wing])]
    known, nested = graph(), [other.replace("/", ".") for other in WINGS if other.startswith(f"{wing}/")]

    def within(module, places):
        return any(module == place or module.startswith(f"{place}.") for place in places)

    for module, others in known.items():
        if not within(module, [inside]) or within(module, nested):
            continue
        for other in others & known.keys():
            beside = "beside" in WINGS[wing] and other.count(".") == 1 and other.startswith(wing.split("/")[0])
            own = other == inside or (other.startswith(f"{inside}.") and not within(other, nested))
            assert own or beside or within(other, allowed), f"{module} imports {other}"


def test_every_test_of_the_page_is_there():
    defined = {
        node.name
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert named <= defined
