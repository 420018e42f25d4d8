"""Rankings against counting and simulation."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics.ranks import kendall_interval, probability_of_superiority

N_SIMULATIONS = 3000
# As in test_intervals.py: five binomial standard errors around 95 %.
COVERAGE = (0.93, 0.97)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.lists(st.integers(0, 5), min_size=1, max_size=12))
@settings(deadline=None, max_examples=50)
def test_probability_of_superiority_counts_pairs(a, b):
    wins = [1.0 if x > y else 0.5 if x == y else 0.0 for x, y in itertools.product(a, b)]
    assert probability_of_superiority(a, b).estimate == pytest.approx(np.mean(wins))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "shift"), [(20, 1.0), (30, 0.0), (50, 1.0)])
def test_probability_of_superiority_covers_that_of_two_normals(n, shift):
    rng = np.random.default_rng(n)
    truth = stats.norm.cdf(shift / np.sqrt(2))
    hits = 0
    for _ in range(N_SIMULATIONS):
        interval = probability_of_superiority(rng.normal(shift, 1, n), rng.normal(0, 1, n))
        hits += interval.low <= truth <= interval.high
    assert COVERAGE[0] <= hits / N_SIMULATIONS <= COVERAGE[1]


def test_probability_of_superiority_has_no_interval_where_it_cannot():
    assert not probability_of_superiority(np.arange(19.0), np.arange(40.0)).known
    assert not probability_of_superiority(np.arange(30.0) + 100, np.arange(30.0)).known


@pytest.mark.parametrize("n", [12, pytest.param(27, marks=pytest.mark.slow)])
def test_kendall_interval_is_scipys_tau_and_covers_it(n):
    rng = np.random.default_rng(n)
    tied = rng.integers(0, 4, (2, n))
    assert kendall_interval(*tied).estimate == pytest.approx(stats.kendalltau(*tied).statistic)
    rho, hits, n_simulations = 0.7, 0, 400
    for _ in range(n_simulations):
        z = rng.normal(size=(2, n))
        interval = kendall_interval(z[0], rho * z[0] + np.sqrt(1 - rho**2) * z[1])
        hits += interval.low <= 2 / np.pi * np.arcsin(rho) <= interval.high
    # Two binomial standard errors of 400 simulations (2.2 %) around 93 to 97 %.
    assert 0.93 - 0.022 <= hits / n_simulations <= 0.97 + 0.022
