"""A metric against a numeric axis: a line for each level of another axis, a panel for each of a third.

Where levels were laid out, a point is the mean over the runs at them, with an interval over replicates; where they were
drawn, it is one configuration, and a line joins the medians of fifths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.errors import NotApplicableError
from analysis.figures.design import (
    MAX_LINES,
    along,
    binned,
    crossing,
    factors,
    is_crossed,
    measured,
    metric_of,
    model_of,
    title_of,
    trial_values,
)
from analysis.figures.requests import Response
from analysis.figures.style import (
    INK,
    MODELS,
    MUTED,
    SHADE,
    Look,
    axis_text,
    line_label,
    log_ticks,
    looks,
    measure,
    name_levels,
    new_figure,
    spread,
    window,
)
from analysis.statistics.intervals import clipped
from analysis.studies import with_runs
from analysis.wording import INTERVAL, count, factor_name, level_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.studies import Axis, Studies, Study

MIN_LEVELS = 3
MIN_DRAWN = 8
"""Drawn configurations from which a metric is shown against an axis."""
MAX_PANELS = 3
_AFTER = ["complete", "diverged"]


def offers(study: Study, _studies: Studies) -> list[Response]:
    """One for each numeric axis, by the axes that it is crossed with."""
    if not is_crossed(study) and len(study.ranked) < MIN_DRAWN:
        return []
    return [of_axis(study, a) for a in factors(study) if a.is_number and len(a.levels) >= MIN_LEVELS]


def of_axis(study: Study, axis: Axis, metric: str = "test_accuracy") -> Response:
    """The response to an axis, by those others that can be told apart: words before numbers, lines before panels."""
    if is_crossed(study):
        others = sorted(crossing(study, axis), key=lambda other: other.is_number)
        lines = others[:1] + [other for other in others[1:] if len(other.levels) <= MAX_PANELS][:1]
    else:
        lines = [other for other in factors(study) if not other.is_number and len(other.levels) <= MAX_LINES][:1]
    return Response(axis=axis.name, by=[other.name for other in lines], metric=metric)


def title(study: Study, request: Response) -> str:
    """Its heading."""
    names = [axis.name for axis in study.axes]
    ordered = sorted(request.by, key=lambda name: names.index(name) if name in names else len(names))
    by = f", by {' and '.join(map(factor_name, ordered))}" if request.by else ""
    return f"{title_of(request.metric)} against {factor_name(request.axis)}{by}"


def table(study: Study, _studies: Studies, request: Response) -> pd.DataFrame:
    """One row per point: mean (of a drawn configuration its value), interval, numbers of runs and of diverged ones.

    Raises:
        NotApplicableError: The axis has no numbers, or another one too many levels.
    """
    axis = study.axis(request.axis)
    if not axis.is_number:
        raise NotApplicableError(f"a response needs an axis of numbers, but {axis.name} has words")
    by = [study.axis(name) for name in request.by]
    for other in by:
        looks(other.name, other.levels)
    crossed = is_crossed(study)
    runs = along(study, axis.name) if crossed else study.complete
    values = measured(study, runs, request.metric)
    keys = [*(other.name for other in by[::-1]), axis.name]
    if crossed:
        over = _over(study, runs, axis.name)
        rows = [_point(study, request, keys, group, values) for _, group in over.groupby(keys, sort=True)]
        out = pd.DataFrame(rows)
    else:
        trials = trial_values(study, runs, request.metric).dropna(subset=keys)
        out = trials[[*keys, "value", "validation_accuracy", "n_runs", "run_ids"]].rename(columns={"value": "mean"})
        out = out.assign(low=np.nan, high=np.nan, n_diverged=0, method="").sort_values(keys)
    out = out.assign(metric=request.metric, axis=axis.name, drawn=not crossed, model=model_of(study))
    out.attrs |= {
        "is_log": axis.is_log,
        "by": {other.name: list(other.levels) for other in by},
        "marks": {name: list(ends) for name, ends in request.marks.items()},
    }
    return with_runs(out.reset_index(drop=True), [run_id for found in out["run_ids"] for run_id in found])


def _over(study: Study, runs: pd.DataFrame, axis: str) -> pd.DataFrame:
    """Those runs, and the diverged ones of the same levels."""
    everything = study.all_runs[study.all_runs["state"].isin(_AFTER) & study.all_runs["full_fidelity"]]
    if study.spec.get("nuisance") or study.driver == "ofat":
        attributes = pd.DataFrame(list(everything["attributes"]), index=everything.index)
        chosen = everything["trial_number"].isin(runs["trial_number"])
        lost = (everything["state"] == "diverged") & (attributes["factor"] == axis) & ("nuisance" not in attributes)
        return everything[chosen | lost]
    return everything


def _point(
    study: Study, request: Response, keys: list[str], group: pd.DataFrame, values: pd.DataFrame
) -> dict[str, Any]:
    """Mean and interval over replicates; configurations that differ in what is not drawn are averaged first."""
    found = values[values["run_id"].isin(group["run_id"])]
    point = {name: group[name].iloc[0] for name in keys} | {
        "n_runs": len(group),
        "n_diverged": int((group["state"] == "diverged").sum()),
        "run_ids": group["run_id"].tolist(),
    }
    if found.empty:
        nothing = dict.fromkeys(("mean", "low", "high", "validation_accuracy"), np.nan)
        return point | nothing | {"n_units": 0, "method": ""}
    units = found.groupby("replicate")["value"].mean()
    interval = study.replicated.interval(units)
    if request.metric.endswith("_accuracy"):
        interval = clipped(interval, 0, 1)
    return point | {
        "mean": interval.estimate,
        "validation_accuracy": float(found["validation_accuracy"].mean()),
        "low": interval.low,
        "high": interval.high,
        "n_units": interval.n,
        "method": interval.method,
    }


def draw(table: pd.DataFrame) -> Figure:
    """Lines over a logarithmic axis where its levels spread over magnitudes; × marks what diverged or lies outside."""
    by, metric = table.attrs["by"], metric_of(table)
    axis = str(table["axis"].iloc[0])
    names = list(by)
    panels = by[names[1]] if len(names) > 1 else [None]
    figure, axes = new_figure(
        len(panels), 1, height=3.5 if len(panels) == 1 else 2.6 * len(panels), sharex=True, sharey=True
    )
    limits = _limits(table)
    _axis(axes, table, axis)
    for panel, level in zip(axes, panels, strict=True):
        rows = table if level is None else table[table[names[1]] == level]
        for ends in table.attrs["marks"].values():
            panel.axvspan(*ends, color=SHADE, alpha=0.18, lw=0)
        lines = looks(names[0], by[names[0]]) if names else {None: MODELS[table["model"].iloc[0]]}
        labels = []
        for place, (value, look) in enumerate(lines.items()):
            line = rows if value is None else rows[rows[names[0]] == value]
            if len(line):
                labels += _draw_line(panel, line, look, place - (len(lines) - 1) / 2, limits)
        if table["drawn"].iloc[0]:
            _draw_medians(panel, rows, axis)
        if labels and panel is axes[0]:
            name_levels(panel, names[0], lines)
        if level is not None:
            label = looks(names[1], panels)[level].label
            panel.set_title(label if isinstance(level, str | bool) else f"{factor_name(names[1])} {label}")
        panel.set_ylabel(metric.label)
        spread(labels, gap=24 if any("\n" in label.get_text() for label in labels) else 11)
    axes[0].set_ylim(*limits)
    measure(axes[0].yaxis, metric)
    return figure


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    """The range of the values with their intervals, and room around it."""
    low, high = window(table["mean"], reach=6 if table["drawn"].iloc[0] else 12)
    inside = table[(table["mean"] >= low) & (table["mean"] <= high)]
    low, high = float(inside[["mean", "low"]].min().min()), float(inside[["mean", "high"]].max().max())
    room = 0.08 * (high - low) or 0.01
    return low - 1.5 * room, high + room


def _draw_line(panel: Axes, line: pd.DataFrame, look: Look, aside: float, limits: tuple[float, float]) -> list[Any]:
    """The points of one line, and its label; `aside` moves the bars of several lines from each other."""
    axis, is_log, drawn = line["axis"].iloc[0], line.attrs["is_log"], bool(line["drawn"].iloc[0])
    line = line.sort_values(axis)
    x = line[axis].astype(float)
    low, high = limits
    inside = line["mean"].between(low, high)
    lost = line[(line["n_diverged"] > 0) | (~inside & line["mean"].notna()) | line["mean"].isna()]
    if drawn:
        panel.plot(x[inside], line["mean"][inside], look.marker, color=look.color, ms=4.5, alpha=0.75, mew=0)
    else:
        bars = line["low"].notna().any()
        if bars:
            x = x * (1 + 0.03 * aside) if is_log else x + 0.008 * aside * (x.max() - x.min())
        errors = [(line["mean"] - line["low"]).fillna(0), (line["high"] - line["mean"]).fillna(0)] if bars else None
        drawing = {"color": look.color, "ls": look.line, "marker": look.marker}
        panel.errorbar(x, line["mean"], yerr=errors, capsize=2, elinewidth=1, **drawing)
    foot = low + (0.03 + 0.02 * (aside + 1)) * (high - low)
    beyond = [high - (foot - low) if row > high else foot for row in lost["mean"]]
    panel.plot(lost[axis].astype(float), beyond, "x", color=look.color, ms=7, mew=2)
    if not line.attrs["by"] or not inside.any():
        return []
    # Of points the label stands at the edge, at the height of those nearest to it.
    last = line[inside].tail(3)["mean"].median() if drawn else line["mean"][inside].iloc[-1]
    end = panel.get_xlim()[1] if drawn else float(line[axis][inside].iloc[-1])
    text = look.label.replace("with ", "with\n").replace("without ", "without\n")
    return [line_label(panel, end, float(last), text, look.color)]


def _draw_medians(panel: Axes, rows: pd.DataFrame, axis: str) -> None:
    """Of drawn configurations the median of each fifth, or of each level where there are few."""
    medians = rows.groupby(binned(rows[axis]).to_numpy())[[axis, "mean"]].median().sort_values(axis)
    panel.plot(medians[axis], medians["mean"], color=INK, lw=1.2, alpha=0.8, zorder=1)


def _axis(axes: list[Axes], table: pd.DataFrame, axis: str) -> None:
    """The ticks, the name and the marks of the numeric axis."""
    levels = sorted(table[axis].dropna().astype(float).unique())
    is_log = table.attrs["is_log"]
    if table["drawn"].iloc[0]:
        room = 0.05 * (levels[-1] - levels[0])
        ends = (0.9 * levels[0], 1.1 * levels[-1]) if is_log else (levels[0] - room, levels[-1] + room)
        axes[0].set_xlim(*ends)
    if is_log:
        axes[0].set_xscale("log")
        ticks = [step * 10.0**power for power in range(-9, 10) for step in (1, 2, 5)]
        drawn = table["drawn"].iloc[0] and len(levels) > MAX_LINES
        log_ticks(axes[-1].xaxis, [t for t in ticks if levels[0] <= t <= levels[-1]] if drawn else levels)
    elif len(levels) <= 2 * MAX_LINES:
        ticks = [levels[0]]
        for level in levels[1:]:
            if level - ticks[-1] >= 0.11 * (levels[-1] - levels[0]):
                ticks.append(level)
        axes[-1].set_xticks(ticks, [level_text(int(tick) if tick == int(tick) else tick) for tick in ticks])
    for name, (low, high) in table.attrs["marks"].items():
        centre = (low * high) ** 0.5 if is_log else (low + high) / 2
        axes[0].annotate(
            name.replace(" of ", " of\n") if len(axes) > 1 else name,
            (centre, 0.03),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            color=MUTED,
            fontsize=8.5,
        )
    axes[-1].set_xlabel(axis_text(axis, is_log=is_log))


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    metric = metric_of(table)
    if table["drawn"].iloc[0]:
        text = f"{count(len(table), 'configuration')}, each a point; line: medians of fifths (of levels, if few)."
    else:
        n_units = sorted(set(table["n_units"]))
        each = f"{n_units[0]}" if len(n_units) == 1 else f"{n_units[0]} to {n_units[-1]}"
        method = table["method"].iloc[int(table["n_units"].argmax())]
        bars = f"Bars: {INTERVAL} over {each} replicates ({method})" if n_units[-1] > 1 else "One seed, so no interval"
        text = f"{count(int(table['n_runs'].sum()), 'run')}. {bars}."
    low, high = _limits(table)
    outside = int((~table["mean"].between(low, high) & table["mean"].notna()).sum())
    if (diverged := int(table["n_diverged"].sum())) or outside:
        text += f" × marks where a run diverged ({diverged}) or the value lies outside the axis ({outside})."
    if table["drawn"].iloc[0]:
        return text
    best = table.iloc[int(np.nanargmax(table["validation_accuracy"].to_numpy()))]
    words = ", ".join(f"{factor_name(name)} {level_text(best[name])}" for name in (best["axis"], *table.attrs["by"]))
    return f"{text} Best on validation: {words}, with {metric.label} {metric.show(best['mean'])}."
