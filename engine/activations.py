"""The one table of activation functions: what each is, and its derivative.

The derivative is a function of the *output* a = σ(z), which is what both the components and the kernels
keep after a forward pass.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.data import FloatArray


@dataclass(frozen=True)
class Activation:
    """An element-wise non-linearity σ of the report's equation 29.

    Attributes:
        name: as written in a study's file.
        code: how the compiled kernels tell activations apart.
        function: σ(z), element-wise, same shape and dtype.
        derivative: σ'(z) as a function of a = σ(z).
    """

    name: str
    code: int
    function: Callable[[FloatArray], FloatArray]
    derivative: Callable[[FloatArray], FloatArray]


def _relu(z: FloatArray) -> FloatArray:
    return np.maximum(z, 0)


def _relu_derivative(a: FloatArray) -> FloatArray:
    return (a > 0).astype(a.dtype)


def _tanh_derivative(a: FloatArray) -> FloatArray:
    return 1 - a * a


ACTIVATIONS = {
    "relu": Activation("relu", 0, _relu, _relu_derivative),
    "tanh": Activation("tanh", 1, np.tanh, _tanh_derivative),
}
