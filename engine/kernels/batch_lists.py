"""What a batch is while it is trained: each image's lists of inputs that count, and the same entries turned round.

Each image has a list of the inputs of a layer that count, in ascending order: pixels that are not zero, or units that
are on, less what dropout drops. Turned round, each row of weights has a list of the images whose input counts there.
`engine.kernels.batches` computes with them.
"""

from typing import Any, NamedTuple

from engine.compiled import inlined
from engine.dropout import dropout_key, is_kept
from engine.kernels.arguments import Dropout, Images, Layer, Packed, Sigma, layer_of
from engine.kernels.lazy_rows import end_list
from engine.kernels.simd import LANES, Elements, get, prefetch, put, skip
from engine.kernels.team import Team, share

# 2⁴ = 16.
LOG_LANES = 4


class Step(NamedTuple):
    """v ← βv + κ(g + λw), w ← w − γv; without momentum w ← w − γ(g + λw). Biases have no weight decay λ."""

    has_momentum: bool
    learning_rate: Any
    beta: Any
    kappa: Any
    weight_decay: Any


class Entries(NamedTuple):
    """Entries of lists: where in an array a vector begins, and what it is multiplied by."""

    row: Elements
    x: Elements


class Room(NamedTuple):
    """Room for a batch of up to `size` images.

    `inputs`: of image i, the inputs of a layer that count, from i × `inputs_stride` + `Layer.inputs` on; 16 × row and
    the input. In `marks`, from the same place on: where in the list the inputs 0, 16, 32 … begin, and its end (of
    pixels, the end alone).
    `images`: of row j of a layer, the images whose input counts, from (`Layer.touches` + j) × `images_stride` on;
    `widest` × image and the input. `lengths`: of each row's list.
    `outputs` and `errors`: of each layer, and the loss's gradients for them, (n_layers, `size`, `widest`), zeros.
    `failed`: (1,), 0 as long as every loss is finite.
    """

    size: int
    inputs: Entries
    marks: Elements
    inputs_stride: int
    images: Entries
    lengths: Elements
    images_stride: int
    outputs: Elements
    errors: Elements
    widest: int
    failed: Elements


class BatchRun(NamedTuple):
    """All that the pieces of this kernel share."""

    packed: Packed
    table: Elements
    n_layers: int
    images: Images
    order: Elements
    n_images: int
    step: Step
    room: Room
    sigma: Sigma
    dropout: Dropout
    team: Team


@inlined
def list_pixels(run: BatchRun, update: int, first: int, n: int) -> None:
    """List the pixels of this thread's images that dropout keeps."""
    room, images, dropout, layer = run.room, run.images, run.dropout, layer_of(run.table, 0)
    key = dropout_key(dropout.seed, dropout.first_update + update, 0)
    start, stop = share(run.team, n)
    for i in range(start, stop):
        image, position = get(run.order, first + i), i * room.inputs_stride + layer.inputs
        if first + i + 1 < run.n_images:
            following = get(run.order, first + i + 1)
            for k in range(get(images.starts, following), get(images.starts, following + 1), LANES):
                prefetch(images.columns, k)
                prefetch(images.values, k)
        end = position
        for k in range(get(images.starts, image), get(images.starts, image + 1)):
            column = get(images.columns, k)
            # Written always and kept where it counts: no branch to mispredict.
            put(room.inputs.row, end, column * LANES)
            put(room.inputs.x, end, get(images.values, k) * dropout.input_scale)
            kept = dropout.input_threshold == 0 or is_kept(key, i * layer.n_in + column, dropout.input_threshold)
            end += 1 if kept else 0
        end_list(room.inputs.row, room.inputs.x, end)
        put(room.marks, position + n_blocks_of(layer), end)


@inlined
def n_blocks_of(layer: Layer) -> int:
    """How many vectors hold a layer's inputs."""
    return (layer.n_in + LANES - 1) // LANES


@inlined
def list_units(run: BatchRun, number: int, update: int, n: int) -> None:
    """List the units below layer `number` that are on and that dropout keeps, of this thread's images."""
    room, dropout, layer = run.room, run.dropout, layer_of(run.table, number)
    key = dropout_key(dropout.seed, dropout.first_update + update, number)
    start, stop = share(run.team, n)
    for i in range(start, stop):
        outputs = skip(room.outputs, ((number - 1) * room.size + i) * room.widest)
        position = i * room.inputs_stride + layer.inputs
        end = position
        for block in range(n_blocks_of(layer)):
            put(room.marks, position + block, end)
            for unit in range(block * LANES, min(layer.n_in, (block + 1) * LANES)):
                value = get(outputs, unit)
                # A NaN is not off: it must go on to the loss.
                counts = not (run.sigma.can_be_off and value == 0)
                if dropout.hidden_threshold != 0:
                    counts = counts and is_kept(key, i * layer.n_in + unit, dropout.hidden_threshold)
                put(room.inputs.row, end, unit * LANES)
                put(room.inputs.x, end, value * dropout.hidden_scale)
                end += 1 if counts else 0
        end_list(room.inputs.row, room.inputs.x, end)
        put(room.marks, position + n_blocks_of(layer), end)


@inlined
def _first_entry(room: Room, start: int, stop: int, row: int) -> int:
    """Where, in an image's list, inputs from number `row` on begin."""
    while start < stop:
        middle = (start + stop) // 2
        if get(room.inputs.row, middle) < row * LANES:
            start = middle + 1
        else:
            stop = middle
    return start


@inlined
def turn_round(run: BatchRun, number: int, n: int) -> None:
    """From each image's list of inputs to the lists of images of this thread's rows."""
    room, layer = run.room, layer_of(run.table, number)
    start, stop = share(run.team, layer.n_in)
    for row in range(layer.touches + start, layer.touches + stop):
        put(room.lengths, row, 0)
    for i in range(n):
        position = i * room.inputs_stride + layer.inputs
        end = get(room.marks, position + n_blocks_of(layer))
        if run.team.size > 1:
            position = _first_entry(room, position, end, start)
            end = _first_entry(room, position, end, stop)
        for k in range(position, end):
            row = layer.touches + (get(room.inputs.row, k) >> LOG_LANES)
            length = get(room.lengths, row)
            put(room.images.row, row * room.images_stride + length, i * room.widest)
            put(room.images.x, row * room.images_stride + length, get(room.inputs.x, k))
            put(room.lengths, row, length + 1)
    for row in range(layer.touches + start, layer.touches + stop):
        end_list(room.images.row, room.images.x, row * room.images_stride + get(room.lengths, row))
