"""The pruner's decisions against those of Optuna's pruners."""

import optuna
import pytest
from numpy.random import default_rng

from search.drivers.pruning import make_pruner
from tests.search.helpers import make_spec


def optunas(pruner, largest_k):
    if pruner == "successive_halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=largest_k, reduction_factor=3)


@pytest.mark.parametrize("pruner", ["successive_halving", "hyperband"])
@pytest.mark.parametrize("largest_k", [2, 9, 30])
def test_the_pruner_stops_the_trials_that_optunas_stops(pruner, largest_k):
    fixed = {"epochs": 1, "evaluations_per_epoch": largest_k}
    spec = make_spec(driver="optuna", sampler="tpe", pruner=pruner, trials=300, fixed=fixed)
    ours, theirs = make_pruner(spec), optunas(pruner, largest_k)
    study = optuna.create_study(study_name=spec.study, direction="maximize", pruner=theirs)
    random, stopped = default_rng(3), 0
    # Three trials are in training at a time; accuracies in steps, so that some are equal.
    for _ in range(100):
        waves = [study.ask() for _ in range(3)]
        for k in range(1, largest_k + 1):
            for trial in list(waves):
                value = round(float(random.random()), 2)
                trial.report(value, k)
                expected = trial.should_prune()
                assert ours.should_stop(trial.number, k, value) == expected
                if expected:
                    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                    waves.remove(trial)
                    stopped += 1
        for trial in waves:
            study.tell(trial, 0.5)
    assert stopped > 20 or largest_k == 2


def test_a_study_without_a_pruner_has_none():
    assert make_pruner(make_spec()) is None
