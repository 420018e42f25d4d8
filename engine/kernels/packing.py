"""From arrays and settings as everybody has them to what kernels take, and back.

A matrix lies in chunks of sixteen columns, each chunk contiguous (`engine.kernels.arguments`): the sixteen members of a
population for one class, or sixteen units of a network. Lanes without a member or a unit are zeros.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.activations import Activation
from engine.arrays import FloatArray, IntArray
from engine.data.dataset import SparseRows
from engine.dropout import dropout_threshold
from engine.kernels.arguments import Dropout, Images, Packed, Sigma
from engine.kernels.lazy_rows import LIST_PADDING
from engine.kernels.simd import LANES, aligned_zeros
from engine.kernels.vector_math import UNKNOWN, code_of

Parameters = tuple[FloatArray, ...]


def padded(n: int) -> int:
    """N rounded up to whole vectors."""
    return -(-n // LANES) * LANES


def chunk_size(n_in: int) -> int:
    """How many weights lie between the start of a chunk of `n_in` rows and that of the next: an odd number of vectors.

    A vector of float32 is a cache line, whose place in the nearest cache is its number modulo 64. The vectors of one
    row are read one after the other: at an odd distance they have all 64 places, at a distance of 256 or 1,024 lines a
    single one (docs/decisions.md).
    """
    return (n_in | 1) * LANES


def _chunks(w: FloatArray, n_in: int) -> FloatArray:
    """The chunks that `w` holds, shape (chunks, n_in, 16), in the same memory."""
    return w.reshape(-1, chunk_size(n_in) // LANES, LANES)[:, :n_in]


def pack_members(members: Sequence[Parameters], velocities: Sequence[Parameters] = ()) -> Packed:
    """(classes, features, 16) as chunks and (classes, 16), flat: member m in lane m; without velocities, zeros."""
    n_features, n_classes = members[0][0].shape
    sizes = [n_classes * chunk_size(n_features), n_classes * LANES]
    packed = Packed(*(aligned_zeros(size, members[0][0].dtype) for size in sizes * 2))
    for (w, b), given in (((packed.w, packed.b), members), ((packed.w_velocity, packed.b_velocity), velocities)):
        for m, (W, bias) in enumerate(given):
            _chunks(w, n_features)[:, :, m] = W.T
            b.reshape(n_classes, LANES)[:, m] = bias
    return packed


def unpack_member(w: FloatArray, b: FloatArray, m: int, n_features: int) -> Parameters:
    """(W, b) of member m, as `pack_members` took it."""
    weights = _chunks(w, n_features)[:, :, m].T
    return np.ascontiguousarray(weights), b.reshape(-1, LANES)[:, m].copy()


@cache
def layers(sizes: tuple[int, ...]) -> tuple[IntArray, int, int, int, int]:
    """The table of `engine.kernels.network`, and how much its arrays hold: weights, biases, inputs, widest."""
    table, weights, biases, touches = [], 0, 0, 0
    # The first layer has two lists.
    inputs = sizes[0] + LIST_PADDING
    for n_in, n_out in pairwise(sizes):
        n_chunks = padded(n_out) // LANES
        table.append([n_in, n_out, n_chunks, weights, biases, inputs, touches, chunk_size(n_in)])
        weights += n_chunks * chunk_size(n_in)
        biases += n_chunks * LANES
        inputs += n_in + LIST_PADDING
        touches += n_in
    widest = max(padded(n) for n in sizes[1:])
    return np.array(table, np.int64), weights, biases, inputs, widest


def sizes_of(parameters: Parameters) -> tuple[int, ...]:
    """Units of each layer, from the inputs to the classes."""
    return (parameters[0].shape[0], *(b.shape[0] for b in parameters[1::2]))


def pack_network(parameters: Parameters, velocities: Parameters = ()) -> Packed:
    """Weights and biases of all layers, flat, where the table of `layers` says; zeros where no velocities are given."""
    table, n_weights, n_biases, _, _ = layers(sizes_of(parameters))
    packed = Packed(*(aligned_zeros(size, parameters[0].dtype) for size in [n_weights, n_biases] * 2))
    _pack_layers(packed.w, packed.b, table, parameters)
    if velocities:
        _pack_layers(packed.w_velocity, packed.b_velocity, table, velocities)
    return packed


def _pack_layers(w: FloatArray, b: FloatArray, table: IntArray, parameters: Parameters) -> None:
    for (n_in, n_out, n_chunks, weights, biases, _, _, size), W, bias in zip(
        table, parameters[::2], parameters[1::2], strict=True
    ):
        chunks = _chunks(w[weights : weights + n_chunks * size], n_in)
        whole = n_out // LANES
        chunks[:whole] = W[:, : whole * LANES].reshape(n_in, whole, LANES).transpose(1, 0, 2)
        if whole < n_chunks:
            chunks[whole, :, : n_out - whole * LANES] = W[:, whole * LANES :]
        b[biases : biases + n_out] = bias


def unpack_network(w: FloatArray, b: FloatArray, sizes: tuple[int, ...]) -> Parameters:
    """(W₁, b₁, …), as `pack_network` took them."""
    found: list[FloatArray] = []
    for n_in, n_out, n_chunks, weights, biases, _, _, size in layers(sizes)[0]:
        chunks = _chunks(w[weights : weights + n_chunks * size], n_in)
        W = chunks.transpose(1, 0, 2).reshape(n_in, n_chunks * LANES)[:, :n_out]
        found += [np.ascontiguousarray(W), b[biases : biases + n_out].copy()]
    return tuple(found)


def shared(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only, contiguous view, so that mapped, frozen and ordinary arrays are one type to the compiler.

    A type it has not met costs seconds of compilation, in the middle of a study.
    """
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def images_of(rows: SparseRows, y: IntArray) -> Images:
    """Images and their classes."""
    return Images(shared(rows.indptr), shared(rows.indices), shared(rows.values), shared(y))


def sigma_of(activation: Activation, n_layers: int) -> Sigma:
    """The activation of a network; ConfigurationError where one is needed that has no vector form."""
    return Sigma(code_of(activation) if n_layers > 1 else UNKNOWN, activation.can_be_off)


def dropout_of(of_inputs: float, of_hidden: float, seed: int, first_update: int, dtype: np.dtype[Any]) -> Dropout:
    """The shares of inputs and of hidden units that are dropped, and what the masks are a hash of."""
    return Dropout(
        input_threshold=dropout_threshold(of_inputs),
        hidden_threshold=dropout_threshold(of_hidden),
        input_scale=dtype.type(1 / (1 - of_inputs)),
        hidden_scale=dtype.type(1 / (1 - of_hidden)),
        seed=seed,
        first_update=first_update,
    )
