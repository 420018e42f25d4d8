"""Distribution of test accuracy over the linear grid, with minimum and mean (the report's Figure 3)."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.commands import REPORT_DATASET
from analysis.figures.style import MODELS, new_figure, percent
from analysis.figures.style import REPORT as FROM_REPORT
from analysis.statistics.intervals import binomial_error
from analysis.studies import GRID_FACTORS, with_runs
from analysis.tables import Tables
from analysis.trials import by_trial
from analysis.wording import count, percent_text, points_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Test accuracy of the linear configurations"
REPORT = "Figure 3"
REPORTED_MINIMUM, REPORTED_MEAN = 0.918, 0.922


def table(tables: Tables) -> pd.DataFrame:
    """One row per configuration: its parameters, mean test accuracy over replicates, number of runs."""
    runs = tables.complete("linear-grid")
    trials = by_trial(runs)[["trial_number", *GRID_FACTORS, "test_accuracy", "n_runs", "run_ids", "n_test"]]
    trials["binomial_error"] = [
        binomial_error(value, int(n)) for value, n in zip(trials["test_accuracy"], trials["n_test"], strict=True)
    ]
    trials["dataset"] = tables.dataset
    trials = trials.sort_values(["test_accuracy", "trial_number"], ignore_index=True)
    return with_runs(trials, runs["run_id"])


def draw(table: pd.DataFrame) -> "Figure":
    """A histogram of configurations; lowest and mean are named, and the report's beside them."""
    import seaborn as sns
    from matplotlib.ticker import MaxNLocator

    figure, (panel,) = new_figure(height=3.3)
    look = MODELS["linear"]
    values = table["test_accuracy"]
    sns.histplot(x=values, ax=panel, color=look.color, alpha=0.45, edgecolor="white", bins=12)
    sns.rugplot(x=values, ax=panel, color=look.color, height=0.05, lw=1.4)
    top = panel.get_ylim()[1]
    panel.set_ylim(0, top * 1.42)
    marks = [
        (float(values.min()), "lowest", look.color, "-", 1.10),
        (float(values.mean()), "mean", look.color, "-", 1.10),
    ]
    if table["dataset"].iloc[0] == REPORT_DATASET:
        marks += [
            (REPORTED_MINIMUM, "report:\nlowest", FROM_REPORT.color, FROM_REPORT.line, 1.26),
            (REPORTED_MEAN, "report:\nmean", FROM_REPORT.color, FROM_REPORT.line, 1.26),
        ]
    for value, name, color, line, height in marks:
        panel.plot([value, value], [0, top * (height + 0.02)], color=color, ls=line, lw=1.5)
        text = f"{name} {percent_text(value, 1)}" if "\n" in name else f"{name}\n{percent_text(value)}"
        side = "left"
        panel.annotate(
            text,
            (value, top * height),
            xytext=(3, 0),
            textcoords="offset points",
            color=color,
            ha=side,
            va="center",
            fontsize=8.5,
        )
    percent(panel.xaxis)
    low, high = panel.get_xlim()
    panel.set_xlim(low, high + 0.12 * (high - low))
    panel.set_xlabel("test accuracy, one configuration each")
    panel.set_ylabel("configurations")
    panel.yaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(visible=False, axis="x")
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    error = float(np.mean(table["binomial_error"]))
    return (
        f"{count(len(table), 'configuration')} ({count(int(table['n_runs'].sum()), 'run')}): from "
        f"{percent_text(table['test_accuracy'].min())} to {percent_text(table['test_accuracy'].max())}, mean "
        f"{percent_text(table['test_accuracy'].mean())}. {int(table['n_test'].iloc[0]):,} images measure such an "
        f"accuracy with a standard error of {points_text(error)} points."
    )
