"""How every figure looks: size, ink, and one colour and line for each thing in all figures.

Colours are Okabe and Ito's (and three of Tol's) and differ in lightness; lines and markers differ too, so
that nothing rests on colour alone. Figures are 5.2 inches wide, so that 9-point text stays readable on a
telephone.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis import wording
from analysis.wording import short_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 5.2
INK = "#1b1f24"
MUTED = "#6b7280"
GRID = "#d5d9e0"
PAPER = "#ffffff"
SHADE = "#9aa3af"
"""Ranges behind the data: what the report covered, what an error of measurement hides."""
MAX_POINTS = 1500
"""Points from which a scatter is stored as pixels inside the SVG."""


@dataclass(frozen=True)
class Look:
    """Colour, line and marker of one thing, and its name on the page."""

    label: str
    color: str
    line: Any = "-"
    marker: str = "o"


SPLITS: Mapping[str, Look] = {
    "train": Look("train", "#0072B2", "-", "o"),
    "validation": Look("validation", "#D08700", (0, (5, 1.5)), "s"),
    "test": Look("test", "#009E73", (0, (1.5, 1)), "D"),
}
ACTIVATIONS: Mapping[str, Look] = {
    "relu": Look(wording.ACTIVATIONS["relu"].name, "#D55E00", "-", "o"),
    "tanh": Look(wording.ACTIVATIONS["tanh"].name, "#3E9BD6", (0, (5, 1.5)), "s"),
}
SWITCH: Mapping[bool, Look] = {
    True: Look("with", "#B5528F", "-", "o"),
    False: Look("without", "#7d8794", (0, (5, 1.5)), "s"),
}
MODELS: Mapping[str, Look] = {
    "linear": Look("linear model", "#8A8A2B", "-", "o"),
    "MLP": Look("MLP", "#6F63C4", "-", "D"),
}
REPORT = Look("report", "#A6603A", (0, (1, 1)), "x")
"""What the report states, wherever it is drawn beside our numbers."""

ON_DARK: Mapping[str, str] = {
    "#0072b2": "#55a9e4",
    "#d08700": "#e8b04a",
    "#009e73": "#3cc79c",
    "#d55e00": "#f08a48",
    "#3e9bd6": "#6fbdf0",
    "#b5528f": "#e08fc2",
    "#7d8794": "#aab3be",
    "#8a8a2b": "#c0c060",
    "#6f63c4": "#a9a0f2",
    "#a6603a": "#dc9a70",
}
"""The same colours where the page is dark."""

_RC: Any = {
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "axes.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.7,
    "lines.markersize": 4.5,
    "svg.hashsalt": "digitsweep",
    "svg.fonttype": "path",
    "path.simplify": True,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw inside this context; matplotlib's own settings are as before afterwards."""
    import matplotlib as mpl

    with mpl.rc_context(_RC):
        yield


def new_figure(rows: int = 1, columns: int = 1, height: float = 3.2, **kwargs: Any) -> tuple[Figure, list[Axes]]:
    """A figure of the common width with its axes in reading order (nothing is shared with pyplot)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **kwargs)
    return figure, list(axes.ravel())


def percent(axis: Any) -> None:
    """Tick labels of a share in [0, 1] as percent, with the digits that the ticks need."""
    axis.set_major_formatter(lambda value, _: f"{short_text(round(100 * value, 4), 6)} %")


def line_label(axes: Axes, x: float, y: float, text: str, color: str, **kwargs: Any) -> Any:
    """A label right of a line's end, in the line's colour; `spread` moves neighbours apart."""
    return axes.annotate(
        text,
        (x, y),
        xytext=(5, 0),
        textcoords="offset points",
        color=color,
        va="center",
        fontsize=9,
        annotation_clip=False,
        **kwargs,
    )


def freeze(figure: Figure) -> None:
    """Lay the figure out now and keep it so: saving it in several formats need not do it again."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")


def spread(labels: Sequence[Any], gap: float = 11.0) -> None:
    """Move direct labels of one panel apart vertically until they are `gap` points from each other."""
    if len(labels) < 2:
        return
    axes = labels[0].axes
    axes.figure.get_layout_engine().execute(axes.figure)
    to_points = 72 / axes.figure.dpi
    heights = [axes.transData.transform(label.xy)[1] * to_points for label in labels]
    order = sorted(range(len(labels)), key=lambda index: heights[index])
    placed = [heights[index] for index in order]
    for _ in range(200):
        moved = False
        for lower in range(len(placed) - 1):
            lack = gap - (placed[lower + 1] - placed[lower])
            if lack > 1e-6:
                placed[lower] -= lack / 2
                placed[lower + 1] += lack / 2
                moved = True
        if not moved:
            break
    for position, index in enumerate(order):
        labels[index].set_position((5, placed[position] - heights[index]))


def around_zero(axes: Axes, table: pd.DataFrame) -> None:
    """Zero on an axis in percentage points, and around it what one binomial standard error of the table hides."""
    error = 100 * float(table["binomial_error"].iloc[0])
    axes.axvspan(-error, error, color=SHADE, alpha=0.2, lw=0)
    axes.axvline(0, color=INK, lw=1)


def band(axes: Axes, table: pd.DataFrame, x: str, look: Look) -> None:
    """An interval as a light band, where the table has one."""
    if table["low"].notna().any():
        axes.fill_between(
            table[x].to_numpy(), table["low"].to_numpy(), table["high"].to_numpy(), color=look.color, alpha=0.18, lw=0
        )


def log_ticks(axis: Any, values: Sequence[float]) -> None:
    """Ticks of a logarithmic axis at the measured values themselves, thinned to what the width can carry."""
    import math

    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

    shown: list[float] = []
    for value in sorted(values):
        if not shown or math.log10(value / shown[-1]) >= 0.155 * math.log10(max(values) / min(values)):
            shown.append(value)
    axis.set_major_locator(FixedLocator(shown))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(lambda value, _: f"{short_text(value)}")
