"""What a row of weights becomes while its input is zero: powers of a 2 × 2 matrix.

Without a gradient from the data, one update of a weight w and its velocity v is linear,

    v ← βv + κλw,   w ← w − γv      so      (w, v) ← M (w, v),   M = [[1 − γκλ, −γβ], [κλ, β]]

with learning rate γ, weight decay λ, and the β and κ of `engine.momentum`. A row that was last touched d updates ago is
therefore exactly Mᵈ (w, v): the *propagators* A, B, C, D hold Mᵈ = [[A, B], [C, D]] for d = 0 … LONGEST_GAP + 1.
`engine.kernels.lazy_rows` uses them.
"""

from engine.compiled import inlined
from engine.kernels.arguments import Packed, Rule
from engine.kernels.simd import LANES, Lanes, fma, get, load, multiply, put, store

# Longer gaps take several steps. 512 entries of four vectors are 128 KiB, of which a data set like MNIST uses the
# first few dozen, because most pixels come back soon.
LONGEST_GAP = 512

# Elements from one of A, B, C and D to the next. One pointer and constants leave the inner loops a register more each.
_PART = (LONGEST_GAP + 2) * LANES


@inlined
def propagators_of(rule: Rule, gap: int) -> tuple[Lanes, Lanes, Lanes, Lanes]:
    """A, B, C and D for rows last touched gap / 16 updates ago."""
    return (
        load(rule.propagators, gap),
        load(rule.propagators, gap + _PART),
        load(rule.propagators, gap + 2 * _PART),
        load(rule.propagators, gap + 3 * _PART),
    )


@inlined
def fill_propagators(rule: Rule) -> None:
    """Write Mᵈ, d = 0 … LONGEST_GAP + 1, lane by lane, in float64 until the final rounding."""
    for lane in range(LANES):
        a, b, c, d = 1.0, 0.0, 0.0, 1.0
        rate, beta = get(rule.settings, lane), get(rule.settings, LANES + lane)
        kappa, weight_decay = get(rule.settings, 2 * LANES + lane), get(rule.settings, 3 * LANES + lane)
        pull = kappa * weight_decay
        for offset in range(lane, _PART, LANES):
            put(rule.propagators, offset, a)
            put(rule.propagators, offset + _PART, b)
            put(rule.propagators, offset + 2 * _PART, c)
            put(rule.propagators, offset + 3 * _PART, d)
            # M times what is there: velocity first, because the weight moves by the new velocity.
            c, d = beta * c + pull * a, beta * d + pull * b
            a, b = a - rate * c, b - rate * d


@inlined
def keep_as_it_is(rule: Rule, lane: int) -> None:
    """Let what is in a lane neither move nor shrink: M is the identity from here on, with no velocity to come."""
    for offset in range(lane, _PART, LANES):
        put(rule.propagators, offset, 1)
        put(rule.propagators, offset + _PART, 0)
        put(rule.propagators, offset + 2 * _PART, 0)
        put(rule.propagators, offset + 3 * _PART, 0)
    for offset in range(lane, 2 * LANES, LANES):
        put(rule.bias_steps, offset, 0)
        put(rule.step_sizes, offset, 0)


@inlined
def settle_row(packed: Packed, first: int, chunk_size: int, n_chunks: int, n_updates: int, rule: Rule) -> None:
    """Write a row as it is after `n_updates` updates that did not touch it; `first` is its offset in chunk 0."""
    while n_updates > 0:
        gap = min(n_updates, LONGEST_GAP) * LANES
        A, B, C, D = propagators_of(rule, gap)
        for chunk in range(n_chunks):
            offset = first + chunk * chunk_size
            weight = load(packed.w, offset)
            if rule.has_momentum:
                velocity = load(packed.w_velocity, offset)
                store(packed.w, offset, fma(B, velocity, multiply(A, weight)))
                store(packed.w_velocity, offset, fma(C, weight, multiply(D, velocity)))
            else:
                store(packed.w, offset, multiply(A, weight))
        n_updates -= LONGEST_GAP
