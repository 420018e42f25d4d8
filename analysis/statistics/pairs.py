"""Paired comparisons of two levels of a factor, and what several tests at once leave of their p values.

runs ──paired_differences──▶ matched pairs ──paired_effect──▶ Effect ──holm──▶ adjusted p values
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analysis.statistics.intervals import Array, Interval, mean_interval
from analysis.statistics.splits import repeated_splits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    import pandas as pd

Alternative = Literal["two-sided", "less", "greater"]

MIN_REPLICATES = 5
"""Replicates from which seeds, and not configurations, are the units of a paired comparison."""
MIN_FLIPS = 12
"""Units from which p values come from flipping signs: 2 / 2¹² leaves room for Holm's correction."""


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
        one_sided: The p value that the mean difference is a given number, against `less` or `greater`.
    """

    difference: Interval
    effect_size: float
    p: float
    signs: tuple[int, int, int]
    n_pairs: int
    unit: str
    run_ids: tuple[int, ...]
    one_sided: Callable[[float, Alternative], float] = field(compare=False, repr=False)


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


def whole_replicates(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of replicates that have as many as the fullest: a missing one would pose as an effect of the seed."""
    counts = table["replicate"].value_counts()
    whole: pd.DataFrame = table[table["replicate"].isin(counts.index[counts == counts.max()])]
    return whole


def independent_units(pairs: pd.DataFrame, by: Sequence[str]) -> tuple[pd.DataFrame, list[str], str]:
    """What matched pairs are averaged to before anything is inferred from them.

    Replicates where there are `MIN_REPLICATES` of them: the runs of one replicate share their seeds and stand or fall
    together. With fewer, the groups of `by`, each averaged over its replicates; the interval then speaks of such
    configurations under these seeds.

    Returns:
        The pairs that are used, of whole replicates alone, the columns to average over, and what the units are called.
    """
    if pairs["replicate"].nunique() >= MIN_REPLICATES or not by:
        return whole_replicates(pairs), ["replicate"], "replicate"
    return pairs, list(by), by[0].replace("_", " ") if len(by) == 1 else "configuration"


def paired_test(differences: npt.ArrayLike, seed: int = 0, alternative: Alternative = "two-sided") -> float:
    """P value that the mean of independent differences is zero, two-sided unless `alternative` names a side.

    From `MIN_FLIPS` differences on a permutation test that flips signs (`scipy.stats.permutation_test`,
    9,999 seeded patterns or all of them); below it, where even the most extreme of 2ⁿ patterns is not rare,
    Student's t test. 1 where there is nothing to test.
    """
    from scipy import stats

    d = np.asarray(differences, dtype=np.float64)
    if len(d) < 2 or not np.any(d):
        return 1.0
    if len(d) < MIN_FLIPS and np.ptp(d) > 1e-9 * np.abs(d).max():
        return float(stats.ttest_1samp(d, 0.0, alternative=alternative).pvalue)
    result = stats.permutation_test(
        (d,),
        np.mean,
        permutation_type="samples",
        n_resamples=9999,
        vectorized=True,
        alternative=alternative,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)


def equivalence(estimate: float, margin: float, one_sided: Callable[[float, Alternative], float]) -> float:
    """P value of what an estimate says about ±`margin`.

    Where it lies within, that the difference is as large as the margin: the larger p value of two one-sided tests
    (Schuirmann 1987). Where it lies beyond, that the difference is no larger: twice that of the test on that side,
    which is below 5 % where the 95 % interval lies wholly beyond.

    Args:
        estimate: Of the difference.
        margin: The smallest difference that matters.
        one_sided: The p value that the difference is a given number, against `less` or `greater`.
    """
    if abs(estimate) <= margin:
        return max(one_sided(-margin, "greater"), one_sided(margin, "less"))
    return min(1.0, 2 * (one_sided(margin, "greater") if estimate > 0 else one_sided(-margin, "less")))


def paired_effect(
    pairs: pd.DataFrame, by: Sequence[str], *, parts: tuple[int, int] | None = None, seed: int = 0
) -> Effect:
    """Summary of `paired_differences`.

    Args:
        pairs: From `paired_differences`.
        by: What is independent where there are too few replicates; empty for replicates however few.
        parts: As for `effect_of`; then replicates are independent however few.
        seed: Of the resampling.

    Raises:
        ValueError: There is no pair.
    """
    if pairs.empty:
        raise ValueError("a paired effect needs at least one matched pair of runs, but got none")
    pairs, columns, unit = independent_units(pairs, by if parts is None else [])
    units = pairs.groupby(columns)["difference"].mean().to_numpy(dtype=np.float64)
    ids = sorted({*pairs["run_id_high"].tolist(), *pairs["run_id_low"].tolist()})
    each = pairs["difference"].to_numpy(dtype=np.float64)
    return effect_of(units, each, unit, tuple(map(int, ids)), parts=parts, seed=seed)


def effect_of(
    units: Array,
    pairs: Array,
    unit: str,
    run_ids: tuple[int, ...],
    *,
    parts: tuple[int, int] | None = None,
    seed: int = 0,
) -> Effect:
    """Summary of independent differences `units`, which are means over those of `pairs`.

    Args:
        units: One number a unit.
        pairs: The differences behind them.
        unit: What the units are called.
        run_ids: Every run behind them.
        parts: Examples of a training and of a validation part where each unit is a cut of the same data: interval and
            tests are then those of `splits.repeated_splits`.
        seed: Of the resampling.
    """
    signs = np.sign(pairs)

    def test(at: float, side: Alternative) -> float:
        return paired_test(units - at, seed, side) if parts is None else _corrected_test(units - at, parts, side)

    return Effect(
        difference=mean_interval(units, seed=seed) if parts is None else repeated_splits(units, *parts).difference,
        effect_size=hedges_g(units),
        p=test(0.0, "two-sided"),
        signs=(int((signs > 0).sum()), int((signs == 0).sum()), int((signs < 0).sum())),
        n_pairs=len(pairs),
        unit=unit,
        run_ids=run_ids,
        one_sided=test,
    )


def _corrected_test(differences: Array, parts: tuple[int, int], side: Alternative) -> float:
    """P value that the mean over cuts of the same data is zero."""
    found = repeated_splits(differences, *parts)
    if side == "two-sided":
        return found.p
    beyond = found.difference.estimate > 0 if side == "greater" else found.difference.estimate < 0
    return found.p / 2 if beyond else 1 - found.p / 2


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
