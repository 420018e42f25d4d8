"""Imports inside the analysis run one way, and numbers become text in one place."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for file in (ROOT / "analysis").rglob("*.py")
}
# From the bottom to the top; what stands on one line does not know of each other.
LAYERS = [
    ["selection_rule", "commands", "files", "errors", "conditions"],
    ["tables"],
    ["statistics", "predictions"],
    ["wording"],
    ["metrics"],
    ["trials", "export"],
    ["studies"],
    ["frames", "health", "optimism", "fidelity", "noise"],
    ["claims", "figures"],
    ["report"],
]
HEIGHT = {room: height for height, rooms in enumerate(LAYERS) for room in rooms}


def imports(name):
    """Modules of the analysis that a module imports, wherever in it the import stands; for types alone is no import."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.ImportFrom):
            # `from analysis.claims import linear` imports a module, `from analysis.wording import count` a name.
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            yield from inner or {node.module} & MODULES.keys()
        elif isinstance(node, ast.Import):
            yield from {alias.name for alias in node.names} & MODULES.keys()


def room(name):
    return name.split(".")[1]


def test_every_room_has_its_layer():
    assert {room(name) for name in MODULES if name != "analysis"} == HEIGHT.keys()


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {"analysis"}))
def test_a_module_imports_from_below_or_from_its_own_room(name):
    for imported in imports(name):
        assert room(imported) == room(name) or HEIGHT[room(imported)] < HEIGHT[room(name)], imported


def test_no_module_imports_itself_on_a_way_round():
    # A package's contents page may name its modules; they do not go through it.
    graph = {name: set(imports(name)) for name, file in MODULES.items() if file.name != "__init__.py"}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(graph) > 40


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {"analysis.wording"}))
def test_decimals_are_chosen_in_wording_alone(name):
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    formats = [
        ast.unparse(n.format_spec) for n in ast.walk(tree) if isinstance(n, ast.FormattedValue) and n.format_spec
    ]
    assert not [text for text in formats if text.rstrip("'\"")[-1] in "feg%"]


def test_the_analysis_knows_no_study_by_name():
    named = re.compile("|".join(path.stem.replace("_", "-") for path in (ROOT / "experiments").glob("*.yaml")))
    files = [*MODULES.values(), *(ROOT / "analysis").rglob("*.j2")]
    assert not [(file.name, found) for file in files for found in named.findall(file.read_text(encoding="utf-8"))]
