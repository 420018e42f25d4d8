"""Fixtures that several test modules share: tiny data sets, and MNIST where it is found."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.data.dataset import Dataset, SparseRows, Split

# What `make check` was called with is not what a test typed.
os.environ.pop("DIGITSWEEP_COMMAND", None)


@pytest.fixture(autouse=True, scope="session")
def _cache_folder(tmp_path_factory):
    """Prepared data goes to a folder of the session's own, not to the user's cache."""
    before = os.environ.get("DIGITSWEEP_CACHE")
    os.environ["DIGITSWEEP_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["DIGITSWEEP_CACHE"]
    else:
        os.environ["DIGITSWEEP_CACHE"] = before


def make_split(random, n, n_features, n_classes, density=0.3):
    X = (random.random((n, n_features)) < density) * random.random((n, n_features))
    y = random.integers(0, n_classes, n)
    return Split(SparseRows.from_dense(X.astype(np.float32)), y)


def make_dataset(seed=0, n=(240, 60, 60), n_features=20, n_classes=4, density=0.3, name="tiny"):
    """Images whose class shows in a few of their pixels, so that training has something to find."""
    random = np.random.default_rng(seed)
    splits = []
    for size in n:
        split = make_split(random, size, n_features, n_classes, density)
        X = split.rows.to_dense()
        X[np.arange(size), split.y] += 1
        splits.append(Split(SparseRows.from_dense(X), split.y))
    return Dataset(name, f"{seed:064x}", n_classes, *splits)


@pytest.fixture
def tiny():
    return make_dataset()


@pytest.fixture(scope="session")
def mnist():
    from engine.data.load import load_dataset
    from engine.errors import DataError

    try:
        return load_dataset("mnist", offline=True)
    except DataError:
        pytest.skip("MNIST is not on this machine")


@pytest.fixture
def experiments():
    return Path(__file__).parents[1] / "experiments"


@pytest.fixture
def database(tmp_path):
    return str(tmp_path / "runs.sqlite")


@pytest.fixture
def digitsweep(monkeypatch, capsys):
    """The command line as `main` runs it, in this process: a process of its own costs two seconds of imports."""
    from search.cli import main
    from search.commands.common import console

    def run(*arguments, cwd, width=160):
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(console, "width", width)
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setattr(sys, "argv", ["digitsweep", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        shown = capsys.readouterr()
        return subprocess.CompletedProcess(sys.argv, code, shown.out, shown.err)

    return run
