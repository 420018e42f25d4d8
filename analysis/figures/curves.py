"""Drawing training curves: loss above, accuracy below, one line per split or per group."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.figures.style import SHADE, SPLITS, band, line_label, new_figure, percent, spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AXIS_LABELS = {"loss": "mean loss (nats)", "accuracy": "accuracy"}


def draw_split_curves(table: pd.DataFrame) -> "Figure":
    """Loss and accuracy against epochs, one line per split.

    Args:
        table: From `common.split_curves`; with columns `min` and `max` a grey range is drawn behind the
            test line.
    """
    figure, axes = new_figure(2, 1, height=4.9, sharex=True)
    for panel, metric in zip(axes, ("loss", "accuracy"), strict=True):
        rows = table[table["metric"] == metric]
        if "min" in rows:
            grey = rows.dropna(subset=["min"])
            panel.fill_between(grey["epoch"], grey["min"], grey["max"], color=SHADE, alpha=0.25, lw=0)
        labels = []
        for split, look in SPLITS.items():
            line = rows[rows["split"] == split]
            panel.plot(line["epoch"], line["mean"], color=look.color, ls=look.line)
            band(panel, line, "epoch", look)
            last = line.iloc[-1]
            labels.append(line_label(panel, last["epoch"], last["mean"], look.label, look.color))
        finish_curves(panel, rows, metric)
        spread(labels)
    axes[-1].set_xlabel("epochs")
    return figure


def finish_curves(panel: Any, rows: pd.DataFrame, metric: str) -> None:
    """Label the axes and keep the first, steep evaluations from flattening everything after them."""
    panel.set_ylabel(AXIS_LABELS[metric])
    panel.set_xlim(0, float(rows["epoch"].max()))
    if metric == "accuracy":
        percent(panel.yaxis)
    else:
        panel.set_ylim(bottom=max(0.0, panel.get_ylim()[0]))
    panel.margins(x=0)
