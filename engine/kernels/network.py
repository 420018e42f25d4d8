"""The kernel that trains one network of any depth and width: sixteen lanes are sixteen units.

Layer l maps n_in inputs to n_out units. Its weights lie in chunks of sixteen units (`engine.kernels.lazy_rows`),
the last one padded with zeros; its inputs are a list of those that count: the image's pixels for the first layer, the
units that are on for the others. `layers` describes them, one row of int64 for each layer:

    n_in, n_out, n_chunks, start of its weights, of its biases, of its list of inputs, of its inputs' last touches

One update goes forward through the layers, then backward; on the way back each listed row of a hidden layer is read
once, for the gradient of its input and for its own update. The first layer has no gradient to hand on, so its update
waits for the next image's forward pass: most rows belong to both images, and the two take turns chunk by chunk while
a chunk is in the nearest cache.
"""

from typing import Any

from engine.arrays import FloatArray, IntArray
from engine.compiled import inlined, kernel
from engine.dropout import dropout_key, is_kept
from engine.kernels.lazy_rows import end_list, list_row, prefetch_images, sweep_chunk, sweep_two_chunks, update_bias
from engine.kernels.propagators import LONGEST_GAP, fill_propagators, settle_row
from engine.kernels.simd import (
    LANES,
    Elements,
    at,
    elements,
    fma,
    load,
    multiply,
    put,
    splat,
    store,
    subtract,
    sum_of_lanes,
    zero,
)
from engine.kernels.vector_math import activate, activation_derivative, exp

N_IN, N_OUT, N_CHUNKS, WEIGHTS, BIASES, INPUTS, TOUCHES = range(7)


@inlined
def _softmax_gradient(z: Elements, n_classes: int, label: int, e: Elements, one: Any) -> Any:
    """Write softmax(z) − onehot(label) to `e`; say whether the loss is finite.

    The same operations in the same order as `engine.kernels.softmax.softmax_of_lanes`, whose lanes are models.
    """
    largest = at(z, 0)
    for class_ in range(1, n_classes):
        logit = at(z, class_)
        largest = max(largest, logit)
    for offset in range(0, n_classes, LANES):
        store(e, offset, exp(subtract(load(z, offset), splat(largest))))
    total = one - one
    for class_ in range(n_classes):
        total += at(e, class_)
    inverse = one / total
    for offset in range(0, n_classes, LANES):
        store(e, offset, multiply(load(e, offset), splat(inverse)))
    # Lanes beyond the last class must not move: their weights stay zeros.
    for class_ in range(n_classes, (n_classes + LANES - 1) // LANES * LANES):
        put(e, class_, 0)
    put(e, label, at(e, label) - one)
    distance = at(z, label) - largest
    return (total - total) + (distance - distance) == 0  # NaN where either is not finite


@inlined
def _backward_rows(
    w: Elements,
    v: Elements,
    first_weight: int,
    chunk_size: int,
    n_chunks: int,
    row: Elements,
    x: Elements,
    gap: Elements,
    start: int,
    stop: int,
    A: Elements,
    B: Elements,
    C: Elements,
    D: Elements,
    has_momentum: bool,
    has_decay: bool,
    error: Elements,
    error_below: Elements,
    size_w: float,
    size_v: float,
) -> None:
    """For each listed row: the gradient of its input, Σ wδ with the weights before the update, and its update.

    `error` is δ of this layer's units; `error_below` receives the sums, at the listed units; `size_w` = −γκ and
    `size_v` = κ.
    """
    if has_momentum and has_decay:
        for k in range(start, stop):
            first = first_weight + at(row, k)
            here = at(gap, k)
            after = here + LANES
            step_w = splat(at(x, k) * size_w)
            step_v = splat(at(x, k) * size_v)
            A0, B0 = load(A, here), load(B, here)
            A1, B1, C1, D1 = load(A, after), load(B, after), load(C, after), load(D, after)
            sums = zero(w)
            for chunk in range(n_chunks):
                offset = first + chunk * chunk_size
                delta = load(error, chunk * LANES)
                weight = load(w, offset)
                velocity = load(v, offset)
                sums = fma(fma(B0, velocity, multiply(A0, weight)), delta, sums)
                store(w, offset, fma(step_w, delta, fma(B1, velocity, multiply(A1, weight))))
                store(v, offset, fma(step_v, delta, fma(C1, weight, multiply(D1, velocity))))
            put(error_below, at(row, k) // LANES, sum_of_lanes(sums))
    elif has_momentum:
        for k in range(start, stop):
            first = first_weight + at(row, k)
            here = at(gap, k)
            after = here + LANES
            step_w = splat(at(x, k) * size_w)
            step_v = splat(at(x, k) * size_v)
            B0, B1, D1 = load(B, here), load(B, after), load(D, after)
            sums = zero(w)
            for chunk in range(n_chunks):
                offset = first + chunk * chunk_size
                delta = load(error, chunk * LANES)
                weight = load(w, offset)
                velocity = load(v, offset)
                sums = fma(fma(B0, velocity, weight), delta, sums)
                store(w, offset, fma(step_w, delta, fma(B1, velocity, weight)))
                store(v, offset, fma(step_v, delta, multiply(D1, velocity)))
            put(error_below, at(row, k) // LANES, sum_of_lanes(sums))
    elif has_decay:
        for k in range(start, stop):
            first = first_weight + at(row, k)
            here = at(gap, k)
            step_w = splat(at(x, k) * size_w)
            A0, A1 = load(A, here), load(A, here + LANES)
            sums = zero(w)
            for chunk in range(n_chunks):
                offset = first + chunk * chunk_size
                delta = load(error, chunk * LANES)
                weight = load(w, offset)
                sums = fma(multiply(A0, weight), delta, sums)
                store(w, offset, fma(step_w, delta, multiply(A1, weight)))
            put(error_below, at(row, k) // LANES, sum_of_lanes(sums))
    else:
        for k in range(start, stop):
            first = first_weight + at(row, k)
            step_w = splat(at(x, k) * size_w)
            sums = zero(w)
            for chunk in range(n_chunks):
                offset = first + chunk * chunk_size
                delta = load(error, chunk * LANES)
                weight = load(w, offset)
                sums = fma(weight, delta, sums)
                store(w, offset, fma(step_w, delta, weight))
            put(error_below, at(row, k) // LANES, sum_of_lanes(sums))


@kernel
def train_one(
    weights: FloatArray,
    weight_velocities: FloatArray,
    biases: FloatArray,
    bias_velocities: FloatArray,
    layers: IntArray,
    row_starts: IntArray,
    columns: IntArray,
    values: FloatArray,
    labels: IntArray,
    order: IntArray,
    activation: int,
    can_be_off: bool,
    rows: IntArray,
    inputs: FloatArray,
    gaps: IntArray,
    last_touched: IntArray,
    list_ends: IntArray,
    outputs: FloatArray,
    errors: FloatArray,
    propagators: FloatArray,
    bias_steps: FloatArray,
    step_sizes: FloatArray,
    optimizer: FloatArray,
    has_momentum: bool,
    has_decay: bool,
    dropout_thresholds: IntArray,
    dropout_scales: FloatArray,
    dropout_seed: int,
    first_update: int,
) -> int:
    """Visit the images of `order`, one update each, changing weights, biases and their velocities in place.

    Args:
        weights, weight_velocities, biases, bias_velocities: of all layers, flat; no velocities without momentum.
        layers: (n_layers, 7), above.
        row_starts, columns, values, labels, order: the images, their classes, and which to visit.
        activation, can_be_off: code of the vector form, and whether units with output 0 are left out.
        rows, inputs, gaps: lists of each layer's inputs; the first layer has two, of this image and the last.
        last_touched: each layer's inputs, Σ n_in zeros.
        list_ends: (n_layers,) scratch.
        outputs, errors: (n_layers, widest), zeros: outputs of each layer and the loss's gradients for them.
        propagators, bias_steps, step_sizes, optimizer: as for a population, the same in every lane.
        dropout_thresholds, dropout_scales: for inputs and hidden units; a threshold of 0 drops nothing.
        dropout_seed, first_update: what the masks are a hash of.

    Returns:
        The first position whose loss was not finite, or −1.
    """
    w, v = elements(weights), elements(weight_velocities)
    b, bv = elements(biases), elements(bias_velocities)
    indptr, indices, pixels, y = elements(row_starts), elements(columns), elements(values), elements(labels)
    row, x, gap, last = elements(rows), elements(inputs), elements(gaps), elements(last_touched)
    A, B, C, D = (
        elements(propagators[0]),
        elements(propagators[1]),
        elements(propagators[2]),
        elements(propagators[3]),
    )
    bias_propagators, sizes, ends = elements(bias_steps), elements(step_sizes), elements(list_ends)
    fill_propagators(
        A, B, C, D, elements(optimizer[0]), elements(optimizer[1]), elements(optimizer[2]), elements(optimizer[3])
    )
    is_lazy = has_momentum or has_decay
    n_layers = layers.shape[0]
    n_updates = order.size
    n_features = layers[0, N_IN]
    n_classes = layers[n_layers - 1, N_OUT]
    one_lane = outputs.dtype.type(1)
    one = splat(one_lane)
    minus_step = load(sizes, 0)
    velocity_step = load(sizes, LANES)
    input_threshold, hidden_threshold = dropout_thresholds[0], dropout_thresholds[1]
    input_scale, hidden_scale = dropout_scales[0], dropout_scales[1]
    # Where every unit counts in every update, rows are never behind and a forward pass needs no velocities.
    hidden_is_lazy = is_lazy and (can_be_off or hidden_threshold != 0)
    # The first layer's two lists lie one after the other.
    start, previous_start = 0, layers[0, INPUTS]
    stop, previous_stop = start, previous_start
    for update in range(n_updates + 1):
        label, stop = 0, start
        if update < n_updates:
            image = at(elements(order), update)
            label = at(y, image)
            prefetch_images(elements(order), update, n_updates, indptr, indices, pixels, y)
            key = dropout_key(dropout_seed, first_update + update, 0)
            for k in range(at(indptr, image), at(indptr, image + 1)):
                if input_threshold == 0 or is_kept(key, at(indices, k), input_threshold):
                    list_row(
                        at(indices, k), at(pixels, k) * input_scale, stop, update,
                        w, v, 0, n_features * LANES, layers[0, N_CHUNKS], last,
                        row, x, gap, A, B, C, D, has_momentum, is_lazy,
                    )  # fmt: skip
                    stop += 1
            end_list(row, x, gap, stop)
        for layer in range(n_layers):
            n_in = layers[layer, N_IN]
            chunk_size = n_in * LANES
            first_weight = layers[layer, WEIGHTS]
            first_bias = layers[layer, BIASES]
            z = elements(outputs[layer])
            error = elements(errors[layer])
            list_start, list_stop = start, stop
            has_velocities, has_shrinking = has_momentum, has_decay
            if layer > 0:
                below = elements(outputs[layer - 1])
                key = dropout_key(dropout_seed, first_update + update, layer)
                touches = layers[layer, TOUCHES]
                list_start = layers[layer, INPUTS]
                list_stop = list_start
                for unit in range(n_in):
                    value = at(below, unit)
                    counts = not (can_be_off and value == 0)
                    if hidden_threshold != 0:
                        counts = counts and is_kept(key, unit, hidden_threshold)
                    # Written always and kept where it counts: no branch to mispredict.
                    put(row, list_stop, unit * LANES)
                    put(x, list_stop, value * hidden_scale)
                    if hidden_is_lazy:
                        touched = at(last, touches + unit)
                        missed = update - touched
                        if missed > LONGEST_GAP and counts:
                            settle_row(
                                w, v, first_weight + unit * LANES, chunk_size, layers[layer, N_CHUNKS], missed,
                                A, B, C, D, has_momentum,
                            )  # fmt: skip
                            missed = 0
                        put(last, touches + unit, update + 1 if counts else touched)
                        put(gap, list_stop, missed * LANES)
                    list_stop += 1 if counts else 0
                end_list(row, x, gap, list_stop)
                put(ends, layer, list_stop)
                has_velocities, has_shrinking = has_momentum and hidden_is_lazy, has_decay and hidden_is_lazy
            n_chunks = layers[layer, N_CHUNKS]
            has_error = layer == 0 and update > 0
            is_hidden = layer < n_layers - 1
            # One loop for each kind of update: a loop that tests what it never changes is compiled worse.
            if has_shrinking:
                for chunk in range(n_chunks):
                    sums = sweep_chunk(
                        w, v, first_weight + chunk * chunk_size, b, bv, first_bias + chunk * LANES,
                        load(error, chunk * LANES), has_error, sizes, bias_propagators,
                        row, x, gap, previous_start, previous_stop, list_start, list_stop, A, B, C, D,
                        has_momentum, True,
                    )  # fmt: skip
                    store(z, chunk * LANES, activate(activation, sums) if is_hidden else sums)
            elif has_velocities:
                for chunk in range(0, n_chunks - 1, 2):
                    sums, other_sums = sweep_two_chunks(
                        w, v, first_weight + chunk * chunk_size, first_weight + (chunk + 1) * chunk_size,
                        b, bv, first_bias + chunk * LANES,
                        load(error, chunk * LANES), load(error, (chunk + 1) * LANES), has_error, sizes,
                        bias_propagators, row, x, gap, previous_start, previous_stop, list_start, list_stop,
                        B, D,
                    )  # fmt: skip
                    store(z, chunk * LANES, activate(activation, sums) if is_hidden else sums)
                    store(z, (chunk + 1) * LANES, activate(activation, other_sums) if is_hidden else other_sums)
                if n_chunks % 2 == 1:
                    chunk = n_chunks - 1
                    sums = sweep_chunk(
                        w, v, first_weight + chunk * chunk_size, b, bv, first_bias + chunk * LANES,
                        load(error, chunk * LANES), has_error, sizes, bias_propagators,
                        row, x, gap, previous_start, previous_stop, list_start, list_stop, A, B, C, D, True, False,
                    )  # fmt: skip
                    store(z, chunk * LANES, activate(activation, sums) if is_hidden else sums)
            else:
                for chunk in range(n_chunks):
                    sums = sweep_chunk(
                        w, v, first_weight + chunk * chunk_size, b, bv, first_bias + chunk * LANES,
                        load(error, chunk * LANES), has_error, sizes, bias_propagators,
                        row, x, gap, previous_start, previous_stop, list_start, list_stop, A, B, C, D, False, False,
                    )  # fmt: skip
                    store(z, chunk * LANES, activate(activation, sums) if is_hidden else sums)
            if update == n_updates:
                break
        if update == n_updates:
            break
        top = elements(errors[n_layers - 1])
        if not _softmax_gradient(elements(outputs[n_layers - 1]), n_classes, label, top, one_lane):
            return update
        for layer in range(n_layers - 1, 0, -1):
            n_in = layers[layer, N_IN]
            first_bias = layers[layer, BIASES]
            error, error_below = elements(errors[layer]), elements(errors[layer - 1])
            below = elements(outputs[layer - 1])
            for offset in range(0, n_in, LANES):
                store(error_below, offset, zero(errors))
            _backward_rows(
                w, v, layers[layer, WEIGHTS], n_in * LANES, layers[layer, N_CHUNKS],
                row, x, gap, layers[layer, INPUTS], at(ends, layer), A, B, C, D, has_momentum, has_decay,
                error, error_below, at(sizes, 0), at(sizes, LANES),
            )  # fmt: skip
            for offset in range(0, n_in, LANES):
                slope = multiply(activation_derivative(activation, load(below, offset), one), splat(hidden_scale))
                store(error_below, offset, multiply(load(error_below, offset), slope))
            for chunk in range(layers[layer, N_CHUNKS]):
                delta = load(error, chunk * LANES)
                update_bias(
                    b, bv, first_bias + chunk * LANES, bias_propagators, has_momentum,
                    multiply(minus_step, delta), multiply(velocity_step, delta),
                )  # fmt: skip
        start, previous_start = previous_start, start
        previous_stop = stop
    if is_lazy:
        for layer in range(n_layers):
            n_in = layers[layer, N_IN]
            if layer == 0 or hidden_is_lazy:
                for j in range(n_in):
                    settle_row(
                        w, v, layers[layer, WEIGHTS] + j * LANES, n_in * LANES, layers[layer, N_CHUNKS],
                        n_updates - at(last, layers[layer, TOUCHES] + j), A, B, C, D, has_momentum,
                    )  # fmt: skip
    return -1
