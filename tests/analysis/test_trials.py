"""Replicates averaged, trials ranked."""

import pytest

from analysis.trials import Unfinished, by_trial, ranked_trials, unfinished


def named(studies, name):
    return next(study for study in studies if study.name == name)


def test_unfinished_finds_open_runs_failed_ones_and_trials_without_runs(studies):
    runs = named(studies, "linear-grid").all_runs.copy()
    assert not unfinished(runs)
    runs.loc[runs["trial_number"].isin([2, 3]), "state"] = "interrupted"
    runs.loc[runs["trial_number"] == 4, "state"] = "failed"
    assert unfinished(runs[runs["trial_number"] != 5]) == Unfinished(open_runs=2, missing_trials=1, failed_runs=1)


def test_by_trial_averages_replicates(studies):
    runs = named(studies, "ofat-hidden-size").complete
    trials = by_trial(runs)
    assert trials["test_accuracy"].tolist() == pytest.approx(
        runs.groupby("trial_number")["test_accuracy"].mean().tolist()
    )
    assert trials["n_runs"].tolist() == [3] * 26


def test_ranking_is_by_validation_then_loss_then_number(studies):
    runs = named(studies, "linear-grid").complete.copy()
    runs["validation_accuracy"] = 0.9
    runs["validation_loss"] = 1.0
    runs.loc[runs["trial_number"] == 5, "validation_loss"] = 0.5
    runs.loc[runs["trial_number"] == 7, "validation_accuracy"] = 0.95
    assert ranked_trials(runs)["trial_number"].tolist()[:3] == [7, 5, 0]


def test_the_ranking_does_not_see_test_values(studies):
    runs = named(studies, "mlp-random").complete
    shuffled = runs.assign(test_accuracy=runs["test_accuracy"].to_numpy()[::-1], test_loss=0.0)
    assert ranked_trials(shuffled)["trial_number"].tolist() == ranked_trials(runs)["trial_number"].tolist()


def test_a_trial_with_a_run_that_failed_is_no_candidate_unless_no_other_is_there(studies):
    runs = named(studies, "ofat-hidden-size").complete
    best = int(ranked_trials(runs).iloc[0]["trial_number"])
    broken = runs.assign(trial_state=runs["trial_state"].mask(runs["trial_number"] == best, "failed"))
    assert best not in set(ranked_trials(broken)["trial_number"])
    assert int(ranked_trials(runs.assign(trial_state="failed")).iloc[0]["trial_number"]) == best
