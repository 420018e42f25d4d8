"""What is evaluated of a run: its parameters, or their average, with batch normalisation as part of the projections.

    parameters or average ──statistics over the training images──> (W₁, b₁, W₂, b₂, …) of a plain network

In training a layer is normalised with the mean μ and the variance σ² of its batch. For evaluation both are those of all
training images (Ioffe & Szegedy 2015, algorithm 2, which takes them from batches), so that γ(XW − μ) / √(σ² + ε) + b is
the affine map XW′ + b′ with W′ = γW / √(σ² + ε) and b′ = b − γμ / √(σ² + ε). What is evaluated, stored in a model file
and predicted with is that plain network, by the same kernels as any other.
"""

import numpy as np

from engine.activations import ACTIVATIONS
from engine.arrays import FloatArray
from engine.components import EPSILON
from engine.configuration import Configuration
from engine.data.dataset import Split

_ROWS = 2_000


def folded(parameters: tuple[FloatArray, ...], configuration: Configuration, split: Split) -> tuple[FloatArray, ...]:
    """The plain network (W₁, b₁, …) of one with batch normalisation (W₁, b₁, γ₁, …).

    Each layer's outputs for all images are kept until the next layer has its own: n × (the widest two neighbours)
    numbers. Sums are in float64.

    Args:
        parameters: of the network that is normalised.
        configuration: of the run.
        split: the training images, whose means and variances are taken.
    """
    activation = ACTIVATIONS[configuration.activation]
    A, plain = split.X, []
    pieces = [slice(start, start + _ROWS) for start in range(0, len(A), _ROWS)]
    for layer in range(0, len(parameters), 3):
        W, b, gamma = parameters[layer : layer + 3]
        Z = np.empty((len(A), W.shape[1]), W.dtype)
        total, squares = np.zeros(W.shape[1]), np.zeros(W.shape[1])
        for piece in pieces:
            np.matmul(A[piece], W, out=Z[piece])
            total += np.sum(Z[piece], axis=0, dtype=np.float64)
        mean = total / len(A)
        for piece in pieces:
            squares += np.sum(np.square(Z[piece] - mean.astype(W.dtype)), axis=0, dtype=np.float64)
        scale = gamma / np.sqrt(squares / len(A) + EPSILON)
        shift = b - mean * scale
        plain += [(W * scale).astype(W.dtype), shift.astype(W.dtype)]
        if layer + 3 == len(parameters):
            break
        for piece in pieces:
            Z[piece] = Z[piece] * scale.astype(W.dtype) + shift.astype(W.dtype)
            Z[piece] = activation.function(Z[piece], None)
        A = Z
    return tuple(plain)
