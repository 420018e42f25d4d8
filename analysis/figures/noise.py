"""Whose the noise is: the standard deviation that each source of a crossed study adds, for each configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.design import MAX_LINES, metric_of, title_of
from analysis.figures.requests import Noise
from analysis.figures.style import LEVELS, new_figure, unit_of
from analysis.noise import noise_of
from analysis.statistics.components import REST
from analysis.wording import INTERVAL, count

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from analysis.studies import Studies, Study

NAMES = {"split": "cut of the data", "initialisation": "first weights", "order": "order of examples"}
"""What a source is called in the figure and in the table of the page; others by their own names."""
GAP = 0.16
"""Between two configurations of one source, where one source and the next are 1 apart."""


def offers(study: Study, _studies: Studies) -> list[Noise]:
    """One, of a study that crosses what its runs draw."""
    return [Noise()] if study.replicated.crossed else []


def title(_study: Study, request: Noise) -> str:
    """Its heading."""
    return f"Whose the noise is: {title_of(request.metric).lower()}"


def table(study: Study, _studies: Studies, request: Noise) -> pd.DataFrame:
    """Rows of `noise_of`, of the best configurations where there are many.

    Raises:
        NotApplicableError: The study takes no noise apart.
    """
    found = noise_of(study, request.metric)
    best = found["trial_number"].unique()
    kept: pd.DataFrame = found[found["trial_number"].isin(best[:MAX_LINES])]
    out = kept.reset_index(drop=True).assign(n_configurations=len(best))
    out.attrs = dict(found.attrs)
    return out


def draw(table: pd.DataFrame) -> Figure:
    """One row a source, in it one point with its interval a configuration."""
    metric = metric_of(table)
    sources = list(dict.fromkeys(table["source"]))
    trials = list(dict.fromkeys(table["trial_number"]))
    figure, (panel,) = new_figure(height=1.5 + len(sources) * (0.3 + 0.12 * len(trials)))
    steps = [round(place * (len(LEVELS) - 1) / max(1, len(trials) - 1)) for place in range(len(trials))]
    for rank, (trial, step) in enumerate(zip(trials, steps, strict=True)):
        own, look = table[table["trial_number"] == trial], LEVELS[step]
        places = own["source"].map(sources.index) + GAP * (rank - (len(trials) - 1) / 2)
        panel.hlines(places, metric.scale * own["low"], metric.scale * own["high"], color=look.color, lw=2)
        label = str(own["configuration"].iloc[0])
        panel.plot(
            metric.scale * own["deviation"], places, look.marker, color=look.color, ms=6, label=label, clip_on=False
        )
    panel.set_yticks(np.arange(len(sources)), [name_of(source) for source in sources])
    panel.set_ylim(len(sources) - 0.5, -0.5)
    panel.set_xlim(left=0)
    panel.grid(visible=False, axis="y")
    panel.set_xlabel(f"standard deviation of {metric.label.partition(' (')[0]} ({unit_of(metric)})")
    figure.legend(loc="outside upper left", ncols=1 if len(trials) > 2 else len(trials))
    return figure


def name_of(source: str) -> str:
    """A source in words."""
    return NAMES.get(source, source)


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    row = table.iloc[0]
    sources = table[(table["trial_number"] == row["trial_number"]) & (table["source"] != REST)]
    levels = " × ".join(
        f"{name_of(source)} {n}" for source, n in zip(sources["source"], sources["levels"], strict=True)
    )
    n_drawn, n_all = table["trial_number"].nunique(), int(row["n_configurations"])
    of = f"each of the best {n_drawn} of {n_all} configurations" if n_drawn < n_all else "each configuration"
    left_out = int(row["n_left_out"])
    return (
        f"{count(int(row['n_runs']), 'run')} of {of} (levels: {levels}), each level with every other; "
        f"bars: {INTERVAL}s. The rest is what no source does alone. A point at 0 is not absence: its bar "
        "says how large the source may be."
        + (f" {count(left_out, 'configuration')} with runs that are not complete left out." if left_out else "")
    )
