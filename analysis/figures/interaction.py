"""Exact main effects and interactions of a balanced grid, and how much of the variation each explains."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.design import factors, is_crossed, metric_of, model_of, title_of, trial_values
from analysis.figures.requests import Interaction
from analysis.figures.style import INK, MODELS, around_zero, new_figure, unit_of
from analysis.statistics.factorial import grid_effects
from analysis.studies import Studies, Study, with_runs
from analysis.wording import count, factor_name, level_name, level_text, percent_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_MAP = 8
"""Levels of two axes up to which their means are shown as a map."""


def offers(study: Study, _studies: Studies) -> list[Interaction]:
    """One, where every combination of two or more axes is there."""
    sizes = [len(axis.levels) for axis in factors(study)]
    is_whole = len(sizes) > 1 and study.settled["trial_number"].nunique() == np.prod(sizes)
    return [Interaction()] if is_crossed(study) and is_whole else []


def title(study: Study, request: Interaction) -> str:
    """Its heading."""
    names = [factor_name(axis.name) for axis in study.axes if axis.section != "nuisance"]
    return f"{title_of(request.metric)}: effects of {', '.join(names[:-1])} and {names[-1]}"


def table(study: Study, _studies: Studies, request: Interaction) -> pd.DataFrame:
    """Rows of `statistics.factorial.grid_effects` on the trials' means; of two axes with the `mean` of each cell.

    Raises:
        NotApplicableError: The grid is not balanced.
    """
    trials = trial_values(study, study.settled, request.metric)
    axes = [axis for axis in study.axes if axis.section != "nuisance"]
    names = [axis.name for axis in axes]
    effects = grid_effects(trials, names, "value").assign(
        metric=request.metric, resolution=trials["resolution"].iloc[0], n_trials=len(trials), model=model_of(study)
    )
    effects["mean"] = np.nan
    if len(names) == 2 and all(2 < len(axis.levels) <= MAX_MAP for axis in axes):
        cells = {f"{a}, {b}": float(group["value"].mean()) for (a, b), group in trials.groupby(names)}
        effects["mean"] = effects["level"].map(cells)
    effects.attrs["levels"] = {axis.name: list(axis.levels) for axis in axes}
    return with_runs(effects, study.settled["run_id"])


def draw(table: pd.DataFrame) -> Figure:
    """Above the main effect of each level (of two axes the map of all means), below the share of each term."""
    look = MODELS[table["model"].iloc[0]]
    shares = table.drop_duplicates("term")[["term", "share"]]
    if len(table.attrs["levels"]) > 2:
        rest = pd.DataFrame([{"term": "three-way and rest", "share": max(0.0, 1 - shares["share"].sum())}])
        shares = pd.concat([shares, rest], ignore_index=True)
    main = table[~table["term"].str.contains("×")].reset_index(drop=True)
    figure, (above, below) = new_figure(
        2, 1, height=0.28 * (len(main) + len(shares)) + 1.5, height_ratios=[len(main), len(shares) + 1]
    )
    if table["mean"].notna().any():
        _draw_map(above, table)
    else:
        _draw_effects(above, table, main)
    places = range(len(shares))
    below.barh(places, 100 * shares["share"], color=look.color, alpha=0.6, height=0.62)
    for place, share in zip(places, shares["share"], strict=True):
        below.annotate(
            percent_text(share, 0), (100 * share, place), xytext=(3, 0), textcoords="offset points", va="center",
            fontsize=8.5,
        )  # fmt: skip
    below.set_yticks(places, [" × ".join(map(factor_name, term.split(" × "))) for term in shares["term"]])
    below.invert_yaxis()
    below.grid(visible=False, axis="y")
    below.margins(x=0.12)
    below.set_xlabel("share of the variation (%)")
    return figure


def _draw_effects(above: Axes, table: pd.DataFrame, main: pd.DataFrame) -> None:
    """A pin for each level, from zero, the mean of all."""
    look, metric = MODELS[table["model"].iloc[0]], metric_of(table)
    around_zero(above, table)
    above.hlines(main.index, 0, metric.scale * main["effect"], color=look.color, lw=1.4)
    above.plot(metric.scale * main["effect"], main.index, look.marker, color=look.color, ms=6)
    named = {(name, str(level)): level for name, levels in table.attrs["levels"].items() for level in levels}
    above.set_yticks(
        main.index, [level_name(t, named[t, text]) for t, text in zip(main["term"], main["level"], strict=True)]
    )
    above.invert_yaxis()
    above.grid(visible=False, axis="y")
    above.set_xlabel(f"main effect on {metric.label.partition(' (')[0]} ({unit_of(metric)})")


def _draw_map(above: Axes, table: pd.DataFrame) -> None:
    """The mean of each cell in numbers, the darker the better."""
    from matplotlib.patches import Rectangle

    (row_name, rows), (column_name, columns) = table.attrs["levels"].items()
    metric, look = metric_of(table), MODELS[table["model"].iloc[0]]
    cells = table.dropna(subset=["mean"]).set_index("level")["mean"]
    rank = cells.rank(pct=True, ascending=metric.higher_is_better is not False)
    for (y, row), (x, column) in product(enumerate(rows), enumerate(columns)):
        key = f"{row}, {column}"
        above.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, fc=look.color, alpha=0.06 + 0.5 * rank[key], lw=0))
        above.annotate(
            metric.show(cells[key]).removesuffix(" %"), (x, y), ha="center", va="center", fontsize=8.5, color=INK
        )
    above.set_xticks(range(len(columns)), [level_text(level) for level in columns])
    above.set_yticks(range(len(rows)), [level_text(level) for level in rows])
    above.set_xlim(-0.5, len(columns) - 0.5)
    above.set_ylim(len(rows) - 0.5, -0.5)
    above.grid(visible=False)
    above.set_xlabel(factor_name(column_name))
    above.set_ylabel(factor_name(row_name))
    above.set_title(f"mean {metric.label}{' (%)' if metric.kind == 'share' else ''}")


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    text = f"Exact averages over the balanced grid of {count(int(table['n_trials'].iloc[0]), 'configuration')}"
    if table["mean"].notna().any():
        return f"{text}; the darker a cell, the better. The interaction holds what seeds did to single configurations."
    if table["resolution"].iloc[0]:
        text += "; effects inside the grey band are smaller than one binomial standard error of a single accuracy"
    if len(table.attrs["levels"]) == 2:
        return f"{text}. The interaction holds what seeds did to single configurations."
    return f"{text}. Three-way interaction and seed noise are one."
