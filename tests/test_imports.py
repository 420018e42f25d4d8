"""Imports run one way, between packages, between their wings and between modules; nothing runs in a circle.

Every module of every package is read, nested ones too, and every import in it counts: those inside functions, which
only put off the same dependency, and none that a type checker alone sees.
"""

import ast
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("engine", "search", "analysis", "benchmarks")
MAY_IMPORT = {
    "engine": {"engine", "numpy", "numba", "llvmlite", "sklearn", "threadpoolctl"},
    "analysis": {
        "analysis",
        "jinja2",
        "markupsafe",
        "matplotlib",
        "mpl_toolkits",
        "numpy",
        "pandas",
        "pydantic",
        "scipy",
        "seaborn",
        "sklearn",
        "sqlalchemy",
    },
}
HEAVY = {"numba", "optuna", "pandas", "seaborn", "matplotlib", "sklearn", "scipy", "torch"}


def name_of(file, root=ROOT):
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules(package, root=ROOT):
    return {name_of(file, root): file for file in sorted((root / package).rglob("*.py"))}


def is_for_type_checkers(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def statements(node):
    for child in ast.iter_child_nodes(node):
        if is_for_type_checkers(child):
            for other in child.orelse:
                yield from statements(other)
        else:
            yield child
            yield from statements(child)


def imports(name, file, known):
    """The modules that a module imports: of ours by their full name, of others by their first word."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in statements(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (origin, node.module) if part)
            # `from package import module` names the module behind the dot.
            found = [f"{source}.{alias.name}" if f"{source}.{alias.name}" in known else source for alias in node.names]
        else:
            continue
        yield from (module if module in known else module.split(".")[0] for module in found)


def graph(packages=PACKAGES, root=ROOT):
    known = {name: file for package in packages for name, file in modules(package, root).items()}
    return {name: set(imports(name, file, known)) for name, file in known.items()}


def wing(module):
    """What a module belongs to in the floor plan: its folder, or itself where it stands beside the folders."""
    parts = module.split(".")
    return ".".join(parts[:2])


def test_no_import_runs_in_a_circle_between_modules():
    found = graph()
    # A package's __init__ names its modules for readers of the package; it takes no part in what they import.
    order = {name: {other for other in others if other in found} - {name} for name, others in found.items()}
    list(TopologicalSorter(order).static_order())


def test_no_import_runs_in_a_circle_between_wings():
    found = graph()
    order = {}
    for name, others in found.items():
        order.setdefault(wing(name), set()).update({wing(other) for other in others if other in found} - {wing(name)})
    list(TopologicalSorter(order).static_order())


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_package_imports_only_what_it_is_allowed(package):
    allowed = MAY_IMPORT[package] | set(sys.stdlib_module_names)
    for name, others in graph((package,)).items():
        assert {other.split(".")[0] for other in others} <= allowed, name


def test_only_search_and_benchmarks_know_engine_and_search():
    for package in ("engine", "analysis"):
        for name, others in graph((package,)).items():
            assert not {"search", "benchmarks", "tests"} & {other.split(".")[0] for other in others}, name


def test_circle_and_upward_import_are_found(tmp_path):
    """The walk sees relative imports, imports inside functions, and modules of nested packages."""
    nested = tmp_path / "toy" / "wing"
    nested.mkdir(parents=True)
    (tmp_path / "toy" / "__init__.py").write_text("")
    (nested / "__init__.py").write_text("")
    (tmp_path / "toy" / "top.py").write_text("from toy.wing import low\n")
    (nested / "low.py").write_text("def f():\n    from ..top import g\n    return g\n")
    found = graph(("toy",), tmp_path)
    assert found["toy.top"] == {"toy.wing.low"}
    assert found["toy.wing.low"] == {"toy.top"}
    with pytest.raises(CycleError):
        list(TopologicalSorter(found).static_order())


@pytest.mark.parametrize("package", ["engine", "search", "analysis"])
def test_importing_a_package_is_light(package):
    code = f"import {package}, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not (HEAVY | {"numpy"}) & set(loaded.stdout.split())


def test_the_command_line_starts_without_heavy_packages():
    code = "import search.cli, search.store.reading, search.store.database, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not HEAVY - {"scipy"} & set(loaded.stdout.split())


def test_every_package_is_listed_for_installation():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {
        name
        for package in ("analysis", "engine", "search")
        for name, file in modules(package).items()
        if file.name == "__init__.py"
    }
    assert set(listed) == found
