"""The tables of power are those of the tests that verdicts use."""

from pathlib import Path

import numpy as np
import pytest

from analysis.statistics.intervals import ALPHA
from analysis.statistics.pairs import equivalence, paired_test
from benchmarks import power

N, N_DRAWS = 6, 400


def share(of, center):
    """Of samples with standard deviation 1, how many `of` calls so; with what chance leaves it three errors away."""
    draws = np.random.default_rng(7).normal(center, 1, (N_DRAWS, N))
    return float(np.mean([of(d) for d in draws])), 3 * 0.5 / np.sqrt(N_DRAWS)


def test_power_of_a_difference_is_that_of_the_paired_test():
    found, error = share(lambda d: d.mean() > 0 and paired_test(d) < ALPHA, 1.2)
    assert found == pytest.approx(power.of_difference(1.2, N), abs=error)


@pytest.mark.parametrize(("center", "chance"), [(0.0, None), (1.2, 0.05)])
def test_power_of_sameness_is_that_of_the_two_one_sided_tests(center, chance):
    def same(d):
        p = equivalence(d.mean(), 1.2, lambda at, side: paired_test(d - at, alternative=side))
        return abs(d.mean()) <= 1.2 and p < ALPHA

    found, error = share(same, center)
    expected = power.of_sameness(1.2, N, truth=center)
    assert found == pytest.approx(expected, abs=error)
    # At the margin it is wrong as often as is allowed.
    assert chance is None or expected == pytest.approx(chance, abs=0.002)


def test_the_documented_tables_are_the_present_ones():
    assert power.tables() in (Path(__file__).parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")
