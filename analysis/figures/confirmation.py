"""Selected against confirmed: the value that got a configuration selected, and what fresh seeds give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.errors import NothingThereError
from analysis.figures.design import ids, model_of
from analysis.figures.requests import Confirmation
from analysis.figures.style import MODELS, MUTED, new_figure, percent
from analysis.statistics.intervals import clipped
from analysis.studies import Studies, Study, with_runs
from analysis.trials import by_trial
from analysis.wording import INTERVAL, signed_points

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def offers(study: Study, studies: Studies) -> list[Confirmation]:
    """One, where the study is confirmed."""
    return [] if studies.confirmation(study) is None else [Confirmation()]


def table(study: Study, studies: Studies, _request: Confirmation) -> pd.DataFrame:
    """One row per confirmed configuration: value at selection, mean and interval over fresh seeds, the runs.

    Raises:
        NothingThereError: The study is not confirmed.
    """
    confirms, again = studies.confirming(study), studies.confirmation(study)
    if confirms is None or again is None:
        raise NothingThereError(f"study {study.name} is not confirmed with fresh seeds", study.commands.confirm())
    source = by_trial(study.complete).set_index("trial_number")
    rows: list[dict[str, Any]] = []
    for _, fresh in again.groupby(["rank", "source_trial_number"]):
        rank, number = int(fresh["rank"].iloc[0]), int(fresh["source_trial_number"].iloc[0])
        if number not in source.index:
            continue
        interval = clipped(confirms.replicated.interval(fresh["validation_accuracy"]), 0, 1)
        rows.append(
            {
                "rank": rank,
                "trial_number": number,
                "selected": source.loc[number, "validation_accuracy"],
                "mean": interval.estimate,
                "low": interval.low,
                "high": interval.high,
                "n_runs": interval.n,
                "values": fresh["validation_accuracy"].tolist(),
                "model": model_of(study),
                "run_ids": [*source["run_ids"].to_dict()[number], *fresh["run_id"].tolist()],
            }
        )
    if not rows:
        raise NothingThereError(f"no confirmed configuration of study {study.name} is in it any more")
    out = pd.DataFrame(rows)
    return with_runs(out, ids([out]))


def draw(table: pd.DataFrame) -> Figure:
    """One line per configuration: diamond selected, dots fresh runs, bar their mean's interval."""
    from matplotlib.ticker import MaxNLocator

    figure, (panel,) = new_figure(height=1.2 + 0.36 * len(table))
    rng, look = np.random.default_rng(0), MODELS[table["model"].iloc[0]]
    for place, row in enumerate(table.to_dict("records")):
        height = place + rng.uniform(-0.14, 0.14, len(row["values"]))
        panel.scatter(row["values"], height, s=13, color=look.color, alpha=0.45, lw=0)
        if np.isfinite(row["low"]):
            panel.plot([row["low"], row["high"]], [place, place], color=look.color, lw=2.6)
        panel.plot([row["mean"]], [place], "o", color=look.color, ms=7)
        panel.plot([row["selected"]], [place], "D", mfc="none", mec=MUTED, mew=1.6, ms=7)
    names = [f"rank {row['rank']}\n(trial {row['trial_number']})" for row in table.to_dict("records")]
    panel.set_yticks(range(len(table)), names, fontsize=8)
    panel.set_ylim(len(table) - 0.5, -0.5)
    panel.grid(visible=False, axis="y")
    panel.xaxis.set_major_locator(MaxNLocator(6))
    percent(panel.xaxis)
    panel.set_xlabel(f"validation accuracy\n◇ when selected    ● mean of fresh seeds, with {INTERVAL}")
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    best = table.iloc[0]
    return (
        f"Optimism of the first, value when selected − mean of {best['n_runs']} fresh seeds: "
        f"{signed_points(best['selected'] - best['mean'])} points."
    )
