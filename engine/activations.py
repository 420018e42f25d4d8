"""The one table of activation functions: what each is, and its derivative.

A new activation is a row of `ACTIVATIONS`; that is enough to train and evaluate with it by the components. Its row in
`engine.kernels.vector_math.VECTOR_FORMS`, where it has one, lets the kernels do it: an activation without a vector form
is trained by the components whatever the batch, and the kernels refuse it by name.
"""

import math
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


_LEAK = 0.01


def _leaky_relu(z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """max(z, 0.01 z): z where z > 0, and 0.01 z elsewhere (Maas et al. 2013)."""
    return np.maximum(z, np.multiply(z, z.dtype.type(_LEAK), out=out), out=out)


def _leaky_relu_derivative(z: FloatArray, a: FloatArray, out: FloatArray | None = None) -> FloatArray:  # noqa: ARG001
    """1 where z > 0 and 0.01 elsewhere."""
    return np.maximum(np.sign(z, out=out), z.dtype.type(_LEAK), out=out)


def _elu(z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """The number z where z > 0, and eᶻ − 1 elsewhere (Clevert et al. 2016, with α = 1)."""
    below = np.expm1(np.minimum(z, 0))
    return np.add(np.maximum(z, 0, out=out), below, out=out)


def _elu_derivative(z: FloatArray, a: FloatArray, out: FloatArray | None = None) -> FloatArray:  # noqa: ARG001
    """1 where z > 0 and eᶻ = a + 1 elsewhere."""
    smaller = np.minimum(a, 0, out=out)
    return np.add(smaller, 1, out=smaller)


def _normal_share(z: FloatArray) -> FloatArray:
    """Φ(z), the share of a standard normal distribution below z."""
    from engine.normal import fill_shares  # compiled, and needed by this activation alone

    shares = np.empty_like(z, order="C")
    fill_shares(np.ascontiguousarray(z).reshape(-1), shares.reshape(-1))
    return shares


def _gelu(z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """The product z Φ(z), Φ the standard normal distribution (Hendrycks & Gimpel 2016), not its form with tanh."""
    return np.multiply(z, _normal_share(z), out=out)


def _gelu_derivative(z: FloatArray, a: FloatArray, out: FloatArray | None = None) -> FloatArray:  # noqa: ARG001
    """Φ(z) + z φ(z), with φ the standard normal density."""
    density = np.exp(-z * z / 2) * z.dtype.type(1 / math.sqrt(2 * math.pi))
    return np.add(_normal_share(z), z * density, out=out)


def _sigmoid(z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """1 / (1 + e⁻ᶻ) = (1 + tanh(z / 2)) / 2, which overflows nowhere."""
    half = np.tanh(np.multiply(z, z.dtype.type(0.5), out=out), out=out)
    return np.multiply(np.add(half, 1, out=out), z.dtype.type(0.5), out=out)


def _sigmoid_derivative(z: FloatArray, a: FloatArray, out: FloatArray | None = None) -> FloatArray:  # noqa: ARG001
    """σ(z) (1 − σ(z)) = a − a²."""
    return np.subtract(a, np.multiply(a, a, out=out), out=out)


ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("relu", _relu, _relu_derivative, can_be_off=True),
        Activation("tanh", _tanh, _tanh_derivative),
        Activation("leaky_relu", _leaky_relu, _leaky_relu_derivative),
        Activation("elu", _elu, _elu_derivative),
        Activation("gelu", _gelu, _gelu_derivative),
        Activation("sigmoid", _sigmoid, _sigmoid_derivative),
    )
}
