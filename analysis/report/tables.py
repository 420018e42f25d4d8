"""The tables of the page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.tables import Tables
from analysis.trials import ranked_trials
from analysis.wording import describe, minutes_text, percent_text, ranges, signed_points

TOP = 5


@dataclass(frozen=True)
class Cell:
    """A table cell: what is read, and what it is sorted by (a number, or the text itself)."""

    text: str
    key: float | str = ""
    runs: str = ""

    @property
    def is_number(self) -> bool:
        """Whether it sorts (and aligns) as a number."""
        return isinstance(self.key, float)


@dataclass(frozen=True)
class Table:
    """A sortable table."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def _text(value: Any) -> Cell:
    return Cell(str(value), str(value))


def _number(value: float, text: str, runs: str = "") -> Cell:
    missing = value is None or not np.isfinite(value)
    return Cell("–" if missing else text, float("-inf") if missing else float(value), runs)


def _accuracy(value: float, runs: Iterable[Any] = ()) -> Cell:
    return _number(value, f"{percent_text(value)}", ranges(runs))


def selection_table(selection: pd.DataFrame) -> Table:
    """The rows of `optimism`."""
    columns = (
        "study",
        "trial",
        "of",
        "validation",
        "test",
        "confirmed validation",
        "confirmed test",
        "fresh seeds",
        "optimism (points)",
        "frozen as",
        "runs",
    )
    rows = [
        (
            _text(row["study"]),
            _number(row["trial_number"], str(row["trial_number"])),
            _number(row["n_trials"], f"{row['n_trials']:,}"),
            _accuracy(row["validation"]),
            _accuracy(row["test"]),
            _accuracy(row["confirmed_validation"]),
            _accuracy(row["confirmed_test"]),
            _number(row["n_confirmations"], str(row["n_confirmations"])),
            _number(row["optimism"], signed_points(row["optimism"])),
            _text("–" if pd.isna(row["selection_id"]) else f"selection {row['selection_id']}"),
            _text(ranges(row["run_ids"])),
        )
        for row in selection.to_dict("records")
    ]
    return Table("The selected configuration of each search, before and after confirmation.", columns, tuple(rows))


def best_table(tables: Tables) -> Table:
    """The best `TOP` configurations of each study."""
    columns = ("study", "trial", "configuration", "validation", "test", "train", "runs in mean", "run ids")
    rows = []
    for study in tables.studies:
        runs = tables.runs
        runs = runs[(runs["study"] == study) & (runs["state"] == "complete") & runs["full_fidelity"]]
        if runs.empty:
            continue
        for _, trial in ranked_trials(runs).head(TOP).iterrows():
            rows.append(
                (
                    _text(study),
                    _number(trial["trial_number"], str(trial["trial_number"])),
                    _text(describe(trial)),
                    _accuracy(trial["validation_accuracy"]),
                    _accuracy(trial["test_accuracy"]),
                    _accuracy(trial["train_accuracy"]),
                    _number(trial["n_runs"], str(trial["n_runs"])),
                    _text(ranges(trial["run_ids"])),
                )
            )
    return Table(
        f"The best {TOP} configurations of each study by validation accuracy (means over replicates).",
        columns,
        tuple(rows),
    )


def studies_table(tables: Tables) -> Table:
    """Each study with its runs, what they took, and the command that makes it."""
    columns = (
        "study",
        "driver",
        "trials",
        "runs",
        "complete",
        "diverged",
        "other",
        "training (minutes)",
        "make it with",
        "run ids",
    )
    rows = []
    for study, runs in tables.runs.groupby("study"):
        states = runs["state"].value_counts()
        complete, diverged = int(states.get("complete", 0)), int(states.get("diverged", 0))
        seconds = float(runs["train_seconds"].sum())
        other = len(runs) - complete - diverged
        n_trials = runs["trial_number"].nunique()
        rows.append(
            (
                _text(runs["study_name"].iloc[0]),
                _text(runs["driver"].iloc[0]),
                _number(n_trials, f"{n_trials:,}"),
                _number(len(runs), f"{len(runs):,}"),
                _number(complete, f"{complete:,}"),
                _number(diverged, f"{diverged:,}"),
                _number(other, f"{other:,}"),
                _number(seconds, minutes_text(seconds)),
                _text(tables.command(str(study))),
                _text(ranges(runs["run_id"])),
            )
        )
    return Table("The studies behind this page.", columns, tuple(rows))
