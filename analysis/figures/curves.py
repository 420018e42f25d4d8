"""Loss and accuracy against epochs: of the selected configuration beside the median one, or one line for each level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.errors import NotApplicableError
from analysis.figures.design import MAX_LINES, factors, is_crossed
from analysis.figures.requests import Curves
from analysis.figures.style import SHADE, SPLITS, band, line_label, looks, name_levels, new_figure, percent, spread
from analysis.statistics.curves import mean_curves
from analysis.studies import Studies, Study, with_runs
from analysis.tables import SPLIT_NAMES
from analysis.wording import INTERVAL, capital, count, factor_name, level_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AXIS_LABELS = {"loss": "mean loss (nats)", "accuracy": "accuracy"}
MIN_MEDIAN = 3
"""Configurations from which one of them is in the middle."""


def offers(study: Study, _studies: Studies) -> list[Curves]:
    """The selected configuration beside the median one; and a line for each level of every axis of few levels."""
    found = [Curves()]
    if is_crossed(study):
        found += [Curves(by=axis.name) for axis in factors(study) if len(axis.levels) <= MAX_LINES]
    return found


def title(study: Study, request: Curves) -> str:
    """Its heading."""
    of = ", ".join(f"{factor_name(name)} {level_text(value)}" for name, value in request.of.items())
    if request.by:
        return capital(f"training by {factor_name(request.by)}") + (f" at {of}" if of else "")
    if of:
        return f"Training at {of}"
    if request.behind == "all" or len(study.ranked) < MIN_MEDIAN:
        return "Training of the selected configuration"
    return "Training of the selected and the median configuration"


def table(study: Study, _studies: Studies, request: Curves) -> pd.DataFrame:
    """Mean curve per metric and split (per level on test), with intervals over runs.

    Raises:
        NotApplicableError: No complete run has the values asked for.
    """
    if request.by:
        return _by_level(study, request.of, request.by)
    chosen = _trial(study, request.of)
    columns = {"selected": chosen}
    if not request.of and request.behind == "median" and len(study.ranked) >= MIN_MEDIAN:
        columns["median"] = study.ranked.iloc[len(study.ranked) // 2]
    runs = pd.concat([_runs(study, trial).assign(column=name) for name, trial in columns.items()])
    out = _split_curves(study, runs, ["column"])
    out["configuration"] = out["column"].map({name: study.describe(trial) for name, trial in columns.items()})
    out["trial_number"] = out["column"].map({name: int(trial["trial_number"]) for name, trial in columns.items()})
    out["line"] = out["split"]
    if request.behind == "all":
        curves = study.curves_of(study.complete)
        ranges = [
            curves.groupby("epoch")[f"test_{metric}"].agg(["min", "max"]).reset_index().assign(metric=metric)
            for metric in AXIS_LABELS
        ]
        out = out.merge(pd.concat(ranges).assign(split="test"), on=["metric", "split", "epoch"], how="left")
        runs = study.complete
    out = with_runs(out.assign(selected=not request.of, n_configurations=len(study.ranked)), runs["run_id"])
    out.attrs["by"] = ""
    return out


def _by_level(study: Study, of: Mapping[str, Any], by: str) -> pd.DataFrame:
    """One line for each level of an axis, all else as asked, at the baseline, or as it was selected."""
    levels = study.axis(by).levels
    looks(by, levels)
    chosen, fixed = _trial(study, of), study.spec.get("fixed") or {}
    rest = [axis.name for axis in factors(study) if axis.name != by and axis.name not in of]
    settings = dict(of) | {name: fixed.get(name, chosen[name]) for name in rest}
    trials = [_trial(study, settings | {by: level}) for level in levels]
    runs = pd.concat([_runs(study, trial) for trial in trials])
    # Not by its own name: the curves have a learning rate of their own.
    out = _split_curves(study, runs.assign(line=runs[by]), ["line"])
    out = with_runs(out[out["split"] == "test"].reset_index(drop=True), runs["run_id"])
    out["configuration"] = ", ".join(f"{factor_name(name)} {level_text(value)}" for name, value in settings.items())
    out["column"] = "selected"
    out.attrs |= {"by": by, "levels": list(levels)}
    return out


def _trial(study: Study, of: Mapping[str, Any]) -> pd.Series:
    """The best trial on validation of those with these values."""
    found = study.ranked
    for name, value in of.items():
        if name not in found:
            raise NotApplicableError(f"no hyperparameter of study {study.name} is called {name}")
        found = found[found[name] == value]
    if found.empty:
        wanted = ", ".join(f"{name}: {level_text(value)}" for name, value in of.items())
        raise NotApplicableError(f"no complete run of study {study.name} has {wanted}")
    return found.iloc[0]


def _runs(study: Study, trial: pd.Series) -> pd.DataFrame:
    runs: pd.DataFrame = study.complete[study.complete["trial_number"] == trial["trial_number"]]
    return runs


def _split_curves(study: Study, runs: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Mean loss and accuracy of `runs` of a study on the three splits, with intervals over runs.

    Args:
        study: Where the curves are.
        runs: The runs averaged.
        by: Columns of `runs` that define groups.

    Returns:
        One row per group, metric (`loss` in nats, `accuracy`), split and k.
    """
    curves = study.curves_of(runs).merge(runs[["run_id", *by]], on="run_id")
    parts = [
        mean_curves(curves.assign(metric=metric, split=split), f"{split}_{metric}", [*by, "metric", "split"])
        for metric in ("loss", "accuracy")
        for split in SPLIT_NAMES
    ]
    found = pd.concat(parts, ignore_index=True)
    if study.replicated.crossed:
        found = found.assign(low=np.nan, high=np.nan)
    return with_runs(found, runs["run_id"])


def draw(table: pd.DataFrame) -> Figure:
    """Loss above, accuracy below; beside it those of the median configuration; grey: the range over all."""
    from matplotlib.ticker import MaxNLocator

    by = table.attrs["by"]
    lines = looks(by, table.attrs["levels"]) if by else SPLITS
    columns = list(table["column"].unique())[::-1] if len(table["column"].unique()) > 1 else ["selected"]
    figure, axes = new_figure(2, len(columns), height=4.9, sharex=True, sharey="row")
    panels = {(m, c): axes[i] for i, (m, c) in enumerate((m, c) for m in AXIS_LABELS for c in columns)}
    labels: dict[str, list[Any]] = {metric: [] for metric in AXIS_LABELS}
    for (metric, column), panel in panels.items():
        rows = table[(table["metric"] == metric) & (table["column"] == column)]
        if "min" in rows:
            grey = rows.dropna(subset=["min"])
            panel.fill_between(grey["epoch"], grey["min"], grey["max"], color=SHADE, alpha=0.25, lw=0)
        for name, look in lines.items():
            line = rows[rows["line"] == name]
            panel.plot(line["epoch"], line["mean"], color=look.color, ls=look.line)
            band(panel, line, "epoch", look)
            if column == columns[-1]:
                last = line.iloc[-1]
                labels[metric].append(line_label(panel, last["epoch"], last["mean"], look.label, look.color))
        if metric == "accuracy":
            panel.set_xlabel("epochs")
            panel.xaxis.set_major_locator(MaxNLocator(6 // len(columns), integer=True))
        elif len(columns) > 1:
            panel.set_title(column)
        elif by:
            name_levels(panel, by, lines)
    for metric, label in AXIS_LABELS.items():
        panels[metric, columns[0]].set_ylabel(("test " if by else "") + label)
        for column in columns:
            _limit(panels[metric, column], table[table["metric"] == metric], metric)
        spread(labels[metric])
    return figure


def _limit(panel: Axes, rows: pd.DataFrame, metric: str) -> None:
    """From the start to the longest training; a loss not below zero."""
    panel.set_xlim(0, float(rows["epoch"].max()))
    if metric == "accuracy":
        percent(panel.yaxis)
    else:
        panel.set_ylim(bottom=max(0.0, panel.get_ylim()[0]))
    panel.margins(x=0)


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    n_runs = int(table["n_runs"].min())
    bands = f"; bands: {INTERVAL}s of the mean" if n_runs > 1 else ""
    if by := table.attrs["by"]:
        where = capital(table["configuration"].iloc[0])
        mean = f"mean of {count(n_runs, 'run')} per level of {factor_name(by)}{bands}."
        return f"{where}; {mean}" if where else capital(mean)
    if not table["selected"].iloc[0]:
        return f"{table['configuration'].iloc[0]}, mean of {count(n_runs, 'run')}{bands}."
    parts = [
        f"{name}: trial {rows['trial_number'].iloc[0]} ({rows['configuration'].iloc[0]})"
        for name, rows in sorted(table.groupby("column"), reverse=True)
    ]
    each = f"mean of {count(n_runs, 'run')} each{bands}" if n_runs > 1 else "one run each"
    n = int(table["n_configurations"].iloc[0])
    text = f"{capital('; '.join(parts))}; {each}. Selected on validation, of {count(n, 'configuration')}."
    return text + (" Grey: range of test values over all of them." if "min" in table else "")
