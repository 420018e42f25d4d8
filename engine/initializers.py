"""Distributions of the first weights, chosen so that signals keep their variance from layer to layer.

Glorot & Bengio (2010), equation 16 and its normal counterpart, balance forward and backward signals; He et
al. (2015), equation 10, makes up for the half that ReLU switches off. Biases start at zero.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from engine.arrays import FloatArray
from engine.errors import entry

Initializer = Callable[[np.random.Generator, int, int], FloatArray]


def _glorot_uniform(random: np.random.Generator, n_in: int, n_out: int) -> FloatArray:
    """U(−l, l) with l = √(6 / (n_in + n_out)); shape (n_in, n_out)."""
    limit = np.sqrt(6 / (n_in + n_out))
    return random.uniform(-limit, limit, (n_in, n_out))


def _glorot_normal(random: np.random.Generator, n_in: int, n_out: int) -> FloatArray:
    """N(0, 2 / (n_in + n_out)); shape (n_in, n_out)."""
    return random.normal(0, np.sqrt(2 / (n_in + n_out)), (n_in, n_out))


def _he_uniform(random: np.random.Generator, n_in: int, n_out: int) -> FloatArray:
    """U(−l, l) with l = √(6 / n_in); shape (n_in, n_out)."""
    limit = np.sqrt(6 / n_in)
    return random.uniform(-limit, limit, (n_in, n_out))


def _he_normal(random: np.random.Generator, n_in: int, n_out: int) -> FloatArray:
    """N(0, 2 / n_in); shape (n_in, n_out)."""
    return random.normal(0, np.sqrt(2 / n_in), (n_in, n_out))


INITIALIZERS: dict[str, Initializer] = {
    "glorot_uniform": _glorot_uniform,
    "glorot_normal": _glorot_normal,
    "he_uniform": _he_uniform,
    "he_normal": _he_normal,
}


def parameter_shapes(sizes: tuple[int, ...], *, batch_norm: bool = False) -> list[tuple[int, ...]]:
    """The shapes of (W₁, b₁, W₂, b₂, …) in a network with these units in each layer, inputs and classes included.

    With batch normalisation they are those of (W₁, b₁, γ₁, W₂, b₂, γ₂, …).
    """
    vectors = 2 if batch_norm else 1
    return [shape for n_in, n_out in pairwise(sizes) for shape in ((n_in, n_out), *[(n_out,)] * vectors)]


def initial_parameters(
    sizes: tuple[int, ...],
    initializer: str,
    random: np.random.Generator,
    dtype: np.dtype[Any],
    *,
    batch_norm: bool = False,
) -> tuple[FloatArray, ...]:
    """First weights and biases (W₁, b₁, W₂, b₂, …) of a network; with batch normalisation (W₁, b₁, γ₁, …), γ = 1.

    Args:
        sizes: units of each layer, from the inputs to the classes; `len(sizes) - 1` layers have weights.
        initializer: a name in `INITIALIZERS`.
        random: source of the draws, taken layer by layer from the input on, in float64.
        dtype: what the draws are rounded to, so that both precisions start at the same place.
        batch_norm: whether each layer has a γ.
    """
    draw = entry(INITIALIZERS, "initializer", initializer)
    parameters: list[FloatArray] = []
    for n_in, n_out in pairwise(sizes):
        parameters += [draw(random, n_in, n_out).astype(dtype), np.zeros(n_out, dtype)]
        if batch_norm:
            parameters.append(np.ones(n_out, dtype))
    return tuple(parameters)
