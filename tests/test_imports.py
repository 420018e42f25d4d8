"""Imports run one way: search → engine and analysis; analysis and engine know neither of the others."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "engine": {"search", "analysis", "optuna", "sqlalchemy", "pandas"},
    "analysis": {"engine", "search"},
}
ALLOWED_IN_ENGINE = {"numpy", "numba", "llvmlite", "sklearn", "threadpoolctl", "engine"} | set(sys.stdlib_module_names)


def imported(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_package_does_not_import_against_the_direction(package):
    for file in (ROOT / package).rglob("*.py"):
        assert not FORBIDDEN[package] & set(imported(file)), file


def test_engine_imports_only_what_it_is_allowed():
    for file in (ROOT / "engine").rglob("*.py"):
        assert set(imported(file)) <= ALLOWED_IN_ENGINE, file


def test_only_search_imports_engine_and_optuna():
    for file in (ROOT / "analysis").rglob("*.py"):
        assert not {"engine", "optuna"} & set(imported(file)), file


@pytest.mark.parametrize("package", ["engine", "search", "analysis"])
def test_importing_a_package_is_light(package):
    code = f"import {package}, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"numpy", "numba", "optuna", "pandas", "seaborn", "matplotlib", "sklearn", "scipy", "torch"}
    assert not heavy & set(loaded.stdout.split())


def test_the_command_line_starts_without_heavy_packages():
    code = "import search.cli, search.store.reading, search.store.database, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"numba", "optuna", "pandas", "seaborn", "matplotlib", "sklearn"} & set(loaded.stdout.split())


def test_every_package_is_listed_for_installation():
    import tomllib

    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {
        str(file.parent.relative_to(ROOT)).replace("/", ".")
        for package in ("analysis", "engine", "search")
        for file in (ROOT / package).rglob("__init__.py")
    }
    assert set(listed) == found
