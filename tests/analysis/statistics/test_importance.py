"""Importance on functions whose answer is known."""

import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotApplicableError
from analysis.statistics.importance import importance


def test_importance_finds_the_parameter_that_matters():
    rng = np.random.default_rng(0)
    trials = pd.DataFrame(
        {
            "trial_number": range(120),
            "learning_rate": 10 ** rng.uniform(-4, -1, 120),
            "activation": rng.choice(["relu", "tanh"], 120),
            "hidden_size": rng.integers(10, 100, 120),
        }
    )
    trials["value"] = -((np.log10(trials["learning_rate"]) + 2) ** 2) + 0.3 * (trials["activation"] == "relu")
    table, r2 = importance(trials, ["learning_rate", "activation", "hidden_size"], "value")
    assert table["parameter"].tolist() == ["learning_rate", "activation", "hidden_size"]
    assert table["importance"].iloc[-1] == pytest.approx(0, abs=0.03)
    assert r2 > 0.8


def test_importance_predicts_nothing_from_noise():
    rng = np.random.default_rng(0)
    trials = pd.DataFrame({"trial_number": range(60), "a": rng.uniform(size=60), "value": rng.uniform(size=60)})
    assert importance(trials, ["a"], "value")[1] < 0.2


def test_importance_refuses_few_trials():
    trials = pd.DataFrame({"trial_number": range(10), "a": range(10), "value": range(10)})
    with pytest.raises(NotApplicableError, match="at least 30 trials"):
        importance(trials, ["a"], "value")
