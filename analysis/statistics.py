"""Statistics of runs: tables in, tables or small frozen results out. Nothing here draws or reads a database.

What is resampled is always a whole independent unit (a run, a replicate, a matched configuration), never an
evaluation: evaluations of one run share its seed. The number of units stands beside every interval.

    runs ──paired_differences──▶ matched pairs ──paired_effect──▶ Effect ──holm──▶ adjusted p values

Intervals of a mean are studentised bootstraps from `MIN_BOOTSTRAP` units on, Student's t below it, and absent
below two units. In simulation both cover 93 to 97 % (tests/analysis/test_statistics.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]

LEVEL = 0.95
MIN_BOOTSTRAP = 8
"""Units from which a mean's interval is bootstrapped: with fewer, a resample too often repeats one value."""
MIN_REPLICATES = 5
"""Replicates from which seeds, and not configurations, are the units of a paired comparison."""
MIN_FLIPS = 12
"""Units from which p values come from flipping signs: 2 / 2¹² leaves room for Holm's correction."""
MIN_SUPERIORITY = 20
"""Units on either side from which the probability that one beats the other has an interval."""
N_RESAMPLES = 4999
WITHIN = 0.01
"""What "within 1 %" means: one percentage point of accuracy."""


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


@dataclass(frozen=True)
class Effect:
    """A paired comparison of two levels of one factor.

    Attributes:
        difference: Mean of (high − low), with its interval over `unit`.
        effect_size: Hedges' g of the paired differences (mean over standard deviation, small-sample
            correction); NaN where the differences do not vary or are fewer than two.
        p: Two-sided, from `paired_test` on the units.
        signs: Matched pairs in which the high level has the larger, the same and the smaller value.
        n_pairs: Matched pairs of runs behind it.
        unit: What is independent: `replicate`, or what the pairs were averaged to.
        run_ids: Every run behind it.
    """

    difference: Interval
    effect_size: float
    p: float
    signs: tuple[int, int, int]
    n_pairs: int
    unit: str
    run_ids: tuple[int, ...]


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
        (X,),
        statistic,
        confidence_level=level,
        n_resamples=n_resamples,
        method=method,
        rng=np.random.default_rng(seed),
    )
    interval = result.confidence_interval
    return Interval(estimate, float(interval.low), float(interval.high), len(X), f"{method} bootstrap")


def interquartile_mean(values: npt.ArrayLike, axis: int = 0) -> Any:
    """Mean of the middle half of the values: a quarter is cut off at either end (Agarwal et al. 2021)."""
    from scipy import stats

    return stats.trim_mean(np.asarray(values, dtype=np.float64), 0.25, axis=axis)


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


def paired_differences(
    runs: pd.DataFrame, factor: str, levels: tuple[Any, Any], value: str, match: Sequence[str]
) -> pd.DataFrame:
    """Differences of matched runs: same configuration but for `factor`, same replicate (so the same seeds).

    Args:
        runs: One row per run, with `factor`, `value`, `replicate`, `run_id` and the columns of `match`.
        factor: The column that differs within a pair.
        levels: (high, low): the difference is value(high) − value(low).
        value: The column compared.
        match: The other columns that a pair must agree in, `replicate` aside.

    Returns:
        One row per pair: `match`, `replicate`, `high`, `low`, `difference`, `run_id_high`, `run_id_low`.
        A run without its partner (for example because that one diverged) is left out.
    """
    keys = [*match, "replicate"]
    columns = [*keys, value, "run_id"]
    high = runs.loc[runs[factor] == levels[0], columns].rename(columns={value: "high"})
    low = runs.loc[runs[factor] == levels[1], columns].rename(columns={value: "low"})
    pairs: pd.DataFrame = high.merge(low, on=keys, suffixes=("_high", "_low"), validate="one_to_one")
    pairs["difference"] = pairs["high"] - pairs["low"]
    return pairs.sort_values(keys).reset_index(drop=True)


def independent_units(pairs: pd.DataFrame, by: Sequence[str]) -> tuple[pd.DataFrame, list[str], str]:
    """What matched pairs are averaged to before anything is inferred from them.

    Replicates where there are `MIN_REPLICATES` of them: the runs of one replicate share their seeds and stand or fall
    together. With fewer, the groups of `by`, each averaged over its replicates; the interval then speaks of such
    configurations under these seeds.

    Returns:
        The pairs that are used, the columns to average over, and what the units are called. Of the replicates only
        those with every configuration are used: otherwise a missing pair would pose as an effect of the seed.
    """
    if pairs["replicate"].nunique() >= MIN_REPLICATES or not by:
        counts = pairs.groupby("replicate")["difference"].count()
        whole = counts.index[counts == counts.max()]
        return pairs[pairs["replicate"].isin(whole)], ["replicate"], "replicate"
    return pairs, list(by), by[0].replace("_", " ") if len(by) == 1 else "configuration"


def paired_test(differences: npt.ArrayLike, seed: int = 0) -> float:
    """Two-sided p value that the mean of independent differences is zero.

    From `MIN_FLIPS` differences on a permutation test that flips signs (`scipy.stats.permutation_test`,
    9,999 seeded patterns or all of them); below it, where even the most extreme of 2ⁿ patterns is not rare,
    Student's t test. 1 where there is nothing to test.
    """
    from scipy import stats

    d = np.asarray(differences, dtype=np.float64)
    if len(d) < 2 or not np.any(d):
        return 1.0
    if len(d) < MIN_FLIPS and np.ptp(d) > 1e-9 * np.abs(d).max():
        return float(stats.ttest_1samp(d, 0.0).pvalue)
    result = stats.permutation_test(
        (d,),
        np.mean,
        permutation_type="samples",
        n_resamples=9999,
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)


def paired_effect(pairs: pd.DataFrame, by: Sequence[str], *, seed: int = 0) -> Effect:
    """Summary of `paired_differences`.

    Args:
        pairs: From `paired_differences`.
        by: What is independent where there are too few replicates; empty for replicates however few.
        seed: Of the resampling.

    Raises:
        ValueError: There is no pair.
    """
    if pairs.empty:
        raise ValueError("a paired effect needs at least one matched pair of runs, but got none")
    pairs, columns, unit = independent_units(pairs, by)
    units = pairs.groupby(columns)["difference"].mean().to_numpy(dtype=np.float64)
    signs = np.sign(pairs["difference"].to_numpy(dtype=np.float64))
    ids = sorted({*pairs["run_id_high"].tolist(), *pairs["run_id_low"].tolist()})
    return Effect(
        difference=mean_interval(units, seed=seed),
        effect_size=hedges_g(units),
        p=paired_test(units, seed),
        signs=(int((signs > 0).sum()), int((signs == 0).sum()), int((signs < 0).sum())),
        n_pairs=len(pairs),
        unit=unit,
        run_ids=tuple(int(number) for number in ids),
    )


def hedges_g(differences: npt.ArrayLike) -> float:
    """Mean over standard deviation of paired differences, times 1 − 3 / (4 (n − 1) − 1) (Hedges)."""
    d = np.asarray(differences, dtype=np.float64)
    if len(d) < 3 or np.ptp(d) == 0:
        return float("nan")
    return float(d.mean() / d.std(ddof=1) * (1 - 3 / (4 * (len(d) - 1) - 1)))


def holm(p_values: npt.ArrayLike) -> Array:
    """Holm's step-down adjustment: p₍ᵢ₎ → max over j ≤ i of (m − j + 1) p₍ⱼ₎, at most 1; order kept."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    out = np.empty_like(p)
    out[order] = adjusted
    return out


def binomial_error(accuracy: float, n_images: int) -> float:
    """Standard error with which `n_images` measure an accuracy: √(p (1 − p) / n)."""
    if not 0 <= accuracy <= 1 or n_images < 1:
        raise ValueError(f"0 ≤ accuracy ≤ 1 and n_images ≥ 1 must hold, but got {accuracy} and {n_images}")
    return float(np.sqrt(accuracy * (1 - accuracy) / n_images))


def convergence(curves: pd.DataFrame, column: str = "validation_accuracy", within: float = WITHIN) -> pd.DataFrame:
    """First evaluation of each run that lies within `within` of the run's own best.

    Args:
        curves: One row per run and evaluation.
        column: The accuracy looked at.
        within: In units of that column; 0.01 is one percentage point.

    Returns:
        One row per run: `run_id`, `converged_k` (evaluations), `converged_epoch` (epochs), `best`.
    """
    best = curves.groupby("run_id")[column].transform("max")
    near = curves.assign(best=best)[curves[column] >= best - within - 1e-12]
    first = near.sort_values(["run_id", "k"]).groupby("run_id").first().reset_index()
    return first[["run_id", "k", "epoch", "best"]].rename(columns={"k": "converged_k", "epoch": "converged_epoch"})


def mean_curves(curves: pd.DataFrame, column: str, by: Sequence[str], *, seed: int = 0) -> pd.DataFrame:
    """Mean curve of each group with a pointwise interval over whole runs.

    Args:
        curves: One row per run and evaluation. Runs that stop early are cut from no one: a group is averaged
            over the evaluations that all its runs have.
        column: The value averaged.
        by: Columns that define the groups.
        seed: Of the resampling.

    Returns:
        One row per group and k: `by`, `k`, `epoch`, `mean`, `low`, `high`, `n_runs`.
    """
    parts = []
    for names, group in curves.groupby(list(by), sort=True):
        wide = group.pivot(index="run_id", columns="k", values=column).dropna(axis=1)
        mean, low, high, _ = mean_intervals(wide.to_numpy(), seed=seed)
        epochs = group.groupby("k")["epoch"].first().loc[wide.columns]
        part = pd.DataFrame({"k": wide.columns, "epoch": epochs.to_numpy(), "mean": mean, "low": low, "high": high})
        values: list[Any] = list(names) if isinstance(names, tuple) else [names]
        for position, (name, value) in enumerate(zip(by, values, strict=True)):
            part.insert(position, name, value)
        parts.append(part.assign(n_runs=len(wide)))
    return pd.concat(parts, ignore_index=True)


def seed_spread(runs: pd.DataFrame, column: str = "validation_accuracy") -> tuple[float, int]:
    """Pooled standard deviation over replicates, and its degrees of freedom (NaN and 0 without)."""
    grouped = runs.groupby("trial_number")[column]
    counts, variances = grouped.size(), grouped.var(ddof=1)
    freedom = (counts - 1).clip(lower=0)
    total = int(freedom.sum())
    if total == 0:
        return float("nan"), 0
    return float(np.sqrt((variances.fillna(0.0) * freedom).sum() / total)), total
