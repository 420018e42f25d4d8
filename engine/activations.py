"""The one table of activation functions: what each is, and its derivative.

A new activation is a row of `ACTIVATIONS`; that is enough to train and evaluate with it by the components. Its row in
`engine.kernels.vector_math.VECTOR_FORMS`, where it has one, lets the kernels do it: an activation without a vector form
is trained by the components whatever the batch, and the kernels refuse it by name.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.arrays import FloatArray


@dataclass(frozen=True)
class Activation:
    """An element-wise non-linearity σ of the report's equation 29.

    Attributes:
        name: as written in a study's file.
        function: (z, out) → σ(z), element-wise; written into `out` where it is given.
        derivative: (z, a, out) → σ'(z), where a = σ(z) is there already; written into `out` where it is given.
        can_be_off: whether σ'(z) = 0 wherever σ(z) = 0, so that a unit with output 0 neither gives nor takes anything
            and the kernels leave it out.
    """

    name: str
    function: Callable[[FloatArray, FloatArray | None], FloatArray]
    derivative: Callable[[FloatArray, FloatArray, FloatArray | None], FloatArray]
    can_be_off: bool = False


def _relu(z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """max(z, 0)."""
    return np.maximum(z, 0, out=out)


def _relu_derivative(z: FloatArray, a: FloatArray, out: FloatArray | None = None) -> FloatArray:  # noqa: ARG001
    """1 where z > 0 and 0 elsewhere (equation 34): the sign of an output that is never negative."""
    return np.sign(a, out=out)


def _tanh(z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """(eᶻ − e⁻ᶻ) / (eᶻ + e⁻ᶻ)."""
    return np.tanh(z, out=out)


def _tanh_derivative(z: FloatArray, a: FloatArray, out: FloatArray | None = None) -> FloatArray:  # noqa: ARG001
    """1 − tanh²(z) = 1 − a² (equation 36)."""
    squared = np.multiply(a, a, out=out)
    return np.subtract(1, squared, out=squared)


ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("relu", _relu, _relu_derivative, can_be_off=True),
        Activation("tanh", _tanh, _tanh_derivative),
    )
}
