"""How a metric is spread over the configurations of a study, beside another study's where that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.design import ids, metric_of, model_of, title_of, trial_values
from analysis.figures.requests import Distribution
from analysis.figures.style import ELSEWHERE, INK, MAX_POINTS, MODELS, measure, new_figure, window
from analysis.statistics.intervals import interquartile_mean
from analysis.studies import Studies, Study, with_runs
from analysis.wording import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MIN_CONFIGURATIONS = 5
"""Configurations from which their distribution tells more than their list."""
_FEW = 12
"""Configurations below which each is drawn as a point of its own."""
_LANE = 0.27
"""How far apart two marks must be, as a share of the axis, for their names to stand side by side."""


def offers(study: Study, _studies: Studies) -> list[Distribution]:
    """One, of test accuracy."""
    return [Distribution()] if len(study.ranked) >= MIN_CONFIGURATIONS else []


def title(study: Study, request: Distribution) -> str:
    """Its heading."""
    label = title_of(request.metric)
    return f"{label} of {study.base_name} and {request.beside}" if request.beside else f"{label} of the configurations"


def table(study: Study, studies: Studies, request: Distribution) -> pd.DataFrame:
    """One row per configuration, with its value and whether validation selected it.

    Raises:
        NothingThereError: The study beside it is not there.
    """
    shown = [study, *([studies.beside(study, request.beside)] if request.beside else [])]
    parts = []
    for each in shown:
        trials = trial_values(each, each.complete, request.metric)
        columns = ["trial_number", *(axis.name for axis in each.axes)]
        kept = trials[[*columns, "value", "n_runs", "n_test", "resolution", "metric", "run_ids"]]
        kept = kept.assign(study=each.base_name, model=model_of(each), split=metric_of(kept).split or "")
        parts.append(kept.assign(selected=kept["trial_number"] == each.selected["trial_number"]))
    out = pd.concat(parts[::-1], ignore_index=True).sort_values(["value", "trial_number"], kind="stable")
    out.attrs |= {"marks": dict(request.marks), "studies": [s.base_name for s in reversed(shown)]}
    return with_runs(out.reset_index(drop=True), ids(parts))


def draw(table: pd.DataFrame) -> Figure:
    """A histogram; of few configurations, and of two studies, a point for each, the selected one ringed."""
    is_many = len(table.attrs["studies"]) == 1 and len(table) >= _FEW and table["value"].nunique() > 1
    figure, (panel,) = new_figure(height=3.3 if is_many else 1.3 + 0.9 * len(table.attrs["studies"]))
    if is_many:
        _histogram(panel, table)
    else:
        _strips(panel, table)
    measure(panel.xaxis, metric_of(table))
    panel.set_xlabel(f"{metric_of(table).label}, one configuration each")
    return figure


def _histogram(panel: Axes, table: pd.DataFrame) -> None:
    """Counts with every configuration below; lowest and mean are named, and the marks beside them."""
    import seaborn as sns
    from matplotlib.ticker import MaxNLocator

    metric, look, values = metric_of(table), MODELS[table["model"].iloc[0]], table["value"]
    low, high = window(values)
    inside = values[(values >= low) & (values <= high)]
    sns.histplot(x=inside, ax=panel, color=look.color, alpha=0.45, edgecolor="white", bins=12)
    sns.rugplot(x=inside, ax=panel, color=look.color, height=0.05, lw=1.4)
    panel.set_xlabel("")
    top = panel.get_ylim()[1]
    marks = [
        (value, f"{name}\n{metric.show(value)}", look)
        for name, value in (("lowest", float(values.min())), ("mean", float(values.mean())))
        if low <= value <= high
    ]
    for name, value in table.attrs["marks"].items():
        marks.append((value, f"{name.replace(': ', ':' + chr(10))} {metric.show(value)}", ELSEWHERE))
    width = max(high, *(value for value, *_ in marks)) - min(low, *(value for value, *_ in marks))
    lanes: list[list[float]] = []
    for value, text, look_of in marks:
        lane = next((i for i, taken in enumerate(lanes) if all(abs(value - t) > _LANE * width for t in taken)), None)
        if lane is None:
            lane = len(lanes)
            lanes.append([])
        lanes[lane].append(value)
        height = top * (1.1 + 0.16 * lane)
        panel.plot([value, value], [0, height + 0.02 * top], color=look_of.color, ls=look_of.line, lw=1.5)
        panel.annotate(
            text, (value, height), xytext=(3, 0), textcoords="offset points", color=look_of.color, va="center",
            fontsize=8.5,
        )  # fmt: skip
    panel.set_ylim(0, top * (1.1 + 0.16 * len(lanes)))
    left, right = panel.get_xlim()
    panel.set_xlim(left, right + 0.12 * (right - left))
    panel.set_ylabel("configurations")
    panel.yaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(visible=False, axis="x")


def _strips(panel: Axes, table: pd.DataFrame) -> None:
    """One strip per study, the selected configuration ringed and named, and the marks across."""
    metric, rng, names = metric_of(table), np.random.default_rng(0), table.attrs["studies"]
    windows = []
    for place, name in enumerate(names):
        rows = table[table["study"] == name]
        look = MODELS[rows["model"].iloc[0]]
        many = len(rows) > MAX_POINTS
        windows.append(window(rows["value"]))
        panel.scatter(
            rows["value"],
            place + rng.uniform(-0.2, 0.2, len(rows)),
            s=6 if many else 16,
            marker=look.marker,
            color=look.color,
            alpha=0.3 if many else 0.7,
            lw=0,
            rasterized=many,
        )
        median = float(rows["value"].median())
        panel.plot([median, median], [place - 0.3, place + 0.3], color=INK, lw=2)
        chosen = rows[rows["selected"]].iloc[0]
        panel.scatter([chosen["value"]], [place], s=110, marker="o", facecolor="none", ec=INK, lw=1.5)
    low, high = min(low for low, _ in windows), max(high for _, high in windows)
    for place, name in enumerate(names):
        rows = table[table["study"] == name]
        chosen = float(rows.loc[rows["selected"], "value"].iloc[0])
        is_left = chosen < (low + high) / 2
        panel.annotate(
            f"selected {metric.show(chosen)}, median {metric.show(rows['value'].median())}",
            (chosen, place - 0.33),
            ha="left" if is_left else "right",
            va="bottom",
            fontsize=8.5,
            color=MODELS[rows["model"].iloc[0]].color,
            xytext=(4 if is_left else -4, 0),
            textcoords="offset points",
        )
    for name, value in table.attrs["marks"].items():
        panel.axvline(value, color=ELSEWHERE.color, ls=ELSEWHERE.line, lw=1.5)
        panel.annotate(f"{name} {metric.show(value)}", (value, len(names) - 0.55), color=ELSEWHERE.color, fontsize=8.5)
    models = table.groupby("study")["model"].first()
    labels = [MODELS[models[name]].label if models.is_unique and len(names) > 1 else name for name in names]
    panel.set_yticks(range(len(names)), [label.replace(" ", "\n") for label in labels] if len(names) > 1 else [""])
    panel.set_ylim(len(names) - 0.5, -0.7)
    room = 0.04 * (high - low) or 0.01
    panel.set_xlim(low - room, high + room)
    panel.grid(visible=False, axis="y")


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    metric, parts = metric_of(table), []
    for name in table.attrs["studies"]:
        rows = table[table["study"] == name]
        values = rows["value"]
        parts.append(
            f"{name + ': ' if len(table.attrs['studies']) > 1 else ''}{count(len(rows), 'configuration')} "
            f"({count(int(rows['n_runs'].sum()), 'run')}) from {metric.show(values.min())} to "
            f"{metric.show(values.max())}, mean {metric.show(values.mean())}, interquartile mean "
            f"{metric.show(float(interquartile_mean(values.to_numpy())))}"
        )
    text = f"{'; '.join(parts)}."
    windows = table.groupby("study")["value"].agg(window)
    low, high = min(low for low, _ in windows), max(high for _, high in windows)
    if outside := int(((table["value"] < low) | (table["value"] > high)).sum()):
        text += f" {count(outside, 'configuration')} outside the axis."
    if error := float(table["resolution"].max()):
        n = int(table["n_test"].iloc[0])
        text += (
            f" {n:,} examples measure an accuracy with a standard error of {metric.show_size(error)} points."
            if table["split"].iloc[0] == "test"
            else f" One accuracy has a standard error of {metric.show_size(error)} points."
        )
    return text
