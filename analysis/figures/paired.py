"""Two levels of a factor: box plots, and beneath them the differences of matched pairs.

A pair agrees in everything but the factor: same configuration otherwise, same seeds. The interval of the mean
difference stands below the pairs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.errors import NotApplicableError
from analysis.figures.design import factors, is_crossed, measured, metric_of, title_of
from analysis.figures.requests import Paired
from analysis.figures.style import INK, MAX_POINTS, PAPER, looks, new_figure, unit_of
from analysis.studies import Studies, Study, with_runs
from analysis.wording import INTERVAL, capital, factor_name, interval_text, level_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.figures.style import Look


def offers(study: Study, _studies: Studies) -> list[Paired]:
    """One for each axis of two levels."""
    return [Paired(factor=a.name) for a in factors(study) if len(a.levels) == 2] if is_crossed(study) else []


def _levels(study: Study, request: Paired) -> tuple[Any, Any]:
    """The level that comes first in the difference, and the one it is compared with."""
    there = study.axis(request.factor).levels
    level = there[-1] if request.level is None else request.level
    against = there[0] if request.against is None else request.against
    for wanted in (level, against):
        if wanted not in there:
            shown = ", ".join(map(level_text, there))
            raise NotApplicableError(f"{request.factor} must be one of {shown}, but got {level_text(wanted)}")
    return level, against


def title(study: Study, request: Paired) -> str:
    """Its heading: the levels are named where the factor has others."""
    text = f"{title_of(request.metric)} by {factor_name(request.factor)}"
    if request.level is None and request.against is None:
        return text
    there = study.axis(request.factor).levels
    named = [level_text(level) for level in there if level in _levels(study, request)]
    return f"{text}, {' and '.join(named)}" if len(there) > 2 else text


def table(study: Study, _studies: Studies, request: Paired) -> pd.DataFrame:
    """One row per pair: the values `high` of the level and `low` of the other; the summary repeated in each row.

    Raises:
        NotApplicableError: The study does not vary the factor, or no two runs differ in it alone.
    """
    level, against = _levels(study, request)
    pairs = study.pairs(measured(study, study.settled, request.metric), request.factor, (level, against), "value")
    effect = study.effect(pairs, request.factor)
    found = effect.difference
    pairs = pairs.assign(
        factor=request.factor,
        metric=request.metric,
        mean_difference=found.estimate,
        difference_low=found.low,
        difference_high=found.high,
        n_units=found.n,
        unit=effect.unit,
        method=found.method,
        p=effect.p,
        effect_size=effect.effect_size,
        n_larger=effect.signs[0],
        n_equal=effect.signs[1],
    )
    pairs.attrs |= {"level": level, "against": against, "levels": list(study.axis(request.factor).levels)}
    return with_runs(pairs, effect.run_ids)


def draw(table: pd.DataFrame) -> Figure:
    """Box plots of both levels above, the differences of the pairs below."""
    metric, factor = metric_of(table), str(table["factor"].iloc[0])
    sides = [table.attrs[name] for name in ("level", "against")]
    there = table.attrs["levels"] if len(table.attrs["levels"]) <= 2 else sides[::-1]
    found = looks(factor, there)
    figure, (above, below) = new_figure(2, 1, height=4.3, height_ratios=[1.25, 1])
    rng = np.random.default_rng(0)
    shown = [found[level] for level in sides]
    names = [look.label.replace(" ", "\n", 1) for look in shown]
    if all(isinstance(level, int | float) and not isinstance(level, bool) for level in sides):
        names = [f"{factor_name(factor)}\n{name}" for name in names]
    _draw_levels(above, metric.scale * table[["high", "low"]].to_numpy(), shown, names, rng)
    above.set_xlabel(f"{metric.label} (%)" if metric.kind == "share" else metric.label)
    _draw_differences(below, table, metric.scale, shown[0], rng)
    words = [look.label.removesuffix(f" {factor}") for look in shown]
    below.set_xlabel(f"difference ({unit_of(metric)}), {words[0]} − {words[1]}")
    return figure


def _draw_levels(above: Axes, values: Any, shown: list[Look], names: list[str], rng: np.random.Generator) -> None:
    """A box of each level with its runs on top."""
    from matplotlib.colors import to_rgba

    # Not seaborn's box plot: it still passes matplotlib an argument that matplotlib 3.11 warns about.
    boxes = above.boxplot(
        [values[:, 0], values[:, 1]],
        positions=[0, 1],
        orientation="horizontal",
        widths=0.55,
        showfliers=False,
        patch_artist=True,
        tick_labels=names,
        medianprops={"color": INK, "lw": 1.6},
        whiskerprops={"color": INK},
        capprops={"color": INK},
        boxprops={"edgecolor": INK},
    )
    for place, (patch, look) in enumerate(zip(boxes["boxes"], shown, strict=True)):
        patch.set_facecolor(to_rgba(look.color, 0.45))
        points = values[rng.permutation(len(values))[: MAX_POINTS // 2], place]
        height = place + rng.uniform(-0.16, 0.16, len(points))
        above.scatter(points, height, color=look.color, s=13, alpha=0.85, lw=0.4, ec="white", zorder=3)
    above.invert_yaxis()
    above.grid(visible=False, axis="y")


def _draw_differences(below: Axes, table: pd.DataFrame, scale: float, look: Look, rng: np.random.Generator) -> None:
    """The differences of the pairs, and under them their mean with its interval."""
    differences = scale * table["difference"].to_numpy()
    shown = differences[rng.choice(len(differences), min(len(differences), MAX_POINTS), replace=False)]
    below.axvline(0, color=INK, lw=1)
    below.scatter(shown, rng.uniform(0.5, 1.0, len(shown)), s=15, color=look.color, alpha=0.8, lw=0.4, ec="white")
    first = table.iloc[0]
    mean, low, high = (scale * first[name] for name in ("mean_difference", "difference_low", "difference_high"))
    if np.isfinite(low):
        below.plot([low, high], [0.15, 0.15], color=INK, lw=2.2, solid_capstyle="butt")
    below.plot([mean], [0.15], "D", color=INK, ms=6)
    below.annotate(
        f"mean {metric_of(table).show_difference(first['mean_difference'])}",
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


def caption(table: pd.DataFrame) -> str:
    """The summary in a sentence."""
    first, metric = table.iloc[0], metric_of(table)
    n_units = int(first["n_units"])
    interval = (
        f" ({interval_text(first['difference_low'], first['difference_high'], metric.show_difference)}, "
        f"{first['method']} over {n_units} {first['unit']}s)"
        if n_units > 1
        else " (one unit: no interval)"
    )
    seed = " All runs share one seed." if table["replicate"].nunique() == 1 else ""
    return (
        f"{capital(metric.label)}: {len(table):,} matched pairs of runs; mean difference "
        f"{metric.show_difference(first['mean_difference'])} {unit_of(metric)}{interval}.{seed}"
    )
