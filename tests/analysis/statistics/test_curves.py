"""Convergence, mean curves, the spread of seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.statistics.curves import convergence, mean_curves, seed_spread


def test_convergence_is_the_first_evaluation_within_one_point():
    curves = pd.DataFrame(
        {
            "run_id": [1, 1, 1, 1, 2, 2],
            "k": [1, 2, 3, 4, 1, 2],
            "epoch": [0.2, 0.4, 0.6, 0.8, 0.2, 0.4],
            "validation_accuracy": [0.90, 0.911, 0.905, 0.92, 0.5, 0.6],
        }
    )
    expected = pd.DataFrame(
        {"run_id": [1, 2], "converged_k": [2, 2], "converged_epoch": [0.4, 0.4], "best": [0.92, 0.6]}
    )
    pd.testing.assert_frame_equal(convergence(curves, 0.01), expected)


def test_convergence_counts_exactly_one_point_as_within():
    curves = pd.DataFrame({"run_id": [1, 1], "k": [1, 2], "epoch": [1.0, 2.0], "validation_accuracy": [0.91, 0.92]})
    assert convergence(curves, 0.01)["converged_k"].tolist() == [1]


def test_mean_curves_resample_runs_and_match_the_mean_at_each_k():
    rng = np.random.default_rng(0)
    curves = pd.DataFrame(
        [{"run_id": r, "k": k, "epoch": k / 5, "g": "a", "y": rng.normal(k)} for r in range(4) for k in (1, 2, 3)]
    )
    out = mean_curves(curves, "y", ["g"])
    wide = curves.pivot(index="run_id", columns="k", values="y")
    ends = stats.ttest_1samp(wide, 0).confidence_interval()
    assert out["mean"].to_numpy() == pytest.approx(wide.mean().to_numpy())
    assert out["low"].to_numpy() == pytest.approx(ends.low)
    assert out[["g", "k", "n_runs"]].to_numpy().tolist() == [["a", 1, 4], ["a", 2, 4], ["a", 3, 4]]


def test_seed_spread_pools_the_variances_of_trials():
    runs = pd.DataFrame({"trial_number": [0, 0, 1, 1, 1, 2], "validation_accuracy": [1.0, 3.0, 2.0, 4.0, 6.0, 9.0]})
    pooled = np.sqrt((1 * 2.0 + 2 * 4.0) / 3)
    assert seed_spread(runs) == (pytest.approx(pooled), 3)
    assert seed_spread(runs.iloc[-1:])[1] == 0
