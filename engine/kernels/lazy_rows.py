"""Rows of a weight matrix that are touched only when their input is not zero: listing, reading, updating.

A row that was last touched d updates ago is Mᵈ of what is stored (`engine.kernels.propagators`). A touched row has
gradient xδ besides, and its update is one more step: w ← A w + B v − γκ xδ and v ← C w + D v + κ xδ, with Mᵈ⁺¹. The
forward pass only reads.

Nothing here depends on what the lanes are, so linear members of a population get the same bits as alone. A list of
touched rows (`engine.kernels.arguments.Lists`) has up to three entries with input zero after its last, so that a sum
can take four at a time without a remainder (whose branch would be mispredicted for every image).

Each loop is written once, in a factory, and compiled for each kind of update, with and without momentum and weight
decay: a loop that tests what it never changes is compiled worse. Chunks of weights are taken two at a time, as tuples
(`engine.kernels.simd`), which share the reading of the list and of the propagators.
"""

from collections.abc import Callable
from typing import Any

from engine.compiled import inlined
from engine.kernels.arguments import Images, Layer, Lists, Packed, Rule, Spans
from engine.kernels.propagators import LONGEST_GAP, propagators_of, settle_row
from engine.kernels.simd import (
    LANES,
    Elements,
    Lanes,
    add,
    first_of_four,
    fma,
    fourth_of_four,
    get,
    load,
    load_four,
    multiply,
    prefetch,
    put,
    second_of_four,
    shift,
    splat,
    store,
    third_of_four,
    zero,
)

# Room after a list of touched rows for the entries that complete the last four.
LIST_PADDING = 4


@inlined
def list_row(
    column: int, value: Any, position: int, update: int, packed: Packed, layer: Layer, lists: Lists, rule: Rule
) -> None:
    """Put a row of the first layer in a list of touched rows, before update number `update`, which will touch it.

    `last[column]` is the number of updates the row's memory has seen, and is advanced here to `update` + 1.
    """
    put(lists.row, position, column * LANES)
    put(lists.x, position, value)
    if rule.has_momentum or rule.has_weight_decay:
        missed = update - get(lists.last, column)
        if missed > LONGEST_GAP:
            settle_row(packed, column * LANES, layer.chunk_size, layer.n_chunks, missed, rule)
            missed = 0
        put(lists.gap, position, missed * LANES)
        put(lists.last, column, update + 1)


@inlined
def prefetch_images(images: Images, order: Elements, update: int, n_updates: int) -> None:
    """Ask for the pixels of the next image, and for where the one after it lies.

    Images are visited in random order and a training set is larger than the caches: without this, an update of a
    linear model waits for memory as long as it computes.
    """
    if update + 2 < n_updates:
        prefetch(images.starts, get(order, update + 2))
        prefetch(images.labels, get(order, update + 2))
    if update + 1 < n_updates:
        image = get(order, update + 1)
        for k in range(get(images.starts, image), get(images.starts, image + 1), LANES):
            prefetch(images.columns, k)
            prefetch(images.values, k)


@inlined
def end_list(row: Elements, x: Elements, stop: int) -> None:
    """Complete the last four entries of a list with row 0 times zero."""
    for position in range(stop, stop + LIST_PADDING - 1):
        put(row, position, 0)
        put(x, position, 0)


@inlined
def end_gaps(gap: Elements, stop: int) -> None:
    """Complete the gaps of a list as `end_list` does the rest."""
    for position in range(stop, stop + LIST_PADDING - 1):
        put(gap, position, 0)


def propagation(has_momentum: bool, has_weight_decay: bool) -> Callable[..., tuple[Lanes, Lanes]]:
    """(A, B, C and D, w, v) → (A w + B v, C w + D v), without what one kind of update does not need."""

    @inlined
    def propagated(of_gap: Any, weight: Lanes, velocity: Lanes) -> tuple[Lanes, Lanes]:
        A, B, C, D = of_gap
        if has_momentum and has_weight_decay:
            return fma(B, velocity, multiply(A, weight)), fma(C, weight, multiply(D, velocity))
        if has_momentum:
            return fma(B, velocity, weight), multiply(D, velocity)
        if has_weight_decay:
            return multiply(A, weight), velocity
        return weight, velocity

    return propagated


def forward(has_momentum: bool, has_weight_decay: bool) -> Callable[..., Any]:
    """The weighted sums of one kind of update."""
    propagated = propagation(has_momentum, has_weight_decay)

    @inlined
    def present(packed: Any, chunks: Any, lists: Any, k: int, rule: Any) -> Lanes:
        """Row k of a list, in each chunk, as it would be if it were touched."""
        offsets = shift(chunks, get(lists.row, k))
        weight = load(packed.w, offsets)
        if has_momentum:
            of_gap = propagators_of(rule, get(lists.gap, k))
            weight, _ = propagated(of_gap, weight, load(packed.w_velocity, offsets))
        elif has_weight_decay:
            weight, _ = propagated(propagators_of(rule, get(lists.gap, k)), weight, weight)
        return weight

    @inlined
    def weighted_sums(packed: Any, chunks: Any, lists: Any, start: int, stop: int, rule: Any, bias: Lanes) -> Lanes:
        """Bias + Σ xₖ wₖ over the listed rows, in each chunk, each row brought up to date on the fly, nothing written.

        Four running sums hide the latency of the multiply-add: entry k goes to sum k mod 4, and the result is
        (s₀ + s₁) + (s₂ + s₃).
        """
        s0 = bias
        s1 = zero(bias)
        s2 = zero(bias)
        s3 = zero(bias)
        for four in range((stop - start + 3) // 4):
            k = start + 4 * four
            inputs = load_four(lists.x, k)
            s0 = fma(first_of_four(inputs), present(packed, chunks, lists, k, rule), s0)
            s1 = fma(second_of_four(inputs), present(packed, chunks, lists, k + 1, rule), s1)
            s2 = fma(third_of_four(inputs), present(packed, chunks, lists, k + 2, rule), s2)
            s3 = fma(fourth_of_four(inputs), present(packed, chunks, lists, k + 3, rule), s3)
        return add(add(s0, s1), add(s2, s3))

    return weighted_sums


@inlined
def update_biases(packed: Packed, offsets: Any, rule: Rule, step_w: Lanes, step_v: Lanes) -> None:
    """One update of sixteen biases: rows with input 1 that are touched by every update and without weight decay."""
    bias = load(packed.b, offsets)
    if rule.has_momentum:
        velocity = load(packed.b_velocity, offsets)
        store(packed.b, offsets, add(fma(load(rule.bias_steps, 0), velocity, bias), step_w))
        store(packed.b_velocity, offsets, fma(load(rule.bias_steps, LANES), velocity, step_v))
    else:
        store(packed.b, offsets, add(bias, step_w))


def _sweep(has_momentum: bool, has_weight_decay: bool) -> Callable[..., None]:
    propagated = propagation(has_momentum, has_weight_decay)
    weighted_sums = forward(has_momentum, has_weight_decay)

    @inlined
    def update_rows(
        packed: Packed, chunks: Any, lists: Lists, start: int, stop: int, rule: Rule, step_w: Lanes, step_v: Lanes
    ) -> None:
        """One update of the listed rows, in each chunk: `step_w` = −γκδ and `step_v` = κδ, times each row's input."""
        for k in range(start, stop):
            offsets = shift(chunks, get(lists.row, k))
            of_gap = propagators_of(rule, get(lists.gap, k) + LANES)
            x = splat(get(lists.x, k))
            weight = load(packed.w, offsets)
            velocity = load(packed.w_velocity, offsets) if has_momentum else weight
            moved, kept = propagated(of_gap, weight, velocity)
            store(packed.w, offsets, fma(x, step_w, moved))
            if has_momentum:
                store(packed.w_velocity, offsets, fma(x, step_v, kept))

    @inlined
    def sweep_chunks(
        packed: Packed, chunks: Any, lanes: Any, layer: Layer, lists: Lists, spans: Spans, rule: Rule,
        errors: Elements, has_errors: bool, outputs: Elements,
    ) -> None:  # fmt: skip
        biases = shift(lanes, layer.biases)
        if has_errors:
            error = load(errors, lanes)
            step_w = multiply(load(rule.step_sizes, 0), error)
            step_v = multiply(load(rule.step_sizes, LANES), error)
            update_rows(packed, chunks, lists, spans.previous_start, spans.previous_stop, rule, step_w, step_v)
            update_biases(packed, biases, rule, step_w, step_v)
        bias = load(packed.b, biases)
        store(outputs, lanes, weighted_sums(packed, chunks, lists, spans.start, spans.stop, rule, bias))

    @inlined
    def sweep_layer(
        packed: Packed, layer: Layer, lists: Lists, spans: Spans, rule: Rule,
        errors: Elements, has_errors: bool, outputs: Elements,
    ) -> None:  # fmt: skip
        size = layer.chunk_size
        for pair in range(layer.n_chunks // 2):
            first, lane = layer.weights + 2 * pair * size, 2 * pair * LANES
            sweep_chunks(
                packed, (first, first + size), (lane, lane + LANES), layer, lists, spans, rule,
                errors, has_errors, outputs,
            )  # fmt: skip
        if layer.n_chunks % 2 == 1:
            first, lane = layer.weights + (layer.n_chunks - 1) * size, (layer.n_chunks - 1) * LANES
            sweep_chunks(packed, (first,), (lane,), layer, lists, spans, rule, errors, has_errors, outputs)

    return sweep_layer


def for_each_kind(make: Callable[[bool, bool], Callable[..., None]]) -> Callable[..., None]:
    """(has_momentum, has_weight_decay, …) → what `make` makes for that kind of update, applied to the rest."""
    both, momentum, weight_decay, neither = make(True, True), make(True, False), make(False, True), make(False, False)

    @inlined
    def chosen(has_momentum: bool, has_weight_decay: bool, *arguments: Any) -> None:
        if has_momentum and has_weight_decay:
            both(*arguments)
        elif has_momentum:
            momentum(*arguments)
        elif has_weight_decay:
            weight_decay(*arguments)
        else:
            neither(*arguments)

    return chosen


# (has_momentum, has_weight_decay, packed, layer, lists, spans, rule, errors, has_errors, outputs): a layer's update for
# the image before, whose gradients are `errors`, and its weighted sums for the next, written to `outputs`. Most rows
# belong to both images and are still in the nearest cache for the second, chunk by chunk. Layers above the first, whose
# update cannot wait, come without errors.
sweep = for_each_kind(_sweep)
