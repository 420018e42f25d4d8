"""One factor at a time: what each change to the baseline does, in pairs with the same seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.errors import NotApplicableError, NothingThereError
from analysis.figures.design import ids, measured, metric_of, model_of, title_of
from analysis.figures.requests import OneFactor
from analysis.figures.style import INK, MODELS, MUTED, SHADE, new_figure, unit_of
from analysis.metrics import METRICS
from analysis.studies import Studies, Study, with_runs
from analysis.wording import INTERVAL, level_name, signed_points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FAR = 8
"""How many times as far from zero as the next level one may lie before it is off the scale."""


def offers(study: Study, _studies: Studies) -> list[OneFactor]:
    """One, of a study of one factor at a time."""
    return [OneFactor()] if study.driver == "ofat" else []


def title(_study: Study, request: OneFactor) -> str:
    """Its heading."""
    return f"One factor at a time: {title_of(request.metric).lower()}"


def table(study: Study, studies: Studies, request: OneFactor) -> pd.DataFrame:
    """One row per level but the baseline: the mean difference to it over replicates.

    Raises:
        NotApplicableError: The study does not vary one factor at a time, or no level has a pair.
    """
    parts = [_compared(study, request.metric)]
    for name in request.beside:
        try:
            parts.append(_compared(studies.beside(study, name), request.metric))
        except NothingThereError:
            continue  # what is not there is asked for by the study's own page
    out = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    if out.empty:
        raise NotApplicableError(f"no level of study {study.name} has a pair with its baseline")
    return with_runs(out.assign(metric=request.metric, model=model_of(study)), ids([out]))


def _compared(study: Study, metric: str) -> pd.DataFrame:
    """One row per level of a study but its baseline."""
    if study.driver != "ofat":
        raise NotApplicableError(f"one factor at a time needs driver ofat, but study {study.name} has {study.driver}")
    runs = measured(study, study.settled, metric)
    attributes = pd.DataFrame(list(runs["attributes"]), index=runs.index)
    # As text: a mapping cannot be merged by.
    runs = runs.assign(by=attributes["by"].map(str), factor=attributes["factor"], level=attributes["level"])
    is_baseline = attributes["baseline"].astype(bool)
    kept = ["by", "replicate", "value", "run_id"]
    base = runs.loc[is_baseline, kept].rename(columns={name: f"{name}_base" for name in kept[2:]})
    rows: list[dict[str, object]] = []
    changed = runs[~is_baseline]
    for _, group in changed.groupby(["factor", changed["level"].map(str)], sort=False):
        factor = str(group["factor"].iloc[0])
        pairs = group.merge(base, on=["by", "replicate"])
        if pairs.empty:
            continue
        # Replicates are what is independent: those of the same seed in several repetitions are averaged first.
        interval = study.replicated.interval((pairs["value"] - pairs["value_base"]).groupby(pairs["replicate"]).mean())
        rows.append(
            {
                "study": study.base_name,
                "factor": factor,
                "level": level_name(factor, group["level"].iloc[0]),
                "baseline": level_name(factor, runs.loc[is_baseline, factor].iloc[0]),
                "difference": interval.estimate,
                "low": interval.low,
                "high": interval.high,
                "n_pairs": interval.n,
                "method": interval.method,
                "resolution": METRICS[metric].resolution(
                    runs[runs["run_id"].isin([*pairs["run_id"], *pairs["run_id_base"]])]
                ),
                "run_ids": [*pairs["run_id"].tolist(), *pairs["run_id_base"].tolist()],
            }
        )
    return pd.DataFrame(rows)


def off_scale(table: pd.DataFrame) -> pd.Series[bool]:
    """Which levels lie so far out that an axis with room for them would hide all others.

    These are the farthest, at most a third of all, down to the first that is more than `FAR` times as far from zero
    as the next one.
    """
    extent = table[["difference", "low", "high"]].abs().max(axis=1)
    ordered = extent.sort_values(ascending=False)
    for n_far in range(1, len(ordered) // 3 + 1):
        if ordered.iloc[n_far - 1] > FAR * ordered.iloc[n_far]:
            return pd.Series(extent.index.isin(ordered.index[:n_far]), index=table.index)
    return pd.Series(False, index=table.index)


def draw(table: pd.DataFrame) -> Figure:
    """A forest plot: one line per level, zero is the baseline of its factor.

    A level that is off the scale has an arrow at the edge, and its value in words.
    """
    look, metric = MODELS[table["model"].iloc[0]], metric_of(table)
    figure, (panel,) = new_figure(height=0.31 * len(table) + 1.3)
    panel.axvline(0, color=INK, lw=1)
    places = np.arange(len(table)) + 0.5 * (table["factor"] != table["factor"].shift()).cumsum().to_numpy()
    # Each level has the band of its own runs: what one binomial error hides.
    band = 100 * table["resolution"].to_numpy(dtype=np.float64)
    if band.any():
        panel.barh(places, 2 * band, height=1.0, left=-band, color=SHADE, alpha=0.2, lw=0, zorder=0)
    far = off_scale(table).to_numpy()
    near = table[~far]
    panel.hlines(places[~far], metric.scale * near["low"], metric.scale * near["high"], color=look.color, lw=2)
    panel.plot(metric.scale * near["difference"], places[~far], look.marker, color=look.color, ms=6)
    for place, difference in zip(places[far], table.loc[far, "difference"], strict=True):
        below = difference < 0
        text = (
            f"{signed_points(difference, 1)} points" if metric.kind == "share" else metric.show_difference(difference)
        )
        edge, at = (0.0, 0.14) if below else (1.0, 0.86)
        panel.annotate(
            text,
            (edge, place),
            xytext=(at, place),
            xycoords=("axes fraction", "data"),
            textcoords=("axes fraction", "data"),
            arrowprops={"arrowstyle": "-|>", "color": look.color, "lw": 2},
            color=look.color,
            ha="left" if below else "right",
            va="center",
            fontsize=8,
        )
    panel.set_yticks(places, table["level"])
    opens = table["factor"] != table["factor"].shift()
    for place, baseline, is_first in zip(places, table["baseline"], opens, strict=True):
        if is_first:
            panel.annotate(
                f"against {baseline}",
                (1.01, place),
                xycoords=("axes fraction", "data"),
                fontsize=8,
                color=MUTED,
                va="center",
            )
    panel.set_ylim(places[-1] + 0.7, places[0] - 0.7)
    panel.grid(visible=False, axis="y")
    panel.set_xlabel(f"difference in {metric.label.partition(' (')[0]} ({unit_of(metric)})")
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    low, high = int(table["n_pairs"].min()), int(table["n_pairs"].max())
    pairs = f"{low}" if low == high else f"{low} to {high}"
    bars = f"bars: {INTERVAL}s" if high > 1 else "one pair each, so no interval"
    text = f"Mean of {pairs} pairs of runs with the same seeds per level; {bars}."
    if table["resolution"].any():
        text += " Inside the grey band a difference is smaller than one binomial standard error of an accuracy."
    return text + (" An arrow points to a level beyond the axis." if off_scale(table).any() else "")
