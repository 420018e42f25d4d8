"""Effect of momentum on the evaluations needed to converge (the report's Figure 4)."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures.paired import describe_pairs, draw_pairs, paired_table
from analysis.tables import Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Momentum and the speed of convergence"
REPORT = "Figure 4"


def table(tables: Tables) -> pd.DataFrame:
    """One row per matched pair: evaluations needed with (`high`) and without momentum (`low`)."""
    return paired_table(tables, "momentum", "converged_k")


def draw(table: pd.DataFrame) -> "Figure":
    """Box plots, and the paired differences."""
    return draw_pairs(
        table,
        "momentum",
        "evaluations until within 1 point of the run's best",
        "difference (evaluations), with − without",
        1.0,
    )


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    return (
        "First evaluation within one percentage point of the run's own best validation accuracy, "
        "linear grid. " + describe_pairs(table, 1.0, "evaluations")
    )
