"""Where every random number comes from.

    (study seed, replicate) ──derive_seed──> a run's seed ──generator(seed, stream, …)──> its draws
    (study seed, levels)    ──run_seed─────> a run's seed, or one for each stream that is set apart

A run's initial weights, the order of the images in each epoch and the dropout masks (with noise) are streams of their
own, and each epoch's order has its own generator. So a run can be taken up at any evaluation without a
stored generator, and replicate r of every trial sees the same images in the same order.

A study may hold one stream and vary another: level l of a stream is what it draws in replicate l of a study that holds
none, so that a run whose streams are all at level r is that study's replicate r, to the bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a run's seed is spent on; the number is part of the seed, so it never changes."""

    INITIALIZATION = 0
    ORDER = 1
    DROPOUT = 2
    PLAN = 3
    SPLIT = 4
    NOISE = 5


RUN_STREAMS = {"initialisation": Stream.INITIALIZATION, "order": Stream.ORDER, "dropout": Stream.DROPOUT}
"""What a run draws while it trains, by the names that study files and databases use; noise goes with dropout."""


@dataclass(frozen=True)
class Seeds:
    """The seeds of a run whose streams are set apart; each in [0, 2⁵³)."""

    initialisation: int
    order: int
    dropout: int


Seed = int | Seeds
"""Of a run: one number for all its streams, or one for each."""


def derive_seed(study_seed: int, replicate: int) -> int:
    """The seed of every run that is replicate `replicate` (from 0) in a study, in [0, 2⁵³).

    53 bits, so that the number is the same in JSON, in a float64 column and in Python.
    """
    state = np.random.SeedSequence([study_seed, replicate]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(11))


def run_seed(study_seed: int, levels: Mapping[str, int]) -> Seed:
    """The seed of a run whose streams, those of `RUN_STREAMS`, are at these levels, each from 0."""
    first, *others = (levels[name] for name in RUN_STREAMS)
    if all(level == first for level in others):
        return derive_seed(study_seed, first)
    return Seeds(**{name: derive_seed(study_seed, levels[name]) for name in RUN_STREAMS})


def seed_of(seed: Seed, stream: Stream) -> int:
    """The seed that one stream of a run is drawn from.

    Raises:
        ValueError: the seeds of a run do not have this stream.
    """
    if isinstance(seed, int):
        return seed
    for name, known in RUN_STREAMS.items():
        if stream is known:
            return int(getattr(seed, name))
    raise ValueError(f"a run's streams are {', '.join(RUN_STREAMS)}, but got {stream.name}")


def bits(seed: Seed, stream: Stream, *position: int) -> np.random.PCG64:
    """The raw bits of one stream of a seed, at one position of it (for the order: the epoch from 0)."""
    return np.random.PCG64(np.random.SeedSequence(seed_of(seed, stream), spawn_key=(int(stream), *position)))


def generator(seed: Seed, stream: Stream, *position: int) -> np.random.Generator:
    """The generator of one stream of a seed, at one position of it."""
    return np.random.Generator(bits(seed, stream, *position))


def epoch_order(seed: Seed, epoch: int, n_images: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The order in which epoch `epoch` (from 0) visits the images: a permutation of 0 … n − 1, int64."""
    return generator(seed, Stream.ORDER, epoch).permutation(n_images)
