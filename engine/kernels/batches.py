"""The kernel that trains one network of any depth and width in batches: sixteen lanes are sixteen units.

Inputs that are zero cost nothing here either: a layer's weighted sums are Σ x w over an image's list of inputs, and the
gradient of a row of weights is Σ x δ over the row's list of images (`engine.kernels.batch_lists`), by the same loop
(`engine.kernels.lazy_rows.forward`).

A batch goes forward through the layers, then backward. The updates wait for the next batch's forward pass, where each
chunk of weights is changed and then read by all images while it is in a near cache. A batch is a sequence of phases,
each divided among the threads of a team by images, by chunks or by rows (`engine.kernels.team`).
"""

from typing import Any, NamedTuple

from engine.arrays import IntArray
from engine.compiled import inlined, kernel
from engine.kernels.arguments import Dropout, Images, Layer, Packed, Sigma, layer_of
from engine.kernels.batch_lists import (
    LOG_LANES,
    BatchRun,
    Room,
    Step,
    list_pixels,
    list_units,
    n_blocks_of,
    turn_round,
)
from engine.kernels.lazy_rows import forward
from engine.kernels.network import softmax_gradient
from engine.kernels.simd import (
    LANES,
    Elements,
    add,
    elements,
    fma,
    get,
    load,
    multiply,
    prefetch,
    put,
    shift,
    skip,
    splat,
    store,
    sum_of_lanes,
    zero,
)
from engine.kernels.team import Team, meet, share
from engine.kernels.vector_math import activate, activation_derivative

# How many chunks of sixteen rows are read by all images before the next ones are: they fill three quarters of a nearest
# cache of 32 KiB.
_NEAR = 24

# How far ahead weights are asked for that will be updated: eight rows.
_AHEAD = 8 * LANES


class Summed(NamedTuple):
    """What lists of images point into: a layer's errors."""

    w: Elements


@kernel
def train_batches(
    packed: Packed,
    layers: IntArray,
    images: Images,
    order: IntArray,
    step: Step,
    room: Room,
    sigma: Sigma,
    dropout: Dropout,
    team: Team,
) -> int:
    """Visit the images of `order` in batches, one update each, changing parameters and their velocities in place.

    Args:
        packed: of all layers; velocities are not looked at without momentum.
        layers: (n_layers, 8), rows of `engine.kernels.arguments.Layer`.
        images, order: the images, and which to visit; the last batch has those that are left.
        step, room: the update, and room for a batch.
        sigma, dropout: `engine.kernels.arguments`; masks as of `engine.dropout`, image i of a batch being row i.
        team: all threads of it call this function with the same arrays.

    Returns:
        The first batch with a loss that was not finite, or −1.
    """
    n_layers, size = layers.shape[0], room.size
    run = BatchRun(
        elements(packed), elements(layers), n_layers, elements(images), elements(order), order.size,
        step, elements(room), sigma, dropout, elements(team),
    )  # fmt: skip
    met, n, one = 0, 0, room.outputs.dtype.type(1)
    n_updates = (order.size + size - 1) // size
    # Each update waits for the next batch; the last one for none.
    for update in range(n_updates + 1):
        first, n_before = update * size, n
        n = min(size, order.size - first) if update < n_updates else 0
        for number in range(n_layers):
            if number == 0:
                list_pixels(run, update, first, n)
            else:
                list_units(run, number, update, n)
            met = meet(run.team, met)
            _forward(run, number, n, n_before)
            met = meet(run.team, met)
        if update == n_updates:
            break
        _softmax(run, first, n, one, room.outputs.dtype.type(n))
        turn_round(run, 0, n)
        met = meet(run.team, met)
        if get(run.room.failed, 0) != 0:
            return update
        for number in range(n_layers - 1, 0, -1):
            turn_round(run, number, n)
            _backward(run, number, n, one)
            met = meet(run.team, met)
    return -1


@inlined
def _forward(run: BatchRun, number: int, n: int, n_before: int) -> None:
    """Of this thread's chunks of a layer, two by two: the update for the last batch, and the outputs for n images."""
    layer = layer_of(run.table, number)
    start, stop = share(run.team, (layer.n_chunks + 1) // 2)
    for pair in range(start, stop):
        chunk, lane = layer.weights + 2 * pair * layer.chunk_size, 2 * pair * LANES
        if 2 * pair + 1 < layer.n_chunks:
            chunks, lanes = (chunk, chunk + layer.chunk_size), (lane, lane + LANES)
            _update_chunks(run, number, layer, chunks, lanes, n_before)
            _forward_chunks(run, number, layer, chunks, lanes, n)
        else:
            _update_chunks(run, number, layer, (chunk,), (lane,), n_before)
            _forward_chunks(run, number, layer, (chunk,), (lane,), n)


_weighted_sums = forward(False, False)


@inlined
def _forward_chunks(run: BatchRun, number: int, layer: Layer, chunks: Any, lanes: Any, n: int) -> None:
    """The outputs of some chunks for n images."""
    room, is_hidden = run.room, number < run.n_layers - 1
    bias = load(skip(run.packed.b, layer.biases), lanes)
    for i in range(n):
        position = i * room.inputs_stride + layer.inputs
        end = get(room.marks, position + n_blocks_of(layer))
        sums = _weighted_sums(run.packed, chunks, room.inputs, position, end, None, bias)
        outputs = skip(room.outputs, (number * room.size + i) * room.widest)
        store(outputs, lanes, sums)
        if is_hidden:
            for lane in lanes:
                store(outputs, lane, activate(run.sigma.code, load(outputs, lane)))


@inlined
def _update_chunks(run: BatchRun, number: int, layer: Layer, chunks: Any, lanes: Any, n: int) -> None:
    """The update for a batch of n images, in each chunk, of all rows and of the biases."""
    room, step, packed = run.room, run.step, run.packed
    errors = Summed(skip(room.errors, number * room.size * room.widest))
    rate, beta, kappa = splat(-step.learning_rate), splat(step.beta), splat(step.kappa)
    weight_decay = splat(step.weight_decay)
    moves_always = step.has_momentum or step.weight_decay != 0
    nothing = zero(load(packed.b, lanes))
    for row in range(layer.n_in if n > 0 else 0):
        length = get(room.lengths, layer.touches + row)
        if length > 0 or moves_always:
            position = (layer.touches + row) * room.images_stride
            gradient = _weighted_sums(errors, lanes, room.images, position, position + length, None, nothing)
            offsets = shift(chunks, row * LANES)
            for offset in offsets:
                prefetch(packed.w, offset + _AHEAD)
                if step.has_momentum:
                    prefetch(packed.w_velocity, offset + _AHEAD)
            weight = load(packed.w, offsets)
            gradient = fma(weight_decay, weight, gradient)
            if step.has_momentum:
                gradient = fma(beta, load(packed.w_velocity, offsets), multiply(kappa, gradient))
                store(packed.w_velocity, offsets, gradient)
            store(packed.w, offsets, fma(rate, gradient, weight))
    if n > 0:
        offsets = shift(lanes, layer.biases)
        gradient = nothing
        for i in range(n):
            gradient = add(gradient, load(errors.w, shift(lanes, i * room.widest)))
        if step.has_momentum:
            gradient = fma(beta, load(packed.b_velocity, offsets), multiply(kappa, gradient))
            store(packed.b_velocity, offsets, gradient)
        store(packed.b, offsets, fma(rate, gradient, load(packed.b, offsets)))


@inlined
def _softmax(run: BatchRun, first: int, n: int, one: Any, n_images: Any) -> None:
    """The gradients of the mean loss for the logits of this thread's images; 1 and n in the type of weights."""
    room, top = run.room, (run.n_layers - 1) * run.room.size
    layer = layer_of(run.table, run.n_layers - 1)
    share_of_one = splat(one / n_images)
    start, stop = share(run.team, n)
    for i in range(start, stop):
        errors, outputs = skip(room.errors, (top + i) * room.widest), skip(room.outputs, (top + i) * room.widest)
        label = get(run.images.labels, get(run.order, first + i))
        if not softmax_gradient(outputs, layer.n_out, label, errors, one):
            put(room.failed, 0, 1)
        for offset in range(0, layer.n_chunks * LANES, LANES):
            store(errors, offset, multiply(load(errors, offset), share_of_one))


@inlined
def _backward(run: BatchRun, number: int, n: int, one: Any) -> None:
    """The loss's gradients for the outputs below a layer, of this thread's sixteens of them: σ'(a) Σ w δ."""
    room, layer = run.room, layer_of(run.table, number)
    ones, scale = splat(one), splat(run.dropout.hidden_scale)
    start, stop = share(run.team, n_blocks_of(layer))
    for block in range(start, stop):
        for first in range(0, layer.n_chunks, _NEAR):
            following = min(layer.n_chunks, first + _NEAR)
            for i in range(n):
                position = i * room.inputs_stride + layer.inputs + block
                here, below = (number * room.size + i) * room.widest, ((number - 1) * room.size + i) * room.widest
                error_below = skip(room.errors, below)
                if first == 0:
                    store(error_below, block * LANES, zero(error_below))
                _add_products(
                    run, layer, first, following, get(room.marks, position), get(room.marks, position + 1),
                    skip(room.errors, here), error_below,
                )  # fmt: skip
                if following == layer.n_chunks:
                    outputs = load(skip(room.outputs, below), block * LANES)
                    slope = multiply(activation_derivative(run.sigma.code, outputs, ones), scale)
                    store(error_below, block * LANES, multiply(load(error_below, block * LANES), slope))


@inlined
def _add_products(
    run: BatchRun,
    layer: Layer,
    first: int,
    following: int,
    start: int,
    stop: int,
    error: Elements,
    error_below: Elements,
) -> None:
    """For listed rows, add Σ w δ over chunks `first` to before `following` to the row's error."""
    rows, w = run.room.inputs.row, skip(run.packed.w, layer.weights)
    for four in range((stop - start) // 4):
        k = start + 4 * four
        row_0, row_1, row_2, row_3 = get(rows, k), get(rows, k + 1), get(rows, k + 2), get(rows, k + 3)
        w_0, w_1, w_2, w_3 = skip(w, row_0), skip(w, row_1), skip(w, row_2), skip(w, row_3)
        s_0, s_1, s_2, s_3 = zero(w), zero(w), zero(w), zero(w)
        for chunk in range(first, following):
            delta, offset = load(error, chunk * LANES), chunk * layer.chunk_size
            s_0 = fma(load(w_0, offset), delta, s_0)
            s_1 = fma(load(w_1, offset), delta, s_1)
            s_2 = fma(load(w_2, offset), delta, s_2)
            s_3 = fma(load(w_3, offset), delta, s_3)
        _add_sum(error_below, row_0 >> LOG_LANES, s_0)
        _add_sum(error_below, row_1 >> LOG_LANES, s_1)
        _add_sum(error_below, row_2 >> LOG_LANES, s_2)
        _add_sum(error_below, row_3 >> LOG_LANES, s_3)
    for k in range(start + (stop - start) // 4 * 4, stop):
        row_0 = get(rows, k)
        w_0, s_0 = skip(w, row_0), zero(w)
        for chunk in range(first, following):
            s_0 = fma(load(w_0, chunk * layer.chunk_size), load(error, chunk * LANES), s_0)
        _add_sum(error_below, row_0 >> LOG_LANES, s_0)


@inlined
def _add_sum(target: Elements, offset: int, lanes: Any) -> None:
    put(target, offset, get(target, offset) + sum_of_lanes(lanes))
