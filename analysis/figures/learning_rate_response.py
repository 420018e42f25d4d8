"""Test accuracy of the linear model over a wide range of learning rates, with the range of the linear grid marked."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.style import MUTED, SHADE, SWITCH, line_label, log_ticks, new_figure, percent, spread
from analysis.studies import decays, with_runs
from analysis.tables import StudyMissingError, Tables
from analysis.wording import percent_text, short_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Learning-rate response of the linear model"
REPORT = ""
GRID_RANGE = (0.002, 0.012)
DEPTH = 0.08
"""How far below the best the axis reaches; what lies lower is marked at its foot."""


def table(tables: Tables) -> pd.DataFrame:
    """One row per decay, momentum and learning rate.

    Mean test accuracy of complete runs, numbers of runs and of diverged ones.
    """
    study = "linear-lr-wide"
    runs = tables.all_runs(study)
    over = runs[runs["state"].isin(["complete", "diverged"])]
    if (over["state"] == "complete").sum() == 0:
        raise StudyMissingError(study, tables.commands.again(study), "has no complete run")
    over = over.assign(
        decays=decays(over["decay"]),
        diverged=over["state"] == "diverged",
        accuracy=over["test_accuracy"].where(over["state"] == "complete"),
        validation=over["validation_accuracy"].where(over["state"] == "complete"),
    )
    grouped = over.groupby(["decays", "momentum", "learning_rate"])
    out = grouped.agg(
        mean=("accuracy", "mean"),
        low=("accuracy", "min"),
        high=("accuracy", "max"),
        validation=("validation", "mean"),
        n_runs=("run_id", "size"),
        n_diverged=("diverged", "sum"),
        run_ids=("run_id", list),
    ).reset_index()
    return with_runs(out, over["run_id"])


def draw(table: pd.DataFrame) -> "Figure":
    """Two panels, with and without decay, one line with and one without momentum."""
    figure, axes = new_figure(2, 1, height=5.2, sharex=True, sharey=True)
    top = float(table["mean"].max())
    lowest = float(table["mean"].min())
    foot = max(lowest - 0.15 * (top - lowest) - 0.001, top - DEPTH)
    for panel, decay in zip(axes, (True, False), strict=True):
        labels = []
        panel.axvspan(*GRID_RANGE, color=SHADE, alpha=0.18, lw=0)
        for momentum in (True, False):
            look = SWITCH[momentum]
            line = table[(table["decays"] == decay) & (table["momentum"] == momentum)].sort_values("learning_rate")
            shown = line.dropna(subset=["mean"])
            if shown.empty:
                continue
            panel.plot(
                shown["learning_rate"], shown["mean"], color=look.color, ls=look.line, marker=look.marker, clip_on=True
            )
            inside = shown[shown["mean"] >= foot]
            if len(inside):
                last = inside.iloc[-1]
                labels.append(
                    line_label(panel, last["learning_rate"], last["mean"], f"{look.label}\nmomentum", look.color)
                )
            lost = line[(line["n_diverged"] > 0) | (line["mean"] < foot)]
            height = foot + (0.004 if momentum else 0.0015) * DEPTH / 0.08
            panel.plot(lost["learning_rate"], [height] * len(lost), "x", color=look.color, ms=7, mew=2)
        panel.set_title(f"{SWITCH[decay].label} decay")
        panel.set_ylabel("test accuracy")
        spread(labels, gap=24)
    axes[0].set_xscale("log")
    log_ticks(axes[1].xaxis, sorted(table["learning_rate"].unique()))
    axes[0].set_ylim(foot, top + 0.08 * (top - foot))
    percent(axes[0].yaxis)
    axes[0].annotate(
        "range of\nthe grid",
        ((GRID_RANGE[0] * GRID_RANGE[1]) ** 0.5, 0.5),
        xycoords=("data", "axes fraction"),
        ha="center",
        va="center",
        color=MUTED,
        fontsize=8.5,
    )
    axes[1].set_xlabel("learning rate (logarithmic)")
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    best = table.iloc[int(np.nanargmax(table["validation"].to_numpy()))]
    return (
        f"{int(table['n_runs'].sum()):,} runs, {int(table['n_diverged'].sum())} diverged. × marks rates at which a run "
        f"diverged or the mean lies below the axis. Best on validation: {short_text(best['learning_rate'])} "
        f"({SWITCH[bool(best['decays'])].label} decay, {SWITCH[bool(best['momentum'])].label} momentum), with "
        f"{percent_text(best['mean'])} on test."
    )
