"""The hash that decides which units a dropout update keeps."""

import numpy as np
import pytest

from engine.dropout import dropout_mask


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_mask_keeps_the_share_it_should(rate):
    kept = dropout_mask(3, 5, 1, 1_000, 100, rate)
    assert kept.dtype == np.bool_
    assert kept.shape == (1_000, 100)
    # Four standard deviations of a binomial share.
    assert abs(kept.mean() - (1 - rate)) < 4 * np.sqrt(rate * (1 - rate) / kept.size)


def test_mask_without_dropout_keeps_everything():
    assert dropout_mask(3, 5, 1, 10, 17, 0.0).all()


def test_masks_of_neighbours_are_unrelated():
    base = dropout_mask(3, 5, 1, 1, 10_000, 0.5)[0]
    for other in [(4, 5, 1), (3, 6, 1), (3, 5, 2), (3, 5, 0), (2**63 - 1, 5, 1), (3, 2**40, 1)]:
        agreement = np.mean(base == dropout_mask(*other, 1, 10_000, 0.5)[0])
        assert abs(agreement - 0.5) < 4 * 0.5 / np.sqrt(10_000)


def test_mask_is_a_function_of_its_arguments():
    np.testing.assert_array_equal(dropout_mask(1, 2, 3, 4, 50, 0.3), dropout_mask(1, 2, 3, 4, 50, 0.3))


def test_first_row_does_not_depend_on_the_batch():
    np.testing.assert_array_equal(dropout_mask(1, 2, 3, 1, 50, 0.3)[0], dropout_mask(1, 2, 3, 8, 50, 0.3)[0])
