"""How every figure looks: size, ink, and one colour and line for each thing in all figures.

Colours are Okabe and Ito's (and three of Tol's) and differ in lightness; lines and markers differ too, so
that nothing rests on colour alone. Figures are 5.2 inches wide, so that 9-point text stays readable on a
telephone.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from analysis import wording
from analysis.errors import NotApplicableError, known
from analysis.wording import factor_name, level_text, short_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.metrics import Metric

WIDTH = 5.2
INK = "#1b1f24"
MUTED = "#6b7280"
GRID = "#d5d9e0"
PAPER = "#ffffff"
SHADE = "#9aa3af"
"""Ranges behind the data: what is marked, what an error of measurement hides."""
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
    "leaky_relu": Look(wording.ACTIVATIONS["leaky_relu"].name, "#7A4A1F", (0, (1.5, 1)), "D"),
    "elu": Look(wording.ACTIVATIONS["elu"].name, "#2A6E92", (0, (6, 1.5, 1.5, 1.5)), "^"),
    "gelu": Look(wording.ACTIVATIONS["gelu"].name, "#6F63C4", (0, (10, 2)), "v"),
    "sigmoid": Look(wording.ACTIVATIONS["sigmoid"].name, "#B3A125", (0, (3, 1.5, 1, 1.5, 1, 1.5)), "P"),
}
SWITCH: Mapping[bool, Look] = {
    True: Look("with", "#B5528F", "-", "o"),
    False: Look("without", "#7d8794", (0, (5, 1.5)), "s"),
}
DECAYS: Mapping[str, Look] = {
    "constant": replace(SWITCH[False], label="constant"),
    "halve_on_decrease": replace(SWITCH[True], label="halve on decrease"),
    "halve_on_increase": Look("halve on increase", "#2A6E92", (0, (1.5, 1)), "D"),
    "cosine": Look("cosine", "#B3A125", (0, (6, 1.5, 1.5, 1.5)), "^"),
    "linear_end": Look("linear end", "#5FA344", (0, (10, 2)), "v"),
    "step": Look("step", "#35205E", (0, (3, 1.5, 1, 1.5, 1, 1.5)), "P"),
    "warm_up": Look("warm-up", "#7A4A1F", (0, (1, 1)), "x"),
}
MODELS: Mapping[str, Look] = {
    "linear": Look("linear model", "#8A8A2B", "-", "o"),
    "MLP": Look("MLP", "#6F63C4", "-", "D"),
}
LEVELS: Mapping[int, Look] = {
    0: Look("", "#35205E", "-", "o"),
    1: Look("", "#3A4C8C", (0, (5, 1.5)), "s"),
    2: Look("", "#2A6E92", (0, (1.5, 1)), "D"),
    3: Look("", "#22907F", (0, (6, 1.5, 1.5, 1.5)), "^"),
    4: Look("", "#5FA344", (0, (10, 2)), "v"),
    5: Look("", "#B3A125", (0, (3, 1.5, 1, 1.5, 1, 1.5)), "P"),
}
"""Levels of any other axis by their order, from dark to light."""
ELSEWHERE = Look("", "#A6603A", (0, (1, 1)), "x")
"""What is stated elsewhere, wherever it is drawn beside our numbers."""
AXES: Mapping[str, str] = {
    "hidden_size": "units per hidden layer",
    "batch_size": "examples per update",
    "train_images": "training examples",
    "dropout_input": "dropout of inputs (share)",
    "dropout_hidden": "dropout of hidden units (share)",
    "noise_input": "noise on inputs (standard deviation)",
    "noise_hidden": "noise on hidden units (standard deviation)",
    "average": "average of weights (share kept at an update)",
}
"""What stands at the axis of a hyperparameter; others by their name, for they have no unit."""

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
    "#7a4a1f": "#c28a52",
    "#35205e": "#9c86d8",
    "#3a4c8c": "#8da0e8",
    "#2a6e92": "#6db3dc",
    "#22907f": "#56c9b4",
    "#5fa344": "#98d66f",
    "#b3a125": "#e3d25c",
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


def looks(factor: str, levels: Sequence[Any]) -> dict[Any, Look]:
    """The look of each level of a factor, in their order: the same in all figures.

    Raises:
        NotApplicableError: There are more levels than can be told apart, or one that has no look.
    """
    if factor == "activation":
        return {level: known(ACTIVATIONS, level, "activation") for level in levels}
    if factor == "momentum":
        return {
            level: replace(known(SWITCH, level, factor), label=f"{SWITCH[level].label} {factor}") for level in levels
        }
    if factor == "decay":
        found = {level: known(DECAYS, level, factor) for level in levels}
        if len(levels) == 2 and "constant" in levels:
            with_or_without = {level: SWITCH[level != "constant"].label for level in levels}
            found = {level: replace(look, label=f"{with_or_without[level]} decay") for level, look in found.items()}
        return found
    if len(levels) > len(LEVELS):
        raise NotApplicableError(
            f"at most {len(LEVELS)} levels of {factor} can be told apart in a figure, but there are {len(levels)}"
        )
    steps = [round(place * (len(LEVELS) - 1) / max(1, len(levels) - 1)) for place in range(len(levels))]
    return {level: replace(LEVELS[step], label=level_text(level)) for level, step in zip(levels, steps, strict=True)}


def name_levels(axes: Axes, factor: str, levels: Iterable[Any]) -> None:
    """The name of a factor above the labels of its lines, where they are numbers."""
    if all(isinstance(level, int | float) and not isinstance(level, bool) for level in levels):
        axes.annotate(factor_name(factor), (1.0, 1.02), xycoords="axes fraction", ha="right", color=MUTED, fontsize=8.5)


def axis_text(name: str, *, is_log: bool = False) -> str:
    """What stands at the axis of a hyperparameter."""
    return AXES.get(name, factor_name(name)) + (" (logarithmic)" if is_log else "")


def unit_of(metric: Metric) -> str:
    """The unit of a difference, as axes and captions write it."""
    return "percentage points" if metric.kind == "share" else metric.unit


def percent(axis: Any) -> None:
    """Tick labels of a share in [0, 1] as percent, with the digits that the ticks need."""
    axis.set_major_formatter(lambda value, _: f"{short_text(round(100 * value, 4), 6)} %")


def measure(axis: Any, metric: Metric) -> None:
    """Tick labels of a metric: percent where it is a share."""
    if metric.kind == "share":
        percent(axis)


def window(values: Any, reach: float = 6.0) -> tuple[float, float]:
    """The range of an axis: all values but those farther from the middle half than `reach` times its width.

    One configuration that learned nothing would otherwise flatten all others; captions count what is outside.
    """
    import numpy as np

    found = np.asarray(values, dtype=np.float64)
    found = found[np.isfinite(found)]
    low, high = np.quantile(found, [0.25, 0.75])
    inside = found[(found >= low - reach * (high - low)) & (found <= high + reach * (high - low))]
    return float(inside.min()), float(inside.max())


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
    """Zero on an axis of differences; where they are percentage points, around it what one binomial error hides."""
    error = 100 * float(table["resolution"].iloc[0])
    if error:
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
