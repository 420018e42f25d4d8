"""What a study's form allows to be drawn: which axes cross, which tells most, and one value a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.errors import known
from analysis.metrics import METRICS, Metric
from analysis.trials import by_trial
from analysis.wording import capital

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analysis.studies import Axis, Study

MAX_LINES = 6
"""Levels that a figure can tell apart."""
_N_BINS = 5


def is_crossed(study: Study) -> bool:
    """Whether its levels were laid out to be compared, and not drawn or chosen by an earlier result."""
    return study.driver in ("grid", "ofat")


def factors(study: Study) -> list[Axis]:
    """What it varies on purpose, the axis first along which the test accuracy differs most."""
    runs = study.settled
    found = [axis for axis in study.axes if axis.section != "nuisance"]
    return sorted(found, key=lambda axis: -share_explained(runs[axis.name], runs["test_accuracy"]))


def share_explained(levels: pd.Series, values: pd.Series) -> float:
    """The share of the variation of `values` between levels; a long numeric axis is cut into fifths."""
    total = float(((values - values.mean()) ** 2).sum())
    means = values.groupby(binned(levels)).transform("mean")
    return float(((means - values.mean()) ** 2).sum()) / total if total > 0 else 0.0


def binned(levels: pd.Series) -> pd.Series:
    """The level itself where there are few, else its fifth by rank, from 0."""
    if levels.nunique() <= MAX_LINES + 2 or not pd.api.types.is_numeric_dtype(levels):
        return levels
    # Int64: a level may be missing where the hyperparameter does not exist.
    return (levels.rank(pct=True, method="first") * _N_BINS).apply(np.ceil).astype("Int64") - 1


def along(study: Study, axis: str) -> pd.DataFrame:
    """The runs that vary one axis: of a study of one factor at a time those where every other is at its baseline."""
    runs = study.settled
    if study.driver != "ofat":
        return runs
    attributes = pd.DataFrame(list(runs["attributes"]), index=runs.index)
    is_by = study.axis(axis).section == "by"
    kept: pd.DataFrame = runs[(attributes["factor"] == axis) | attributes["baseline"].astype(bool) | is_by]
    return kept


def crossing(study: Study, axis: Axis) -> list[Axis]:
    """The other axes of few levels of which most are measured at most levels of `axis`, most telling first."""
    runs = along(study, axis.name)
    return [
        other
        for other in factors(study)
        if other.name != axis.name
        and len(other.levels) <= MAX_LINES
        and 2 * len(runs[[axis.name, other.name]].dropna().drop_duplicates()) > len(axis.levels) * len(other.levels)
    ]


def measured(study: Study, runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """`runs` with their `value`."""
    return runs.assign(value=METRICS[metric].of_runs(study, runs))


def trial_values(study: Study, runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """`by_trial` with the mean `value` of each trial, and the binomial error of the metric (0 where it has none)."""
    values = measured(study, runs, metric).groupby("trial_number")["value"].mean()
    trials = by_trial(runs)
    return trials.assign(
        value=trials["trial_number"].map(values), resolution=METRICS[metric].resolution(runs), metric=metric
    )


def metric_of(table: pd.DataFrame) -> Metric:
    """The metric of a figure's table."""
    return known(METRICS, table["metric"].iloc[0], "metric")


def model_of(study: Study) -> str:
    """What it trains, as the figures colour it: `linear` where no configuration has a hidden layer, else `MLP`."""
    return "linear" if (study.all_runs["hidden_layers"] == 0).all() else "MLP"


def title_of(metric: str) -> str:
    """A metric at the beginning of a title: its label without the unit."""
    return capital(METRICS[metric].label.partition(" (")[0])


def ids(tables: Iterable[pd.DataFrame]) -> list[int]:
    """All run ids of several tables of trials."""
    return [run_id for table in tables for found in table["run_ids"] for run_id in found]
