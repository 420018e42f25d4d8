"""Reading the views: what is there, what is missing, what is damaged."""

import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from analysis.errors import NotApplicableError, known
from analysis.tables import read_tables
from benchmarks import synthetic


def test_read_tables_has_every_study_with_its_runs_and_curves(digits_database):
    tables = read_tables(digits_database)
    assert tables.studies["study"].tolist() == ["linear-grid@digits", "linear-grid@digits#7"]
    assert set(tables.runs["base_name"]) == {"linear-grid"}
    assert len(tables.runs) == 64
    assert set(tables.curves["run_id"]) == set(tables.runs["run_id"])
    assert tables.studies["spec"].iloc[0]["driver"] == "grid"


def test_read_tables_refuses_a_database_of_an_earlier_version_by_name(tmp_path):
    path = str(tmp_path / "old.sqlite")
    synthetic.write(path, only=("linear-grid",))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP VIEW v_runs")
        connection.execute("CREATE VIEW v_runs AS SELECT run_id FROM runs")
    with pytest.raises(LookupError, match="schema 3"):
        read_tables(path)


def test_read_tables_says_where_a_database_is_damaged(tmp_path):
    path = str(tmp_path / "damaged.sqlite")
    synthetic.write(path, only=("linear-grid",))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE sweep_trials SET params = '{' WHERE trial_number = 3")
    with pytest.raises(LookupError, match="is damaged there"):
        read_tables(path)


def test_known_names_what_is_unknown_and_what_would_be():
    assert known({"a": 1, "b": 2}, "b", "letter") == 2
    with pytest.raises(NotApplicableError, match="letter must be one of a, b, but got c"):
        known({"a": 1, "b": 2}, "c", "letter")


def test_read_tables_accepts_an_url(synthetic_database, tables):
    pd.testing.assert_frame_equal(read_tables(f"sqlite:///{synthetic_database}").runs, tables.runs)


def test_read_tables_does_not_make_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        read_tables(str(tmp_path / "none.sqlite"))
    assert list(tmp_path.iterdir()) == []


def test_read_tables_says_that_a_database_is_empty(tmp_path):
    path = str(tmp_path / "empty.sqlite")
    synthetic.write(path, only=())
    with pytest.raises(LookupError, match="it has none; digitsweep run makes some"):
        read_tables(path)
