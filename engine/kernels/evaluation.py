"""The kernels that measure loss and accuracy, of sixteen linear classifiers or of one network of any depth.

Images come in blocks. For each block the chunks of a layer are the outer loop and the images the inner one, so that
a chunk's weights, n_in vectors, stay in the nearest cache while the images pass by.

The loss of an image is log s − (z_y − m) (`engine.kernels.softmax`). Σ log s = log Π s: the s of several images, each
between 1 and n_classes, are multiplied in float64 before a logarithm is taken. Both kernels multiply and add image by
image in the same groups, so that a linear model has the same bits in either.
"""

import math
from typing import NamedTuple

from engine.arrays import FloatArray, IntArray
from engine.compiled import inlined, kernel
from engine.kernels.arguments import Images, Layer, Sigma, layer_of
from engine.kernels.lazy_rows import end_list, forward
from engine.kernels.simd import (
    LANES,
    Elements,
    Lanes,
    add,
    elements,
    get,
    load,
    multiply,
    put,
    skip,
    splat,
    store,
    subtract,
    transpose,
    where_equal,
    widen,
    zero,
)
from engine.kernels.softmax import classify_lanes
from engine.kernels.vector_math import activate


class Weights(NamedTuple):
    """Weights and biases of all layers, flat, in the layout of `engine.kernels.arguments`."""

    w: Elements
    b: Elements


class Block(NamedTuple):
    """Room for a block of images: their lists of inputs, and what a layer makes of them.

    The list of image i is entry `starts[i]` to `starts[i + 1]` of `row` (16 × row) and `x` (its input); an image has
    `stride` outputs, zeros at first. `class_numbers` are (n_classes, 16): 0, 0, … 1, 1, …
    """

    starts: Elements
    row: Elements
    x: Elements
    outputs: Elements
    class_numbers: Elements
    stride: int


_weighted_sums = forward(False, False)


@inlined
def _end(block: Block, i: int, stop: int) -> int:
    """Complete the list of image i, which ends at `stop`; return its new end, where the next one begins."""
    end_list(block.row, block.x, stop)
    stop = (stop + 3) // 4 * 4
    put(block.starts, i + 1, stop)
    return stop


@inlined
def _list_pixels(images: Images, first: int, n: int, block: Block) -> None:
    """List the pixels of images first … first + n − 1."""
    stop = 0
    put(block.starts, 0, 0)
    for i in range(n):
        begin = get(images.starts, first + i)
        length = get(images.starts, first + i + 1) - begin
        for k in range(length):
            put(block.row, stop + k, get(images.columns, begin + k) * LANES)
            put(block.x, stop + k, get(images.values, begin + k))
        stop = _end(block, i, stop + length)


@inlined
def _list_units(n_units: int, n: int, can_be_off: bool, block: Block) -> None:
    """List the outputs of the layer below that count."""
    stop = 0
    put(block.starts, 0, 0)
    for i in range(n):
        for unit in range(n_units):
            # Written always and kept where it counts: no branch to mispredict.
            value = get(block.outputs, i * block.stride + unit)
            put(block.row, stop, unit * LANES)
            put(block.x, stop, value)
            stop += 0 if can_be_off and value == 0 else 1
        stop = _end(block, i, stop)


@inlined
def _weigh(weights: Weights, layer: Layer, n: int, block: Block) -> None:
    """The weighted sums of n listed images, chunk by chunk, two chunks at a time."""
    size = layer.chunk_size
    for pair in range(layer.n_chunks // 2):
        chunk, lane = layer.weights + 2 * pair * size, 2 * pair * LANES
        _weigh_chunks(weights, layer, (chunk, chunk + size), (lane, lane + LANES), n, block)
    if layer.n_chunks % 2 == 1:
        chunk, lane = layer.weights + (layer.n_chunks - 1) * size, (layer.n_chunks - 1) * LANES
        _weigh_chunks(weights, layer, (chunk,), (lane,), n, block)


@inlined
def _weigh_chunks(
    weights: Weights, layer: Layer, chunks: tuple[int, ...], lanes: tuple[int, ...], n: int, block: Block
) -> None:
    bias = load(skip(weights.b, layer.biases), lanes)
    for i in range(n):
        sums = _weighted_sums(weights, chunks, block, get(block.starts, i), get(block.starts, i + 1), None, bias)
        store(skip(block.outputs, i * block.stride), lanes, sums)


@kernel
def evaluate_sixteen(
    weights: Weights,
    images: Images,
    block: Block,
    scratch: FloatArray,
    loss: FloatArray,
    n_correct: FloatArray,
    choices: FloatArray,
    n_factors: int,
) -> None:
    """Sum of losses and number of correct classifications, over all images, of sixteen linear classifiers.

    Args:
        weights: chunks of (n_features, 16) for each class.
        images: the images and their classes.
        block: room for as many images as it has starts but one, with n_classes × 16 outputs each.
        scratch: (16,) float64.
        loss, n_correct: (16,) float64, out; losses in nats.
        choices: (n_images × 16,), out: the class that each member chose for each image; of no entries if not wanted.
        n_factors: how many softmax sums are multiplied before a logarithm.
    """
    n_classes = block.stride // LANES
    n_rows = weights.w.size // block.stride
    layer = Layer(n_rows, n_classes, n_classes, 0, 0, 0, 0, n_rows * LANES)
    n_images, n_block = images.labels.size, block.starts.size - 1
    w, pixels, room = elements(weights), elements(images), elements(block)
    keeps, kept = choices.size > 0, elements(choices)
    one = splat(block.outputs.dtype.type(1))
    logarithms, distances, correct = zero(elements(loss)), zero(elements(loss)), zero(elements(loss))
    product = splat(1.0)
    factors = 0
    for first in range(0, n_images, n_block):
        n = min(n_block, n_images - first)
        _list_pixels(pixels, first, n, room)
        _weigh(w, layer, n, room)
        for i in range(n):
            label = get(pixels.labels, first + i) * LANES
            largest, total, chosen = classify_lanes(room.outputs, i * room.stride, n_classes, room.class_numbers)
            if keeps:
                store(kept, (first + i) * LANES, chosen)
            is_right = where_equal(chosen, load(room.class_numbers, label), one, subtract(one, one))
            correct = add(correct, widen(is_right))
            distances = add(distances, widen(subtract(load(room.outputs, i * room.stride + label), largest)))
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
        put(scratch, lane, math.log(get(scratch, lane)))
    return load(scratch, 0)


@kernel
def evaluate_one(
    weights: Weights,
    layers: IntArray,
    images: Images,
    sigma: Sigma,
    block: Block,
    logits: FloatArray,
    found: FloatArray,
    of_images: FloatArray,
    start: int,
    stop: int,
) -> None:
    """Softmax and class of one network for some of the images.

    Args:
        weights, layers, sigma: the network, as in `engine.kernels.network`.
        images: the images and their classes.
        block: room for as many images as it has starts but one, a multiple of 16, with the widest layer's outputs.
        logits: (n_classes padded to vectors, 16) flat, scratch: sixteen images' logits, class by class.
        found: (3, 16) scratch: of sixteen images, m, s and the class chosen.
        of_images: (3, n_images) flat, out: of each image z_label − m, s and the class chosen.
        start, stop: from which image to before which; the start is a multiple of the block's size.
    """
    n_layers, n_images, n_block = layers.shape[0], images.labels.size, block.starts.size - 1
    w, table, pixels, room = elements(weights), elements(layers), elements(images), elements(block)
    z, maxima, kept = elements(logits), elements(found), elements(of_images)
    totals, choices = skip(maxima, LANES), skip(maxima, 2 * LANES)
    last = layer_of(table, n_layers - 1)
    for first in range(start, stop, n_block):
        n = min(n_block, stop - first)
        _list_pixels(pixels, first, n, room)
        for number in range(n_layers):
            layer = layer_of(table, number)
            if number > 0:
                _activate_block(layer.n_in, n, sigma, room)
                _list_units(layer.n_in, n, sigma.can_be_off, room)
            _weigh(w, layer, n, room)
        for group in range(0, n, LANES):
            for chunk in range(last.n_chunks):
                transpose(room.outputs, group * room.stride + chunk * LANES, room.stride, z, chunk * LANES * LANES)
            largest, total, chosen = classify_lanes(z, 0, last.n_out, room.class_numbers)
            store(maxima, 0, largest)
            store(totals, 0, total)
            store(choices, 0, chosen)
            for i in range(min(LANES, n - group)):
                image = first + group + i
                put(kept, image, get(z, get(pixels.labels, image) * LANES + i) - get(maxima, i))
                put(kept, n_images + image, get(totals, i))
                put(kept, 2 * n_images + image, get(choices, i))


@kernel
def sum_up(of_images: FloatArray, labels: IntArray, n_factors: int) -> tuple[float, int]:
    """Sum of losses, in nats, and number of correct classifications, from what `evaluate_one` found of all images.

    Args:
        of_images: as there.
        labels: (n_images,) their classes.
        n_factors: how many softmax sums are multiplied before a logarithm.
    """
    n_images = labels.size
    found, label = elements(of_images), elements(labels)
    logarithms, distances, product, factors, n_correct = 0.0, 0.0, 1.0, 0, 0
    for i in range(n_images):
        n_correct += get(label, i) == get(found, 2 * n_images + i)
        distances += get(found, i)
        product *= get(found, n_images + i)
        factors += 1
        if factors == n_factors:
            logarithms += math.log(product)
            product = 1.0
            factors = 0
    logarithms += math.log(product)
    return logarithms - distances, n_correct


@inlined
def _activate_block(n_units: int, n: int, sigma: Sigma, block: Block) -> None:
    """σ of a hidden layer's sums."""
    for i in range(n):
        for offset in range(i * block.stride, i * block.stride + n_units, LANES):
            store(block.outputs, offset, activate(sigma.code, load(block.outputs, offset)))
