"""Expected best against enumeration and simulation; importance on functions whose answer is known."""

import itertools
from math import comb

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import NotApplicableError
from analysis.statistics.expected_best import expected_best, refuse_adaptive, trial_values


@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
@settings(deadline=None)
def test_expected_best_is_the_mean_maximum_over_all_subsets(values):
    table = expected_best(values)
    expected = [np.mean([max(s) for s in itertools.combinations(values, n)]) for n in range(1, len(values) + 1)]
    assert table["expected"].to_numpy() == pytest.approx(expected)


def test_expected_best_bands_cover_the_truth_for_all_n_at_once():
    # Uniform values: E max of n is n / (n + 1), and the median of the best of n is 2^(−1/n).
    rng = np.random.default_rng(0)
    simultaneous, pointwise = [], []
    for _ in range(250):
        table = expected_best(rng.uniform(size=30))
        truth = table["n"] / (table["n"] + 1)
        simultaneous.append(bool(((table["low"] <= truth) & (truth <= table["high"])).all()))
        median = 2.0 ** (-1 / table["n"])
        pointwise.append(((table["median_low"] <= median) & (median <= table["median_high"])).to_numpy())
    # They hold at least their level; three binomial standard errors of 250 simulations are 4.1 %.
    assert np.mean(simultaneous) >= 0.95 - 0.041
    assert np.mean(pointwise, axis=0).min() >= 0.95 - 0.041


def test_expected_best_bands_by_hand():
    values = np.array([0.2, 0.5, 0.9])
    table = expected_best(values, level=0.5).set_index("n")
    epsilon = np.sqrt(np.log(2 / 0.5) / (2 * 3))
    grid = (np.arange(200_000) + 0.5) / 200_000
    share = np.searchsorted(values, grid, side="right") / 3
    for n in (1, 2, 3):
        # E max of n = 1 − ∫ Fⁿ for the lowest and the highest distribution within ε of the observed one.
        assert table.loc[n, "low"] == pytest.approx(1 - np.mean(np.minimum(share + epsilon, 1) ** n), abs=1e-5)
        assert table.loc[n, "high"] == pytest.approx(1 - np.mean(np.maximum(share - epsilon, 0) ** n), abs=1e-5)
    assert 0 < table.loc[1, "low"] < table.loc[1, "expected"] < table.loc[1, "high"] < 1


def test_median_of_the_best_has_the_tightest_order_statistics_that_hold_their_level():
    N, level = 20, 0.9
    values = np.arange(1, N + 1) / 100
    table = expected_best(values, level=level).set_index("n")
    for n in (1, 2, 4):
        q = 2 ** (-1 / n)
        # P(at least r of N lie below the quantile), by the binomial sum itself.
        at_least = [sum(comb(N, i) * q**i * (1 - q) ** (N - i) for i in range(r, N + 1)) for r in range(N + 2)]
        low = max((r for r in range(1, N + 1) if at_least[r] >= 1 - (1 - level) / 2), default=0)
        high = min(r for r in range(1, N + 2) if at_least[r] <= (1 - level) / 2)
        assert table.loc[n, "median_low"] == pytest.approx(low / 100)
        assert table.loc[n, "median_high"] == pytest.approx(high / 100 if high <= N else 1.0)


def test_expected_best_rises_and_lies_inside_its_band():
    table = expected_best(np.random.default_rng(1).beta(8, 2, size=60))
    assert (np.diff(table["expected"]) >= 0).all()
    assert ((table["low"] <= table["expected"]) & (table["expected"] <= table["high"])).all()
    assert table["expected"].iloc[-1] == pytest.approx(np.random.default_rng(1).beta(8, 2, size=60).max())


def test_expected_best_of_many_trials_keeps_both_ends():
    table = expected_best(np.random.default_rng(1).uniform(size=5000))
    assert (table["n"].iloc[0], table["n"].iloc[-1]) == (1, 5000)
    assert len(table) <= 200


def test_expected_best_refuses_values_outside_its_bounds():
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        expected_best([0.5, 1.5])


@pytest.mark.parametrize("driver", ["optuna", "grid", "ofat", "confirm"])
def test_refuse_adaptive_refuses_all_but_random(driver):
    refuse_adaptive("random")
    with pytest.raises(NotApplicableError, match="independent draws"):
        refuse_adaptive(driver)


@pytest.mark.parametrize("n_classes", [10, 4])
def test_trial_values_count_diverged_trials_at_guessing(n_classes):
    runs = pd.DataFrame(
        {
            "trial_number": [0, 0, 1, 1, 2, 3],
            "state": ["complete", "complete", "complete", "diverged", "running", "failed"],
            "full_fidelity": True,
            "validation_accuracy": [0.9, 0.8, 0.9, 0.3, 0.5, np.nan],
            "run_id": [1, 2, 3, 4, 5, 6],
            "n_classes": n_classes,
        }
    )
    table = trial_values(runs)
    assert table["value"].tolist() == pytest.approx([0.85, 1 / n_classes])
    assert table["diverged"].tolist() == [False, True]
    assert table["run_ids"].tolist() == [[1, 2], [3, 4]]
    with pytest.raises(NotApplicableError, match="how many classes"):
        trial_values(runs.assign(n_classes=None))
