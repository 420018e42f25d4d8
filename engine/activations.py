"""The one table of activation functions: what each is, and its derivative.

The derivative is a function of the *output* a = σ(z), which is what both the components and the kernels
keep after a forward pass.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.arrays import FloatArray

Elementwise = Callable[[FloatArray, FloatArray | None], FloatArray]


@dataclass(frozen=True)
class Activation:
    """An element-wise non-linearity σ of the report's equation 29.

    Attributes:
        name: as written in a study's file.
        code: how the compiled kernels tell activations apart.
        function: (z, out) → σ(z), element-wise; written into `out` where it is given, which may be z.
        derivative: (a, out) → σ'(z) as a function of a = σ(z), written into `out` where it is given.
    """

    name: str
    code: int
    function: Elementwise
    derivative: Elementwise


def _relu(z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """max(z, 0)."""
    return np.maximum(z, 0, out=out)


def _relu_derivative(a: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """1 where the unit is on and 0 where it is off: the sign of an output that is never negative."""
    return np.sign(a, out=out)


def _tanh(z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """(eᶻ − e⁻ᶻ) / (eᶻ + e⁻ᶻ)."""
    return np.tanh(z, out=out)


def _tanh_derivative(a: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """1 − tanh²(z) = 1 − a²."""
    squared = np.multiply(a, a, out=out)
    return np.subtract(1, squared, out=squared)


ACTIVATIONS = {
    "relu": Activation("relu", 0, _relu, _relu_derivative),
    "tanh": Activation("tanh", 1, _tanh, _tanh_derivative),
}
