import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.statistics.correctness import McNemar, class_accuracies, hardest_images, mcnemar


def test_mcnemar_counts_the_images_that_one_alone_gets_right():
    a = np.array([1, 1, 1, 1, 1, 1, 0, 0, 1], dtype=np.uint8)
    b = np.array([0, 0, 0, 0, 0, 0, 1, 0, 1], dtype=np.uint8)
    assert mcnemar(a, b) == McNemar(6, 1, pytest.approx(2 * stats.binom(7, 0.5).cdf(1)))
    assert mcnemar(a, a) == McNemar(0, 0, 1.0)
    with pytest.raises(ValueError, match="two vectors of the same images"):
        mcnemar(a, b[:5])


def test_class_accuracies_count_images_and_not_predictions():
    runs = np.array([[1, 1, 0, 1, 1], [1, 0, 0, 1, 1]], dtype=bool)
    table = class_accuracies(np.packbits(runs, axis=1), [7, 7, 7, 3, 3], n_images=5)
    assert table["label"].tolist() == [3, 7]
    assert table["accuracy"].tolist() == [1.0, 0.5]
    assert table["n_images"].tolist() == [2, 3]
    for row, right, n in ((0, 2, 2), (1, 1.5, 3)):
        wilson = stats.binomtest(2, 2).proportion_ci(method="wilson") if row == 0 else None
        z2 = stats.norm.ppf(0.975) ** 2
        centre = (right + z2 / 2) / (n + z2)
        assert (table["low"][row] + table["high"][row]) / 2 == pytest.approx(centre)
        if wilson is not None:
            assert (table["low"][row], table["high"][row]) == pytest.approx((wilson.low, wilson.high))
    with pytest.raises(ValueError, match=r"labels must have the shape \(5,\)"):
        class_accuracies(runs, [1, 2])


def test_hardest_images_are_those_that_most_runs_get_wrong():
    cells = [np.array([[1, 0, 0, 1], [1, 0, 1, 1]], dtype=bool), np.array([[1, 0, 1, 0]], dtype=bool)]
    expected = pd.DataFrame({"image": [1, 2, 3], "label": [8, 7, 6], "wrong": [3, 1, 1], "share": [1.0, 1 / 3, 1 / 3]})
    pd.testing.assert_frame_equal(hardest_images(cells, [9, 8, 7, 6]), expected)
    pd.testing.assert_frame_equal(hardest_images(cells, [9, 8, 7, 6], n=1), expected.head(1))
