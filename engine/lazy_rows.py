"""Rows of a weight matrix that are touched only when their input is not zero: reading, updating, catching up.

Without a gradient from the data, one update of a weight w and its velocity v is linear,

    v ← βv + κλw,   w ← w − γv      so      (w, v) ← M (w, v),   M = [[1 − γκλ, −γβ], [κλ, β]]

with learning rate γ, momentum β, weight decay λ, and κ = 1 − β for averaged momentum, 1 for heavy ball and without
momentum (where β = 0). A row that was last touched d updates ago is therefore exactly Mᵈ (w, v): the *propagators*
A, B, C, D hold Mᵈ = [[A, B], [C, D]] for d = 0 … LONGEST_GAP + 1. A touched row has gradient xδ besides, and its
update is one more step: w ← A w + B v − γκ xδ and v ← C w + D v + κ xδ, with Mᵈ⁺¹. The forward pass only reads.

Layout: a matrix of shape (n_in, n_out) lies in *chunks* of sixteen columns, each chunk contiguous: (chunk, n_in, 16).
Sixteen lanes are sixteen units of one network, or one unit of sixteen networks; nothing here depends on which, so
linear members of a population get the same bits as alone. A list of touched rows is three arrays: the rows' offsets
in a chunk (16 × row), their inputs x, and 16 × d.
"""

from engine.compiled import inlined
from engine.data import FloatArray, IntArray
from engine.simd import LANES, Lanes, add, at, fma, load, multiply, splat, store, zero

# Longer gaps take several steps. 512 entries of four vectors are 128 KiB, of which a data set like MNIST uses the
# first few dozen, because most pixels come back soon.
LONGEST_GAP = 512


@inlined
def fill_propagators(
    propagators: FloatArray, learning_rate: FloatArray, beta: FloatArray, kappa: FloatArray, decay: FloatArray
) -> None:
    """Write Mᵈ, d = 0 … LONGEST_GAP + 1, lane by lane, in float64 until the final rounding.

    `propagators` has shape (4, LONGEST_GAP + 2, 16): A, B, C and D above. The others have shape (16,), float64.
    """
    for lane in range(LANES):
        a, b, c, d = 1.0, 0.0, 0.0, 1.0
        shrink = kappa[lane] * decay[lane]
        for gap in range(LONGEST_GAP + 2):
            propagators[0, gap, lane] = a
            propagators[1, gap, lane] = b
            propagators[2, gap, lane] = c
            propagators[3, gap, lane] = d
            # M times what is there: velocity first, because the weight moves by the new velocity.
            c, d = beta[lane] * c + shrink * a, beta[lane] * d + shrink * b
            a, b = a - learning_rate[lane] * c, b - learning_rate[lane] * d


@inlined
def forward_rows(
    w: FloatArray,
    v: FloatArray,
    chunk: int,
    row: IntArray,
    x: FloatArray,
    gap: IntArray,
    start: int,
    stop: int,
    A: FloatArray,
    B: FloatArray,
    has_momentum: bool,
    has_decay: bool,
    bias: Lanes,
) -> Lanes:
    """bias + Σ xₖ wₖ over the listed rows of one chunk, each row brought up to date on the fly, nothing written.

    Four running sums hide the latency of the multiply-add: entry k goes to sum k mod 4, what is left over after the
    last four to the first, and the result is (s₀ + s₁) + (s₂ + s₃).
    """
    s0 = bias
    s1 = zero(w)
    s2 = zero(w)
    s3 = zero(w)
    n_fours = (stop - start) // 4
    if has_momentum and has_decay:
        for four in range(n_fours):
            k = start + 4 * four
            s0 = fma(splat(at(x, k)), _up_to_date(w, v, chunk + at(row, k), A, B, at(gap, k)), s0)
            s1 = fma(splat(at(x, k + 1)), _up_to_date(w, v, chunk + at(row, k + 1), A, B, at(gap, k + 1)), s1)
            s2 = fma(splat(at(x, k + 2)), _up_to_date(w, v, chunk + at(row, k + 2), A, B, at(gap, k + 2)), s2)
            s3 = fma(splat(at(x, k + 3)), _up_to_date(w, v, chunk + at(row, k + 3), A, B, at(gap, k + 3)), s3)
        for k in range(start + 4 * n_fours, stop):
            s0 = fma(splat(at(x, k)), _up_to_date(w, v, chunk + at(row, k), A, B, at(gap, k)), s0)
    elif has_momentum:
        for four in range(n_fours):
            k = start + 4 * four
            s0 = fma(splat(at(x, k)), _moved(w, v, chunk + at(row, k), B, at(gap, k)), s0)
            s1 = fma(splat(at(x, k + 1)), _moved(w, v, chunk + at(row, k + 1), B, at(gap, k + 1)), s1)
            s2 = fma(splat(at(x, k + 2)), _moved(w, v, chunk + at(row, k + 2), B, at(gap, k + 2)), s2)
            s3 = fma(splat(at(x, k + 3)), _moved(w, v, chunk + at(row, k + 3), B, at(gap, k + 3)), s3)
        for k in range(start + 4 * n_fours, stop):
            s0 = fma(splat(at(x, k)), _moved(w, v, chunk + at(row, k), B, at(gap, k)), s0)
    elif has_decay:
        for four in range(n_fours):
            k = start + 4 * four
            s0 = fma(splat(at(x, k)), multiply(load(A, at(gap, k)), load(w, chunk + at(row, k))), s0)
            s1 = fma(
                splat(at(x, k + 1)), multiply(load(A, at(gap, k + 1)), load(w, chunk + at(row, k + 1))), s1
            )
            s2 = fma(
                splat(at(x, k + 2)), multiply(load(A, at(gap, k + 2)), load(w, chunk + at(row, k + 2))), s2
            )
            s3 = fma(
                splat(at(x, k + 3)), multiply(load(A, at(gap, k + 3)), load(w, chunk + at(row, k + 3))), s3
            )
        for k in range(start + 4 * n_fours, stop):
            s0 = fma(splat(at(x, k)), multiply(load(A, at(gap, k)), load(w, chunk + at(row, k))), s0)
    else:
        for four in range(n_fours):
            k = start + 4 * four
            s0 = fma(splat(at(x, k)), load(w, chunk + at(row, k)), s0)
            s1 = fma(splat(at(x, k + 1)), load(w, chunk + at(row, k + 1)), s1)
            s2 = fma(splat(at(x, k + 2)), load(w, chunk + at(row, k + 2)), s2)
            s3 = fma(splat(at(x, k + 3)), load(w, chunk + at(row, k + 3)), s3)
        for k in range(start + 4 * n_fours, stop):
            s0 = fma(splat(at(x, k)), load(w, chunk + at(row, k)), s0)
    return add(add(s0, s1), add(s2, s3))


@inlined
def weighted_rows(
    w: FloatArray, chunk: int, indices: IntArray, values: FloatArray, start: int, stop: int, bias: Lanes
) -> Lanes:
    """bias + Σ xₖ wₖ over entries start … stop of one sparse row, in the order of sums of `forward_rows`."""
    s0 = bias
    s1 = zero(w)
    s2 = zero(w)
    s3 = zero(w)
    n_fours = (stop - start) // 4
    for four in range(n_fours):
        k = start + 4 * four
        s0 = fma(splat(at(values, k)), load(w, chunk + at(indices, k) * LANES), s0)
        s1 = fma(splat(at(values, k + 1)), load(w, chunk + at(indices, k + 1) * LANES), s1)
        s2 = fma(splat(at(values, k + 2)), load(w, chunk + at(indices, k + 2) * LANES), s2)
        s3 = fma(splat(at(values, k + 3)), load(w, chunk + at(indices, k + 3) * LANES), s3)
    for k in range(start + 4 * n_fours, stop):
        s0 = fma(splat(at(values, k)), load(w, chunk + at(indices, k) * LANES), s0)
    return add(add(s0, s1), add(s2, s3))


@inlined
def _moved(w: FloatArray, v: FloatArray, offset: int, B: FloatArray, gap: int) -> Lanes:
    """w + B v: a row without weight decay, up to date."""
    return fma(load(B, gap), load(v, offset), load(w, offset))


@inlined
def _up_to_date(w: FloatArray, v: FloatArray, offset: int, A: FloatArray, B: FloatArray, gap: int) -> Lanes:
    """A w + B v."""
    return fma(load(B, gap), load(v, offset), multiply(load(A, gap), load(w, offset)))


@inlined
def update_rows(
    w: FloatArray,
    v: FloatArray,
    chunk: int,
    row: IntArray,
    x: FloatArray,
    gap: IntArray,
    start: int,
    stop: int,
    A: FloatArray,
    B: FloatArray,
    C: FloatArray,
    D: FloatArray,
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
            store(w, offset, fma(input_, step_w, moved))
            kept = fma(load(C, next_gap), weight, multiply(load(D, next_gap), velocity))
            store(v, offset, fma(input_, step_v, kept))
    elif has_momentum:
        for k in range(start, stop):
            offset = chunk + at(row, k)
            next_gap = at(gap, k) + LANES
            input_ = splat(at(x, k))
            velocity = load(v, offset)
            store(w, offset, fma(input_, step_w, fma(load(B, next_gap), velocity, load(w, offset))))
            store(v, offset, fma(input_, step_v, multiply(load(D, next_gap), velocity)))
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
def update_bias(
    w: FloatArray,
    v: FloatArray,
    offset: int,
    bias_propagators: FloatArray,
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
def settle_row(
    w: FloatArray,
    v: FloatArray,
    first: int,
    chunk_size: int,
    n_chunks: int,
    n_updates: int,
    A: FloatArray,
    B: FloatArray,
    C: FloatArray,
    D: FloatArray,
    has_momentum: bool,
) -> None:
    """Write a row as it is after `n_updates` updates that did not touch it; `first` is its offset in chunk 0."""
    while n_updates > 0:
        gap = min(n_updates, LONGEST_GAP) * LANES
        for chunk in range(n_chunks):
            offset = first + chunk * chunk_size
            weight = load(w, offset)
            if has_momentum:
                velocity = load(v, offset)
                store(w, offset, fma(load(B, gap), velocity, multiply(load(A, gap), weight)))
                store(v, offset, fma(load(C, gap), weight, multiply(load(D, gap), velocity)))
            else:
                store(w, offset, multiply(load(A, gap), weight))
        n_updates -= LONGEST_GAP


@inlined
def list_row(
    column: int,
    value: float,
    position: int,
    update: int,
    w: FloatArray,
    v: FloatArray,
    first_chunk: int,
    chunk_size: int,
    n_chunks: int,
    last: IntArray,
    last_start: int,
    row: IntArray,
    x: FloatArray,
    gap: IntArray,
    A: FloatArray,
    B: FloatArray,
    C: FloatArray,
    D: FloatArray,
    has_momentum: bool,
    is_lazy: bool,
) -> None:
    """Put one row in a list of touched rows, before update number `update`, which will touch it.

    `last[last_start + column]` is the number of updates its memory has seen, and is advanced here to `update` + 1.
    """
    row[position] = column * LANES
    x[position] = value
    if is_lazy:
        missed = update - last[last_start + column]
        if missed > LONGEST_GAP:
            first = first_chunk + column * LANES
            settle_row(w, v, first, chunk_size, n_chunks, missed, A, B, C, D, has_momentum)
            missed = 0
        gap[position] = missed * LANES
        last[last_start + column] = update + 1


def kappa_of(momentum_form: str, momentum_beta: float) -> float:
    """κ above: how much of a gradient enters the velocity."""
    return 1 - momentum_beta if momentum_form == "average" else 1.0


def beta_of(momentum_form: str, momentum_beta: float) -> float:
    """β above: 0 without momentum, whatever was asked."""
    return 0.0 if momentum_form == "none" else momentum_beta
