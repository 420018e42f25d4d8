"""Rankings: how often one sample beats another, and how far two rankings of the same candidates agree."""

from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.statistics.intervals import LEVEL, Interval, bootstrap_interval

MIN_SUPERIORITY = 20
"""Units on either side from which the probability that one beats the other has an interval."""


def probability_of_superiority(a: npt.ArrayLike, b: npt.ArrayLike) -> Interval:
    """P(A > B) + P(A = B) / 2 for independent samples: Mann and Whitney's U over the number of pairs.

    The interval is DeLong's (1988), from how often each run of A beats B and each of B is beaten, on the logit scale;
    from `MIN_SUPERIORITY` runs in each, and where neither always wins.
    """
    from scipy import special, stats

    A, B = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    estimate = float(stats.mannwhitneyu(A, B).statistic) / (len(A) * len(B))
    n = len(A) + len(B)
    if min(len(A), len(B)) < MIN_SUPERIORITY:
        return Interval(estimate, np.nan, np.nan, n, "too few for an interval")
    wins = np.sign(A[:, None] - B[None, :]) / 2 + 0.5
    error = np.sqrt(wins.mean(axis=1).var(ddof=1) / len(A) + wins.mean(axis=0).var(ddof=1) / len(B))
    if not 0 < estimate < 1 or error == 0:
        return Interval(estimate, np.nan, np.nan, n, "one side always wins, so no interval")
    half = stats.norm.ppf((1 + LEVEL) / 2) * error / (estimate * (1 - estimate))
    low, high = special.expit(special.logit(estimate) + np.array([-half, half]))
    return Interval(estimate, float(low), float(high), n, "DeLong, on the logit scale")


def kendall_interval(a: Any, b: Any) -> Interval:
    """Kendall's τ-b with a BCa bootstrap over the candidates.

    A candidate that is drawn twice is tied with itself. With A and B the signs of all differences of `a` and of `b`,
    and w how often each candidate is drawn, τ-b = wᵀ(A ∘ B)w / √(wᵀ|A|w · wᵀ|B|w).
    """
    A, B = (np.sign(np.subtract.outer(x, x)) for x in (np.asarray(a, np.float64), np.asarray(b, np.float64)))

    def correlation(index: Any, axis: int = -1) -> Any:
        rows = np.moveaxis(np.asarray(index, dtype=int), axis, -1)
        drawn = (rows[..., None] == np.arange(len(A))).sum(axis=-2, dtype=np.float64)

        def form(M: Any) -> Any:
            return ((drawn @ M) * drawn).sum(axis=-1)

        scale = np.sqrt(form(np.abs(A)) * form(np.abs(B)))
        return np.divide(form(A * B), scale, out=np.zeros_like(scale), where=scale > 0)

    return bootstrap_interval(np.arange(len(A)), correlation, n_resamples=1999)
