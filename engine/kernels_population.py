"""The kernel that trains sixteen linear classifiers in lock-step: lane m of every vector is member m.

All members see the same images in the same order and share momentum's presence and weight decay's (the code's
branches), but each has its own learning rate, β, κ and λ. A chunk of the weights is one class: (class, pixel, member).
"""

import math

from engine.compiled import inlined, kernel
from engine.data import FloatArray, IntArray
from engine.lazy_rows import (
    fill_propagators,
    forward_rows,
    list_row,
    settle_row,
    update_bias,
    update_rows,
    weighted_rows,
)
from engine.simd import (
    LANES,
    Lanes,
    add,
    at,
    divide,
    load,
    maximum,
    multiply,
    splat,
    store,
    subtract,
    sum_of_lanes,
    where_less,
    widen,
    zero,
)
from engine.vector_math import exp

# Softmax sums that are multiplied before a logarithm is taken: 10¹⁶ is far from the end of float64.
FACTORS = 16


@inlined
def softmax_of_members(z: FloatArray, n_classes: int, label: int, e: FloatArray, one: Lanes) -> Lanes:
    """Write softmax(z) for sixteen members to `e`, both (class, member); return 0 where the loss is finite, else NaN.

    With m = max z: e = exp(z − m) and s = Σ e over the classes in their order; softmax = e · (1/s) and the loss is
    log s − (z_y − m), which is finite where s and z_y − m are.
    """
    largest = load(z, 0)
    for class_ in range(1, n_classes):
        largest = maximum(largest, load(z, class_ * LANES))
    total = zero(z)
    for class_ in range(n_classes):
        power = exp(subtract(load(z, class_ * LANES), largest))
        store(e, class_ * LANES, power)
        total = add(total, power)
    inverse = divide(one, total)
    for class_ in range(n_classes):
        store(e, class_ * LANES, multiply(load(e, class_ * LANES), inverse))
    distance = subtract(load(z, label * LANES), largest)
    return add(subtract(total, total), subtract(distance, distance))


@kernel
def train_sixteen(
    w: FloatArray,
    v: FloatArray,
    b: FloatArray,
    bv: FloatArray,
    diverged_at: IntArray,
    indptr: IntArray,
    indices: IntArray,
    values: FloatArray,
    y: IntArray,
    order: IntArray,
    row: IntArray,
    x: FloatArray,
    gap: IntArray,
    last: IntArray,
    z: FloatArray,
    delta: FloatArray,
    propagators: FloatArray,
    bias_propagators: FloatArray,
    step_sizes: FloatArray,
    learning_rate: FloatArray,
    beta: FloatArray,
    kappa: FloatArray,
    decay: FloatArray,
    has_momentum: bool,
    has_decay: bool,
    n_features: int,
    n_classes: int,
) -> None:
    """Visit the images of `order`, one update each, changing w, v, b, bv in place.

    Args:
        w, v: (n_classes, n_features, 16) flat, weights and velocities; v may be empty without momentum.
        b, bv: (n_classes, 16) flat, biases and velocities.
        diverged_at: (16,) out: the first position whose loss was not finite, −1 for none; such a member
            goes on as zeros.
        indptr, indices, values, y, order: the images, their labels, and which to visit.
        row, x, gap: (2 × n_features,) lists of touched rows: of this image, and of the one before.
        last: (n_features,) zeros.
        z, delta: (n_classes, 16) flat, scratch.
        propagators: (4, LONGEST_GAP + 2, 16), scratch.
        bias_propagators: (2, 16) flat: −γβ, β.
        step_sizes: (2, 16) flat: −γκ, κ; zero in an empty lane.
        learning_rate, beta, kappa, decay: (16,) float64.
    """
    fill_propagators(propagators, learning_rate, beta, kappa, decay)
    A = propagators[0].ravel()
    B = propagators[1].ravel()
    C = propagators[2].ravel()
    D = propagators[3].ravel()
    is_lazy = has_momentum or has_decay
    chunk_size = n_features * LANES
    one = splat(x.dtype.type(1))
    n_updates = order.size
    previous = 0
    previous_stop = 0
    for update in range(n_updates + 1):
        current = n_features - previous
        stop = current
        label = 0
        if update < n_updates:
            image = order[update]
            label = y[image]
            for k in range(indptr[image], indptr[image + 1]):
                list_row(
                    indices[k], values[k], stop, update, w, v, 0, chunk_size, n_classes, last, 0,
                    row, x, gap, A, B, C, D, has_momentum, is_lazy,
                )  # fmt: skip
                stop += 1
        for class_ in range(n_classes):
            # The last image's update and this image's forward pass take turns class by class, because
            # most rows belong to both and are still in the first-level cache.
            chunk = class_ * chunk_size
            if update > 0:
                error = load(delta, class_ * LANES)
                step_w = multiply(load(step_sizes, 0), error)
                step_v = multiply(load(step_sizes, LANES), error)
                update_rows(
                    w, v, chunk, row, x, gap, previous, previous_stop, A, B, C, D, has_momentum, has_decay,
                    step_w, step_v,
                )  # fmt: skip
                update_bias(b, bv, class_ * LANES, bias_propagators, has_momentum, step_w, step_v)
            if update < n_updates:
                logits = forward_rows(
                    w,
                    v,
                    chunk,
                    row,
                    x,
                    gap,
                    current,
                    stop,
                    A,
                    B,
                    has_momentum,
                    has_decay,
                    load(b, class_ * LANES),
                )
                store(z, class_ * LANES, logits)
        if update == n_updates:
            break
        trouble = softmax_of_members(z, n_classes, label, delta, one)
        if sum_of_lanes(trouble) != 0:
            store(delta, 0, trouble)
            for lane in range(LANES):
                if delta[lane] != 0:
                    diverged_at[lane] = update
                    _retire(
                        lane, w, v, b, bv, z, propagators, bias_propagators, step_sizes, has_momentum,
                        n_features, n_classes,
                    )  # fmt: skip
            # The lanes that went on have the same bits again.
            softmax_of_members(z, n_classes, label, delta, one)
        store(delta, label * LANES, subtract(load(delta, label * LANES), one))
        previous = current
        previous_stop = stop
    if is_lazy:
        for j in range(n_features):
            settle_row(w, v, j * LANES, chunk_size, n_classes, n_updates - last[j], A, B, C, D, has_momentum)


@inlined
def _retire(
    lane: int,
    w: FloatArray,
    v: FloatArray,
    b: FloatArray,
    bv: FloatArray,
    z: FloatArray,
    propagators: FloatArray,
    bias_propagators: FloatArray,
    step_sizes: FloatArray,
    has_momentum: bool,
    n_features: int,
    n_classes: int,
) -> None:
    """Turn a member that diverged into zeros that never move, so that it cannot disturb its company."""
    for offset in range(lane, n_classes * n_features * LANES, LANES):
        w[offset] = 0
        if has_momentum:
            v[offset] = 0
    for offset in range(lane, n_classes * LANES, LANES):
        b[offset] = 0
        bv[offset] = 0
        z[offset] = 0
    for gap in range(propagators.shape[1]):
        propagators[0, gap, lane] = 1
        for entry in range(1, 4):
            propagators[entry, gap, lane] = 0
    for row in range(2):
        bias_propagators[row * LANES + lane] = 0
        step_sizes[row * LANES + lane] = 0


@kernel
def evaluate_sixteen(
    w: FloatArray,
    b: FloatArray,
    indptr: IntArray,
    indices: IntArray,
    values: FloatArray,
    y: IntArray,
    z: FloatArray,
    e: FloatArray,
    scratch: FloatArray,
    loss: FloatArray,
    n_correct: FloatArray,
    n_features: int,
    n_classes: int,
) -> None:
    """Loss and correct classifications of sixteen linear classifiers over all rows.

    Images come in blocks. For each block the classes are the outer loop, so that the weights of one class,
    n_features vectors, stay in the nearest cache while the block's images pass by.

    Args:
        w, b: (n_classes, n_features, 16) and (n_classes, 16), flat.
        indptr, indices, values, y: the images and their labels.
        z: (block, n_classes, 16) flat, scratch; its size sets the block.
        e: (n_classes, 16) flat, scratch.
        scratch: (16,) float64.
        loss: (16,) float64, out: sum over the images, in nats.
        n_correct: (16,) float64, out.
    """
    chunk_size = n_features * LANES
    row_size = n_classes * LANES
    block = z.size // row_size
    n_images = y.size
    one = splat(z.dtype.type(1))
    nothing = zero(z)
    logarithms = zero(loss)
    distances = zero(loss)
    correct = zero(loss)
    product = splat(1.0)
    n_factors = 0
    for first in range(0, n_images, block):
        n = min(block, n_images - first)
        for class_ in range(n_classes):
            bias = load(b, class_ * LANES)
            for i in range(n):
                sums = weighted_rows(
                    w,
                    class_ * chunk_size,
                    indices,
                    values,
                    at(indptr, first + i),
                    at(indptr, first + i + 1),
                    bias,
                )
                store(z, i * row_size + class_ * LANES, sums)
        for i in range(n):
            start = i * row_size
            label = y[first + i]
            gold = load(z, start + label * LANES)
            earlier = load(z, start)
            # The first of equal logits wins: one equal to the gold one counts only when it comes before it.
            is_right = one
            for class_ in range(label):
                earlier = load(z, start + class_ * LANES)
                is_right = where_less(earlier, gold, is_right, nothing)
            largest = gold
            for class_ in range(label + 1, n_classes):
                later = load(z, start + class_ * LANES)
                is_right = where_less(gold, later, nothing, is_right)
                largest = maximum(largest, later)
            for class_ in range(label):
                largest = maximum(largest, load(z, start + class_ * LANES))
            total = zero(z)
            for class_ in range(n_classes):
                total = add(total, exp(subtract(load(z, start + class_ * LANES), largest)))
            correct = add(correct, widen(is_right))
            distances = add(distances, widen(subtract(gold, largest)))
            # Σ log s = log Π s; each s lies between 1 and n_classes, so 16 of them stay far from overflow.
            product = multiply(product, widen(total))
            n_factors += 1
            if n_factors == FACTORS:
                logarithms = add(logarithms, _logarithm(product, scratch))
                product = splat(1.0)
                n_factors = 0
    logarithms = add(logarithms, _logarithm(product, scratch))
    store(loss, 0, subtract(logarithms, distances))
    store(n_correct, 0, correct)


@inlined
def _logarithm(x: Lanes, scratch: FloatArray) -> Lanes:
    """ln x of sixteen float64 lanes, by the library's scalar function."""
    store(scratch, 0, x)
    for lane in range(LANES):
        scratch[lane] = math.log(scratch[lane])
    return load(scratch, 0)
