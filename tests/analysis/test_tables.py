"""Reading the views: datasets, suffixes, what is missing."""

import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from analysis.tables import NotApplicableError, StudyMissingError, choose_dataset, known, read_tables
from benchmarks import synthetic


def test_choose_dataset_prefers_mnist_then_the_largest():
    assert choose_dataset({"digits": 900, "mnist": 1}) == "mnist"
    assert choose_dataset({"digits": 5, "fashion-mnist": 9}) == "fashion-mnist"


def test_read_tables_takes_one_dataset_and_one_seed(digits_database):
    tables = read_tables(digits_database)
    assert tables.dataset == "digits"
    assert tables.runs["study_name"].unique().tolist() == ["linear-grid@digits"]
    assert tables.left_aside == ("linear-grid@digits#7",)
    assert len(tables.runs) == 32
    assert set(tables.curves["run_id"]) == set(tables.runs["run_id"])


def test_read_tables_takes_the_lowest_seed_where_none_is_the_published_one_with_its_confirmation(tmp_path):
    path = str(tmp_path / "seeds.sqlite")
    names = ("linear-grid", "linear-grid-confirm")
    for sample, seed in enumerate((9, 7, 10)):
        synthetic.write(path, only=names, seed=seed, seed_suffix=True, sample=sample)
    # A confirmation's own seed is derived: the lowest of them need not belong to the study that is used.
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE sweep_studies SET seed = 1000 - seed WHERE driver = 'confirm'")
    tables = read_tables(path)
    assert set(tables.runs["study_name"]) == {"linear-grid#7", "linear-grid-confirm#7"}
    assert set(tables.runs["study"]) == set(names)
    assert len(tables.left_aside) == 4


def test_read_tables_refuses_a_database_of_an_earlier_version_by_name(tmp_path):
    path = str(tmp_path / "old.sqlite")
    synthetic.write(path, only=("linear-grid",))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP VIEW v_runs")
        connection.execute("CREATE VIEW v_runs AS SELECT run_id FROM runs")
    with pytest.raises(LookupError, match="schema 3"):
        read_tables(path)


def test_known_names_what_is_unknown_and_what_would_be():
    assert known({"a": 1, "b": 2}, "b", "letter") == 2
    with pytest.raises(NotApplicableError, match="letter must be one of a, b, but got c"):
        known({"a": 1, "b": 2}, "c", "letter")


def test_read_tables_never_mixes_datasets(tmp_path):
    path = str(tmp_path / "both.sqlite")
    synthetic.write(path, only=("linear-grid",))
    synthetic.write(path, only=("linear-grid",), dataset="digits")
    assert read_tables(path).runs["dataset"].unique().tolist() == ["mnist"]
    assert read_tables(path, "digits").runs["dataset"].unique().tolist() == ["digits"]
    with pytest.raises(LookupError, match="dataset must be one of digits, mnist"):
        read_tables(path, "svhn")


def test_read_tables_accepts_an_url(synthetic_database, tables):
    again = read_tables(f"sqlite:///{synthetic_database}")
    pd.testing.assert_frame_equal(again.runs, tables.runs)


def test_read_tables_does_not_make_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        read_tables(str(tmp_path / "none.sqlite"))
    assert list(tmp_path.iterdir()) == []


def test_read_tables_says_that_a_database_is_empty(tmp_path):
    path = str(tmp_path / "empty.sqlite")
    synthetic.write(path, only=())
    with pytest.raises(LookupError, match="make linear-grid"):
        read_tables(path)


def test_a_missing_study_names_its_command(tables):
    with pytest.raises(StudyMissingError, match=r"make study SPEC=experiments/other.yaml"):
        tables.complete("other")


def test_commands_are_for_the_data_and_the_names_of_the_database(tmp_path):
    path = str(tmp_path / "own.sqlite")
    synthetic.write(path, only=("linear-grid",), dataset="file:base.npz", seed=7, seed_suffix=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("""UPDATE sweep_studies SET spec = '{"dataset": "my data/base.npz"}'""")
    commands = read_tables(path, called="own.sqlite").commands
    assert commands.again("linear-grid") == "digitsweep run linear-grid"
    assert commands.make("mlp-random") == "make mlp-random N=50 DATASET='my data/base.npz' DB=own.sqlite"
    assert commands.select("linear-grid") == "make select STUDY='linear-grid@file:base.npz#7' DB=own.sqlite"


def test_damaged_json_is_one_message(tmp_path):
    path = str(tmp_path / "damaged.sqlite")
    synthetic.write(path, only=("linear-grid",))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE sweep_trials SET config = '{\"epochs' WHERE trial_number = 3")
    with pytest.raises(LookupError, match="must hold JSON"):
        read_tables(path)
