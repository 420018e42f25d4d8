"""Matched pairs, their p values and Holm's correction."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics.pairs import hedges_g, holm, paired_differences, paired_effect, paired_test


def test_paired_differences_match_configuration_and_seed(grid):
    grid = grid.assign(value=grid["value"] + 0.25 * grid["replicate"])
    pairs = paired_differences(grid.drop(index=0), "a", (1, 0), "value", ["b"])
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
    effect = paired_effect(paired_differences(grid, "a", (1, 0), "value", ["b"]), ["b"])
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
    effect = paired_effect(paired_differences(runs, "a", (1, 0), "value", ["b"]), ["b"])
    assert (effect.unit, effect.difference.n) == ("replicate", 6)
    assert effect.difference.estimate == pytest.approx(0.75)


def test_paired_effect_leaves_a_replicate_with_a_missing_pair_out_of_everything():
    rows = [
        {"a": a, "b": b, "replicate": r, "value": a * (1 + r) * (-1 if r == 5 else 1), "run_id": i}
        for i, (a, b, r) in enumerate(itertools.product((0, 1), (0, 1, 2), range(6)))
    ]
    runs = pd.DataFrame(rows).drop(index=5)
    effect = paired_effect(paired_differences(runs, "a", (1, 0), "value", ["b"]), ["b"])
    assert (effect.unit, effect.difference.n, effect.n_pairs, effect.signs) == ("replicate", 5, 15, (15, 0, 0))
    assert effect.difference.estimate == pytest.approx(3.0)
    kept = runs[runs["replicate"] != 5]
    assert effect.run_ids == tuple(sorted(kept["run_id"]))


def test_paired_test_flips_every_sign_for_many_differences():
    d = np.random.default_rng(1).normal(0.5, 1, 12)
    flips = np.array(list(itertools.product([1, -1], repeat=12))) @ d
    exact = min(1.0, 2 * np.mean(flips >= d.sum() - 1e-12))
    assert paired_test(d) == pytest.approx(exact, abs=2e-3)


def test_paired_test_is_students_for_few_and_exact_for_equal_differences():
    d = [0.2, 0.5, 0.1, 0.4]
    assert paired_test(d) == stats.ttest_1samp(d, 0).pvalue
    assert paired_test([-1.0] * 5) == pytest.approx(2 / 2**5)
    assert paired_test([0.0] * 5) == 1.0


def test_hedges_g_by_hand():
    # Mean √3, standard deviation 1, four differences: √3 × (1 − 3 / 11).
    d = np.array([1.0, 1.0, 3.0, 3.0]) * np.sqrt(3) / 2
    assert hedges_g(d) == pytest.approx(np.sqrt(3) * (1 - 3 / 11))


def test_holm_by_hand():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
@settings(deadline=None)
def test_holm_is_the_closed_test_of_bonferroni(p):
    # By definition: hypothesis i falls at the largest Bonferroni p value of all intersections with it.
    m = len(p)
    subsets = [s for size in range(1, m + 1) for s in itertools.combinations(range(m), size)]
    closed = [max(min(1.0, len(s) * min(p[j] for j in s)) for s in subsets if i in s) for i in range(m)]
    assert holm(p) == pytest.approx(closed)
