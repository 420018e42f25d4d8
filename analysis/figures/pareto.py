"""Training time against a metric, and the configurations that no other beats in both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.design import ids, metric_of, model_of, title_of, trial_values
from analysis.figures.requests import Pareto
from analysis.figures.style import INK, MODELS, MUTED, log_ticks, measure, new_figure, window
from analysis.studies import Studies, Study, with_runs
from analysis.wording import count, short_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MIN_CONFIGURATIONS = 5
MIN_RATIO = 1.5
"""How many times as long as the shortest the longest training must be for time to be worth a figure."""


def offers(study: Study, _studies: Studies) -> list[Pareto]:
    """One, where there are several configurations of which some took longer than others."""
    seconds = study.complete.groupby("trial_number")["train_seconds"].mean()
    # Runs that were trained together share their time.
    is_worth = seconds.nunique() >= MIN_CONFIGURATIONS and seconds.max() >= MIN_RATIO * seconds.min()
    return [Pareto()] if is_worth else []


def title(_study: Study, request: Pareto) -> str:
    """Its heading."""
    return f"{title_of(request.metric)} against training time"


def table(study: Study, _studies: Studies, request: Pareto) -> pd.DataFrame:
    """One row per configuration: mean seconds of a run, value, and whether none is both quicker and better."""
    trials = trial_values(study, study.complete, request.metric).dropna(subset=["value"])
    seconds = study.complete.groupby("trial_number")["train_seconds"].mean()
    trials = trials.assign(
        seconds=trials["trial_number"].map(seconds), configuration=trials.apply(study.describe, axis=1)
    )
    trials = trials.sort_values(["seconds", "trial_number"], ignore_index=True)
    gain = trials["value"] if metric_of(trials).higher_is_better else -trials["value"]
    trials["on_front"] = gain > gain.cummax().shift(fill_value=-np.inf)
    trials["selected"] = trials["trial_number"] == study.selected["trial_number"]
    kept = trials[
        ["trial_number", "seconds", "value", "on_front", "selected", "configuration", "n_runs", "metric", "run_ids"]
    ]
    return with_runs(kept.assign(model=model_of(study)), ids([kept]))


def draw(table: pd.DataFrame) -> Figure:
    """Points, the front as a staircase in the direction of longer training, the selected configuration ringed."""
    metric, look = metric_of(table), MODELS[table["model"].iloc[0]]
    figure, (panel,) = new_figure(height=3.4)
    front = table[table["on_front"]]
    rest = table[~table["on_front"]]
    panel.plot(rest["seconds"], rest["value"], "o", color=MUTED, ms=4, alpha=0.6, mew=0)
    panel.step(
        [*front["seconds"], table["seconds"].max()],
        [*front["value"], front["value"].iloc[-1]],
        where="post",
        color=look.color,
        lw=1.4,
    )
    panel.plot(front["seconds"], front["value"], "D", color=look.color, ms=5.5)
    chosen = table[table["selected"]]
    panel.plot(chosen["seconds"], chosen["value"], "o", mfc="none", mec=INK, ms=11, mew=1.4)
    seconds = table["seconds"]
    if seconds.min() > 0 and seconds.max() > 8 * seconds.min():
        panel.set_xscale("log")
        ticks = [step * 10.0**power for power in range(-4, 7) for step in (1, 2, 5)]
        log_ticks(panel.xaxis, [tick for tick in ticks if seconds.min() <= tick <= seconds.max()])
    low, high = window(table["value"])
    room = 0.08 * (high - low) or 0.01
    panel.set_ylim(low - room, high + room)
    measure(panel.yaxis, metric)
    panel.set_xlabel(
        "mean training time of a run (seconds)" + (" (logarithmic)" if panel.get_xscale() == "log" else "")
    )
    panel.set_ylabel(metric.label)
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    metric, front = metric_of(table), table[table["on_front"]]
    best = front.iloc[-1]
    text = (
        f"{count(len(table), 'configuration')}; diamonds: none is both quicker and better in "
        f"{metric.label.partition(' (')[0]}; ring: selected on validation. The best value, "
        f"{metric.show(best['value'])} ({best['configuration']}), takes {seconds_text(best['seconds'])} a run"
    )
    quick = front.iloc[0]
    if len(front) > 1:
        text += f"; the quickest, {seconds_text(quick['seconds'])}, gives {metric.show(quick['value'])}."
    else:
        text += ", and none is quicker."
    low, high = window(table["value"])
    outside = int((~table["value"].between(low, high)).sum())
    return text + (f" {count(outside, 'configuration')} outside the axis." if outside else "")


def seconds_text(seconds: float) -> str:
    """A training time in words."""
    return count(round(seconds), "second") if seconds >= 10 else f"{short_text(seconds, 2)} seconds"
