"""One factor at a time: what each change to the baseline does, in pairs with the same seeds."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.style import MODELS, MUTED, around_zero, new_figure
from analysis.statistics.intervals import binomial_error, mean_interval
from analysis.studies import one_factor_runs, with_runs
from analysis.tables import StudyMissingError, Tables
from analysis.wording import INTERVAL, level_name, signed_points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "One factor at a time"
REPORT = ""
STUDIES = ("ofat-depth", "ofat-activation", "ofat-learning-rate", "ofat-momentum", "ofat-decay")
FAR = 8
"""How many times as far from zero as the next level one may lie before it is off the scale."""


def compared(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per level of a one-factor study but its baseline: the mean difference to it over replicates."""
    kept = ["by", "replicate", "test_accuracy", "run_id", "level"]
    base = runs.loc[runs["baseline"], kept].rename(columns={name: f"{name}_base" for name in kept[2:]})
    rows = []
    for _, group in runs[~runs["baseline"]].groupby("trial_number"):
        pairs = group.merge(base, on=["by", "replicate"])
        if pairs.empty:
            continue
        interval = mean_interval(pairs["test_accuracy"] - pairs["test_accuracy_base"])
        first = pairs.iloc[0]
        rows.append(
            {
                "study": first["study"],
                "factor": first["factor"],
                "level": level_name(first["factor"], first["level"]),
                "baseline": level_name(first["factor"], first["level_base"]),
                "difference": interval.estimate,
                "low": interval.low,
                "high": interval.high,
                "n_pairs": interval.n,
                "method": interval.method,
                "run_ids": [*pairs["run_id"].tolist(), *pairs["run_id_base"].tolist()],
            }
        )
    return pd.DataFrame(rows)


def table(tables: Tables) -> pd.DataFrame:
    """The comparisons of every one-factor study but the hidden size, which has its own figure."""
    parts, error = [], float("nan")
    for study in STUDIES:
        try:
            runs = one_factor_runs(tables, study)
        except StudyMissingError:
            continue
        parts.append(compared(runs))
        error = binomial_error(float(runs["test_accuracy"].mean()), int(runs["n_test"].iloc[0]))
    parts = [part for part in parts if len(part)]
    if not parts:
        raise StudyMissingError(STUDIES[0], tables.commands.make(STUDIES[0]))
    out = pd.concat(parts, ignore_index=True).assign(binomial_error=error)
    return with_runs(out, [run_id for ids in out["run_ids"] for run_id in ids])


def off_scale(table: pd.DataFrame) -> "pd.Series[bool]":
    """Which levels lie so far out that an axis with room for them would hide all others.

    These are the farthest, at most a third of all, down to the first that is more than `FAR` times as far from zero
    as the next one.
    """
    extent = table[["difference", "low", "high"]].abs().max(axis=1)
    ordered = extent.sort_values(ascending=False)
    for n_far in range(1, len(ordered) // 3 + 1):
        if ordered.iloc[n_far - 1] > FAR * ordered.iloc[n_far]:
            return pd.Series(extent.index.isin(ordered.index[:n_far]), index=table.index)
    return pd.Series(False, index=table.index)


def draw(table: pd.DataFrame) -> "Figure":
    """A forest plot: one line per level, zero is the baseline of its factor.

    A level that is off the scale has an arrow at the edge, and its value in words.
    """
    look = MODELS["MLP"]
    figure, (panel,) = new_figure(height=0.31 * len(table) + 1.3)
    around_zero(panel, table)
    places = np.arange(len(table)) + 0.5 * np.cumsum(table["factor"] != table["factor"].shift())
    far = off_scale(table).to_numpy()
    near = table[~far]
    panel.hlines(places[~far], 100 * near["low"], 100 * near["high"], color=look.color, lw=2)
    panel.plot(100 * near["difference"], places[~far], look.marker, color=look.color, ms=6)
    for place, difference in zip(places[far], table.loc[far, "difference"], strict=True):
        below = difference < 0
        text = f"{signed_points(difference, 1)} points"
        edge, at = (0.0, 0.14) if below else (1.0, 0.86)
        panel.annotate(
            text,
            (edge, place),
            xytext=(at, place),
            xycoords=("axes fraction", "data"),
            textcoords=("axes fraction", "data"),
            arrowprops={"arrowstyle": "-|>", "color": look.color, "lw": 2},
            color=look.color,
            ha="left" if below else "right",
            va="center",
            fontsize=8,
        )
    panel.set_yticks(places, table["level"])
    opens = table["factor"] != table["factor"].shift()
    for place, baseline, is_first in zip(places, table["baseline"], opens, strict=True):
        if is_first:
            panel.annotate(
                f"against {baseline}",
                (1.01, place),
                xycoords=("axes fraction", "data"),
                fontsize=8,
                color=MUTED,
                va="center",
            )
    panel.invert_yaxis()
    panel.grid(visible=False, axis="y")
    panel.set_xlabel("difference in test accuracy (percentage points)")
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    low, high = int(table["n_pairs"].min()), int(table["n_pairs"].max())
    pairs = f"{low}" if low == high else f"{low} to {high}"
    bars = f"bars: {INTERVAL}s" if high > 1 else "one pair each, so no interval"
    return (
        f"Mean of {pairs} pairs of runs with the same seeds per level; {bars}. Inside the grey band a difference is "
        "smaller than one binomial standard error of an accuracy."
        + (" An arrow points to a level beyond the axis." if off_scale(table).any() else "")
    )
