"""The kernels that measure loss and accuracy, of sixteen linear classifiers or of one network of any depth.

Images come in blocks. For each block the chunks of a layer are the outer loop and the images the inner one, so that
a chunk's weights, n_in vectors, stay in the nearest cache while the images pass by.

The loss of an image is log s − (z_y − m) (`engine.kernels.softmax`). Σ log s = log Π s: the s of several images, each
between 1 and n_classes, are multiplied in float64 before a logarithm is taken. Both kernels multiply and add image by
image in the same groups, so that a linear model has the same bits in either.
"""

import math

from engine.arrays import FloatArray, IntArray
from engine.compiled import inlined, kernel
from engine.kernels.lazy_rows import LIST_PADDING
from engine.kernels.network import BIASES, N_CHUNKS, N_IN, N_OUT, WEIGHTS
from engine.kernels.simd import (
    LANES,
    Elements,
    Lanes,
    add,
    at,
    elements,
    first_of_four,
    fma,
    fourth_of_four,
    load,
    load_four,
    multiply,
    put,
    second_of_four,
    splat,
    store,
    subtract,
    third_of_four,
    transpose,
    where_equal,
    widen,
    zero,
)
from engine.kernels.softmax import classify_lanes
from engine.kernels.vector_math import activate


@inlined
def _weighted_rows(w: Elements, chunk: int, row: Elements, x: Elements, start: int, stop: int, bias: Lanes) -> Lanes:
    """Bias + Σ xₖ wₖ over a list of rows whose length is a multiple of four: entry k in sum k mod 4."""
    s0 = bias
    s1 = zero(w)
    s2 = zero(w)
    s3 = zero(w)
    for four in range((stop - start) // 4):
        k = start + 4 * four
        inputs = load_four(x, k)
        s0 = fma(first_of_four(inputs), load(w, chunk + at(row, k)), s0)
        s1 = fma(second_of_four(inputs), load(w, chunk + at(row, k + 1)), s1)
        s2 = fma(third_of_four(inputs), load(w, chunk + at(row, k + 2)), s2)
        s3 = fma(fourth_of_four(inputs), load(w, chunk + at(row, k + 3)), s3)
    return add(add(s0, s1), add(s2, s3))


@inlined
def _weighted_rows_of_two(
    w: Elements,
    chunk: int,
    other: int,
    row: Elements,
    x: Elements,
    start: int,
    stop: int,
    bias: Lanes,
    other_bias: Lanes,
) -> tuple[Lanes, Lanes]:
    """`_weighted_rows` of two chunks at once, which share the inputs' reading; the same bits as one by one."""
    s0 = bias
    s1 = zero(w)
    s2 = zero(w)
    s3 = zero(w)
    t0 = other_bias
    t1 = zero(w)
    t2 = zero(w)
    t3 = zero(w)
    for four in range((stop - start) // 4):
        k = start + 4 * four
        inputs = load_four(x, k)
        s0 = fma(first_of_four(inputs), load(w, chunk + at(row, k)), s0)
        t0 = fma(first_of_four(inputs), load(w, other + at(row, k)), t0)
        s1 = fma(second_of_four(inputs), load(w, chunk + at(row, k + 1)), s1)
        t1 = fma(second_of_four(inputs), load(w, other + at(row, k + 1)), t1)
        s2 = fma(third_of_four(inputs), load(w, chunk + at(row, k + 2)), s2)
        t2 = fma(third_of_four(inputs), load(w, other + at(row, k + 2)), t2)
        s3 = fma(fourth_of_four(inputs), load(w, chunk + at(row, k + 3)), s3)
        t3 = fma(fourth_of_four(inputs), load(w, other + at(row, k + 3)), t3)
    return add(add(s0, s1), add(s2, s3)), add(add(t0, t1), add(t2, t3))


@inlined
def _completed(row: Elements, x: Elements, stop: int) -> int:
    """Fill a list up to a multiple of four with row 0 times zero; return its new end."""
    for k in range(stop, stop + LIST_PADDING - 1):
        put(row, k, 0)
        put(x, k, 0)
    return (stop + 3) // 4 * 4


@inlined
def _list_images(
    indptr: Elements,
    indices: Elements,
    pixels: Elements,
    first: int,
    n: int,
    starts: Elements,
    row: Elements,
    x: Elements,
) -> None:
    """List the pixels of images first … first + n − 1: offset in a chunk and value; image i begins at starts[i]."""
    listed = 0
    for i in range(n):
        put(starts, i, listed)
        begin = at(indptr, first + i)
        length = at(indptr, first + i + 1) - begin
        for k in range(length):
            put(row, listed + k, at(indices, begin + k) * LANES)
            put(x, listed + k, at(pixels, begin + k))
        listed = _completed(row, x, listed + length)
    put(starts, n, listed)


@kernel
def evaluate_sixteen(
    weights: FloatArray,
    biases: FloatArray,
    row_starts: IntArray,
    columns: IntArray,
    values: FloatArray,
    labels: IntArray,
    list_starts: IntArray,
    rows: IntArray,
    inputs: FloatArray,
    logits: FloatArray,
    class_numbers: FloatArray,
    scratch: FloatArray,
    loss: FloatArray,
    n_correct: FloatArray,
    n_features: int,
    n_classes: int,
    n_factors: int,
) -> None:
    """Sum of losses and number of correct classifications, over all images, of sixteen linear classifiers.

    Args:
        weights, biases: (n_classes, n_features, 16) and (n_classes, 16), flat.
        row_starts, columns, values, labels: the images and their classes.
        list_starts: (block + 1,) scratch; its size sets the block.
        rows, inputs: room for the pixels of a block.
        logits: (block, n_classes, 16) flat, scratch.
        class_numbers: (n_classes, 16) flat: 0, 0, … 1, 1, …
        scratch: (16,) float64.
        loss, n_correct: (16,) float64, out; losses in nats.
        n_factors: how many softmax sums are multiplied before a logarithm.
    """
    w, b = elements(weights), elements(biases)
    indptr, indices, pixels, y = elements(row_starts), elements(columns), elements(values), elements(labels)
    starts, row, x, z = elements(list_starts), elements(rows), elements(inputs), elements(logits)
    row_size = n_classes * LANES
    block = list_starts.size - 1
    n_images = labels.size
    one = splat(logits.dtype.type(1))
    logarithms, distances, correct = zero(loss), zero(loss), zero(loss)
    product = splat(1.0)
    factors = 0
    for first in range(0, n_images, block):
        n = min(block, n_images - first)
        _list_images(indptr, indices, pixels, first, n, starts, row, x)
        for class_ in range(0, n_classes - 1, 2):
            chunk = class_ * n_features * LANES
            bias, other_bias = load(b, class_ * LANES), load(b, (class_ + 1) * LANES)
            for i in range(n):
                sums, other_sums = _weighted_rows_of_two(
                    w, chunk, chunk + n_features * LANES, row, x, at(starts, i), at(starts, i + 1), bias, other_bias
                )
                store(z, i * row_size + class_ * LANES, sums)
                store(z, i * row_size + (class_ + 1) * LANES, other_sums)
        if n_classes % 2 == 1:
            class_ = n_classes - 1
            bias = load(b, class_ * LANES)
            for i in range(n):
                sums = _weighted_rows(w, class_ * n_features * LANES, row, x, at(starts, i), at(starts, i + 1), bias)
                store(z, i * row_size + class_ * LANES, sums)
        for i in range(n):
            label = at(y, first + i) * LANES
            largest, total, chosen = classify_lanes(z, i * row_size, n_classes, elements(class_numbers))
            is_right = where_equal(chosen, load(elements(class_numbers), label), one, subtract(one, one))
            correct = add(correct, widen(is_right))
            distances = add(distances, widen(subtract(load(z, i * row_size + label), largest)))
            product = multiply(product, widen(total))
            factors += 1
            if factors == n_factors:
                logarithms = add(logarithms, _logarithm(product, elements(scratch)))
                product = splat(1.0)
                factors = 0
    logarithms = add(logarithms, _logarithm(product, elements(scratch)))
    store(elements(loss), 0, subtract(logarithms, distances))
    store(elements(n_correct), 0, correct)


@inlined
def _logarithm(x: Lanes, scratch: Elements) -> Lanes:
    """Ln x of sixteen float64 lanes, by the library's scalar function."""
    store(scratch, 0, x)
    for lane in range(LANES):
        put(scratch, lane, math.log(at(scratch, lane)))
    return load(scratch, 0)


@kernel
def evaluate_one(
    weights: FloatArray,
    biases: FloatArray,
    layers: IntArray,
    row_starts: IntArray,
    columns: IntArray,
    values: FloatArray,
    labels: IntArray,
    activation: int,
    can_be_off: bool,
    list_starts: IntArray,
    rows: IntArray,
    inputs: FloatArray,
    outputs: FloatArray,
    class_numbers: FloatArray,
    logits: FloatArray,
    found: FloatArray,
    n_factors: int,
) -> tuple[float, int]:
    """Sum of losses, in nats, and number of correct classifications of one network over all images.

    Args:
        weights, biases, layers, activation, can_be_off: the network, as in `engine.kernels.network`.
        row_starts, columns, values, labels: the images and their classes.
        list_starts: (block + 1,) scratch; its size sets the block, a multiple of 16.
        rows, inputs: room for the inputs of a block to any layer.
        outputs: (block, widest), zeros: what a layer makes of the block.
        class_numbers: (n_classes, 16) flat: 0, 0, … 1, 1, …
        logits: (n_classes padded to vectors, 16) flat, scratch: sixteen images' logits, class by class.
        found: (3, 16) scratch: of sixteen images, m, s and the class chosen.
        n_factors: how many softmax sums are multiplied before a logarithm.
    """
    w, b = elements(weights), elements(biases)
    indptr, indices, pixels, y = elements(row_starts), elements(columns), elements(values), elements(labels)
    starts, row, x, a, z = (
        elements(list_starts),
        elements(rows),
        elements(inputs),
        elements(outputs),
        elements(logits),
    )
    maxima, totals, choices = elements(found[0]), elements(found[1]), elements(found[2])
    block = list_starts.size - 1
    widest = outputs.shape[1]
    n_images = labels.size
    n_layers = layers.shape[0]
    n_classes = layers[n_layers - 1, N_OUT]
    logarithms = 0.0
    distances = 0.0
    product = 1.0
    factors = 0
    n_correct = 0
    for first in range(0, n_images, block):
        n = min(block, n_images - first)
        for layer in range(n_layers):
            n_in = layers[layer, N_IN]
            if layer == 0:
                _list_images(indptr, indices, pixels, first, n, starts, row, x)
            else:
                listed = 0
                for i in range(n):
                    put(starts, i, listed)
                    for unit in range(n_in):
                        # Written always and kept where it counts: no branch to mispredict.
                        value = at(a, i * widest + unit)
                        put(row, listed, unit * LANES)
                        put(x, listed, value)
                        listed += 0 if can_be_off and value == 0 else 1
                    listed = _completed(row, x, listed)
                put(starts, n, listed)
            n_chunks = layers[layer, N_CHUNKS]
            is_hidden = layer < n_layers - 1
            for chunk in range(0, n_chunks - 1, 2):
                first_weight = layers[layer, WEIGHTS] + chunk * n_in * LANES
                first_bias = layers[layer, BIASES] + chunk * LANES
                bias, other_bias = load(b, first_bias), load(b, first_bias + LANES)
                for i in range(n):
                    sums, other_sums = _weighted_rows_of_two(
                        w, first_weight, first_weight + n_in * LANES, row, x, at(starts, i), at(starts, i + 1),
                        bias, other_bias,
                    )  # fmt: skip
                    if is_hidden:
                        sums = activate(activation, sums)
                        other_sums = activate(activation, other_sums)
                    store(a, i * widest + chunk * LANES, sums)
                    store(a, i * widest + (chunk + 1) * LANES, other_sums)
            if n_chunks % 2 == 1:
                chunk = n_chunks - 1
                first_weight = layers[layer, WEIGHTS] + chunk * n_in * LANES
                bias = load(b, layers[layer, BIASES] + chunk * LANES)
                for i in range(n):
                    sums = _weighted_rows(w, first_weight, row, x, at(starts, i), at(starts, i + 1), bias)
                    if is_hidden:
                        sums = activate(activation, sums)
                    store(a, i * widest + chunk * LANES, sums)
        for group in range(0, n, LANES):
            for chunk in range(layers[n_layers - 1, N_CHUNKS]):
                transpose(a, group * widest + chunk * LANES, widest, z, chunk * LANES * LANES)
            largest, total, chosen = classify_lanes(z, 0, n_classes, elements(class_numbers))
            store(maxima, 0, largest)
            store(totals, 0, total)
            store(choices, 0, chosen)
            for i in range(min(LANES, n - group)):
                label = at(y, first + group + i)
                n_correct += at(choices, i) == label
                distances += at(z, label * LANES + i) - at(maxima, i)
                product *= at(totals, i)
                factors += 1
                if factors == n_factors:
                    logarithms += math.log(product)
                    product = 1.0
                    factors = 0
    logarithms += math.log(product)
    return logarithms - distances, n_correct
