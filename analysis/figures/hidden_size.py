"""Test accuracy against hidden size, by activation (the report's Figure 9, and beyond its range)."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures.style import ACTIVATIONS, MUTED, SHADE, line_label, log_ticks, new_figure, percent, spread
from analysis.statistics.intervals import share_interval
from analysis.studies import one_factor_runs, with_runs
from analysis.tables import Tables, known
from analysis.wording import INTERVAL, count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Accuracy against hidden size"
REPORT = "Figure 9"
REPORTED_RANGE = (10, 100)
_ASIDE = {"relu": 0.985, "tanh": 1.015}  # so that the bars of both activations can be told apart


def table(tables: Tables) -> pd.DataFrame:
    """One row per activation and size: mean test accuracy with its interval over replicates."""
    runs = one_factor_runs(tables, "ofat-hidden-size")
    rows = []
    for (activation, _), group in runs.groupby(["activation", "hidden_size"]):
        known(ACTIVATIONS, activation, "activation")
        interval = share_interval(group["test_accuracy"])
        rows.append(
            {
                "activation": activation,
                "hidden_size": int(group["hidden_size"].iloc[0]),
                "mean": interval.estimate,
                "low": interval.low,
                "high": interval.high,
                "n_runs": interval.n,
                "method": interval.method,
                "run_ids": group["run_id"].tolist(),
            }
        )
    return with_runs(pd.DataFrame(rows), runs["run_id"])


def draw(table: pd.DataFrame) -> "Figure":
    """One line per activation over a logarithmic axis, the report's range marked."""
    figure, (panel,) = new_figure(height=3.5)
    labels = []
    panel.axvspan(*REPORTED_RANGE, color=SHADE, alpha=0.18, lw=0)
    for activation, look in ACTIVATIONS.items():
        line = table[table["activation"] == activation]
        if line.empty:
            continue
        errors = [(line["mean"] - line["low"]).fillna(0), (line["high"] - line["mean"]).fillna(0)]
        panel.errorbar(
            line["hidden_size"] * _ASIDE[activation],
            line["mean"],
            yerr=errors,
            color=look.color,
            ls=look.line,
            marker=look.marker,
            capsize=2,
            elinewidth=1,
        )
        last = line.iloc[-1]
        labels.append(line_label(panel, last["hidden_size"], last["mean"], look.label, look.color))
    panel.set_xscale("log")
    log_ticks(panel.xaxis, sorted(table["hidden_size"].unique()))
    percent(panel.yaxis)
    panel.annotate(
        "range of the report",
        ((REPORTED_RANGE[0] * REPORTED_RANGE[1]) ** 0.5, 0.02),
        xycoords=("data", "axes fraction"),
        ha="center",
        va="bottom",
        color=MUTED,
        fontsize=8.5,
    )
    panel.set_xlabel("units per hidden layer (logarithmic)")
    panel.set_ylabel("test accuracy")
    spread(labels)
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    n_runs = sorted(set(table["n_runs"]))
    each = f"{n_runs[0]}" if len(n_runs) == 1 else f"{n_runs[0]} to {n_runs[-1]}"
    bars = (
        f"Bars: {INTERVAL} ({table['method'].iloc[table['n_runs'].argmax()]})"
        if max(n_runs) > 1
        else "One run each, so no interval"
    )
    return f"{count(int(table['n_runs'].sum()), 'run')}, {each} per point. {bars}."
