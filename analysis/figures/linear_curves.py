"""Loss and accuracy of the linear model against epochs on the three splits (the report's Figure 2).

The configuration is the one selected on validation; the grey range holds all configurations of the grid on
test.
"""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures.curves import draw_curves
from analysis.figures.style import SPLITS
from analysis.studies import selected_runs, split_curves, with_runs
from analysis.tables import Tables
from analysis.wording import count, describe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Training of the linear model"
REPORT = "Figure 2"


def table(tables: Tables) -> pd.DataFrame:
    """Mean curve per metric and split of the selected configuration, and the range over all of them."""
    runs = tables.complete("linear-grid")
    chosen = selected_runs(tables, "linear-grid")
    curves = split_curves(tables, chosen)
    everything = tables.curves_of(runs)
    ranges = [
        everything.groupby("k")[f"test_{metric}"].agg(["min", "max"]).reset_index().assign(metric=metric, split="test")
        for metric in ("loss", "accuracy")
    ]
    out = curves.merge(pd.concat(ranges), on=["metric", "split", "k"], how="left")
    out["trial_number"] = int(chosen["trial_number"].iloc[0])
    out["configuration"] = describe(chosen.iloc[0])
    out["n_configurations"] = runs["trial_number"].nunique()
    return with_runs(out, runs["run_id"])


def draw(table: pd.DataFrame) -> "Figure":
    """Two panels above each other: loss and accuracy."""
    return draw_curves(table, "split", SPLITS)


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    row = table.iloc[0]
    return (
        f"The configuration selected on validation (trial {row['trial_number']}: {row['configuration']}), "
        f"{count(int(row['n_runs']), 'run')}; grey: range of test values over all "
        f"{row['n_configurations']} configurations."
    )
