"""Where every random number comes from.

    (study seed, replicate) ──derive_seed──> a run's seed ──generator(seed, stream, …)──> its draws

A run's initial weights, the order of the images in each epoch and the dropout masks are streams of their
own, and each epoch's order has its own generator. So a run can be taken up at any evaluation without a
stored generator, and replicate r of every trial sees the same images in the same order.
"""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a run's seed is spent on; the number is part of the seed, so it never changes."""

    INITIALIZATION = 0
    ORDER = 1
    DROPOUT = 2
    PLAN = 3


def derive_seed(study_seed: int, replicate: int) -> int:
    """The seed of every run that is replicate `replicate` (from 0) in a study, in [0, 2⁵³).

    53 bits, so that the number is the same in JSON, in a float64 column and in Python.
    """
    state = np.random.SeedSequence([study_seed, replicate]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(11))


def generator(seed: int, stream: Stream, *position: int) -> np.random.Generator:
    """The generator of one stream of a seed, at one position of it (for the order: the epoch from 0)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(int(stream), *position))))


def epoch_order(seed: int, epoch: int, n_images: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The order in which epoch `epoch` (from 0) visits the images: a permutation of 0 … n − 1, int64."""
    return generator(seed, Stream.ORDER, epoch).permutation(n_images)
