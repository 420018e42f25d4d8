"""Selected against confirmed: the value that got a configuration selected, and what fresh seeds give."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.figures.style import MODELS, MUTED, new_figure, percent
from analysis.statistics.intervals import share_interval
from analysis.studies import confirmed, with_runs
from analysis.tables import StudyMissingError, Tables
from analysis.trials import by_trial
from analysis.wording import INTERVAL, signed_points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Selected against confirmed"
REPORT = ""


def table(tables: Tables) -> pd.DataFrame:
    """One row per confirmed configuration.

    Value at selection, mean and interval over fresh seeds, the runs.
    """
    rows: list[dict[str, Any]] = []
    for study in tables.studies:
        again = confirmed(tables, study)
        if again is None:
            continue
        source = by_trial(tables.complete(study)).set_index("trial_number")
        for _, fresh in again.groupby(["rank", "source_trial_number"]):
            rank, number = int(fresh["rank"].iloc[0]), int(fresh["source_trial_number"].iloc[0])
            if number not in source.index:
                continue
            interval = share_interval(fresh["validation_accuracy"])
            rows.append(
                {
                    "study": study,
                    "rank": rank,
                    "trial_number": number,
                    "selected": source.loc[number, "validation_accuracy"],
                    "mean": interval.estimate,
                    "low": interval.low,
                    "high": interval.high,
                    "n_runs": interval.n,
                    "values": fresh["validation_accuracy"].tolist(),
                    "model": "linear" if fresh["hidden_layers"].iloc[0] == 0 else "MLP",
                    "run_ids": [*source["run_ids"].to_dict()[number], *fresh["run_id"].tolist()],
                }
            )
    if not rows:
        raise StudyMissingError("mlp-random-confirm", tables.commands.make("mlp-random-confirm"))
    return with_runs(pd.DataFrame(rows), [run_id for row in rows for run_id in row["run_ids"]])


def draw(table: pd.DataFrame) -> "Figure":
    """One panel per study, one line per configuration.

    Diamond selected, dots fresh runs, bar their mean's interval.
    """
    from matplotlib.ticker import MaxNLocator

    studies = list(table["study"].unique())
    n_rows = [int((table["study"] == study).sum()) for study in studies]
    figure, axes = new_figure(
        len(studies), 1, height=0.8 + sum(0.75 + 0.34 * n for n in n_rows), height_ratios=[n + 0.8 for n in n_rows]
    )
    rng = np.random.default_rng(0)
    for panel, study in zip(axes, studies, strict=True):
        rows = table[table["study"] == study].reset_index(drop=True)
        for place, row in enumerate(rows.to_dict("records")):
            look = MODELS[row["model"]]
            values = row["values"]
            height = place + rng.uniform(-0.14, 0.14, len(values))
            panel.scatter(values, height, s=13, color=look.color, alpha=0.45, lw=0)
            if np.isfinite(row["low"]):
                panel.plot([row["low"], row["high"]], [place, place], color=look.color, lw=2.6)
            panel.plot([row["mean"]], [place], "o", color=look.color, ms=7)
            panel.plot([row["selected"]], [place], "D", mfc="none", mec=MUTED, mew=1.6, ms=7)
        panel.set_yticks(
            range(len(rows)), [f"rank {row.rank}\n(trial {row.trial_number})" for row in rows.itertuples()], fontsize=8
        )
        panel.set_ylim(len(rows) - 0.5, -0.5)
        panel.set_title(study)
        panel.grid(visible=False, axis="y")
        panel.xaxis.set_major_locator(MaxNLocator(6))
        percent(panel.xaxis)
    axes[-1].set_xlabel(f"validation accuracy\n◇ when selected    ● mean of fresh seeds, with {INTERVAL}")
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    parts = []
    for study, rows in table.groupby("study", sort=False):
        best = rows[rows["rank"] == rows["rank"].min()].iloc[0]
        change = signed_points(best["selected"] - best["mean"])
        parts.append(f"{study} {change} points ({best['n_runs']} fresh seeds)")
    return f"Optimism of the first, value when selected − mean of fresh seeds: {'; '.join(parts)}."
