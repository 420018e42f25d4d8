"""Effect of learning-rate decay on test accuracy (the report's Figure 5)."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures.paired import describe_pairs, draw_pairs, paired_table
from analysis.tables import Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Learning-rate decay and accuracy"
REPORT = "Figure 5"


def table(tables: Tables) -> pd.DataFrame:
    """One row per matched pair: test accuracy with (`high`) and without decay (`low`)."""
    return paired_table(tables, "decays", "test_accuracy")


def draw(table: pd.DataFrame) -> "Figure":
    """Box plots, and the paired differences."""
    return draw_pairs(table, "decay", "test accuracy (%)", "difference (percentage points), with − without", 100.0)


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    return "Linear grid. " + describe_pairs(table, 100.0, "percentage points")
