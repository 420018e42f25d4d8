"""A segment's updates by the components: the readable definition of what is trained, whatever a configuration asks for.

batch ──masks, noise──> loss, gradients ──(moved batch: ½ and ½)──> optimizer ──max-norm──> average
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.adversarial import moved
from engine.arrays import FloatArray, IntArray
from engine.configuration import Configuration
from engine.data.dataset import Split
from engine.network import Network
from engine.optimizers import follow, limit_norms, optimizer_of
from engine.seeds import Stream, seed_of
from engine.state import TrainingState


@dataclass(frozen=True)
class End:
    """What a segment's updates lead to.

    Attributes:
        parameters, velocities, average: as of `TrainingState`.
        diverged: number of the update, from 0 in the segment, whose loss was not finite; None while all is well.
    """

    parameters: tuple[FloatArray, ...]
    velocities: tuple[FloatArray, ...]
    average: tuple[FloatArray, ...]
    diverged: int | None = None


def train_by_components(state: TrainingState, split: Split, order: IntArray, dropout_seed: int) -> End:
    """The updates of the images of `order`, (n,) int64, in batches; the state is left as it is.

    Args:
        state: of the run.
        split: the training images.
        order: which of them are visited.
        dropout_seed: decides the masks, together with the number of the update.
    """
    c = state.configuration
    parameters, velocities, average = (
        tuple(array.copy() for array in arrays) for arrays in (state.parameters, state.velocities, state.average)
    )
    network, optimizer = Network.with_parameters(parameters, c), optimizer_of(c)
    noise_seed = seed_of(state.seed, Stream.DROPOUT)
    hidden_weights = [w for w in parameters if w.ndim == 2][:-1]
    size = c.batch_size
    X, y = np.empty((min(size, len(order)), split.rows.n_features), split.X.dtype), np.empty(size, np.int64)
    with np.errstate(over="ignore", invalid="ignore"):
        for i in range(math.ceil(len(order) / size)):
            update, visited = state.updates + i, order[i * size : (i + 1) * size]
            n = len(visited)
            # Indices come from a permutation; mode "clip" lets NumPy write into the buffer directly.
            np.take(split.X, visited, axis=0, out=X[:n], mode="clip")
            np.take(split.y, visited, out=y[:n], mode="clip")
            network.draw(n, dropout_seed=dropout_seed, noise_seed=noise_seed, update=update)
            loss, gradients = _loss_and_gradients(network, X[:n], y[:n], c)
            if not math.isfinite(loss):
                return End(parameters, velocities, average, i)
            optimizer.step(parameters, velocities, gradients, state.learning_rate.value, update)
            if c.max_norm:
                limit_norms(hidden_weights, c.max_norm)
            if c.average:
                follow(average, parameters, c.average, update)
    return End(parameters, velocities, average)


def _loss_and_gradients(
    network: Network, X: FloatArray, y: IntArray, configuration: Configuration
) -> tuple[float, Sequence[FloatArray]]:
    """Of a batch, or the mean of a batch's and the moved batch's."""
    if not configuration.adversarial:
        return network.loss_and_gradients(X, y), network.gradients
    loss = network.loss_and_gradients(X, y, to_pixels=True)
    assert network.pixel_gradient is not None
    there = moved(X, network.pixel_gradient, configuration.adversarial_norm, configuration.adversarial)
    gradients = [g.copy() for g in network.gradients]
    loss_there = network.loss_and_gradients(there, y)
    for total, more in zip(gradients, network.gradients, strict=True):
        total += more
        total *= total.dtype.type(0.5)
    return (loss + loss_there) / 2, gradients
