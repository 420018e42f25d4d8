"""Low against full fidelity: does a small training set rank the candidates as the full one does?"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.figures.common import count, with_runs
from analysis.figures.style import MODELS, MUTED, new_figure, percent
from analysis.statistics import Interval, bootstrap_interval
from analysis.tables import NotApplicableError, Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Small training sets against the full one"
REPORT = ""


def rungs(tables: Tables) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Candidates with their validation accuracy on the smallest and the full set, and the runs."""
    runs = tables.complete("mlp-fidelity", full_fidelity=False)
    ladder = pd.DataFrame(list(runs["attributes"]), index=runs.index)
    if not {"candidate", "rung", "n_rungs"} <= set(ladder.columns):
        raise NotApplicableError("trials of mlp-fidelity do not say which candidate and rung they are")
    runs = runs.assign(candidate=ladder["candidate"], rung=ladder["rung"], last=ladder["rung"] == ladder["n_rungs"] - 1)
    images = runs["train_images"].astype(float).fillna(runs["n_train"].astype(float))
    runs = runs.assign(images=images)
    lowest = (
        runs[runs["rung"] == 0]
        .groupby("candidate")
        .agg(low=("validation_accuracy", "mean"), low_images=("images", "max"))
    )
    full = (
        runs[runs["last"]].groupby("candidate").agg(full=("validation_accuracy", "mean"), full_images=("images", "max"))
    )
    table = lowest.join(full, how="inner").reset_index()
    if len(table) < 3:
        raise NotApplicableError(
            f"at least three candidates must be complete on the smallest and the full set, but {len(table)} are"
        )
    return table, runs[runs["candidate"].isin(table["candidate"])]


def rank_agreement(tables: Tables) -> tuple[Interval, pd.DataFrame]:
    """Kendall's correlation of the two rankings, candidates resampled, and the runs behind it."""
    table, runs = rungs(tables)
    return kendall_interval(table["low"].to_numpy(), table["full"].to_numpy()), runs


def kendall_interval(a: Any, b: Any) -> Interval:
    """Kendall's τ-b with a BCa bootstrap over the candidates."""
    from scipy import stats

    def correlation(index: Any, axis: int = -1) -> Any:
        rows = np.moveaxis(np.asarray(index, dtype=int), axis, -1)
        flat = rows.reshape(-1, rows.shape[-1])
        values = [np.nan_to_num(stats.kendalltau(a[row], b[row]).statistic) for row in flat]
        return np.reshape(values, rows.shape[:-1])

    return bootstrap_interval(np.arange(len(a)), correlation, n_resamples=499)


def table(tables: Tables) -> pd.DataFrame:
    """One row per candidate: validation accuracy on the smallest and the full set, agreement."""
    rows, runs = rungs(tables)
    agreement = kendall_interval(rows["low"].to_numpy(), rows["full"].to_numpy())
    rows = rows.assign(kendall=agreement.estimate, kendall_low=agreement.low, kendall_high=agreement.high)
    return with_runs(rows, runs["run_id"])


def draw(table: pd.DataFrame) -> "Figure":
    """A scatter of candidates; the one chosen on either is marked."""
    figure, (panel,) = new_figure(height=3.6)
    look = MODELS["MLP"]
    panel.scatter(table["low"], table["full"], color=look.color, s=24, alpha=0.85, ec="white", lw=0.5)
    by_low, by_full = table.iloc[table["low"].argmax()], table.iloc[table["full"].argmax()]
    best = [(by_full, "best on the full set")] if by_low["candidate"] != by_full["candidate"] else []
    best.append((by_low, "best on the small set" if best else "best on both"))
    middle = (table["low"].min() + table["low"].max()) / 2
    for row, name in best:
        left = row["low"] > middle
        offset = (-8 if left else 8, -14 if "small" in name else 8)
        panel.scatter([row["low"]], [row["full"]], s=90, facecolor="none", ec=MUTED, lw=1.3)
        panel.annotate(
            name,
            (row["low"], row["full"]),
            xytext=offset,
            textcoords="offset points",
            ha="right" if left else "left",
            fontsize=8.5,
            color=MUTED,
        )
    percent(panel.xaxis)
    percent(panel.yaxis)
    panel.margins(0.08)
    panel.set_xlabel(f"validation accuracy with {int(table['low_images'].max()):,} training images")
    panel.set_ylabel(f"validation accuracy with {int(table['full_images'].max()):,}")
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    first = table.iloc[0]
    bounds = (
        ""
        if np.isnan(first["kendall_low"])
        else f" (95 % interval {first['kendall_low']:.2f} to {first['kendall_high']:.2f})"
    )
    text = f"{count(len(table), 'candidate')}; Kendall rank correlation {first['kendall']:.2f}{bounds}."
    return text.replace("-0", "−0")
