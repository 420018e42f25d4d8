import numpy as np
import pytest
from scipy import stats

from analysis.statistics.splits import repeated_splits
from benchmarks.simulations import false_splits


def test_repeated_splits_widen_the_error_by_what_training_sets_share():
    d = [0.01, 0.03, 0.02, 0.0, 0.02]
    found = repeated_splits(d, 40_000, 10_000)
    error = np.std(d, ddof=1) * np.sqrt(1 / 5 + 1 / 4)
    assert found.error == pytest.approx(error)
    assert found.naive_error == pytest.approx(stats.sem(d))
    assert found.p == pytest.approx(2 * stats.t.sf(0.016 / error, 4))
    assert found.difference.high - 0.016 == pytest.approx(stats.t.ppf(0.975, 4) * error)
    assert found.difference.n == 5


def test_repeated_splits_of_one_or_of_equal_differences():
    one = repeated_splits([0.1], 4, 1)
    assert not one.difference.known
    assert one.p == 1
    assert repeated_splits([0.1, 0.1], 4, 1).error == 0
    with pytest.raises(ValueError, match="n_train ≥ 1"):
        repeated_splits([0.1, 0.2], 0, 1)
    with pytest.raises(ValueError, match="one finite difference a split"):
        repeated_splits([0.1, np.nan], 4, 1)


def test_repeated_splits_find_what_is_not_there_in_5_percent_where_students_t_does_in_a_third():
    found = false_splits(200, 15, 40, 300, folds=False)
    # 300 studies: two standard errors of a share of 0.05 are 0.025.
    assert found.corrected <= 0.075
    assert found.naive > 0.2
