"""Reading the views: datasets, suffixes, what is missing."""

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from analysis import commands
from analysis.tables import (
    StudyMissingError,
    by_trial,
    choose_dataset,
    family,
    ranked_trials,
    read_tables,
    selected_trial,
    unfinished,
)
from benchmarks import synthetic


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("linear-grid", "linear-grid"),
        ("linear-grid@digits", "linear-grid"),
        ("linear-grid#7", "linear-grid"),
        ("linear-grid@fashion-mnist#7", "linear-grid"),
        ("linear-grid-confirm@digits", "linear-grid-confirm"),
        ("linear-grid@digits-confirm", "linear-grid-confirm"),
        ("linear-grid@digits#7-confirm", "linear-grid-confirm"),
    ],
)
def test_family_strips_the_suffixes(name, expected):
    assert family(name) == expected


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


def test_commands_name_the_dataset():
    assert commands.command_for("mlp-random") == "make mlp-random N=50"
    assert commands.command_for("mlp-random", "digits") == "make mlp-random N=50 DATASET=digits"
    expected = "make confirm STUDY=mlp-random@digits TOP=4 REPLICATES=8 DATASET=digits"
    assert commands.command_for("mlp-random-confirm", "digits") == expected


def test_unfinished_finds_open_runs_and_trials_without_runs(synthetic_database, tmp_path):
    path = tmp_path / "cut.sqlite"
    path.write_bytes(Path(synthetic_database).read_bytes())
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE runs SET state = 'interrupted' WHERE run_id IN (3, 4)")
        connection.execute("DELETE FROM runs WHERE run_id = 6")
    connection.close()
    found = unfinished(read_tables(str(path)))
    assert found.to_dict("records") == [{"study": "linear-grid", "open_runs": 2, "missing_trials": 1, "failed_runs": 0}]


def test_unfinished_is_empty_for_a_finished_database(tables):
    assert unfinished(tables).empty


def test_by_trial_averages_replicates(tables):
    runs = tables.complete("ofat-hidden-size")
    trials = by_trial(runs)
    expected = runs.groupby("trial_number")["test_accuracy"].mean()
    assert trials["test_accuracy"].tolist() == pytest.approx(expected.tolist())
    assert trials["n_runs"].tolist() == [3] * 26


def test_ranking_is_by_validation_then_loss_then_number(tables):
    runs = tables.complete("linear-grid").copy()
    runs["validation_accuracy"] = 0.9
    runs["validation_loss"] = 1.0
    runs.loc[runs["trial_number"] == 5, "validation_loss"] = 0.5
    runs.loc[runs["trial_number"] == 7, "validation_accuracy"] = 0.95
    assert ranked_trials(runs)["trial_number"].tolist()[:3] == [7, 5, 0]


def test_selected_trial_does_not_see_test_values(tables):
    runs = tables.complete("mlp-random")
    shuffled = runs.assign(test_accuracy=runs["test_accuracy"].to_numpy()[::-1], test_loss=0.0)
    assert selected_trial(shuffled)["trial_number"] == selected_trial(runs)["trial_number"]
