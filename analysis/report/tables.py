"""The tables of the page: a column is its heading and what it shows of a row."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures.noise import name_of
from analysis.metrics import METRICS
from analysis.noise import METRIC, noise_of
from analysis.studies import Study
from analysis.wording import INTERVAL, factor_name, level_text, percent_text, ranges

TOP = 5


@dataclass(frozen=True)
class Cell:
    """A table cell: what is read, what it is sorted by (a number, or the text itself), and a picture as a data URI."""

    text: str
    key: float | str = ""
    picture: str = ""

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


def best_table(study: Study) -> Table:
    """The best `TOP` trials of a study: what they vary in, and what they reached."""
    columns: Columns = {
        "trial": lambda trial: _value(trial["trial_number"]),
        **{factor_name(axis.name): _of(axis.name) for axis in study.axes},
        **{name: _accuracy(name) for name in ("validation", "test", "train")},
        "runs": lambda trial: Cell(ranges(trial["run_ids"]), float(trial["n_runs"])),
    }
    ranked = study.ranked
    shown = min(TOP, len(ranked))
    of = "All trials" if shown == len(ranked) else f"The best {shown} of {len(ranked):,} trials"
    caption = f"{of}, best first by accuracy on validation (means over replicates; runs by their run_id)."
    return _table(caption, columns, (trial for _, trial in ranked.head(TOP).iterrows()))


def noise_table(study: Study) -> Table:
    """The components of variance of a crossed study.

    Raises:
        NotApplicableError: It is none.
    """
    metric = METRICS[METRIC]
    columns: Columns = {
        "configuration": lambda row: Cell(row["configuration"], row["configuration"]),
        "source": lambda row: Cell(name_of(row["source"]), name_of(row["source"])),
        "levels": lambda row: Cell(str(row["levels"]), float(row["levels"])),
        "standard deviation": lambda row: Cell(metric.show_size(row["deviation"]), float(row["deviation"])),
        INTERVAL: lambda row: Cell(f"{metric.show_size(row['low'])} to {metric.show_size(row['high'])}"),
        "share of the variance": lambda row: Cell(percent_text(row["share"], 0), float(row["share"])),
    }
    caption = (
        f"Whose the noise in {metric.label} is, in {metric.unit}: random effects of a crossed design, the rest being "
        "what no source does alone (its levels are degrees of freedom)."
    )
    return _table(caption, columns, noise_of(study).to_dict("records"))


def _table(caption: str, columns: Columns, rows: Iterable[Any]) -> Table:
    return Table(caption, tuple(columns), tuple(tuple(cell(row) for cell in columns.values()) for row in rows))


def _of(name: str) -> Callable[[Any], Cell]:
    return lambda trial: _value(trial[name])


def _accuracy(split: str) -> Callable[[Any], Cell]:
    def cell(trial: Any) -> Cell:
        value = float(trial[f"{split}_accuracy"])
        return Cell(percent_text(value), value) if np.isfinite(value) else Cell("–", float("-inf"))

    return cell


def _value(value: Any) -> Cell:
    """A hyperparameter's value; a dash where it does not exist for this trial."""
    if not isinstance(value, str) and pd.isna(value):
        return Cell("–", float("-inf"))
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return Cell(level_text(value), float(value) if is_number else level_text(value))
