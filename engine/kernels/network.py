"""The kernel that trains one network of any depth and width: sixteen lanes are sixteen units.

Layer l maps n_in inputs to n_out units. Its weights lie in chunks of sixteen units (`engine.kernels.arguments`), the
last one padded with zeros; its inputs are a list of those that count: the image's pixels for the first layer, the units
that are on for the others.

One update goes forward through the layers, then backward; on the way back each listed row of a hidden layer is read
once, for the gradient of its input and for its own update. The first layer has no gradient to hand on, so its update
waits for the next image's forward pass: most rows belong to both images, and the two take turns chunk by chunk while
a chunk is in the nearest cache.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from engine.arrays import IntArray
from engine.compiled import inlined, kernel
from engine.dropout import dropout_key, is_kept
from engine.kernels.arguments import Dropout, Images, Layer, Lists, Packed, Rule, Sigma, Signals, Spans, layer_of
from engine.kernels.lazy_rows import (
    end_gaps,
    end_list,
    for_each_kind,
    list_row,
    prefetch_images,
    propagation,
    sweep,
    update_biases,
)
from engine.kernels.propagators import LONGEST_GAP, fill_propagators, propagators_of, settle_row
from engine.kernels.simd import (
    LANES,
    Elements,
    elements,
    fma,
    get,
    load,
    multiply,
    put,
    skip,
    splat,
    store,
    subtract,
    sum_of_lanes,
    zero,
)
from engine.kernels.vector_math import activate, activation_derivative, exp


class _Run(NamedTuple):
    """All that the pieces of this kernel share; `stops` is where each layer's list of inputs ends."""

    packed: Packed
    table: Elements
    n_layers: int
    lists: Lists
    stops: Elements
    rule: Rule
    signals: Signals
    sigma: Sigma
    dropout: Dropout
    hidden_is_lazy: bool


@kernel
def train_one(
    packed: Packed,
    layers: IntArray,
    images: Images,
    order: IntArray,
    lists: Lists,
    list_stops: IntArray,
    rule: Rule,
    signals: Signals,
    sigma: Sigma,
    dropout: Dropout,
) -> int:
    """Visit the images of `order`, one update each, changing parameters and their velocities in place.

    Args:
        packed: of all layers; velocities are not looked at without momentum.
        layers: (n_layers, 8), rows of `engine.kernels.arguments.Layer`.
        images, order: the images, and which to visit.
        lists: of each layer's inputs, as `layers` says; the first layer has two, of this image and the last.
        list_stops: (n_layers,) scratch.
        rule, signals, sigma, dropout: `engine.kernels.arguments`.

    Returns:
        The first position whose loss was not finite, or −1.
    """
    # Where every unit counts in every update, rows are never behind and a forward pass needs no velocities.
    hidden_is_lazy = sigma.can_be_off or dropout.hidden_threshold != 0
    pixels, visits, n_updates, n_layers = elements(images), elements(order), order.size, layers.shape[0]
    run = _Run(
        elements(packed), elements(layers), n_layers, elements(lists), elements(list_stops), elements(rule),
        elements(signals), sigma, dropout, hidden_is_lazy,
    )  # fmt: skip
    fill_propagators(run.rule)
    top, last_layer = (n_layers - 1) * signals.widest, layer_of(run.table, n_layers - 1)
    one = signals.outputs.dtype.type(1)
    # The first layer's two lists lie one after the other.
    start, previous_start = 0, layer_of(run.table, 0).inputs
    previous_stop = previous_start
    for update in range(n_updates + 1):
        image, stop = 0, start
        if update < n_updates:
            image = get(visits, update)
            prefetch_images(pixels, visits, update, n_updates)
            stop = _list_pixels(run, pixels, image, update, start)
        # The first layer's last update has no image to go on to.
        for layer in range(n_layers if update < n_updates else 1):
            _forward(run, layer, update, Spans(previous_start, previous_stop, start, stop), update > 0)
        if update == n_updates:
            break
        is_finite = softmax_gradient(
            skip(run.signals.outputs, top), last_layer.n_out, get(pixels.labels, image),
            skip(run.signals.errors, top), one,
        )  # fmt: skip
        if not is_finite:
            return update
        for layer in range(n_layers - 1, 0, -1):
            _backward(run, layer, one)
        start, previous_start, previous_stop = previous_start, start, stop
    _settle(run, n_updates)
    return -1


@inlined
def _list_pixels(run: _Run, images: Images, image: int, update: int, start: int) -> int:
    """List the pixels of an image that dropout keeps, from `start` on; return where the list ends."""
    first, dropout, stop = layer_of(run.table, 0), run.dropout, start
    key = dropout_key(dropout.seed, dropout.first_update + update, 0)
    for k in range(get(images.starts, image), get(images.starts, image + 1)):
        column = get(images.columns, k)
        if dropout.input_threshold == 0 or is_kept(key, column, dropout.input_threshold):
            value = get(images.values, k) * dropout.input_scale
            list_row(column, value, stop, update, run.packed, first, run.lists, run.rule)
            stop += 1
    end_list(run.lists.row, run.lists.x, stop)
    end_gaps(run.lists.gap, stop)
    return stop


@inlined
def _list_units(run: _Run, layer: Layer, outputs: Elements, number: int, update: int) -> int:
    """List the units below layer `number` that are on and that dropout keeps; return where the list ends."""
    lists, rule, dropout, stop = run.lists, run.rule, run.dropout, layer.inputs
    is_lazy = run.hidden_is_lazy and (rule.has_momentum or rule.has_weight_decay)
    key = dropout_key(dropout.seed, dropout.first_update + update, number)
    for unit in range(layer.n_in):
        value = get(outputs, unit)
        # A NaN is not off: it must go on to the loss.
        counts = not (run.sigma.can_be_off and value == 0)
        if dropout.hidden_threshold != 0:
            counts = counts and is_kept(key, unit, dropout.hidden_threshold)
        # Written always and kept where it counts: no branch to mispredict.
        put(lists.row, stop, unit * LANES)
        put(lists.x, stop, value * dropout.hidden_scale)
        if is_lazy:
            touched = get(lists.last, layer.touches + unit)
            missed = update - touched
            if missed > LONGEST_GAP and counts:
                first = layer.weights + unit * LANES
                settle_row(run.packed, first, layer.chunk_size, layer.n_chunks, missed, rule)
                missed = 0
            put(lists.last, layer.touches + unit, update + 1 if counts else touched)
            put(lists.gap, stop, missed * LANES)
        stop += 1 if counts else 0
    end_list(lists.row, lists.x, stop)
    end_gaps(lists.gap, stop)
    return stop


@inlined
def _forward(run: _Run, number: int, update: int, spans: Spans, has_errors: bool) -> None:
    """The outputs of layer `number`, from the pixels or from the outputs below; the first layer's update before."""
    layer, widest = layer_of(run.table, number), run.signals.widest
    outputs, is_lazy = skip(run.signals.outputs, number * widest), True
    if number > 0:
        stop = _list_units(run, layer, skip(run.signals.outputs, (number - 1) * widest), number, update)
        put(run.stops, number, stop)
        spans, is_lazy, has_errors = Spans(0, 0, layer.inputs, stop), run.hidden_is_lazy, False
    sweep(
        run.rule.has_momentum and is_lazy, run.rule.has_weight_decay and is_lazy,
        run.packed, layer, run.lists, spans, run.rule, skip(run.signals.errors, number * widest), has_errors, outputs,
    )  # fmt: skip
    if number < run.n_layers - 1:
        for offset in range(0, layer.n_chunks * LANES, LANES):
            store(outputs, offset, activate(run.sigma.code, load(outputs, offset)))


@inlined
def softmax_gradient(z: Elements, n_classes: int, label: int, e: Elements, one: Any) -> Any:
    """Write softmax(z) − onehot(label) to `e`; say whether the loss is finite.

    The same operations in the same order as `engine.kernels.softmax.softmax_of_lanes`, whose lanes are models.
    """
    largest = get(z, 0)
    for class_ in range(1, n_classes):
        logit = get(z, class_)
        largest = max(largest, logit)
    for offset in range(0, n_classes, LANES):
        store(e, offset, exp(subtract(load(z, offset), splat(largest))))
    total = one - one
    for class_ in range(n_classes):
        total += get(e, class_)
    inverse = one / total
    for offset in range(0, n_classes, LANES):
        store(e, offset, multiply(load(e, offset), splat(inverse)))
    # Lanes beyond the last class must not move: their weights stay zeros.
    for class_ in range(n_classes, (n_classes + LANES - 1) // LANES * LANES):
        put(e, class_, 0)
    put(e, label, get(e, label) - one)
    distance = get(z, label) - largest
    return (total - total) + (distance - distance) == 0  # NaN where either is not finite


def _backward_rows(has_momentum: bool, has_weight_decay: bool) -> Callable[..., None]:
    propagated = propagation(has_momentum, has_weight_decay)

    @inlined
    def backward_rows(
        packed: Packed, layer: Layer, lists: Lists, stop: int, rule: Rule, error: Elements, error_below: Elements
    ) -> None:
        """For each listed row: the gradient of its input, Σ wδ with the weights before the update, and its update.

        `error` is δ of this layer's units; `error_below` receives the sums, at the listed units.
        """
        size_w, size_v = get(rule.step_sizes, 0), get(rule.step_sizes, LANES)
        for k in range(layer.inputs, stop):
            row = get(lists.row, k)
            gap = get(lists.gap, k)
            here, after = propagators_of(rule, gap), propagators_of(rule, gap + LANES)
            step_w, step_v = splat(get(lists.x, k) * size_w), splat(get(lists.x, k) * size_v)
            sums = zero(packed.w)
            for chunk in range(layer.n_chunks):
                offset = layer.weights + row + chunk * layer.chunk_size
                delta = load(error, chunk * LANES)
                weight = load(packed.w, offset)
                velocity = load(packed.w_velocity, offset) if has_momentum else weight
                present, _ = propagated(here, weight, velocity)
                moved, kept = propagated(after, weight, velocity)
                sums = fma(present, delta, sums)
                store(packed.w, offset, fma(step_w, delta, moved))
                if has_momentum:
                    store(packed.w_velocity, offset, fma(step_v, delta, kept))
            put(error_below, row // LANES, sum_of_lanes(sums))

    return backward_rows


_for_each_row = for_each_kind(_backward_rows)


@inlined
def _backward(run: _Run, number: int, one: Any) -> None:
    """The loss's gradients for the outputs below layer `number`, and the layer's update."""
    layer, rule, widest = layer_of(run.table, number), run.rule, run.signals.widest
    error, error_below = skip(run.signals.errors, number * widest), skip(run.signals.errors, (number - 1) * widest)
    below = skip(run.signals.outputs, (number - 1) * widest)
    for offset in range(0, layer.n_in, LANES):
        store(error_below, offset, zero(below))
    stop = get(run.stops, number)
    _for_each_row(
        rule.has_momentum, rule.has_weight_decay, run.packed, layer, run.lists, stop, rule, error, error_below
    )
    ones, scale = splat(one), splat(run.dropout.hidden_scale)
    for offset in range(0, layer.n_in, LANES):
        slope = multiply(activation_derivative(run.sigma.code, load(below, offset), ones), scale)
        store(error_below, offset, multiply(load(error_below, offset), slope))
    for offset in range(0, layer.n_chunks * LANES, LANES):
        delta = load(error, offset)
        step_w, step_v = multiply(load(rule.step_sizes, 0), delta), multiply(load(rule.step_sizes, LANES), delta)
        update_biases(run.packed, layer.biases + offset, rule, step_w, step_v)


@inlined
def _settle(run: _Run, n_updates: int) -> None:
    """Bring every row up to date that may be behind."""
    if run.rule.has_momentum or run.rule.has_weight_decay:
        for number in range(run.n_layers if run.hidden_is_lazy else 1):
            layer = layer_of(run.table, number)
            for unit in range(layer.n_in):
                missed, first = n_updates - get(run.lists.last, layer.touches + unit), layer.weights + unit * LANES
                settle_row(run.packed, first, layer.chunk_size, layer.n_chunks, missed, run.rule)
