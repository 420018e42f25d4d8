"""Each statistic against an independent computation: scipy, hand-worked cases, simulation."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis import statistics as S

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
    _, low, high, _ = S.mean_intervals(X, n_resamples=1999, seed=n)
    assert COVERAGE[0] <= np.mean((low <= mean) & (mean <= high)) <= COVERAGE[1]


def test_mean_interval_of_few_units_is_student_t_of_scipy():
    x = np.array([0.1, 0.4, 0.2, 0.9])
    expected = stats.ttest_1samp(x, 0).confidence_interval()
    assert S.mean_interval(x) == S.Interval(
        pytest.approx(0.4), pytest.approx(expected.low), pytest.approx(expected.high), 4, "Student's t"
    )


def test_mean_interval_of_one_unit_is_absent():
    interval = S.mean_interval([0.5])
    assert (interval.estimate, interval.n, interval.known) == (0.5, 1, False)


def test_mean_interval_of_equal_values_is_that_value():
    interval = S.mean_interval(np.full(10, 0.25))
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
    interval = S.mean_interval(x, n_resamples=20_000, seed=1)
    # Two Monte-Carlo quantiles of 20,000: they differ by a few percent of a standard error.
    assert interval.low == pytest.approx(x.mean() - q_high * error, abs=0.06 * error)
    assert interval.high == pytest.approx(x.mean() - q_low * error, abs=0.06 * error)


def test_mean_interval_is_the_same_for_the_same_seed():
    x = np.random.default_rng(0).normal(size=20)
    assert S.mean_interval(x, seed=5) == S.mean_interval(x, seed=5)


def test_mean_interval_refuses_no_units():
    with pytest.raises(ValueError, match="at least one unit"):
        S.mean_interval([])


def test_bootstrap_interval_is_scipys_bca():
    x = np.random.default_rng(2).normal(size=25)
    expected = stats.bootstrap(
        (x,), np.median, n_resamples=999, method="BCa", rng=np.random.default_rng(4)
    ).confidence_interval
    interval = S.bootstrap_interval(x, np.median, n_resamples=999, seed=4)
    assert (interval.low, interval.high) == (expected.low, expected.high)


def test_bootstrap_interval_says_too_few_below_its_minimum():
    assert S.bootstrap_interval(np.arange(5.0), np.mean) == S.Interval(
        2.0,
        pytest.approx(np.nan, nan_ok=True),
        pytest.approx(np.nan, nan_ok=True),
        5,
        "too few for an interval",
    )


def test_interquartile_mean_is_the_mean_of_the_middle_half():
    assert S.interquartile_mean([100.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -100.0]) == pytest.approx(np.mean([2, 3, 4, 5]))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.lists(st.integers(0, 5), min_size=1, max_size=12))
@settings(deadline=None, max_examples=50)
def test_probability_of_superiority_counts_pairs(a, b):
    wins = [1.0 if x > y else 0.5 if x == y else 0.0 for x, y in itertools.product(a, b)]
    assert S.probability_of_superiority(a, b).estimate == pytest.approx(np.mean(wins))


@pytest.mark.parametrize(("n", "shift"), [(20, 1.0), (30, 0.0), (50, 1.0)])
def test_probability_of_superiority_covers_that_of_two_normals(n, shift):
    rng = np.random.default_rng(n)
    truth = stats.norm.cdf(shift / np.sqrt(2))
    hits = 0
    for _ in range(N_SIMULATIONS):
        interval = S.probability_of_superiority(rng.normal(shift, 1, n), rng.normal(0, 1, n))
        hits += interval.low <= truth <= interval.high
    assert COVERAGE[0] <= hits / N_SIMULATIONS <= COVERAGE[1]


def test_probability_of_superiority_has_no_interval_where_it_cannot():
    assert not S.probability_of_superiority(np.arange(19.0), np.arange(40.0)).known
    assert not S.probability_of_superiority(np.arange(30.0) + 100, np.arange(30.0)).known


@pytest.mark.slow
def test_bootstrap_of_any_statistic_covers_in_95_percent_of_simulations():
    n, rng = 30, np.random.default_rng(30)
    hits = 0
    for seed in range(N_SIMULATIONS):
        interval = S.bootstrap_interval(rng.normal(size=n), S.interquartile_mean, n_resamples=499, seed=seed)
        hits += interval.low <= 0 <= interval.high
    assert COVERAGE[0] <= hits / N_SIMULATIONS <= COVERAGE[1]


def test_bootstrap_of_a_statistic_that_no_unit_changes_is_the_percentiles():
    interval = S.bootstrap_interval(np.arange(10.0), lambda x, axis: np.zeros(np.shape(x)[:-1]) + 1.0)
    assert (interval.low, interval.high, interval.method) == (1.0, 1.0, "percentile bootstrap")


def test_paired_differences_match_configuration_and_seed(grid):
    grid = grid.assign(value=grid["value"] + 0.25 * grid["replicate"])
    pairs = S.paired_differences(grid.drop(index=0), "a", (1, 0), "value", ["b"])
    # The run (a = 0, b = 0, replicate 0) is missing, so its partner is in no pair.
    expected = pd.DataFrame(
        {
            "b": [0, 1, 1, 2, 2],
            "replicate": [1, 0, 1, 0, 1],
            "difference": [1.0, 2.0, 2.0, 3.0, 3.0],
            "run_id_high": [10, 5, 11, 6, 12],
            "run_id_low": [7, 2, 8, 3, 9],
        }
    )
    pd.testing.assert_frame_equal(pairs[expected.columns.tolist()], expected)


def test_paired_effect_takes_configurations_as_units_below_five_replicates(grid):
    effect = S.paired_effect(S.paired_differences(grid, "a", (1, 0), "value", ["b"]), ["b"])
    t = stats.ttest_1samp([1.0, 2.0, 3.0], 0)
    assert (effect.unit, effect.difference.n, effect.n_pairs, effect.signs) == ("b", 3, 6, (6, 0, 0))
    assert effect.difference.estimate == pytest.approx(2.0)
    assert effect.difference.low == pytest.approx(t.confidence_interval().low)
    assert effect.p == pytest.approx(t.pvalue)
    assert effect.run_ids == tuple(range(1, 13))


def test_paired_effect_takes_replicates_as_units_from_five_on():
    rng = np.random.default_rng(0)
    rows = [
        {"a": a, "b": b, "replicate": r, "value": a * (0.5 + 0.1 * r) + b, "run_id": i}
        for i, (a, b, r) in enumerate(itertools.product((0, 1), (0, 1, 2), range(6)))
    ]
    runs = pd.DataFrame(rows).sample(frac=1, random_state=rng.integers(100))
    effect = S.paired_effect(S.paired_differences(runs, "a", (1, 0), "value", ["b"]), ["b"])
    assert (effect.unit, effect.difference.n) == ("replicate", 6)
    assert effect.difference.estimate == pytest.approx(0.75)


def test_paired_effect_leaves_a_replicate_with_a_missing_pair_out_of_everything():
    rows = [
        {"a": a, "b": b, "replicate": r, "value": a * (1 + r) * (-1 if r == 5 else 1), "run_id": i}
        for i, (a, b, r) in enumerate(itertools.product((0, 1), (0, 1, 2), range(6)))
    ]
    runs = pd.DataFrame(rows).drop(index=5)
    effect = S.paired_effect(S.paired_differences(runs, "a", (1, 0), "value", ["b"]), ["b"])
    assert (effect.unit, effect.difference.n, effect.n_pairs, effect.signs) == ("replicate", 5, 15, (15, 0, 0))
    assert effect.difference.estimate == pytest.approx(3.0)
    kept = runs[runs["replicate"] != 5]
    assert effect.run_ids == tuple(sorted(kept["run_id"]))


def test_paired_test_flips_every_sign_for_many_differences():
    d = np.random.default_rng(1).normal(0.5, 1, 12)
    flips = np.array(list(itertools.product([1, -1], repeat=12))) @ d
    exact = min(1.0, 2 * np.mean(flips >= d.sum() - 1e-12))
    assert S.paired_test(d) == pytest.approx(exact, abs=2e-3)


def test_paired_test_is_students_for_few_and_exact_for_equal_differences():
    d = [0.2, 0.5, 0.1, 0.4]
    assert S.paired_test(d) == stats.ttest_1samp(d, 0).pvalue
    assert S.paired_test([-1.0] * 5) == pytest.approx(2 / 2**5)
    assert S.paired_test([0.0] * 5) == 1.0


def test_hedges_g_by_hand():
    # Mean √3, standard deviation 1, four differences: √3 × (1 − 3 / 11).
    d = np.array([1.0, 1.0, 3.0, 3.0]) * np.sqrt(3) / 2
    assert S.hedges_g(d) == pytest.approx(np.sqrt(3) * (1 - 3 / 11))


def test_holm_by_hand():
    assert S.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
@settings(deadline=None)
def test_holm_is_the_closed_test_of_bonferroni(p):
    # By definition: hypothesis i falls at the largest Bonferroni p value of all intersections with it.
    m = len(p)
    subsets = [s for size in range(1, m + 1) for s in itertools.combinations(range(m), size)]
    closed = [max(min(1.0, len(s) * min(p[j] for j in s)) for s in subsets if i in s) for i in range(m)]
    assert S.holm(p) == pytest.approx(closed)


def test_binomial_error_is_scipys_standard_deviation():
    assert S.binomial_error(0.922, 10_000) == pytest.approx(stats.binom(10_000, 0.922).std() / 10_000)
    with pytest.raises(ValueError, match="0 ≤ accuracy ≤ 1"):
        S.binomial_error(1.2, 10)


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
    pd.testing.assert_frame_equal(S.convergence(curves), expected)


def test_convergence_counts_exactly_one_point_as_within():
    curves = pd.DataFrame({"run_id": [1, 1], "k": [1, 2], "epoch": [1.0, 2.0], "validation_accuracy": [0.91, 0.92]})
    assert S.convergence(curves)["converged_k"].tolist() == [1]


def test_mean_curves_resample_runs_and_match_the_mean_at_each_k():
    rng = np.random.default_rng(0)
    curves = pd.DataFrame(
        [{"run_id": r, "k": k, "epoch": k / 5, "g": "a", "y": rng.normal(k)} for r in range(4) for k in (1, 2, 3)]
    )
    out = S.mean_curves(curves, "y", ["g"])
    wide = curves.pivot(index="run_id", columns="k", values="y")
    ends = stats.ttest_1samp(wide, 0).confidence_interval()
    assert out["mean"].to_numpy() == pytest.approx(wide.mean().to_numpy())
    assert out["low"].to_numpy() == pytest.approx(ends.low)
    assert out[["g", "k", "n_runs"]].to_numpy().tolist() == [["a", 1, 4], ["a", 2, 4], ["a", 3, 4]]


def test_seed_spread_pools_the_variances_of_trials():
    runs = pd.DataFrame({"trial_number": [0, 0, 1, 1, 1, 2], "validation_accuracy": [1.0, 3.0, 2.0, 4.0, 6.0, 9.0]})
    pooled = np.sqrt((1 * 2.0 + 2 * 4.0) / 3)
    assert S.seed_spread(runs) == (pytest.approx(pooled), 3)
    assert S.seed_spread(runs.iloc[-1:])[1] == 0
