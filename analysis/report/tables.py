"""The tables of the page: a column is its heading and what it shows of a row."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.tables import StudyMissingError, Tables
from analysis.trials import ranked_trials
from analysis.wording import describe, minutes_text, percent_text, ranges, signed_points

TOP = 5


@dataclass(frozen=True)
class Cell:
    """A table cell: what is read, and what it is sorted by (a number, or the text itself)."""

    text: str
    key: float | str = ""

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


Columns = Mapping[str, Callable[[Any], Cell]]


def _table(caption: str, columns: Columns, rows: Iterable[Any]) -> Table:
    return Table(caption, tuple(columns), tuple(tuple(cell(row) for cell in columns.values()) for row in rows))


def _text(value: Any) -> Cell:
    return Cell(str(value), str(value))


def _number(value: float, text: str) -> Cell:
    missing = value is None or not np.isfinite(value)
    return Cell("–" if missing else text, float("-inf") if missing else float(value))


def _name(value: int) -> Cell:
    """A number that counts nothing, or little."""
    return _number(value, str(value))


def _count(value: int) -> Cell:
    return _number(value, f"{value:,}")


def _accuracy(value: float) -> Cell:
    return _number(value, percent_text(value))


def _minutes(seconds: float) -> Cell:
    return _number(seconds / 60, minutes_text(seconds))


_SELECTION: Columns = {
    "study": lambda row: _text(row["study"]),
    "trial": lambda row: _name(row["trial_number"]),
    "of": lambda row: _count(row["n_trials"]),
    "validation": lambda row: _accuracy(row["validation"]),
    "test": lambda row: _accuracy(row["test"]),
    "confirmed validation": lambda row: _accuracy(row["confirmed_validation"]),
    "confirmed test": lambda row: _accuracy(row["confirmed_test"]),
    "fresh seeds": lambda row: _name(row["n_confirmations"]),
    "optimism (points)": lambda row: _number(row["optimism"], signed_points(row["optimism"])),
    "frozen as": lambda row: _text("–" if pd.isna(row["selection_id"]) else f"selection {row['selection_id']}"),
    "runs": lambda row: _text(ranges(row["run_ids"])),
}
_BEST: Columns = {
    "study": lambda trial: _text(trial["study"]),
    "trial": lambda trial: _name(trial["trial_number"]),
    "configuration": lambda trial: _text(describe(trial)),
    "validation": lambda trial: _accuracy(trial["validation_accuracy"]),
    "test": lambda trial: _accuracy(trial["test_accuracy"]),
    "train": lambda trial: _accuracy(trial["train_accuracy"]),
    "runs in mean": lambda trial: _name(trial["n_runs"]),
    "run ids": lambda trial: _text(ranges(trial["run_ids"])),
}
_STUDIES: Columns = {
    "study": lambda runs: _text(runs["study_name"].iloc[0]),
    "driver": lambda runs: _text(runs["driver"].iloc[0]),
    "trials": lambda runs: _count(runs["trial_number"].nunique()),
    "runs": lambda runs: _count(len(runs)),
    "complete": lambda runs: _count(int((runs["state"] == "complete").sum())),
    "diverged": lambda runs: _count(int((runs["state"] == "diverged").sum())),
    "other": lambda runs: _count(int((~runs["state"].isin(["complete", "diverged"])).sum())),
    "training (minutes)": lambda runs: _minutes(runs["train_seconds"].sum()),
    "make it with": lambda runs: _text(runs["command"].iloc[0]),
    "run ids": lambda runs: _text(ranges(runs["run_id"])),
}


def selection_table(selection: pd.DataFrame) -> Table:
    """The rows of `optimism`."""
    caption = "The selected configuration of each search, before and after confirmation."
    return _table(caption, _SELECTION, selection.to_dict("records"))


def best_table(tables: Tables) -> Table:
    """The best `TOP` configurations of each study."""
    rows: list[pd.Series] = []
    for study in tables.studies:
        try:
            ranked = ranked_trials(tables.complete(study))
        except StudyMissingError:
            continue
        rows += [trial for _, trial in ranked.head(TOP).iterrows()]
    caption = f"The best {TOP} configurations of each study by validation accuracy (means over replicates)."
    return _table(caption, _BEST, rows)


def studies_table(tables: Tables) -> Table:
    """Each study with its runs, what they took, and the command that makes it."""
    by_study = tables.runs.groupby("study")
    rows = (runs.assign(command=tables.commands.again(str(study))) for study, runs in by_study)
    return _table("The studies behind this page.", _STUDIES, rows)
