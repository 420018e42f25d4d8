"""Other cuts of a data set: every image of the pool once, the test images as they are, and an identity of their own."""

from itertools import pairwise

import numpy as np
import pytest

from engine.cuts import Cut
from tests.conftest import make_dataset

DATASET = make_dataset(n=(240, 61, 60))


def pool(dataset):
    X = np.concatenate([dataset.train.X, dataset.validation.X])
    return X, np.concatenate([dataset.train.y, dataset.validation.y])


@pytest.mark.parametrize("cut", [Cut(7), Cut(7, 5, 0), Cut(7, 5, 4), Cut(7, 2, 1), Cut(7, 301, 300)], ids=str)
def test_a_cut_holds_every_image_of_the_pool_once_with_its_class(cut):
    X, y = pool(DATASET)
    train, validation = cut.rows(DATASET)
    assert sorted([*train, *validation]) == list(range(301))
    made = cut.of(DATASET)
    assert (len(made.train), len(made.validation)) == (len(train), len(validation)) == cut.sizes(DATASET)
    for split, rows in ((made.train, train), (made.validation, validation)):
        assert list(rows) == sorted(rows)
        assert np.array_equal(split.X, X[rows])
        assert np.array_equal(split.y, y[rows])
    assert made.test is DATASET.test
    assert (made.name, made.n_classes) == (DATASET.name, DATASET.n_classes)


def test_each_image_is_for_validation_in_one_fold_and_classes_are_in_proportion():
    folds = [Cut(3, 4, fold).rows(DATASET)[1] for fold in range(4)]
    assert sorted(np.concatenate(folds)) == list(range(301))
    assert [len(fold) for fold in folds] == [76, 75, 75, 75]
    y = pool(DATASET)[1]
    for fold in [*folds, Cut(3).rows(DATASET)[1]]:
        expected = np.bincount(y, minlength=4) * len(fold) / len(y)
        assert np.abs(np.bincount(y[fold], minlength=4) - expected).max() <= 1


def test_resamples_have_the_size_of_the_data_sets_own_cut_and_differ():
    cuts = [Cut(seed).rows(DATASET)[1] for seed in range(3)]
    assert [len(rows) for rows in cuts] == [61] * 3
    assert all(len(np.intersect1d(a, b)) < 40 for a, b in pairwise(cuts))


def test_the_identity_follows_from_the_content_and_the_cut():
    cuts = [Cut(1), Cut(2), Cut(1, 5, 0), Cut(1, 5, 1), Cut(1, 6, 0)]
    found = [cut.of(dataset).sha256 for cut in cuts for dataset in (DATASET, make_dataset(seed=1))]
    assert len({*found, DATASET.sha256}) == 11
    assert all(len(sha) == 64 for sha in found)
    assert Cut(1).of(DATASET).sha256 == found[0]
    # Written down, since runs are stored under it.
    assert list(Cut(1).rows(DATASET)[1][:8]) == [4, 6, 7, 10, 11, 12, 14, 16]
