"""Drawing training curves: loss above, accuracy below, one line per split or per group."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures.style import SHADE, Look, band, line_label, new_figure, percent, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AXIS_LABELS = {"loss": "mean loss (nats)", "accuracy": "accuracy"}


def draw_curves(table: pd.DataFrame, by: str, looks: Mapping[str, Look], of: str = "") -> "Figure":
    """Loss and accuracy against epochs, one line for each of `looks`.

    Args:
        table: From `studies.split_curves`; with columns `min` and `max` a grey range is drawn behind the lines.
        by: The column that tells the lines apart.
        looks: Its values, each with colour, line and label.
        of: What stands before the names of the axes: `test `.
    """
    figure, axes = new_figure(2, 1, height=4.9, sharex=True)
    for panel, metric in zip(axes, AXIS_LABELS, strict=True):
        rows = table[table["metric"] == metric]
        if "min" in rows:
            grey = rows.dropna(subset=["min"])
            panel.fill_between(grey["epoch"], grey["min"], grey["max"], color=SHADE, alpha=0.25, lw=0)
        labels = []
        for name, look in looks.items():
            line = rows[rows[by] == name]
            panel.plot(line["epoch"], line["mean"], color=look.color, ls=look.line)
            band(panel, line, "epoch", look)
            last = line.iloc[-1]
            labels.append(line_label(panel, last["epoch"], last["mean"], look.label, look.color))
        panel.set_ylabel(of + AXIS_LABELS[metric])
        _limit(panel, rows, metric)
        spread(labels)
    axes[-1].set_xlabel("epochs")
    return figure


def _limit(panel: "Axes", rows: pd.DataFrame, metric: str) -> None:
    """Keep the first, steep evaluations from flattening everything after them."""
    panel.set_xlim(0, float(rows["epoch"].max()))
    if metric == "accuracy":
        percent(panel.yaxis)
    else:
        panel.set_ylim(bottom=max(0.0, panel.get_ylim()[0]))
    panel.margins(x=0)
