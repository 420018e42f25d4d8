"""Replicates averaged, trials ranked."""

import sqlite3
from pathlib import Path

import pytest

from analysis.tables import read_tables
from analysis.trials import by_trial, ranked_trials, selected_trial, unfinished


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


def test_a_trial_with_a_run_that_failed_is_no_candidate_unless_no_other_is_there(tables):
    runs = tables.complete("ofat-hidden-size")
    best = int(selected_trial(runs)["trial_number"])
    broken = runs.assign(trial_state=runs["trial_state"].mask(runs["trial_number"] == best, "failed"))
    assert best not in set(ranked_trials(broken)["trial_number"])
    assert int(selected_trial(runs.assign(trial_state="failed"))["trial_number"]) == best
