"""The kernel that trains sixteen linear classifiers in lock-step: lane m of every vector is member m.

All members see the same images in the same order, each with its own learning rate, momentum and weight decay. A chunk
of the weights is one class: (class, pixel, member).
"""

from engine.arrays import IntArray
from engine.compiled import inlined, kernel
from engine.kernels.arguments import Images, Layer, Lists, Packed, Rule, Signals, Spans
from engine.kernels.lazy_rows import end_gaps, end_list, list_row, prefetch_images, sweep
from engine.kernels.propagators import fill_propagators, keep_as_it_is, settle_row
from engine.kernels.simd import (
    LANES,
    Elements,
    Lanes,
    elements,
    get,
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
    packed: Packed,
    images: Images,
    order: IntArray,
    lists: Lists,
    rule: Rule,
    signals: Signals,
    diverged_at: IntArray,
) -> None:
    """Visit the images of `order`, one update each, changing parameters and their velocities in place.

    The update of one image and the forward pass of the next take turns class by class: most rows belong to both,
    and those of one class are still in the nearest cache. Nothing is computed differently for it.

    Args:
        packed: chunks of (n_features, 16) for each class; velocities are not looked at without momentum.
        images, order: the images, and which to visit.
        lists: room for 2 × (n_features + LIST_PADDING) rows, of this image and the last; `last` has n_features zeros.
        rule: has_momentum and has_weight_decay say whether any member has.
        signals: (1, n_classes × 16): logits, and the loss's gradient for them.
        diverged_at: (16,) out: the first position whose loss was not finite, −1 for none; such a member
            goes on as zeros.
    """
    n_features, n_classes, n_updates = lists.last.size, signals.widest // LANES, order.size
    layer = Layer(n_features, n_classes, n_classes, 0, 0, 0, 0, packed.w.size // n_classes)
    start, previous_start = 0, lists.row.size // 2
    previous_stop = previous_start
    one = splat(signals.outputs.dtype.type(1))
    pixels, visits, diverged = elements(images), elements(order), elements(diverged_at)
    p, rows, r = elements(packed), elements(lists), elements(rule)
    z, delta = elements(signals).outputs, elements(signals).errors
    fill_propagators(r)
    for update in range(n_updates + 1):
        label, stop = 0, start
        if update < n_updates:
            image = get(visits, update)
            label = get(pixels.labels, image)
            prefetch_images(pixels, visits, update, n_updates)
            for k in range(get(pixels.starts, image), get(pixels.starts, image + 1)):
                list_row(get(pixels.columns, k), get(pixels.values, k), stop, update, p, layer, rows, r)
                stop += 1
            end_list(rows.row, rows.x, stop)
            end_gaps(rows.gap, stop)
        spans = Spans(previous_start, previous_stop, start, stop)
        sweep(r.has_momentum, r.has_weight_decay, p, layer, rows, spans, r, delta, update > 0, z)
        if update < n_updates:
            trouble = softmax_of_lanes(z, n_classes, label, delta, one)
            if sum_of_lanes(trouble) != 0:
                _retire(trouble, delta, diverged, update, p, z, r, layer)
                # The lanes that go on get the same bits again.
                softmax_of_lanes(z, n_classes, label, delta, one)
            store(delta, label * LANES, subtract(load(delta, label * LANES), one))
            start, previous_start, previous_stop = previous_start, start, stop
    if r.has_momentum or r.has_weight_decay:
        for j in range(n_features):
            settle_row(p, j * LANES, layer.chunk_size, n_classes, n_updates - get(rows.last, j), r)


@inlined
def _retire(
    trouble: Lanes, scratch: Elements, diverged_at: Elements, update: int, packed: Packed, z: Elements, rule: Rule,
    layer: Layer,
) -> None:  # fmt: skip
    """Turn members that diverged into zeros that never move, so that they cannot disturb their company."""
    store(scratch, 0, trouble)
    for lane in range(LANES):
        if get(scratch, lane) != 0:
            put(diverged_at, lane, update)
            for offset in range(lane, layer.n_chunks * layer.chunk_size, LANES):
                put(packed.w, offset, 0)
                if rule.has_momentum:
                    put(packed.w_velocity, offset, 0)
            for offset in range(lane, layer.n_chunks * LANES, LANES):
                put(packed.b, offset, 0)
                put(packed.b_velocity, offset, 0)
                put(z, offset, 0)
            keep_as_it_is(rule, lane)
