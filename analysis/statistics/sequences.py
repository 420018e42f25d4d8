"""Intervals that hold after every replicate at once, so that one may look, stop and go on at any time.

differences d₁ … dₙ ──mean_sequence──▶ Sequence (lower, upper after each n) ──decide──▶ Decision (verdict, forecast)
runs that failed ──rate_sequence──▶ Sequence of their share

The mean of normal differences (Lai 1976; Wang and Ramdas 2023). Under the right Haar prior of the standard deviation σ
and a normal prior of μ/σ with variance 1, the Bayes factor of n differences against the mean μ₀ depends on t alone,

    B_n = R^(−1/2) · ((1 + t² / (R (n − 1))) / (1 + t² / (n − 1)))^(−n/2),    R = 1 + n,    t = √n (m − μ₀) / s,

and is a nonnegative martingale of expectation 1 under μ₀ whatever σ is, so that by Ville's inequality it ever reaches
1/α with probability α at most. Solved for μ₀ this is m ± h with

    q = (R / α²)^(1/n),    h = s / √n · √((n − 1) (q − 1) / (1 − q / R)),    infinite where q ≥ R,

for all n at once, and so is the intersection of all intervals so far. Several claims share α equally (Bonferroni),
since each is looked at on its own time. All of it is a function of the differences in the order of replicates, so
stopping and going on change nothing.

Differences that lean to one side break the assumption (docs/statistics.md): an arm of which some runs fail is compared
without these, and the share that fails is a claim of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from analysis.statistics.intervals import ALPHA, Array

Expected = Literal["higher", "lower", "same"]
Outcome = Literal["supported", "contradicted", "no difference that matters", "undecided"]

MIN_DIFFERENCES = 5
"""Replicates before which nothing is decided; the interval is infinite before them for any α of 5 % or less."""
MAX_FORECAST = 10_000
"""Replicates beyond which a forecast is not made."""


@dataclass(frozen=True, eq=False)
class Sequence:
    """A confidence sequence: what is known after each number of replicates.

    Attributes:
        replicates: 1 … n.
        estimate: Mean of the first n.
        lower: Highest lower end so far; −∞ before there is one.
        upper: Lowest upper end so far. Below `lower`, which has at most probability α, it contradicts itself.
        alpha: The probability that the truth is ever outside.
        method: How it was computed, in words.
    """

    replicates: npt.NDArray[np.int64]
    estimate: Array
    lower: Array
    upper: Array
    alpha: float
    method: str


@dataclass(frozen=True, eq=False)
class Levels:
    """The differences of each two levels.

    Attributes:
        near: Each at the claim's own α: that all are near wants all of them, so no correction.
        apart: Together at the claim's α (Bonferroni): that any two are apart wants one of them.
    """

    near: Sequence
    apart: Sequence

    @classmethod
    def of(cls, pairs: Array, *, alpha: float, n_claims: int, step: float) -> Levels:
        """From differences of shape (pairs, n)."""
        near = mean_sequence(pairs, alpha=alpha, n_claims=n_claims, step=step)
        return cls(near, mean_sequence(pairs, alpha=alpha, n_claims=n_claims * len(pairs), step=step))


@dataclass(frozen=True)
class Decision:
    """What a sequence says of a claim.

    Attributes:
        outcome: The first verdict that was reached, and so the last: later replicates do not change it.
        settled_at: Replicates that it took; None while it is undecided.
        estimate: Mean of all differences.
        low: Lower end after all.
        high: Upper end after all.
        n: Replicates.
        more: While it is undecided, about how many replicates more, from the mean and the standard deviation so far;
            None where it is settled, or is not to be settled within the forecast's maximum.
    """

    outcome: Outcome
    settled_at: int | None
    estimate: float
    low: float
    high: float
    n: int
    more: int | None


def half_widths(n: npt.ArrayLike, alpha: float) -> Array:
    """Half of the interval in standard deviations, for each number of differences; infinite where there is none yet."""
    n = np.asarray(n, dtype=np.float64)
    R = 1 + n
    with np.errstate(divide="ignore", invalid="ignore"):
        q = (R / alpha**2) ** (1 / n)
        h = np.sqrt((n - 1) * (q - 1) / (1 - q / R) / n)
    return np.where((n >= 2) & (q < R), h, np.inf)


def mean_sequence(
    differences: npt.ArrayLike, *, alpha: float = ALPHA, n_claims: int = 1, step: float = 0.0
) -> Sequence:
    """Confidence sequence of the mean of independent, about normal differences.

    Args:
        differences: d₁ … dₙ in the order of the replicates, shape (n,), or (…, n) for several sequences at once.
        alpha: For all claims together.
        n_claims: Claims that share α.
        step: What the differences are multiples of (one image of 10,000: 0.0001), so that equal ones are not taken for
            certain: the spread is at least that of rounding, step / √12. With 0, equal differences have no interval.

    Raises:
        ValueError: A difference is not finite, or 0 < alpha < 1, n_claims ≥ 1 or step ≥ 0 does not hold.
    """
    d = _checked(differences, alpha, n_claims)
    if not step >= 0:
        raise ValueError(f"step ≥ 0 must hold, but got {step}")
    n = np.arange(1, d.shape[-1] + 1)
    mean, deviation = _running(d)
    deviation = np.maximum(deviation, step / np.sqrt(12))
    widths = half_widths(n, alpha / n_claims)
    h = np.full(d.shape, np.inf)
    np.multiply(widths, deviation, out=h, where=np.isfinite(widths) & (deviation > 0))
    return _intersected(mean, mean - h, mean + h, alpha / n_claims, "t confidence sequence")


def rate_sequence(outcomes: npt.ArrayLike, *, alpha: float = ALPHA, n_claims: int = 1) -> Sequence:
    """Confidence sequence of a rate: of runs that diverge or fail.

    The mixture of likelihood ratios over a uniform prior (Robbins 1970): with k of n,

        B_n(p) = B(k + 1, n − k + 1) / (pᵏ (1 − p)ⁿ⁻ᵏ)

    is a martingale of expectation 1 under p, so {p: B_n(p) < 1/α} holds p for all n at once. By convexity in the
    outcomes (Hoeffding 1963) the same holds of shares in [0, 1]: of a replicate's runs in several configurations, which
    share their seeds, the share that failed is one outcome. Whether one arm fails more often than its pair is the rate
    at which it is the one that failed, of the pairs of which one failed, against ½.

    Args:
        outcomes: In the order of the replicates, shape (n,) or (…, n): 0, 1 or a share between.
        alpha: For all claims together.
        n_claims: Claims that share α.

    Raises:
        ValueError: An outcome is not between 0 and 1, or alpha or n_claims are as in `mean_sequence`.
    """
    from scipy import special

    x = _checked(outcomes, alpha, n_claims)
    if ((x < 0) | (x > 1)).any():
        raise ValueError(f"outcomes must be between 0 and 1, but got {x.min()} to {x.max()}")
    n = np.arange(1, x.shape[-1] + 1)
    k = np.cumsum(x, axis=-1)
    bound = np.log(n_claims / alpha) - special.betaln(k + 1, n - k + 1)

    def inside(p: Array) -> npt.NDArray[np.bool_]:
        # xlogy: 0 · log 0 = 0.
        outside: npt.NDArray[np.bool_] = -special.xlogy(k, p) - special.xlogy(n - k, 1 - p) >= bound
        return ~outside

    def end(beyond: Array) -> Array:
        """Bisection between the estimate, which is inside, and an end of [0, 1]."""
        within, beyond = k / n, np.where(inside(beyond), k / n, beyond)
        for _ in range(60):
            middle = (within + beyond) / 2
            good = inside(middle)
            within, beyond = np.where(good, middle, within), np.where(good, beyond, middle)
        return beyond

    zeros, ones = np.zeros(x.shape), np.ones(x.shape)
    lower = np.where(inside(zeros), 0.0, end(zeros))
    upper = np.where(inside(ones), 1.0, end(ones))
    return _intersected(k / n, lower, upper, alpha / n_claims, "beta-binomial confidence sequence")


def verdicts(sequence: Sequence, expect: Expected, margin: float = 0.0, than: float = 0.0) -> npt.NDArray[np.str_]:
    """The verdict after each replicate, from its interval alone, a word for each.

    `higher` is supported by an interval above `than` with an estimate farther from it than the margin, and contradicted
    by one below, `lower` the other way; where it is neither and within the margin, there is no difference that matters.
    `same` is supported within the margin and contradicted outside of it.

    Raises:
        ValueError: `expect` is unknown, `margin` is negative, or it is 0 for `same`, which no interval could support.
    """
    if expect not in get_args(Expected):
        raise ValueError(f"expect must be one of {', '.join(get_args(Expected))}, but got {expect!r}")
    if margin < 0 or (expect == "same" and margin == 0):
        raise ValueError(
            f"margin must be above 0 for `same` and not below 0 for the others, but got {margin} for {expect}"
        )
    lower, upper = sequence.lower - than, sequence.upper - than
    within = (lower >= -margin) & (upper <= margin)
    above = (lower > 0) & (sequence.estimate - than > margin)
    below = (upper < 0) & (sequence.estimate - than < -margin)
    good, bad = {
        "higher": (above, below),
        "lower": (below, above),
        "same": (within, (lower > margin) | (upper < -margin)),
    }[expect]
    early = sequence.replicates < MIN_DIFFERENCES
    # An empty intersection is the α that was granted: it says nothing new, and the first verdict stands.
    open_ = early | (sequence.lower > sequence.upper)
    return np.select(
        [open_, good, bad, within if margin > 0 else np.zeros_like(open_)],
        ["undecided", "supported", "contradicted", "no difference that matters"],
        "undecided",
    )


def decide(
    differences: npt.ArrayLike,
    expect: Expected,
    *,
    margin: float = 0.0,
    than: float = 0.0,
    alpha: float = ALPHA,
    n_claims: int = 1,
    step: float = 0.0,
    pairs: Array | None = None,
    maximum: int = MAX_FORECAST,
) -> Decision:
    """The verdict on differences in the order of replicates, and what it would take where there is none.

    Args:
        differences: d₁ … dₙ, shape (n,), n ≥ 1.
        expect: What the claim says of their mean against `than`.
        margin: The smallest difference that matters; 0 for none.
        than: What the mean is compared with.
        alpha: For all claims together.
        n_claims: Claims that share α, settled ones too.
        step: As in `mean_sequence`.
        pairs: For a line through levels that says there is no change: the differences of each two, shape (pairs, n).
        maximum: Replicates up to which is forecast.

    Raises:
        ValueError: As in `mean_sequence` and `verdicts`, or there is no difference.
    """
    sequence = mean_sequence(differences, alpha=alpha, n_claims=n_claims, step=step)
    levels = None if pairs is None else Levels.of(pairs, alpha=alpha, n_claims=n_claims, step=step)
    decision = settled(sequence, expect, margin, than, levels)
    if decision.settled_at is not None:
        return decision
    d, least = np.asarray(differences, dtype=np.float64), step / np.sqrt(12)
    waits_for: list[tuple[Array, Expected, float]] = [(d - than, expect, sequence.alpha)]
    if pairs is not None and levels is not None:
        # Two levels that look too far apart have to be so for sure, else they as well as the line to be near.
        widest = pairs[np.abs(pairs.mean(axis=-1)).argmax()]
        sure = levels.apart if abs(widest.mean()) > margin else levels.near
        waits_for = [(widest, "same", sure.alpha), *(waits_for if sure is levels.near else ())]
    needed = [
        replicates_needed(
            float(x.mean()), max(float(x.std(ddof=1)), least), what, margin, alpha=a, start=len(x) + 1, maximum=maximum
        )
        for x, what, a in waits_for
        if len(x) > 1 and max(float(x.std(ddof=1)), least) > 0
    ]
    known = [n for n in needed if n is not None]
    return replace(decision, more=max(known) - len(d) if known and len(known) == len(needed) else None)


def settled(
    sequence: Sequence, expect: Expected, margin: float = 0.0, than: float = 0.0, levels: Levels | None = None
) -> Decision:
    """The first verdict of one sequence (of a mean or of a rate), which later replicates do not change; no forecast.

    With `levels` it is of a line through them: two that are surely farther apart than the margin contradict it, and it
    is supported only where all are surely nearer.

    Raises:
        ValueError: As in `verdicts`.
    """
    found = verdicts(sequence, expect, margin, than)
    if levels is not None:
        near = (verdicts(levels.near, "same", margin) == "supported").all(axis=0)
        apart = (verdicts(levels.apart, "same", margin) == "contradicted").any(axis=0)
        found = np.where((found == "supported") & ~near, "undecided", found)
        found = np.where(apart, "contradicted", found)
    decided = np.flatnonzero(found != "undecided")
    first = int(decided[0]) if len(decided) else None
    return Decision(
        outcome="undecided" if first is None else cast("Outcome", str(found[first])),
        settled_at=None if first is None else int(sequence.replicates[first]),
        estimate=float(sequence.estimate[-1]),
        low=float(sequence.lower[-1]),
        high=float(sequence.upper[-1]),
        n=int(sequence.replicates[-1]),
        more=None,
    )


def replicates_needed(
    mean: float,
    deviation: float,
    expect: Expected,
    margin: float = 0.0,
    *,
    alpha: float = ALPHA,
    start: int = MIN_DIFFERENCES,
    maximum: int = MAX_FORECAST,
) -> int | None:
    """The first number of replicates at which differences of this mean and standard deviation have a verdict.

    Args:
        mean: Of the differences, against what they are compared with.
        deviation: Their standard deviation, above 0.
        expect: As in `verdicts`.
        margin: As in `verdicts`.
        alpha: Of this claim.
        start: The least number.
        maximum: The largest; None beyond it.
    """
    n = np.arange(max(start, MIN_DIFFERENCES), maximum + 1)
    h = deviation * half_widths(n, alpha)
    made_up = Sequence(n, np.full(len(n), mean), mean - h, mean + h, alpha, "forecast")
    open_ = verdicts(made_up, expect, margin) == "undecided"
    return None if open_.all() else int(n[np.argmin(open_)])


def _checked(values: npt.ArrayLike, alpha: float, n_claims: int) -> Array:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim < 1 or not x.shape[-1]:
        raise ValueError(f"there must be at least one replicate, but got values of shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"every value must be finite, but got {x[~np.isfinite(x)]}")
    if not 0 < alpha < 1 or n_claims < 1:
        raise ValueError(f"0 < alpha < 1 and n_claims ≥ 1 must hold, but got {alpha} and {n_claims}")
    return x


def _running(d: Array) -> tuple[Array, Array]:
    """Mean and standard deviation (n − 1) of the first n, for each n; 0 for n = 1."""
    n = np.arange(1, d.shape[-1] + 1)
    # About the first: sums of squares would lose every digit of a spread of 1e-4 around 0.98.
    shifted = d - d[..., :1]
    mean = np.cumsum(shifted, axis=-1) / n
    variance = np.maximum(np.cumsum(shifted**2, axis=-1) - n * mean**2, 0.0) / np.maximum(n - 1, 1)
    return d[..., :1] + mean, np.sqrt(variance)


def _intersected(estimate: Array, lower: Array, upper: Array, alpha: float, method: str) -> Sequence:
    n = np.arange(1, estimate.shape[-1] + 1)
    lower, upper = np.maximum.accumulate(lower, axis=-1), np.minimum.accumulate(upper, axis=-1)
    return Sequence(n, estimate, lower, upper, alpha, method)
