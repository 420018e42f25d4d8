"""One small synthetic database for the session, and tables made by hand."""

import pandas as pd
import pytest

from analysis.studies import studies_of
from analysis.tables import read_tables
from benchmarks import synthetic


@pytest.fixture(scope="session")
def synthetic_database(tmp_path_factory):
    """Every study, small: 36 random MLPs, one run per configuration of the grids."""
    path = tmp_path_factory.mktemp("synthetic") / "runs.sqlite"
    synthetic.write(str(path), n_random=36)
    return str(path)


@pytest.fixture(scope="session")
def tables(synthetic_database):
    return read_tables(synthetic_database)


@pytest.fixture(scope="session")
def studies(tables):
    return studies_of(tables)


@pytest.fixture(scope="session")
def digits_database(tmp_path_factory):
    """Only the linear grid, on digits, in two seeds: the default one and another."""
    path = tmp_path_factory.mktemp("digits") / "runs.sqlite"
    synthetic.write(str(path), dataset="digits", only=("linear-grid",))
    synthetic.write(str(path), dataset="digits", only=("linear-grid",), seed=7, seed_suffix=True, sample=1)
    return str(path)


@pytest.fixture
def grid():
    """A 2 × 3 grid with two replicates: a adds ±1, b adds −1, 0 or 1, and they interact."""
    rows = []
    for replicate in range(2):
        for a in (0, 1):
            for b in (0, 1, 2):
                value = 10 + (2 * a - 1) + (b - 1) + 0.5 * (2 * a - 1) * (b - 1)
                rows.append({"a": a, "b": b, "replicate": replicate, "value": value, "run_id": len(rows) + 1})
    return pd.DataFrame(rows)
