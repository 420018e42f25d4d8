"""Gradient descent with and without momentum on an ill-conditioned bowl, computed.

f(w) = (w₁² + κ w₂²) / 2,   κ = 100
plain          w ← w − γ g
momentum       v ← β v + (1 − β) g,   w ← w − γ v,   β = 0.9   (the average of past gradients)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.style import GRID, INK, PAPER, SWITCH, line_label, new_figure, spread
from analysis.wording import short_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from analysis.figures.requests import MomentumBowl
    from analysis.studies import Studies, Study

CURVATURE = 100.0
BETA = 0.9
START = (-9.0, 0.8)
N_UPDATES = 60
PATHS = (("without", 0.019, 0.0, False), ("with, same rate", 0.019, BETA, True), ("with, rate × 10", 0.19, BETA, True))
_LINES = {"without": (0, (5, 1.5)), "with, same rate": (0, (1.5, 1)), "with, rate × 10": "-"}


def descend(rate: float, beta: float, n_updates: int = N_UPDATES) -> np.ndarray:
    """Positions of shape (n_updates + 1, 2), from `START` on; β = 0 is plain gradient descent."""
    position, velocity = np.array(START), np.zeros(2)
    path = [position]
    for _ in range(n_updates):
        gradient = position * np.array([1.0, CURVATURE])
        velocity = beta * velocity + (1 - beta) * gradient
        position = position - rate * velocity
        path.append(position)
    return np.array(path)


def table(_study: Study, _studies: Studies, _request: MomentumBowl) -> pd.DataFrame:
    """One row per path and update: position and value of f."""
    parts = []
    for name, rate, beta, momentum in PATHS:
        path = descend(rate, beta)
        value = 0.5 * (path[:, 0] ** 2 + CURVATURE * path[:, 1] ** 2)
        parts.append(
            pd.DataFrame(
                {
                    "path": name,
                    "learning_rate": rate,
                    "momentum": momentum,
                    "update": range(len(path)),
                    "w1": path[:, 0],
                    "w2": path[:, 1],
                    "value": value,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def draw(table: pd.DataFrame) -> Figure:
    """The paths over contours above, the value against updates below."""
    figure, (above, below) = new_figure(2, 1, height=4.9, height_ratios=[1, 1])
    x, y = np.meshgrid(np.linspace(-10, 5, 200), np.linspace(-1.1, 1.1, 120))
    above.contour(x, y, 0.5 * (x**2 + CURVATURE * y**2), levels=np.geomspace(0.5, 80, 9), colors=GRID, linewidths=0.8)
    labels = []
    for name, path in table.groupby("path", sort=False):
        look = SWITCH[bool(path["momentum"].iloc[0])]
        above.plot(path["w1"], path["w2"], color=look.color, ls=_LINES[str(name)], marker="o", ms=2.4, lw=1.2)
        below.plot(path["update"], path["value"], color=look.color, ls=_LINES[str(name)])
        last = path.iloc[-1]
        labels.append(line_label(below, last["update"], last["value"], str(name), look.color))
    above.plot(*START, "o", color=INK, ms=5)
    above.annotate("start", START, xytext=(0, 6), textcoords="offset points", ha="center", fontsize=8.5)
    above.plot(0, 0, "*", color=INK, ms=9)
    above.annotate(
        "minimum",
        (0, 0),
        xytext=(6, 13),
        textcoords="offset points",
        fontsize=8.5,
        bbox={"fc": PAPER, "ec": "none", "pad": 1},
    )
    above.set_xlabel("weight 1 (curvature 1)")
    above.set_ylabel("weight 2 (curvature 100)")
    above.grid(visible=False)
    below.set_yscale("log")
    below.set_xlim(0, N_UPDATES)
    below.set_xlabel("updates")
    below.set_ylabel("value of the bowl")
    spread(labels)
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    ends = {str(name): float(path["value"].iloc[-1]) for name, path in table.groupby("path")}
    return (
        "Computed, without any run. The average of past gradients (β = 0.9) cancels the movement across the valley "
        f"and keeps stable at ten times the learning rate: after {N_UPDATES} updates the value is "
        f"{short_text(ends['with, rate × 10'], 2)}, with the same rate {short_text(ends['with, same rate'], 2)}, "
        f"without momentum {short_text(ends['without'], 2)}."
    )
