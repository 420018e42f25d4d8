"""Which trials a study's pruner stops; the rules themselves are Optuna's."""

import pytest

from tests.search.simulation import ADAPTIVE, simulate


def pruned_at(**changes):
    """Of each trial that was stopped, the number of evaluations by then."""
    study = simulate({**ADAPTIVE, "trials": 60, **changes})
    return [max(outcome.curve) for outcome in study.outcomes.values() if outcome.state == "pruned"]


def test_a_study_without_a_pruner_stops_no_trial():
    assert pruned_at(pruner="none") == []


@pytest.mark.parametrize("pruner", ["successive_halving", "hyperband"])
def test_trials_are_stopped_at_rungs_alone(pruner):
    stopped = pruned_at(pruner=pruner)
    assert set(stopped) == {1, 3}


def test_hyperband_spares_trials_that_successive_halving_stops_at_once():
    at_once = {pruner: pruned_at(pruner=pruner).count(1) for pruner in ("successive_halving", "hyperband")}
    assert 0 < at_once["hyperband"] < at_once["successive_halving"]


def test_hyperband_knows_the_longest_curve_of_the_study():
    """With two epochs of three evaluations at most, a bracket that looks at k = 9 first has no use and is not made."""
    few = pruned_at(pruner="hyperband")
    space = {**ADAPTIVE["space"], "epochs": [2, 30]}
    many = pruned_at(pruner="hyperband", fixed={"evaluations_per_epoch": 3}, space=space)
    assert many.count(1) < few.count(1)
