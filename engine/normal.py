"""The standard normal distribution, compiled: NumPy has none, and the engine imports no more than it must."""

import math

from engine.arrays import FloatArray
from engine.compiled import kernel


@kernel
def fill_shares(z: FloatArray, out: FloatArray) -> None:
    """Φ(z) = (1 + erf(z / √2)) / 2, the share of the distribution below z, of each number of an array, flat."""
    for i in range(z.size):
        out[i] = 0.5 * math.erfc(-z[i] * 0.7071067811865476)
