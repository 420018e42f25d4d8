"""Tables that several figures share: which runs, and what they are called."""

import json
from collections.abc import Iterable
from typing import Any

import pandas as pd

from analysis.statistics import mean_curves
from analysis.tables import Tables, selected_trial

SPLIT_NAMES = ("train", "validation", "test")
REPORT_EPOCHS = 5
GRID_FACTORS = ("learning_rate", "momentum", "decay")


def with_runs(table: pd.DataFrame, run_ids: Iterable[Any]) -> pd.DataFrame:
    """Note the runs behind a table in its `attrs`, sorted and once each."""
    table.attrs["run_ids"] = tuple(sorted({int(run_id) for run_id in run_ids}))
    return table


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


def selected_runs(tables: Tables, study: str) -> pd.DataFrame:
    """The complete runs of the study's trial with the best validation accuracy."""
    runs = tables.complete(study)
    chosen: pd.DataFrame = runs[runs["trial_number"] == selected_trial(runs)["trial_number"]]
    return chosen


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


def decays(decay: pd.Series) -> pd.Series:
    """Whether a configuration lowers its learning rate at all."""
    return decay != "constant"


def describe(config: pd.Series) -> str:
    """A configuration in a few words, for captions."""
    rate = f"learning rate {config['learning_rate']:.3g}"
    momentum = "momentum" if config["momentum"] else "no momentum"
    if config["momentum"] and config["momentum_form"] == "heavy_ball":
        momentum = "heavy ball"
    decay = {"constant": "constant rate"}.get(config["decay"], str(config["decay"]).replace("_", " "))
    if config["hidden_layers"] == 0:
        return f"linear, {rate}, {momentum}, {decay}"
    shape = f"{int(config['hidden_layers'])} × {int(config['hidden_size'])} {config['activation']}"
    return ", ".join([shape, rate, momentum, decay, *_beyond_the_report(config)])


def _beyond_the_report(config: pd.Series) -> list[str]:
    """What the report did not have, where a configuration has it."""
    parts = []
    if config["epochs"] != REPORT_EPOCHS:
        parts.append(count(int(config["epochs"]), "epoch"))
    if config["batch_size"] > 1:
        parts.append(f"batches of {int(config['batch_size'])}")
    if config["dropout_input"] or config["dropout_hidden"]:
        parts.append(f"dropout {config['dropout_input']:.3g} (input) and {config['dropout_hidden']:.3g} (hidden)")
    if config["weight_decay"]:
        parts.append(f"weight decay {config['weight_decay']:.3g}")
    return parts


def count(number: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
