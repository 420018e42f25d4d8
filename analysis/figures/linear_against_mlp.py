"""Test accuracy of all linear configurations against all random MLPs (the report's Figure 7)."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.style import INK, MAX_POINTS, MODELS, new_figure, percent
from analysis.statistics.intervals import interquartile_mean
from analysis.studies import with_runs
from analysis.tables import StudyMissingError, Tables
from analysis.trials import by_trial, selected_trial
from analysis.wording import count, number_text, percent_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Linear model against MLP"
REPORT = "Figure 7"


def table(tables: Tables) -> pd.DataFrame:
    """One row per configuration, with its test accuracy and whether validation selected it."""
    try:
        mlp = tables.complete("mlp-random")
    except StudyMissingError as missing:
        if "mlp-optuna" not in tables.studies:
            raise
        mlp = tables.complete("mlp-optuna")
        del missing
    linear = tables.complete("linear-grid")
    parts = []
    for model, runs in (("linear", linear), ("MLP", mlp)):
        trials = by_trial(runs)[["study", "trial_number", "test_accuracy", "n_runs", "run_ids"]]
        parts.append(
            trials.assign(model=model, selected=trials["trial_number"] == selected_trial(runs)["trial_number"])
        )
    return with_runs(pd.concat(parts, ignore_index=True), [*linear["run_id"], *mlp["run_id"]])


def draw(table: pd.DataFrame) -> "Figure":
    """One strip per model; the selected configuration is ringed and named."""
    figure, (panel,) = new_figure(height=3.1)
    rng = np.random.default_rng(0)
    for place, (model, look) in enumerate(MODELS.items()):
        rows = table[table["model"] == model]
        many = len(rows) > MAX_POINTS
        height = place + rng.uniform(-0.2, 0.2, len(rows))
        panel.scatter(
            rows["test_accuracy"],
            height,
            s=6 if many else 16,
            marker=look.marker,
            color=look.color,
            alpha=0.3 if many else 0.7,
            lw=0,
            rasterized=many,
        )
        median = float(rows["test_accuracy"].median())
        panel.plot([median, median], [place - 0.3, place + 0.3], color=INK, lw=2)
        chosen = rows[rows["selected"]].iloc[0]
        panel.scatter([chosen["test_accuracy"]], [place], s=110, marker="o", facecolor="none", ec=INK, lw=1.5)
        panel.annotate(
            f"selected {percent_text(chosen['test_accuracy'])}, median {percent_text(median)}",
            (chosen["test_accuracy"], place - 0.33),
            ha="left" if model == "linear" else "right",
            va="bottom",
            fontsize=8.5,
            color=look.color,
            xytext=(4, 0),
            textcoords="offset points",
        )
    panel.set_yticks(range(len(MODELS)), [look.label.replace(" ", "\n") for look in MODELS.values()])
    panel.set_ylim(len(MODELS) - 0.5, -0.6)
    floor = max(float(table["test_accuracy"].min()), 0.85) - 0.003
    panel.set_xlim(left=floor)
    percent(panel.xaxis)
    panel.set_xlabel("test accuracy, one configuration each")
    panel.grid(visible=False, axis="y")
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    counts = table.groupby("model")["test_accuracy"].size()
    means = table.groupby("model")["test_accuracy"].agg(lambda accuracies: 100 * interquartile_mean(accuracies))
    below = int((table["test_accuracy"] < 0.85).sum())
    text = (
        f"{count(int(counts['linear']), 'linear configuration')} and "
        f"{count(int(counts['MLP']), 'MLP')}; ring: selected on validation, "
        f"bar: median. Interquartile means {number_text(means['linear'])} % and {number_text(means['MLP'])} %."
    )
    return text + (f" {count(below, 'configuration')} below 85 % outside the axis." if below else "")
