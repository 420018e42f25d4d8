"""Training curves of the 2 × 100 MLP with momentum and decay (the report's Figure 8)."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures.curves import draw_curves
from analysis.figures.style import SPLITS
from analysis.studies import reported_runs, split_curves
from analysis.tables import Tables
from analysis.wording import INTERVAL, count, describe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Training of the MLP"
REPORT = "Figure 8"


def table(tables: Tables) -> pd.DataFrame:
    """Mean loss and accuracy per split and evaluation, with intervals over replicates."""
    runs = reported_runs(tables)
    return split_curves(tables, runs).assign(configuration=describe(runs.iloc[0]), study=runs["study"].iloc[0])


def draw(table: pd.DataFrame) -> "Figure":
    """Loss above, accuracy below."""
    return draw_curves(table, "split", SPLITS)


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    row = table.iloc[0]
    n_runs = int(row["n_runs"])
    bands = f"; bands: {INTERVAL}s of the mean" if n_runs > 1 else ""
    return f"{row['configuration']} (study {row['study']}), mean of {count(n_runs, 'run')}{bands}."
