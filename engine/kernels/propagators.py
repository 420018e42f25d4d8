"""What a row of weights becomes while its input is zero: powers of a 2 × 2 matrix.

Without a gradient from the data, one update of a weight w and its velocity v is linear,

    v ← βv + κλw,   w ← w − γv      so      (w, v) ← M (w, v),   M = [[1 − γκλ, −γβ], [κλ, β]]

with learning rate γ, weight decay λ, and the β and κ of `engine.momentum`. A row that was last touched d updates ago is
therefore exactly Mᵈ (w, v): the *propagators* A, B, C, D hold Mᵈ = [[A, B], [C, D]] for d = 0 … LONGEST_GAP + 1.
`engine.kernels.lazy_rows` uses them.
"""

from engine.compiled import inlined
from engine.kernels.simd import LANES, Elements, at, fma, load, multiply, put, store

# Longer gaps take several steps. 512 entries of four vectors are 128 KiB, of which a data set like MNIST uses the
# first few dozen, because most pixels come back soon.
LONGEST_GAP = 512


@inlined
def fill_propagators(
    A: Elements,
    B: Elements,
    C: Elements,
    D: Elements,
    learning_rate: Elements,
    beta: Elements,
    kappa: Elements,
    decay: Elements,
) -> None:
    """Write Mᵈ, d = 0 … LONGEST_GAP + 1, lane by lane, in float64 until the final rounding.

    A, B, C, D have shape (LONGEST_GAP + 2, 16), the others (16,) and float64.
    """
    for lane in range(LANES):
        a, b, c, d = 1.0, 0.0, 0.0, 1.0
        rate = at(learning_rate, lane)
        keep = at(beta, lane)
        shrink = at(kappa, lane) * at(decay, lane)
        for gap in range(LONGEST_GAP + 2):
            put(A, gap * LANES + lane, a)
            put(B, gap * LANES + lane, b)
            put(C, gap * LANES + lane, c)
            put(D, gap * LANES + lane, d)
            # M times what is there: velocity first, because the weight moves by the new velocity.
            c, d = keep * c + shrink * a, keep * d + shrink * b
            a, b = a - rate * c, b - rate * d


@inlined
def settle_row(
    w: Elements,
    v: Elements,
    first: int,
    chunk_size: int,
    n_chunks: int,
    n_updates: int,
    A: Elements,
    B: Elements,
    C: Elements,
    D: Elements,
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
