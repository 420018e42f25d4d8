"""Training curves of the 2 × 100 MLP with ReLU and with tanh (the report's Figure 10)."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures.curves import draw_curves
from analysis.figures.style import ACTIVATIONS
from analysis.studies import reported_runs, split_curves, with_runs
from analysis.tables import Tables
from analysis.wording import INTERVAL, count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Training with ReLU and with tanh"
REPORT = "Figure 10"


def table(tables: Tables) -> pd.DataFrame:
    """Mean test loss and accuracy per activation and evaluation, with intervals over replicates."""
    runs = reported_runs(tables, ("relu", "tanh"))
    curves = split_curves(tables, runs, ["activation"])
    return with_runs(curves[curves["split"] == "test"].reset_index(drop=True), runs["run_id"])


def draw(table: pd.DataFrame) -> "Figure":
    """Test loss above, test accuracy below, one line per activation."""
    return draw_curves(table, "activation", ACTIVATIONS, "test ")


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    n_runs = int(table["n_runs"].min())
    bands = f"; bands: {INTERVAL}s of the mean" if n_runs > 1 else ""
    mean = f"mean of {count(n_runs, 'run')} per activation"
    return f"2 hidden layers of 100 units, momentum and decay; {mean}{bands}."
