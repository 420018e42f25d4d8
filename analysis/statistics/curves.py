"""Training curves: when a run has converged, the mean of several, and how far seeds spread them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics.intervals import mean_intervals


def convergence(curves: pd.DataFrame, within: float, column: str = "validation_accuracy") -> pd.DataFrame:
    """First evaluation of each run that lies within `within` of the run's own best.

    Args:
        curves: One row per run and evaluation.
        within: In units of `column`; 0.01 is one percentage point.
        column: The accuracy looked at.

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
        if column.endswith("accuracy"):
            low, high = low.clip(0, 1), high.clip(0, 1)
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
