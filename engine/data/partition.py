"""Cutting a data set that comes without a split into train, validation and test, the same way every time."""

import numpy as np

from engine.arrays import IntArray

PERMUTATION_SEED = 2022


def partition(y: IntArray, sizes: tuple[int, int, int]) -> tuple[IntArray, IntArray, IntArray]:
    """Indices of train, validation and test rows: a fixed permutation, every class in proportion.

    The permutation sorts n raw 64-bit draws of PCG64(2022), a stream that NumPy keeps the same in all
    versions. Within each class, the rank r of an image in that permutation gives it the position
    (r + ½) / n_class; the images are put in order of position and cut into three.

    Args:
        y: (n,) int64, the classes; n ≥ 1.
        sizes: of the three parts; they sum to n.

    Returns:
        Three arrays of int64 that together hold 0 … n − 1 once, each ascending.
    """
    n = len(y)
    permutation = np.argsort(np.random.PCG64(PERMUTATION_SEED).random_raw(n), kind="stable")
    by_class = permutation[np.argsort(y[permutation], kind="stable")]
    _, counts = np.unique(y, return_counts=True)
    position = np.empty(n)
    position[by_class] = np.concatenate([(np.arange(count) + 0.5) / count for count in counts])
    order = permutation[np.argsort(position[permutation], kind="stable")]
    train, validation, test = np.split(order, np.cumsum(sizes[:2]))
    return np.sort(train), np.sort(validation), np.sort(test)
