"""Intervals of a mean, or of any statistic of independent units.

Intervals of a mean are studentised bootstraps from `MIN_BOOTSTRAP` units on, Student's t below it, and absent
below two units. In simulation both cover 93 to 97 % (tests/analysis/statistics/test_intervals.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

ALPHA = 0.05
"""The share of wrong findings that is allowed: of intervals that miss, of tests that find what is not there."""
LEVEL = 1 - ALPHA
Z = NormalDist().inv_cdf(1 - ALPHA / 2)
"""How many standard errors an interval reaches to either side where the normal distribution holds."""
MIN_BOOTSTRAP = 8
"""Units from which a mean's interval is bootstrapped: with fewer, a resample too often repeats one value."""
N_RESAMPLES = 4999


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    Attributes:
        estimate: The statistic of the data at hand.
        low: Lower end; NaN where there are too few units.
        high: Upper end; NaN where there are too few units.
        n: Number of independent units.
        method: How it was computed, in words.
    """

    estimate: float
    low: float
    high: float
    n: int
    method: str

    @property
    def known(self) -> bool:
        """Whether there were enough units for an interval."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


def mean_intervals(
    values: npt.ArrayLike, *, level: float = LEVEL, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> tuple[Array, Array, Array, str]:
    """Mean and interval of each column, resampling whole rows.

    The studentised bootstrap: with mean m and standard error s of the data, and m*, s* of a resample, the
    quantiles q of t* = (m* − m) / s* give the interval [m − q_high · s, m − q_low · s] (Efron and Tibshirani
    1993, section 12.5). All columns are resampled together, so a curve stays one curve.

    Args:
        values: Shape (n units,) or (n units, n columns).
        level: Confidence level of each column on its own.
        n_resamples: Number of bootstrap resamples.
        seed: Of the resampling.

    Returns:
        Means, lower and upper ends, each of shape (n columns,), and the method's name.
    """
    from scipy import stats

    X = np.asarray(values, dtype=np.float64)
    X = X[:, None] if X.ndim == 1 else X
    n = len(X)
    if n == 0:
        raise ValueError("values must hold at least one unit, but got none")
    mean = X.mean(axis=0)
    if n < 2:
        nothing = np.full_like(mean, np.nan)
        return mean, nothing, nothing.copy(), "too few for an interval"
    error = X.std(axis=0, ddof=1) / np.sqrt(n)
    if n < MIN_BOOTSTRAP:
        reach = stats.t.ppf((1 + level) / 2, n - 1) * error
        return mean, mean - reach, mean + reach, "Student's t"
    low, high = np.empty_like(mean), np.empty_like(mean)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_resamples).astype(np.float64)
    # Centred first: the second moment below would lose every digit of a spread of 1e-4 around 0.98.
    centred = X - mean
    shift = counts @ centred / n
    variance = np.maximum(counts @ centred**2 / n - shift**2, 0.0) * n / (n - 1)
    for column in range(X.shape[1]):
        # A resample that repeats one value has no standard error and says nothing about the shape of t*.
        usable = variance[:, column] > 1e-12 * max(float(variance[:, column].max()), 1e-300)
        if not usable.any():
            low[column] = high[column] = mean[column]
            continue
        t = shift[usable, column] / np.sqrt(variance[usable, column] / n)
        q_low, q_high = np.quantile(t, [(1 - level) / 2, (1 + level) / 2])
        low[column] = mean[column] - q_high * error[column]
        high[column] = mean[column] - q_low * error[column]
    return mean, low, high, "studentised bootstrap"


def mean_interval(
    values: npt.ArrayLike, *, level: float = LEVEL, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Interval:
    """Mean of independent units with its interval; see `mean_intervals`."""
    X = np.asarray(values, dtype=np.float64)
    mean, low, high, method = mean_intervals(X, level=level, n_resamples=n_resamples, seed=seed)
    return Interval(float(mean[0]), float(low[0]), float(high[0]), len(X), method)


def share_interval(shares: npt.ArrayLike, *, seed: int = 0) -> Interval:
    """Mean of independent shares in [0, 1] with its interval, which ends where shares do."""
    return clipped(mean_interval(shares, seed=seed), 0, 1)


def clipped(found: Interval, low: float, high: float) -> Interval:
    """The interval of something that is never below `low` nor above `high`, which ends there."""
    return replace(found, low=float(np.clip(found.low, low, high)), high=float(np.clip(found.high, low, high)))


def bootstrap_interval(
    values: npt.ArrayLike,
    statistic: Callable[..., Any],
    *,
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Bias-corrected, accelerated bootstrap of any statistic of independent units (`scipy.stats.bootstrap`).

    Below `MIN_BOOTSTRAP` units there is an estimate and no interval. Where leaving out a unit never changes the
    statistic, the interval is the percentiles'.

    Args:
        values: One value per unit, shape (n,).
        statistic: A function of (values, axis).
        level: Confidence level.
        n_resamples: Number of bootstrap resamples.
        seed: Of the resampling.
    """
    from scipy import stats

    X = np.asarray(values, dtype=np.float64)
    estimate = float(statistic(X, axis=0))
    if len(X) < MIN_BOOTSTRAP:
        return Interval(estimate, np.nan, np.nan, len(X), "too few for an interval")
    if np.ptp(X) == 0:
        return Interval(estimate, estimate, estimate, len(X), "all values equal")
    # Where no single unit changes the statistic (a perfect correlation), acceleration is 0 / 0.
    without_one = np.stack([np.delete(X, i) for i in range(len(X))])
    method = "BCa" if np.ptp(statistic(without_one, axis=-1)) > 0 else "percentile"
    result = stats.bootstrap(
        (X,), statistic, confidence_level=level, n_resamples=n_resamples, method=method, rng=np.random.default_rng(seed)
    )
    interval = result.confidence_interval
    return Interval(estimate, float(interval.low), float(interval.high), len(X), f"{method} bootstrap")


def interquartile_mean(values: npt.ArrayLike, axis: int = 0) -> Any:
    """Mean of the middle half of the values: a quarter is cut off at either end (Agarwal et al. 2021)."""
    from scipy import stats

    return stats.trim_mean(np.asarray(values, dtype=np.float64), 0.25, axis=axis)


def binomial_error(accuracy: float, n_images: int) -> float:
    """Standard error with which `n_images` measure an accuracy: √(p (1 − p) / n)."""
    if not 0 <= accuracy <= 1 or n_images < 1:
        raise ValueError(f"0 ≤ accuracy ≤ 1 and n_images ≥ 1 must hold, but got {accuracy} and {n_images}")
    return float(np.sqrt(accuracy * (1 - accuracy) / n_images))
