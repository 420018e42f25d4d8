"""Which units a dropout update keeps: a counter-based hash, so that a mask needs no state and no order.

The uniform number of unit j in row i of a batch is a hash of (seed, update, layer, i, j). Any code that knows
these five numbers knows the mask: the kernels (one row), the components (a batch), a resumed run.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.compiled import inlined, kernel

_U64 = np.uint64
_U32 = np.uint32


@inlined
def _mixed(x: Any) -> Any:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014): every bit of x reaches every bit of the result."""
    x = (x ^ (x >> _U64(30))) * _U64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> _U64(27))) * _U64(0x94D049BB133111EB)
    return x ^ (x >> _U64(31))


@inlined
def dropout_key(seed: int, update: int, layer: int) -> Any:
    """What one layer's mask of one update depends on, as 64 bits; hashed once per layer and update."""
    golden = _U64(0x9E3779B97F4A7C15)
    key = _mixed(_U64(seed) + golden)
    key = _mixed((key ^ _U64(update)) + golden)
    return _mixed((key ^ _U64(layer)) + golden)


@inlined
def is_kept(key: Any, position: int, threshold: int) -> Any:
    """Is the unit at this position (row × n_units + unit) kept? Its 32 random bits reach the threshold or not."""
    return (_mixed(key + _U64(position) * _U64(0x9E3779B97F4A7C15)) >> _U64(32)) >= _U64(threshold)


def dropout_threshold(rate: float) -> int:
    """The rate, 0 ≤ rate < 1, in units of 2⁻³²: random 32-bit numbers below it are dropped."""
    return round(rate * 2**32)


@kernel
def _fill(kept: NDArray[np.bool_], seed: int, update: int, layer: int, threshold: int) -> None:
    key = dropout_key(seed, update, layer)
    for position in range(kept.size):
        kept[position] = is_kept(key, position, threshold)


def dropout_mask(
    seed: int,
    update: int,
    layer: int,
    n_rows: int,
    n_units: int,
    rate: float,
    out: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Which units are kept in one update, bool (n_rows, n_units); each is dropped with probability `rate`.

    Args:
        seed: of the run, 0 … 2⁶³ − 1.
        update: number of the update in the run, from 0.
        layer: 0 for the inputs, l for the l-th hidden layer.
        n_rows: images in the batch; the kernels train on row 0.
        n_units: units of the layer.
        rate: 0 ≤ rate < 1. The caller scales what is kept by 1/(1 − rate), so that expectations stay.
        out: bool (n_rows, n_units), where to write it; a new array if not given.
    """
    kept = np.empty((n_rows, n_units), np.bool_) if out is None else out
    _fill(kept.reshape(-1), seed, update, layer, dropout_threshold(rate))
    return kept
