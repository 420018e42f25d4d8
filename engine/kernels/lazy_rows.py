"""Rows of a weight matrix that are touched only when their input is not zero: listing, reading, updating.

A row that was last touched d updates ago is Mᵈ of what is stored (`engine.kernels.propagators`). A touched row has
gradient xδ besides, and its update is one more step: w ← A w + B v − γκ xδ and v ← C w + D v + κ xδ, with Mᵈ⁺¹. The
forward pass only reads.

Layout: a matrix of shape (n_in, n_out) lies in *chunks* of sixteen columns, each chunk contiguous: (chunk, n_in, 16).
Sixteen lanes are sixteen units of one network, or one unit of sixteen networks; nothing here depends on which, so
linear members of a population get the same bits as alone. A list of touched rows is three arrays: the rows' offsets
in a chunk (16 × row), their inputs x, and 16 × d; after its last entry come up to three with input zero, so that a
sum can take four at a time without a remainder (whose branch would be mispredicted for every image).
"""

from engine.compiled import inlined
from engine.kernels.propagators import LONGEST_GAP, settle_row
from engine.kernels.simd import (
    LANES,
    Elements,
    Lanes,
    add,
    at,
    first_of_four,
    fma,
    fourth_of_four,
    load,
    load_four,
    multiply,
    prefetch,
    put,
    second_of_four,
    splat,
    store,
    third_of_four,
    zero,
)

# Room after a list of touched rows for the entries that complete the last four.
LIST_PADDING = 4


@inlined
def list_row(
    column: int,
    value: float,
    position: int,
    update: int,
    w: Elements,
    v: Elements,
    first_chunk: int,
    chunk_size: int,
    n_chunks: int,
    last: Elements,
    row: Elements,
    x: Elements,
    gap: Elements,
    A: Elements,
    B: Elements,
    C: Elements,
    D: Elements,
    has_momentum: bool,
    is_lazy: bool,
) -> None:
    """Put one row in a list of touched rows, before update number `update`, which will touch it.

    `last[column]` is the number of updates the row's memory has seen, and is advanced here to `update` + 1.
    """
    put(row, position, column * LANES)
    put(x, position, value)
    if is_lazy:
        missed = update - at(last, column)
        if missed > LONGEST_GAP:
            first = first_chunk + column * LANES
            settle_row(w, v, first, chunk_size, n_chunks, missed, A, B, C, D, has_momentum)
            missed = 0
        put(gap, position, missed * LANES)
        put(last, column, update + 1)


@inlined
def prefetch_images(
    order: Elements, update: int, n_updates: int, indptr: Elements, indices: Elements, pixels: Elements, y: Elements
) -> None:
    """Ask for the pixels of the next image, and for where the one after it lies.

    Images are visited in random order and a training set is larger than the caches: without this, an update of a
    linear model waits for memory as long as it computes.
    """
    if update + 2 < n_updates:
        prefetch(indptr, at(order, update + 2))
        prefetch(y, at(order, update + 2))
    if update + 1 < n_updates:
        image = at(order, update + 1)
        for k in range(at(indptr, image), at(indptr, image + 1), LANES):
            prefetch(indices, k)
            prefetch(pixels, k)


@inlined
def end_list(row: Elements, x: Elements, gap: Elements, stop: int) -> None:
    """Complete the last four entries of a list with row 0 times zero."""
    for position in range(stop, stop + LIST_PADDING - 1):
        put(row, position, 0)
        put(x, position, 0)
        put(gap, position, 0)


@inlined
def forward_rows(
    w: Elements,
    v: Elements,
    chunk: int,
    row: Elements,
    x: Elements,
    gap: Elements,
    start: int,
    stop: int,
    A: Elements,
    B: Elements,
    has_momentum: bool,
    has_decay: bool,
    bias: Lanes,
) -> Lanes:
    """Bias + Σ xₖ wₖ over the listed rows of one chunk, each row brought up to date on the fly, nothing written.

    Four running sums hide the latency of the multiply-add: entry k goes to sum k mod 4, and the result is
    (s₀ + s₁) + (s₂ + s₃).
    """
    s0 = bias
    s1 = zero(w)
    s2 = zero(w)
    s3 = zero(w)
    n_fours = (stop - start + 3) // 4
    if has_momentum and has_decay:
        for four in range(n_fours):
            k = start + 4 * four
            inputs = load_four(x, k)
            s0 = fma(first_of_four(inputs), _up_to_date(w, v, chunk + at(row, k), A, B, at(gap, k)), s0)
            s1 = fma(second_of_four(inputs), _up_to_date(w, v, chunk + at(row, k + 1), A, B, at(gap, k + 1)), s1)
            s2 = fma(third_of_four(inputs), _up_to_date(w, v, chunk + at(row, k + 2), A, B, at(gap, k + 2)), s2)
            s3 = fma(fourth_of_four(inputs), _up_to_date(w, v, chunk + at(row, k + 3), A, B, at(gap, k + 3)), s3)
    elif has_momentum:
        for four in range(n_fours):
            k = start + 4 * four
            inputs = load_four(x, k)
            s0 = fma(first_of_four(inputs), _moved(w, v, chunk + at(row, k), B, at(gap, k)), s0)
            s1 = fma(second_of_four(inputs), _moved(w, v, chunk + at(row, k + 1), B, at(gap, k + 1)), s1)
            s2 = fma(third_of_four(inputs), _moved(w, v, chunk + at(row, k + 2), B, at(gap, k + 2)), s2)
            s3 = fma(fourth_of_four(inputs), _moved(w, v, chunk + at(row, k + 3), B, at(gap, k + 3)), s3)
    elif has_decay:
        for four in range(n_fours):
            k = start + 4 * four
            inputs = load_four(x, k)
            s0 = fma(first_of_four(inputs), _shrunk(w, chunk + at(row, k), A, at(gap, k)), s0)
            s1 = fma(second_of_four(inputs), _shrunk(w, chunk + at(row, k + 1), A, at(gap, k + 1)), s1)
            s2 = fma(third_of_four(inputs), _shrunk(w, chunk + at(row, k + 2), A, at(gap, k + 2)), s2)
            s3 = fma(fourth_of_four(inputs), _shrunk(w, chunk + at(row, k + 3), A, at(gap, k + 3)), s3)
    else:
        for four in range(n_fours):
            k = start + 4 * four
            inputs = load_four(x, k)
            s0 = fma(first_of_four(inputs), load(w, chunk + at(row, k)), s0)
            s1 = fma(second_of_four(inputs), load(w, chunk + at(row, k + 1)), s1)
            s2 = fma(third_of_four(inputs), load(w, chunk + at(row, k + 2)), s2)
            s3 = fma(fourth_of_four(inputs), load(w, chunk + at(row, k + 3)), s3)
    return add(add(s0, s1), add(s2, s3))


@inlined
def forward_rows_of_two(
    w: Elements,
    v: Elements,
    chunk: int,
    other: int,
    row: Elements,
    x: Elements,
    gap: Elements,
    start: int,
    stop: int,
    B: Elements,
    bias: Lanes,
    other_bias: Lanes,
) -> tuple[Lanes, Lanes]:
    """`forward_rows` of two chunks at once, with momentum and without weight decay; the same bits as one by one.

    The two share the reading of the list and of the propagators, which is a third of all reading.
    """
    s0 = bias
    s1 = zero(w)
    s2 = zero(w)
    s3 = zero(w)
    t0 = other_bias
    t1 = zero(w)
    t2 = zero(w)
    t3 = zero(w)
    for four in range((stop - start + 3) // 4):
        k = start + 4 * four
        inputs = load_four(x, k)
        r, B0, x0 = at(row, k), load(B, at(gap, k)), first_of_four(inputs)
        s0 = fma(x0, fma(B0, load(v, chunk + r), load(w, chunk + r)), s0)
        t0 = fma(x0, fma(B0, load(v, other + r), load(w, other + r)), t0)
        r, B1, x1 = at(row, k + 1), load(B, at(gap, k + 1)), second_of_four(inputs)
        s1 = fma(x1, fma(B1, load(v, chunk + r), load(w, chunk + r)), s1)
        t1 = fma(x1, fma(B1, load(v, other + r), load(w, other + r)), t1)
        r, B2, x2 = at(row, k + 2), load(B, at(gap, k + 2)), third_of_four(inputs)
        s2 = fma(x2, fma(B2, load(v, chunk + r), load(w, chunk + r)), s2)
        t2 = fma(x2, fma(B2, load(v, other + r), load(w, other + r)), t2)
        r, B3, x3 = at(row, k + 3), load(B, at(gap, k + 3)), fourth_of_four(inputs)
        s3 = fma(x3, fma(B3, load(v, chunk + r), load(w, chunk + r)), s3)
        t3 = fma(x3, fma(B3, load(v, other + r), load(w, other + r)), t3)
    return add(add(s0, s1), add(s2, s3)), add(add(t0, t1), add(t2, t3))


@inlined
def _shrunk(w: Elements, offset: int, A: Elements, gap: int) -> Lanes:
    """A w: a row without momentum, up to date."""
    return multiply(load(A, gap), load(w, offset))


@inlined
def _moved(w: Elements, v: Elements, offset: int, B: Elements, gap: int) -> Lanes:
    """W + B v: a row without weight decay, up to date."""
    return fma(load(B, gap), load(v, offset), load(w, offset))


@inlined
def _up_to_date(w: Elements, v: Elements, offset: int, A: Elements, B: Elements, gap: int) -> Lanes:
    """A w + B v."""
    return fma(load(B, gap), load(v, offset), multiply(load(A, gap), load(w, offset)))


@inlined
def update_rows(
    w: Elements,
    v: Elements,
    chunk: int,
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
    step_w: Lanes,
    step_v: Lanes,
) -> None:
    """One update of the listed rows of one chunk: `step_w` = −γκδ and `step_v` = κδ, times each row's input."""
    if has_momentum and has_decay:
        for k in range(start, stop):
            offset = chunk + at(row, k)
            next_gap = at(gap, k) + LANES
            input_ = splat(at(x, k))
            weight = load(w, offset)
            velocity = load(v, offset)
            moved = fma(load(B, next_gap), velocity, multiply(load(A, next_gap), weight))
            kept = fma(load(C, next_gap), weight, multiply(load(D, next_gap), velocity))
            store(w, offset, fma(input_, step_w, moved))
            store(v, offset, fma(input_, step_v, kept))
    elif has_momentum:
        for k in range(start, stop):
            offset = chunk + at(row, k)
            next_gap = at(gap, k) + LANES
            input_ = splat(at(x, k))
            velocity = load(v, offset)
            moved = fma(load(B, next_gap), velocity, load(w, offset))
            kept = multiply(load(D, next_gap), velocity)
            store(w, offset, fma(input_, step_w, moved))
            store(v, offset, fma(input_, step_v, kept))
    elif has_decay:
        for k in range(start, stop):
            offset = chunk + at(row, k)
            kept = multiply(load(A, at(gap, k) + LANES), load(w, offset))
            store(w, offset, fma(splat(at(x, k)), step_w, kept))
    else:
        for k in range(start, stop):
            offset = chunk + at(row, k)
            store(w, offset, fma(splat(at(x, k)), step_w, load(w, offset)))


@inlined
def update_rows_of_two(
    w: Elements,
    v: Elements,
    chunk: int,
    other: int,
    row: Elements,
    x: Elements,
    gap: Elements,
    start: int,
    stop: int,
    B: Elements,
    D: Elements,
    step_w: Lanes,
    step_v: Lanes,
    other_step_w: Lanes,
    other_step_v: Lanes,
) -> None:
    """`update_rows` of two chunks at once, with momentum and without weight decay."""
    for k in range(start, stop):
        r = at(row, k)
        next_gap = at(gap, k) + LANES
        input_ = splat(at(x, k))
        moves, keeps = load(B, next_gap), load(D, next_gap)
        velocity = load(v, chunk + r)
        other_velocity = load(v, other + r)
        moved = fma(moves, velocity, load(w, chunk + r))
        other_moved = fma(moves, other_velocity, load(w, other + r))
        store(w, chunk + r, fma(input_, step_w, moved))
        store(w, other + r, fma(input_, other_step_w, other_moved))
        store(v, chunk + r, fma(input_, step_v, multiply(keeps, velocity)))
        store(v, other + r, fma(input_, other_step_v, multiply(keeps, other_velocity)))


@inlined
def update_bias(
    w: Elements,
    v: Elements,
    offset: int,
    bias_propagators: Elements,
    has_momentum: bool,
    step_w: Lanes,
    step_v: Lanes,
) -> None:
    """One update of sixteen biases: rows with input 1 that are touched by every update and never decay.

    `bias_propagators` holds two vectors, −γβ and β.
    """
    if has_momentum:
        velocity = load(v, offset)
        store(w, offset, add(fma(load(bias_propagators, 0), velocity, load(w, offset)), step_w))
        store(v, offset, fma(load(bias_propagators, LANES), velocity, step_v))
    else:
        store(w, offset, add(load(w, offset), step_w))


@inlined
def sweep_chunk(
    w: Elements,
    v: Elements,
    chunk: int,
    b: Elements,
    bv: Elements,
    bias: int,
    error: Lanes,
    has_error: bool,
    sizes: Elements,
    bias_propagators: Elements,
    row: Elements,
    x: Elements,
    gap: Elements,
    previous_start: int,
    previous_stop: int,
    start: int,
    stop: int,
    A: Elements,
    B: Elements,
    C: Elements,
    D: Elements,
    has_momentum: bool,
    has_decay: bool,
) -> Lanes:
    """One chunk's update for the image before, whose gradient is `error`, and its weighted sums for the next.

    Most rows belong to both images and are still in the nearest cache for the second. Layers above the first, whose
    update cannot wait, come without an error.

    Args:
        chunk, bias: offsets of the sixteen units in w and v, b and bv.
        sizes: two vectors, −γκ and κ.
        previous_start, previous_stop, start, stop: the lists of the two images.
    """
    if has_error:
        step_w = multiply(load(sizes, 0), error)
        step_v = multiply(load(sizes, LANES), error)
        update_rows(
            w, v, chunk, row, x, gap, previous_start, previous_stop, A, B, C, D, has_momentum, has_decay, step_w, step_v
        )
        update_bias(b, bv, bias, bias_propagators, has_momentum, step_w, step_v)
    return forward_rows(w, v, chunk, row, x, gap, start, stop, A, B, has_momentum, has_decay, load(b, bias))


@inlined
def sweep_two_chunks(
    w: Elements,
    v: Elements,
    chunk: int,
    other: int,
    b: Elements,
    bv: Elements,
    bias: int,
    error: Lanes,
    other_error: Lanes,
    has_error: bool,
    sizes: Elements,
    bias_propagators: Elements,
    row: Elements,
    x: Elements,
    gap: Elements,
    previous_start: int,
    previous_stop: int,
    start: int,
    stop: int,
    B: Elements,
    D: Elements,
) -> tuple[Lanes, Lanes]:
    """`sweep_chunk` of two neighbouring chunks, with momentum and without weight decay; the same bits."""
    if has_error:
        step_w = multiply(load(sizes, 0), error)
        step_v = multiply(load(sizes, LANES), error)
        other_step_w = multiply(load(sizes, 0), other_error)
        other_step_v = multiply(load(sizes, LANES), other_error)
        update_rows_of_two(
            w, v, chunk, other, row, x, gap, previous_start, previous_stop, B, D,
            step_w, step_v, other_step_w, other_step_v,
        )  # fmt: skip
        update_bias(b, bv, bias, bias_propagators, True, step_w, step_v)
        update_bias(b, bv, bias + LANES, bias_propagators, True, other_step_w, other_step_v)
    return forward_rows_of_two(w, v, chunk, other, row, x, gap, start, stop, B, load(b, bias), load(b, bias + LANES))
