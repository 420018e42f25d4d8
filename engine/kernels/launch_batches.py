"""Training in batches, compiled: arrays in, arrays out, on one thread or several, to the same bits."""

from typing import Any

import numpy as np

from engine.activations import Activation
from engine.arrays import IntArray
from engine.data.dataset import SparseRows
from engine.kernels import batches as kernels_batches
from engine.kernels.batch_lists import Entries, Room, Step
from engine.kernels.lazy_rows import LIST_PADDING
from engine.kernels.packing import (
    Parameters,
    chunk_size,
    dropout_of,
    images_of,
    layers,
    pack_network,
    shared,
    sigma_of,
    sizes_of,
    unpack_network,
)
from engine.kernels.simd import LANES, aligned_zeros
from engine.kernels.team import Team
from engine.kernels.threads import together
from engine.optimizers import Sgd


def _room(sizes: tuple[int, ...], batch_size: int, dtype: np.dtype[Any]) -> Room:
    _, _, _, n_inputs, widest = layers(sizes)
    widest = chunk_size(widest // LANES)  # an odd number of vectors, as between chunks of weights
    n_entries, n_rows, n_outputs = batch_size * n_inputs, sum(sizes[:-1]), (len(sizes) - 1) * batch_size * widest
    images_stride = (batch_size + LIST_PADDING) | 1
    return Room(
        size=batch_size,
        inputs=Entries(np.zeros(n_entries, np.int32), np.zeros(n_entries, dtype)),
        marks=np.zeros(n_entries, np.int32),
        inputs_stride=n_inputs,
        images=Entries(np.zeros(n_rows * images_stride, np.int32), np.zeros(n_rows * images_stride, dtype)),
        lengths=np.zeros(n_rows, np.int32),
        images_stride=images_stride,
        outputs=aligned_zeros(n_outputs, dtype),
        errors=aligned_zeros(n_outputs, dtype),
        widest=widest,
        failed=np.zeros(1, np.int64),
    )


def train_batches(
    parameters: Parameters,
    velocities: Parameters,
    rows: SparseRows,
    y: IntArray,
    order: IntArray,
    *,
    batch_size: int,
    activation: Activation,
    optimizer: Sgd,
    learning_rate: float,
    dropout_input: float = 0.0,
    dropout_hidden: float = 0.0,
    dropout_seed: int = 0,
    first_update: int = 0,
    n_threads: int = 1,
) -> tuple[Parameters, Parameters, int | None]:
    """Visit the rows of `order` in batches, one update each, with one network.

    Args:
        parameters, velocities, rows, y, order, activation, optimizer, learning_rate: as in
            `engine.kernels.launch.train_network`.
        batch_size: images of an update; the last one has those that are left.
        dropout_input, dropout_hidden, dropout_seed, first_update: as there; a batch's image i is row i of its masks.
        n_threads: how many work on it, at most; results do not depend on it.

    Returns:
        Parameters, velocities and the batch whose loss was not finite, counted from 0, or None. A network that diverged
        comes back as it was given.

    Raises:
        ConfigurationError: the activation has no vector form.
    """
    dtype, sizes = parameters[0].dtype, sizes_of(parameters)
    table, *_ = layers(sizes)
    packed = pack_network(parameters, velocities if optimizer.has_velocity else ())
    images, visited, room = images_of(rows, y), shared(order), _room(sizes, min(batch_size, max(1, len(order))), dtype)
    step = Step(
        optimizer.has_velocity,
        *(dtype.type(x) for x in (learning_rate, optimizer.beta, optimizer.kappa, optimizer.weight_decay)),
    )
    sigma = sigma_of(activation, len(table))
    dropout = dropout_of(dropout_input, dropout_hidden, dropout_seed, first_update, dtype)
    arrivals = np.zeros(2, np.int64)

    def work(number: int, size: int) -> int:
        team = Team(number, size, arrivals)
        return kernels_batches.train_batches(packed, table, images, visited, step, room, sigma, dropout, team)

    def give_up() -> None:
        arrivals[1] = 1

    diverged = together(n_threads, work, give_up)
    if diverged >= 0:
        return parameters, velocities, int(diverged)
    return (
        unpack_network(packed.w, packed.b, sizes),
        unpack_network(packed.w_velocity, packed.b_velocity, sizes) if optimizer.has_velocity else velocities,
        None,
    )
