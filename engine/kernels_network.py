"""The kernels that train and evaluate one network of any depth and width: sixteen lanes are sixteen units.

Layer l maps n_in inputs to n_out units. Its weights lie in chunks of sixteen units (`engine.lazy_rows`), the last
one padded with zeros; its inputs are a list of those that are not zero: the image's pixels for the first layer, the
units that are on for the others. `layers` describes them, one row of int64 for each layer:

    n_in, n_out, n_chunks, start of its weights, of its biases, of its inputs' bookkeeping

One update goes forward through the layers, then backward; on the way back each listed row of weights is read once,
for the gradient of its input and for its own update.
"""

import math

from engine.compiled import inlined, kernel
from engine.data import FloatArray, IntArray
from engine.dropout import dropout_key, is_kept
from engine.kernels_population import FACTORS
from engine.lazy_rows import (
    fill_propagators,
    forward_rows,
    list_row,
    settle_row,
    update_bias,
    update_rows,
    weighted_rows,
)
from engine.simd import LANES, add, at, fma, load, multiply, splat, store, subtract, sum_of_lanes, zero
from engine.vector_math import activate, activation_derivative, exp, is_off_at_zero

N_IN, N_OUT, N_CHUNKS, WEIGHTS, BIASES, INPUTS = range(6)


@inlined
def _softmax(z: FloatArray, start: int, n_classes: int, e: FloatArray) -> tuple[float, float]:
    """Write exp(z − max z) to `e`; return the maximum and the sum, taken class by class.

    The same operations in the same order as for the members of a population, so that a linear model has the same
    bits in either kernel.
    """
    largest = z[start]
    for class_ in range(1, n_classes):
        largest = z[start + class_] if largest < z[start + class_] else largest
    for offset in range(0, n_classes, LANES):
        store(e, offset, exp(subtract(load(z, start + offset), splat(largest))))
    total = z.dtype.type(0)
    for class_ in range(n_classes):
        total += e[class_]
    return largest, total


@kernel
def train_one(
    w: FloatArray,
    v: FloatArray,
    b: FloatArray,
    bv: FloatArray,
    layers: IntArray,
    indptr: IntArray,
    indices: IntArray,
    values: FloatArray,
    y: IntArray,
    order: IntArray,
    activation: int,
    row: IntArray,
    x: FloatArray,
    gap: IntArray,
    last: IntArray,
    active: IntArray,
    a: FloatArray,
    delta: FloatArray,
    scale: FloatArray,
    propagators: FloatArray,
    bias_propagators: FloatArray,
    step_sizes: FloatArray,
    optimizer: FloatArray,
    has_momentum: bool,
    has_decay: bool,
    dropout_thresholds: IntArray,
    dropout_scales: FloatArray,
    dropout_seed: int,
    first_update: int,
) -> int:
    """Visit the images of `order`, one update each, changing w, v, b, bv in place.

    Args:
        w, v, b, bv: parameters and velocities of all layers, flat.
        layers: (n_layers, 6), above.
        indptr, indices, values, y, order: the images, their labels, and which to visit.
        activation: code of the activation table.
        row, x, gap, last, active: bookkeeping of each layer's inputs, Σ n_in entries; `last` starts at zero.
        a, delta: (n_layers, widest) outputs of each layer and gradients for them; `delta` starts at zero.
        scale: (widest,) scratch: what dropout multiplied each unit by.
        propagators, bias_propagators, step_sizes: as for a population.
        optimizer: (4, 16) float64: learning rate, β, κ, λ, the same in every lane.
        dropout_thresholds, dropout_scales: for inputs and hidden units; a threshold of 0 drops nothing.
        dropout_seed, first_update: what the masks are a hash of.

    Returns:
        The first position whose loss was not finite, or −1.
    """
    fill_propagators(propagators, optimizer[0], optimizer[1], optimizer[2], optimizer[3])
    A = propagators[0].ravel()
    B = propagators[1].ravel()
    C = propagators[2].ravel()
    D = propagators[3].ravel()
    is_lazy = has_momentum or has_decay
    n_layers = layers.shape[0]
    n_updates = order.size
    widest = a.shape[1]
    outputs = a.ravel()
    errors = delta.ravel()
    n_listed = active
    n_classes = layers[n_layers - 1, N_OUT]
    top = (n_layers - 1) * widest
    one = splat(a.dtype.type(1))
    silent = is_off_at_zero(activation)
    minus_step = load(step_sizes, 0)
    velocity_step = load(step_sizes, LANES)
    for update in range(n_updates):
        image = order[update]
        label = y[image]
        # Forward.
        for layer in range(n_layers):
            n_in = layers[layer, N_IN]
            n_chunks = layers[layer, N_CHUNKS]
            start = layers[layer, INPUTS]
            weights = layers[layer, WEIGHTS]
            chunk_size = n_in * LANES
            stop = start
            threshold = dropout_thresholds[min(layer, 1)]
            kept_scale = dropout_scales[min(layer, 1)]
            key = dropout_key(dropout_seed, first_update + update, layer)
            if layer == 0:
                for k in range(indptr[image], indptr[image + 1]):
                    if threshold == 0 or is_kept(key, indices[k], threshold):
                        list_row(
                            indices[k], values[k] * kept_scale, stop, update, w, v, weights, chunk_size, n_chunks,
                            last, start, row, x, gap, A, B, C, D, has_momentum, is_lazy,
                        )  # fmt: skip
                        stop += 1
            else:
                below = (layer - 1) * widest
                for unit in range(n_in):
                    value = outputs[below + unit]
                    if (value != 0 or not silent) and (threshold == 0 or is_kept(key, unit, threshold)):
                        list_row(
                            unit, value * kept_scale, stop, update, w, v, weights, chunk_size, n_chunks,
                            last, start, row, x, gap, A, B, C, D, has_momentum, is_lazy,
                        )  # fmt: skip
                        stop += 1
            n_listed[layer] = stop - start
            for chunk in range(n_chunks):
                z = forward_rows(
                    w, v, weights + chunk * chunk_size, row, x, gap, start, stop, A, B, has_momentum, has_decay,
                    load(b, layers[layer, BIASES] + chunk * LANES),
                )  # fmt: skip
                if layer < n_layers - 1:
                    z = activate(activation, z)
                store(outputs, layer * widest + chunk * LANES, z)
        # The loss and its gradient for the logits.
        largest, total = _softmax(outputs, top, n_classes, scale)
        distance = outputs[top + label] - largest
        if (total - total) + (distance - distance) != 0:
            return update
        inverse = a.dtype.type(1) / total
        for class_ in range(n_classes):
            errors[top + class_] = scale[class_] * inverse
        errors[top + label] -= a.dtype.type(1)
        # Backward.
        for layer in range(n_layers - 1, -1, -1):
            n_in = layers[layer, N_IN]
            n_chunks = layers[layer, N_CHUNKS]
            start = layers[layer, INPUTS]
            stop = start + n_listed[layer]
            weights = layers[layer, WEIGHTS]
            chunk_size = n_in * LANES
            above = layer * widest
            if layer > 0:
                below = (layer - 1) * widest
                for offset in range(0, n_in, LANES):
                    store(errors, below + offset, zero(a))
                kept_scale = dropout_scales[1]
                for k in range(start, stop):
                    first = weights + at(row, k)
                    missed = at(gap, k)
                    input_ = splat(at(x, k))
                    found = zero(a)
                    for chunk in range(n_chunks):
                        offset = first + chunk * chunk_size
                        error = load(errors, above + chunk * LANES)
                        weight = load(w, offset)
                        if has_momentum:
                            velocity = load(v, offset)
                            present = fma(load(B, missed), velocity, weight)
                            moved = fma(load(B, missed + LANES), velocity, weight)
                            kept = multiply(load(D, missed + LANES), velocity)
                            if has_decay:
                                present = fma(load(B, missed), velocity, multiply(load(A, missed), weight))
                                shrunk = multiply(load(A, missed + LANES), weight)
                                moved = fma(load(B, missed + LANES), velocity, shrunk)
                                kept = fma(load(C, missed + LANES), weight, kept)
                            store(v, offset, fma(input_, multiply(velocity_step, error), kept))
                        else:
                            present = weight
                            moved = weight
                            if has_decay:
                                present = multiply(load(A, missed), weight)
                                moved = multiply(load(A, missed + LANES), weight)
                        found = fma(present, error, found)
                        store(w, offset, fma(input_, multiply(minus_step, error), moved))
                    errors[below + at(row, k) // LANES] = sum_of_lanes(found) * kept_scale
                for offset in range(0, n_in, LANES):
                    slope = activation_derivative(activation, load(outputs, below + offset), one)
                    store(errors, below + offset, multiply(load(errors, below + offset), slope))
            for chunk in range(n_chunks):
                error = load(errors, above + chunk * LANES)
                step_w = multiply(minus_step, error)
                step_v = multiply(velocity_step, error)
                if layer == 0:
                    update_rows(
                        w, v, weights + chunk * chunk_size, row, x, gap, start, stop, A, B, C, D,
                        has_momentum, has_decay, step_w, step_v,
                    )  # fmt: skip
                update_bias(
                    b,
                    bv,
                    layers[layer, BIASES] + chunk * LANES,
                    bias_propagators,
                    has_momentum,
                    step_w,
                    step_v,
                )
    if is_lazy:
        for layer in range(n_layers):
            n_in = layers[layer, N_IN]
            for j in range(n_in):
                settle_row(
                    w, v, layers[layer, WEIGHTS] + j * LANES, n_in * LANES, layers[layer, N_CHUNKS],
                    n_updates - last[layers[layer, INPUTS] + j], A, B, C, D, has_momentum,
                )  # fmt: skip
    return -1


@kernel
def evaluate_one(
    w: FloatArray,
    b: FloatArray,
    layers: IntArray,
    indptr: IntArray,
    indices: IntArray,
    values: FloatArray,
    y: IntArray,
    activation: int,
    a: FloatArray,
    row: IntArray,
    x: FloatArray,
    row_starts: IntArray,
    e: FloatArray,
) -> tuple[float, float]:
    """Sum of losses (nats) and number of correct classifications over all rows.

    Images come in blocks and the chunks of a layer are the outer loop, so that sixteen units' weights stay in the
    nearest cache while the block's images pass by.

    Args:
        w, b, layers, activation: the network, as in `train_one`.
        indptr, indices, values, y: the images and their labels.
        a: (2, block, widest): outputs of the layer below and of this layer.
        row, x: (block × widest,) units that are on, and their values.
        row_starts: (block + 1,) where each image's begin.
        e: (n_classes padded,) scratch.
    """
    n_layers = layers.shape[0]
    block = a.shape[1]
    widest = a.shape[2]
    n_images = y.size
    n_classes = layers[n_layers - 1, N_OUT]
    logarithms = 0.0
    distances = 0.0
    product = 1.0
    n_factors = 0
    n_correct = 0
    outputs = a.ravel()
    for first in range(0, n_images, block):
        n = min(block, n_images - first)
        for layer in range(n_layers):
            n_in = layers[layer, N_IN]
            chunk_size = n_in * LANES
            here = (layer % 2) * block * widest
            if layer > 0:
                below = (1 - layer % 2) * block * widest
                listed = 0
                for i in range(n):
                    row_starts[i] = listed
                    for unit in range(n_in):
                        value = at(outputs, below + i * widest + unit)
                        row[listed] = unit
                        x[listed] = value
                        # Written always and kept when it counts: no branch to mispredict.
                        listed += 1 if value != 0 else 0
                row_starts[n] = listed
            for chunk in range(layers[layer, N_CHUNKS]):
                weights = layers[layer, WEIGHTS] + chunk * chunk_size
                bias = load(b, layers[layer, BIASES] + chunk * LANES)
                for i in range(n):
                    if layer == 0:
                        image = first + i
                        z = weighted_rows(
                            w, weights, indices, values, at(indptr, image), at(indptr, image + 1), bias
                        )
                    else:
                        z = weighted_rows(w, weights, row, x, at(row_starts, i), at(row_starts, i + 1), bias)
                    if layer < n_layers - 1:
                        z = activate(activation, z)
                    store(outputs, here + i * widest + chunk * LANES, z)
        top = ((n_layers - 1) % 2) * block * widest
        for i in range(n):
            start = top + i * widest
            label = y[first + i]
            gold = outputs[start + label]
            is_right = 1
            for class_ in range(n_classes):
                z_class = outputs[start + class_]
                if class_ < label and not z_class < gold:
                    is_right = 0
                if class_ > label and gold < z_class:
                    is_right = 0
            n_correct += is_right
            largest, total = _softmax(outputs, start, n_classes, e)
            distances += gold - largest
            product *= total
            n_factors += 1
            if n_factors == FACTORS:
                logarithms += math.log(product)
                product = 1.0
                n_factors = 0
    logarithms += math.log(product)
    return logarithms - distances, float(n_correct)
