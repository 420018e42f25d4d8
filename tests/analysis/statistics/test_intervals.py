"""Each statistic against an independent computation: scipy, hand-worked cases, simulation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.intervals import (
    Interval,
    binomial_error,
    bootstrap_interval,
    interquartile_mean,
    mean_interval,
    mean_intervals,
    share_interval,
)

N_SIMULATIONS = 3000
# Binomial standard error of a coverage near 95 % in 3,000 simulations is 0.4 %; 93 to 97 % is five of them.
COVERAGE = (0.93, 0.97)


@pytest.mark.parametrize("n", [3, 5, 8, 12, 30])
@pytest.mark.parametrize(
    ("name", "draw", "mean"),
    [
        ("normal", lambda rng, size: rng.normal(size=size), 0.0),
        ("skewed", lambda rng, size: rng.gamma(8.0, size=size), 8.0),
    ],
)
def test_mean_interval_covers_the_mean_in_95_percent_of_simulations(n, name, draw, mean):
    # One column per simulated study: rows (units) are resampled alike in all of them.
    X = draw(np.random.default_rng(n), (n, N_SIMULATIONS))
    _, low, high, _ = mean_intervals(X, n_resamples=1999, seed=n)
    assert COVERAGE[0] <= np.mean((low <= mean) & (mean <= high)) <= COVERAGE[1]


def test_mean_interval_of_few_units_is_student_t_of_scipy():
    x = np.array([0.1, 0.4, 0.2, 0.9])
    expected = stats.ttest_1samp(x, 0).confidence_interval()
    assert mean_interval(x) == Interval(
        pytest.approx(0.4), pytest.approx(expected.low), pytest.approx(expected.high), 4, "Student's t"
    )


def test_mean_interval_of_one_unit_is_absent():
    interval = mean_interval([0.5])
    assert (interval.estimate, interval.n, interval.known) == (0.5, 1, False)


def test_mean_interval_of_equal_values_is_that_value():
    interval = mean_interval(np.full(10, 0.25))
    assert (interval.low, interval.estimate, interval.high) == (0.25, 0.25, 0.25)


def test_mean_interval_agrees_with_a_studentised_bootstrap_written_out():
    x = np.random.default_rng(3).gamma(4.0, size=15)
    rng = np.random.default_rng(11)
    t = []
    for _ in range(20_000):
        again = rng.choice(x, len(x))
        t.append((again.mean() - x.mean()) / (again.std(ddof=1) / np.sqrt(len(x))))
    error = x.std(ddof=1) / np.sqrt(len(x))
    q_low, q_high = np.quantile(t, [0.025, 0.975])
    interval = mean_interval(x, n_resamples=20_000, seed=1)
    # Two Monte-Carlo quantiles of 20,000: they differ by a few percent of a standard error.
    assert interval.low == pytest.approx(x.mean() - q_high * error, abs=0.06 * error)
    assert interval.high == pytest.approx(x.mean() - q_low * error, abs=0.06 * error)


def test_mean_interval_is_the_same_for_the_same_seed():
    x = np.random.default_rng(0).normal(size=20)
    assert mean_interval(x, seed=5) == mean_interval(x, seed=5)


def test_mean_interval_refuses_no_units():
    with pytest.raises(ValueError, match="at least one unit"):
        mean_interval([])


def test_bootstrap_interval_is_scipys_bca():
    x = np.random.default_rng(2).normal(size=25)
    expected = stats.bootstrap(
        (x,), np.median, n_resamples=999, method="BCa", rng=np.random.default_rng(4)
    ).confidence_interval
    interval = bootstrap_interval(x, np.median, n_resamples=999, seed=4)
    assert (interval.low, interval.high) == (expected.low, expected.high)


def test_bootstrap_interval_says_too_few_below_its_minimum():
    assert bootstrap_interval(np.arange(5.0), np.mean) == Interval(
        2.0, pytest.approx(np.nan, nan_ok=True), pytest.approx(np.nan, nan_ok=True), 5, "too few for an interval"
    )


def test_interquartile_mean_is_the_mean_of_the_middle_half():
    assert interquartile_mean([100.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -100.0]) == pytest.approx(np.mean([2, 3, 4, 5]))


@pytest.mark.slow
def test_bootstrap_of_any_statistic_covers_in_95_percent_of_simulations():
    n, rng = 30, np.random.default_rng(30)
    hits = 0
    for seed in range(N_SIMULATIONS):
        interval = bootstrap_interval(rng.normal(size=n), interquartile_mean, n_resamples=499, seed=seed)
        hits += interval.low <= 0 <= interval.high
    assert COVERAGE[0] <= hits / N_SIMULATIONS <= COVERAGE[1]


def test_bootstrap_of_a_statistic_that_no_unit_changes_is_the_percentiles():
    interval = bootstrap_interval(np.arange(10.0), lambda x, axis: np.zeros(np.shape(x)[:-1]) + 1.0)
    assert (interval.low, interval.high, interval.method) == (1.0, 1.0, "percentile bootstrap")


def test_binomial_error_is_scipys_standard_deviation():
    assert binomial_error(0.922, 10_000) == pytest.approx(stats.binom(10_000, 0.922).std() / 10_000)
    with pytest.raises(ValueError, match="0 ≤ accuracy ≤ 1"):
        binomial_error(1.2, 10)


def test_share_interval_stays_within_0_and_100_percent():
    wide = mean_interval([0.65, 0.99])
    assert wide.high > 1
    assert share_interval([0.65, 0.99]) == replace(wide, low=0.0, high=1.0)
    assert share_interval([0.5, 0.5001]) == mean_interval([0.5, 0.5001])
    assert np.isnan(share_interval([0.5]).low)
