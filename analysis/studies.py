"""Which runs of a study answer a question: the selected ones, those of one factor, of the grid, of the report's MLP.

Tables ──▶ runs of one study, with the columns that a comparison needs ──▶ claims, figures
"""

import json
from collections.abc import Iterable
from typing import Any

import pandas as pd

from analysis.commands import CONFIRM
from analysis.statistics.curves import convergence, mean_curves
from analysis.statistics.pairs import Effect, paired_differences, paired_effect
from analysis.tables import SPLIT_NAMES, NotApplicableError, StudyMissingError, Tables, known
from analysis.trials import selected_trial
from analysis.wording import ACTIVATIONS

GRID_FACTORS = ("learning_rate", "momentum", "decay")
LOWERS_RATE = {"constant": False, "halve_on_decrease": True, "halve_on_increase": True, "cosine": True}
"""The schedules of the learning rate, and whether they ever lower it."""


def selected_runs(tables: Tables, study: str) -> pd.DataFrame:
    """The complete runs of the study's trial with the best validation accuracy."""
    runs = tables.complete(study)
    chosen: pd.DataFrame = runs[runs["trial_number"] == selected_trial(runs)["trial_number"]]
    return chosen


def best_runs(tables: Tables, *studies: str) -> pd.DataFrame:
    """Runs of the configuration selected on validation in the first of `studies` that is there.

    With fresh seeds where the selected configuration is confirmed, else those that selected it.

    Raises:
        StudyMissingError: None of the studies is there; it names the first.
    """
    for study in studies:
        try:
            runs = tables.complete(study)
        except StudyMissingError:
            continue
        number = selected_trial(runs)["trial_number"]
        again = confirmed(tables, study)
        fresh = None if again is None else again[again["source_trial_number"] == number]
        chosen: pd.DataFrame = runs[runs["trial_number"] == number]
        return chosen if fresh is None or fresh.empty else fresh
    raise StudyMissingError(studies[0], tables.commands.make(studies[0]))


def confirmed(tables: Tables, study: str) -> pd.DataFrame | None:
    """Complete confirmation runs of `study` with `source_trial_number` and `rank`, or None."""
    try:
        runs = tables.complete(f"{study}{CONFIRM}")
    except StudyMissingError:
        return None
    source = pd.DataFrame(list(runs["attributes"]), index=runs.index)
    return runs.assign(source_trial_number=source["source_trial_number"], rank=source["rank"])


def one_factor_runs(tables: Tables, study: str) -> pd.DataFrame:
    """The complete runs of a one-factor study, one trial per level; adds `factor`, `level`, `baseline` and `by`.

    Where each level was tried at several settings of a nuisance parameter, it is judged at its own best one on
    validation. `by` is text: the values for which the whole study was repeated.

    Raises:
        StudyMissingError: There is none.
    """
    runs = tables.complete(study)
    attributes = pd.DataFrame(list(runs["attributes"]), index=runs.index)
    by = attributes["by"] if "by" in attributes else pd.Series([{}] * len(runs), index=runs.index)
    runs = runs.assign(
        factor=attributes["factor"],
        level=attributes["level"],
        baseline=attributes["baseline"].astype(bool),
        by=[json.dumps(value, sort_keys=True) for value in by],
    )
    if "nuisance" not in attributes:
        return runs
    level = runs["level"].map(repr)
    kept = [selected_trial(group)["trial_number"] for _, group in runs.groupby(["factor", level, "by"], sort=False)]
    chosen: pd.DataFrame = runs[runs["trial_number"].isin(kept)]
    return chosen


_ONE_FACTOR = ("ofat-hidden-size", "ofat-activation", "ofat-depth", "ofat-momentum", "ofat-decay", "ofat-learning-rate")


def reported_runs(tables: Tables, activations: tuple[str, ...] = ("relu",)) -> pd.DataFrame:
    """Complete runs of the report's MLP (2 × 100, momentum, decay), from one study: one configuration per activation.

    Raises:
        StudyMissingError: No one-factor study holds them.
    """
    for study in _ONE_FACTOR:
        try:
            runs = one_factor_runs(tables, study)
        except StudyMissingError:
            continue
        shape = (
            (runs["hidden_layers"] == 2)
            & (runs["hidden_size"] == 100)
            & runs["momentum"].astype(bool)
            & decays(runs["decay"])
        )
        found = runs[shape & runs["activation"].isin(activations)]
        # One trial per activation: the first, which is the baseline or differs from it in the
        # activation only.
        first = found.groupby("activation")["trial_number"].transform("min")
        found = found[found["trial_number"] == first]
        if found["activation"].nunique() == len(activations):
            return found
    there = next((study for study in _ONE_FACTOR if study in tables.studies), None)
    if there is None:
        raise StudyMissingError(_ONE_FACTOR[0], tables.commands.make(_ONE_FACTOR[0]))
    wanted = " and ".join(known(ACTIVATIONS, activation, "activation").name for activation in activations)
    reason = f"has no complete run of 2 × 100 units with {wanted}, momentum and decay"
    raise StudyMissingError(there, tables.commands.make(there), reason)


def decays(decay: pd.Series) -> pd.Series:
    """Whether a configuration lowers its learning rate at all."""
    return decay.map(lambda name: known(LOWERS_RATE, name, "decay")).astype(bool)


def grid_runs(tables: Tables) -> pd.DataFrame:
    """Complete runs of the linear grid with their convergence and whether they decay."""
    runs = tables.complete("linear-grid")
    runs = runs.merge(convergence(tables.curves_of(runs)), on="run_id")
    return runs.assign(decays=decays(runs["decay"]))


def grid_effect(tables: Tables, factor: str, value: str) -> tuple[pd.DataFrame, Effect]:
    """Paired differences (with − without) of a switch in the linear grid, and their summary.

    Raises:
        NotApplicableError: No pair is complete.
    """
    runs = grid_runs(tables)
    match = [name for name in ("learning_rate", "momentum", "decays") if name != factor]
    pairs = paired_differences(runs, factor, (True, False), value, match)
    if pairs.empty:
        raise NotApplicableError(f"no two complete runs of linear-grid differ in {factor} only")
    # Runs at one learning rate go alike whatever the third factor (their differences correlate at 0.8), so with few
    # replicates it is the rates that count as independent, not all configurations.
    return pairs, paired_effect(pairs, ["learning_rate"])


def split_curves(tables: Tables, runs: pd.DataFrame, by: list[str] | None = None) -> pd.DataFrame:
    """Mean loss and accuracy of `runs` on the three splits, with intervals over runs.

    Args:
        tables: Where the curves are.
        runs: The runs averaged.
        by: Columns of `runs` that define groups.

    Returns:
        One row per group, metric (`loss` in nats, `accuracy`), split and k.
    """
    by = by or []
    curves = tables.curves_of(runs).merge(runs[["run_id", *by]], on="run_id")
    parts = [
        mean_curves(curves.assign(metric=metric, split=split), f"{split}_{metric}", [*by, "metric", "split"])
        for metric in ("loss", "accuracy")
        for split in SPLIT_NAMES
    ]
    return with_runs(pd.concat(parts, ignore_index=True), runs["run_id"])


def with_runs(table: pd.DataFrame, run_ids: Iterable[Any]) -> pd.DataFrame:
    """Note the runs behind a table in its `attrs`, sorted and once each."""
    table.attrs["run_ids"] = tuple(sorted({int(run_id) for run_id in run_ids}))
    return table
