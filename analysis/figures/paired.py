"""Figures 4 and 5 of the report: box plots of two levels, and beside them their paired differences.

A pair agrees in everything but the factor: same configuration otherwise, same seeds. The interval of the mean
difference stands below the pairs.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.style import INK, MAX_POINTS, PAPER, SWITCH, new_figure
from analysis.studies import grid_effect, with_runs
from analysis.tables import Tables
from analysis.wording import INTERVAL, interval_text, signed_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def paired_table(tables: Tables, factor: str, value: str) -> pd.DataFrame:
    """One row per pair with the summary repeated in each row."""
    pairs, effect = grid_effect(tables, factor, value)
    interval = effect.difference
    pairs = pairs.assign(
        mean_difference=interval.estimate,
        difference_low=interval.low,
        difference_high=interval.high,
        n_units=interval.n,
        unit=effect.unit,
        method=interval.method,
        p=effect.p,
        effect_size=effect.effect_size,
        n_larger=effect.signs[0],
        n_equal=effect.signs[1],
    )
    return with_runs(pairs, effect.run_ids)


def draw_pairs(table: pd.DataFrame, factor: str, value_label: str, difference_label: str, scale: float) -> "Figure":
    """Box plots of both levels above, the differences of the pairs below.

    Args:
        table: From `paired_table`.
        factor: What is switched, in words.
        value_label: The value with its unit.
        difference_label: The difference with its unit.
        scale: 100 for shares shown in percent, 1 otherwise.
    """
    figure, (above, below) = new_figure(2, 1, height=4.3, height_ratios=[1.25, 1])
    rng = np.random.default_rng(0)
    _draw_levels(above, table, factor, scale, rng)
    above.set_xlabel(value_label)
    _draw_differences(below, table, scale, rng)
    below.set_xlabel(difference_label)
    return figure


def _draw_levels(above: "Axes", table: pd.DataFrame, factor: str, scale: float, rng: np.random.Generator) -> None:
    """A box of each level with its runs on top."""
    from matplotlib.colors import to_rgba

    names = {True: f"with\n{factor}", False: f"without\n{factor}"}
    long = pd.concat(
        [
            pd.DataFrame({"value": scale * table[side], "level": names[level]})
            for level, side in ((True, "high"), (False, "low"))
        ]
    )
    palette = {names[level]: SWITCH[level].color for level in (True, False)}
    order = [names[True], names[False]]
    # Not seaborn's box plot: it still passes matplotlib an argument that matplotlib 3.11 warns about.
    boxes = above.boxplot(
        [long.loc[long["level"] == name, "value"] for name in order],
        positions=[0, 1],
        orientation="horizontal",
        widths=0.55,
        showfliers=False,
        patch_artist=True,
        tick_labels=order,
        medianprops={"color": INK, "lw": 1.6},
        whiskerprops={"color": INK},
        capprops={"color": INK},
        boxprops={"edgecolor": INK},
    )
    for patch, name in zip(boxes["boxes"], order, strict=True):
        patch.set_facecolor(to_rgba(palette[name], 0.45))
    above.invert_yaxis()
    points = long.sample(MAX_POINTS, random_state=0) if len(long) > MAX_POINTS else long
    height = points["level"].map({name: position for position, name in enumerate(order)}) + rng.uniform(
        -0.16, 0.16, len(points)
    )
    above.scatter(
        points["value"], height, c=points["level"].map(palette), s=13, alpha=0.85, lw=0.4, ec="white", zorder=3
    )
    above.set_ylabel("")
    above.grid(visible=False, axis="y")


def _draw_differences(below: "Axes", table: pd.DataFrame, scale: float, rng: np.random.Generator) -> None:
    """The differences of the pairs, and under them their mean with its interval."""
    differences = scale * table["difference"].to_numpy()
    shown = differences[rng.choice(len(differences), min(len(differences), MAX_POINTS), replace=False)]
    below.axvline(0, color=INK, lw=1)
    below.scatter(
        shown, rng.uniform(0.5, 1.0, len(shown)), s=15, color=SWITCH[True].color, alpha=0.8, lw=0.4, ec="white"
    )
    first = table.iloc[0]
    mean, low, high = (scale * first[name] for name in ("mean_difference", "difference_low", "difference_high"))
    if np.isfinite(low):
        below.plot([low, high], [0.15, 0.15], color=INK, lw=2.2, solid_capstyle="butt")
    below.plot([mean], [0.15], "D", color=INK, ms=6)
    below.annotate(
        f"mean {signed_text(mean)}",
        (mean, 0.15),
        xytext=(0, 7),
        textcoords="offset points",
        ha="center",
        fontsize=8.5,
        bbox={"fc": PAPER, "ec": "none", "pad": 0.6},
    )
    below.set_ylim(-0.15, 1.15)
    below.set_yticks([0.15, 0.75], [f"mean and\n{INTERVAL}", "matched\npairs"])
    below.grid(visible=False, axis="y")


def describe_pairs(table: pd.DataFrame, scale: float, unit: str) -> str:
    """The summary in a sentence."""
    first = table.iloc[0]
    n_units = int(first["n_units"])
    mean, low, high = (scale * first[name] for name in ("mean_difference", "difference_low", "difference_high"))
    interval = (
        f" ({interval_text(low, high, signed_text)}, {first['method']} over {n_units} {first['unit']}s)"
        if n_units > 1
        else " (one unit: no interval)"
    )
    seed = " All runs share one seed." if table["replicate"].nunique() == 1 else ""
    return f"{len(table):,} matched pairs of runs; mean difference {signed_text(mean)} {unit}{interval}.{seed}"
