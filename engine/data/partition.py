"""Cutting a data set that comes without a split into train, validation and test, the same way every time."""

import numpy as np

from engine.arrays import IntArray

PERMUTATION_SEED = 2022


def stratified(y: IntArray, permutation: IntArray) -> IntArray:
    """The images in an order any piece of which has every class in proportion.

    Within each class, the rank r of an image in the permutation gives it the position (r + ½) / n_class; the images
    are put in order of position, and in that of the permutation where these are equal.

    Args:
        y: (n,) int64, the classes; n ≥ 1.
        permutation: of 0 … n − 1.
    """
    by_class = permutation[np.argsort(y[permutation], kind="stable")]
    _, counts = np.unique(y, return_counts=True)
    position = np.empty(len(y))
    position[by_class] = np.concatenate([(np.arange(count) + 0.5) / count for count in counts])
    order: IntArray = permutation[np.argsort(position[permutation], kind="stable")]
    return order


def partition(y: IntArray, sizes: tuple[int, int, int]) -> tuple[IntArray, IntArray, IntArray]:
    """Indices of train, validation and test rows: a fixed permutation, every class in proportion.

    The permutation sorts n raw 64-bit draws of PCG64(2022), a stream that NumPy keeps the same in all versions; the
    images, in `stratified` order, are cut into three.

    Args:
        y: (n,) int64, the classes; n ≥ 1.
        sizes: of the three parts; they sum to n.

    Returns:
        Three arrays of int64 that together hold 0 … n − 1 once, each ascending.
    """
    permutation = np.argsort(np.random.PCG64(PERMUTATION_SEED).random_raw(len(y)), kind="stable")
    train, validation, test = np.split(stratified(y, permutation), np.cumsum(sizes[:2]))
    return np.sort(train), np.sort(validation), np.sort(test)
