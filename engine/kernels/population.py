"""The kernel that trains sixteen linear classifiers in lock-step: lane m of every vector is member m.

All members see the same images in the same order, each with its own learning rate, momentum and weight decay. A chunk
of the weights is one class: (class, pixel, member).
"""

from engine.arrays import FloatArray, IntArray
from engine.compiled import inlined, kernel
from engine.kernels.lazy_rows import end_list, list_row, prefetch_images, sweep_chunk, sweep_two_chunks
from engine.kernels.propagators import fill_propagators, settle_row
from engine.kernels.simd import (
    LANES,
    Elements,
    at,
    elements,
    load,
    put,
    splat,
    store,
    subtract,
    sum_of_lanes,
)
from engine.kernels.softmax import softmax_of_lanes


@kernel
def train_sixteen(
    weights: FloatArray,
    weight_velocities: FloatArray,
    biases: FloatArray,
    bias_velocities: FloatArray,
    diverged_at: IntArray,
    row_starts: IntArray,
    columns: IntArray,
    values: FloatArray,
    labels: IntArray,
    order: IntArray,
    rows: IntArray,
    inputs: FloatArray,
    gaps: IntArray,
    last_touched: IntArray,
    outputs: FloatArray,
    errors: FloatArray,
    propagators: FloatArray,
    bias_steps: FloatArray,
    step_sizes: FloatArray,
    optimizer: FloatArray,
    has_momentum: bool,
    has_decay: bool,
    n_features: int,
    n_classes: int,
) -> None:
    """Visit the images of `order`, one update each, changing weights, biases and their velocities in place.

    The update of one image and the forward pass of the next take turns class by class: most rows belong to both,
    and those of one class are still in the nearest cache. Nothing is computed differently for it.

    Args:
        weights, weight_velocities: (n_classes, n_features, 16) flat; no velocities without momentum.
        biases, bias_velocities: (n_classes, 16) flat.
        diverged_at: (16,) out: the first position whose loss was not finite, −1 for none; such a member
            goes on as zeros.
        row_starts, columns, values, labels, order: the images, their classes, and which to visit.
        rows, inputs, gaps: (2 × (n_features + LIST_PADDING),) lists of touched rows, of this image and the last.
        last_touched: (n_features,) zeros.
        outputs, errors: (n_classes, 16) flat, scratch: logits, and the loss's gradient for them.
        propagators: (4, LONGEST_GAP + 2, 16), scratch.
        bias_steps: (2, 16) flat: −γβ, β.
        step_sizes: (2, 16) flat: −γκ, κ; zero in an empty lane.
        optimizer: (4, 16) float64: learning rate, β, κ, λ.
        has_momentum, has_decay: whether any member has.
    """
    w, v = elements(weights), elements(weight_velocities)
    b, bv = elements(biases), elements(bias_velocities)
    indptr, indices, pixels, y = elements(row_starts), elements(columns), elements(values), elements(labels)
    row, x, gap, last = elements(rows), elements(inputs), elements(gaps), elements(last_touched)
    z, delta = elements(outputs), elements(errors)
    A, B, C, D = (
        elements(propagators[0]),
        elements(propagators[1]),
        elements(propagators[2]),
        elements(propagators[3]),
    )
    bias_propagators, sizes = elements(bias_steps), elements(step_sizes)
    fill_propagators(
        A, B, C, D, elements(optimizer[0]), elements(optimizer[1]), elements(optimizer[2]), elements(optimizer[3])
    )
    is_lazy = has_momentum or has_decay
    chunk_size = n_features * LANES
    one = splat(outputs.dtype.type(1))
    n_updates = order.size
    room = rows.size // 2
    start, stop, previous_start, previous_stop = 0, 0, room, room
    for update in range(n_updates + 1):
        label, stop = 0, start
        if update < n_updates:
            image = at(elements(order), update)
            label = at(y, image)
            prefetch_images(elements(order), update, n_updates, indptr, indices, pixels, y)
            for k in range(at(indptr, image), at(indptr, image + 1)):
                list_row(
                    at(indices, k), at(pixels, k), stop, update, w, v, 0, chunk_size, n_classes, last,
                    row, x, gap, A, B, C, D, has_momentum, is_lazy,
                )  # fmt: skip
                stop += 1
            end_list(row, x, gap, stop)
        # One loop for each kind of update: a loop that tests what it never changes is compiled worse.
        if has_decay:
            for class_ in range(n_classes):
                logits = sweep_chunk(
                    w, v, class_ * chunk_size, b, bv, class_ * LANES, load(delta, class_ * LANES), update > 0, sizes,
                    bias_propagators, row, x, gap, previous_start, previous_stop, start, stop, A, B, C, D,
                    has_momentum, True,
                )  # fmt: skip
                store(z, class_ * LANES, logits)
        elif has_momentum:
            for class_ in range(0, n_classes - 1, 2):
                bias = class_ * LANES
                logits, other_logits = sweep_two_chunks(
                    w, v, class_ * chunk_size, (class_ + 1) * chunk_size, b, bv, bias,
                    load(delta, bias), load(delta, bias + LANES), update > 0, sizes, bias_propagators,
                    row, x, gap, previous_start, previous_stop, start, stop, B, D,
                )  # fmt: skip
                store(z, bias, logits)
                store(z, bias + LANES, other_logits)
            if n_classes % 2 == 1:
                class_ = n_classes - 1
                logits = sweep_chunk(
                    w, v, class_ * chunk_size, b, bv, class_ * LANES, load(delta, class_ * LANES), update > 0, sizes,
                    bias_propagators, row, x, gap, previous_start, previous_stop, start, stop, A, B, C, D, True, False,
                )  # fmt: skip
                store(z, class_ * LANES, logits)
        else:
            for class_ in range(n_classes):
                logits = sweep_chunk(
                    w, v, class_ * chunk_size, b, bv, class_ * LANES, load(delta, class_ * LANES), update > 0, sizes,
                    bias_propagators, row, x, gap, previous_start, previous_stop, start, stop, A, B, C, D, False, False,
                )  # fmt: skip
                store(z, class_ * LANES, logits)
        if update < n_updates:
            trouble = softmax_of_lanes(z, n_classes, label, delta, one)
            if sum_of_lanes(trouble) != 0:
                store(delta, 0, trouble)
                for lane in range(LANES):
                    if at(delta, lane) != 0:
                        diverged_at[lane] = update
                        _retire(
                            lane, w, v, b, bv, z, A, B, C, D, bias_propagators, sizes, has_momentum,
                            n_features, n_classes, propagators.shape[1],
                        )  # fmt: skip
                # The lanes that go on get the same bits again.
                softmax_of_lanes(z, n_classes, label, delta, one)
            store(delta, label * LANES, subtract(load(delta, label * LANES), one))
            start, previous_start = previous_start, start
            previous_stop = stop
    if is_lazy:
        for j in range(n_features):
            settle_row(w, v, j * LANES, chunk_size, n_classes, n_updates - at(last, j), A, B, C, D, has_momentum)


@inlined
def _retire(
    lane: int,
    w: Elements,
    v: Elements,
    b: Elements,
    bv: Elements,
    z: Elements,
    A: Elements,
    B: Elements,
    C: Elements,
    D: Elements,
    bias_propagators: Elements,
    sizes: Elements,
    has_momentum: bool,
    n_features: int,
    n_classes: int,
    n_gaps: int,
) -> None:
    """Turn a member that diverged into zeros that never move, so that it cannot disturb its company."""
    for offset in range(lane, n_classes * n_features * LANES, LANES):
        put(w, offset, 0)
        if has_momentum:
            put(v, offset, 0)
    for offset in range(lane, n_classes * LANES, LANES):
        put(b, offset, 0)
        put(bv, offset, 0)
        put(z, offset, 0)
    for offset in range(lane, n_gaps * LANES, LANES):
        put(A, offset, 1)
        put(B, offset, 0)
        put(C, offset, 0)
        put(D, offset, 0)
    for offset in range(lane, 2 * LANES, LANES):
        put(bias_propagators, offset, 0)
        put(sizes, offset, 0)
