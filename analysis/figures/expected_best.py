"""Expected best validation accuracy against the number of random trials, with distribution-free bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import NotApplicableError
from analysis.figures.design import model_of
from analysis.figures.requests import ExpectedBest
from analysis.figures.style import INK, MODELS, MUTED, new_figure, percent
from analysis.statistics.expected_best import expected_best, guess, refuse_adaptive, trial_values
from analysis.statistics.intervals import LEVEL
from analysis.studies import Studies, Study, with_runs
from analysis.wording import count, percent_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MIN_TRIALS = 8
"""Trials from which the curve is offered."""


def offers(study: Study, _studies: Studies) -> list[ExpectedBest]:
    """One, where trials were drawn independently of each other and all trained in full."""
    is_plain = study.driver == "random" and study.all_runs["full_fidelity"].all()
    return [ExpectedBest()] if is_plain and len(study.ranked) >= MIN_TRIALS else []


def table(study: Study, _studies: Studies, _request: ExpectedBest) -> pd.DataFrame:
    """The curve of `statistics.expected_best`; NotApplicableError for adaptive samplers."""
    runs = study.all_runs
    refuse_adaptive(study.driver)
    if not runs["full_fidelity"].all():
        raise NotApplicableError("the trials that successive halving let go on are no independent draws")
    values = trial_values(runs)
    if len(values) < 2:
        raise NotApplicableError(f"at least two trials of {study.name} must be over, but {len(values)} are")
    out = expected_best(values["value"]).assign(n_trials=len(values), n_diverged=int(values["diverged"].sum()))
    out["model"] = model_of(study)
    out.attrs["guess"] = guess(runs)
    return with_runs(out, [run_id for ids in values["run_ids"] for run_id in ids])


def draw(table: pd.DataFrame) -> Figure:
    """The expected best with its simultaneous band, the median of the best with its pointwise interval."""
    look = MODELS[table["model"].iloc[0]]
    figure, (panel,) = new_figure(height=3.6)
    n = table["n"].to_numpy()
    top = float(table["expected"].max())
    foot = max(float(table["expected"].iloc[0]) - 0.01, top - 0.06)
    panel.fill_between(n, table["low"], table["high"], color=look.color, alpha=0.15, lw=0)
    panel.plot(n, table["expected"], color=look.color)
    bounded = table[table["median_high"] < 1]
    panel.plot(n, table["median"], color=INK, ls=(0, (1.5, 1)), lw=1.2)
    panel.plot(n, table["median_low"], color=MUTED, lw=0.8)
    panel.plot(bounded["n"], bounded["median_high"], color=MUTED, lw=0.8)
    panel.set_xscale("log")
    steps = (1, 2, 5, 10, 20, 50, 100, 200) if n[-1] <= 200 else tuple(10**power for power in range(8))
    ticks = [tick for tick in steps if tick <= n[-1]]
    panel.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    panel.minorticks_off()
    panel.set_xlim(1, n[-1])
    panel.set_ylim(foot, min(1.0, top + 0.35 * (top - foot)))
    percent(panel.yaxis)
    where = np.searchsorted(n, np.sqrt(n[-1]))
    panel.annotate(
        "expected best,\nband for all n at once",
        (n[where], table["expected"].iloc[where]),
        xytext=(10, -34),
        textcoords="offset points",
        color=look.color,
        fontsize=8.5,
        arrowprops={"arrowstyle": "-", "color": look.color, "lw": 0.7},
    )
    panel.annotate(
        "dotted: median of the best,\nthin: its interval at each n",
        (0.99, 0.03),
        xycoords="axes fraction",
        ha="right",
        va="bottom",
        fontsize=8.5,
        color=MUTED,
    )
    panel.set_xlabel("number of random trials (logarithmic)")
    panel.set_ylabel("best validation accuracy")
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    last = table.iloc[-1]
    beyond = table[table["median_high"] >= 1]
    text = (
        f"From {count(int(last['n_trials']), 'trial')}, {int(last['n_diverged'])} diverged and counted at "
        f"{percent_text(table.attrs['guess'], 0)}. Unbiased estimate (Tang et al. 2020), {percent_text(LEVEL, 0)} "
        f"bands from the Dvoretzky–Kiefer–Wolfowitz inequality: best of {int(last['n'])} expected at "
        f"{percent_text(last['expected'])}."
    )
    if len(beyond):
        first = int(beyond["n"].iloc[0])
        text += f" From n = {first} on these trials cannot bound from above what a search might find."
    return text
