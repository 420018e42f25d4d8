"""Successive halving from small training sets to the full one: do the rungs rank the candidates alike?"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.statistics.intervals import MIN_BOOTSTRAP, Interval
from analysis.statistics.ranks import kendall_interval
from analysis.tables import NotApplicableError, StudyMissingError, Tables
from analysis.wording import count, interval_text, number_text

FULL = "mlp-random"
"""The study that trains the same candidates in full: the same space, drawn from the same seed."""


def rungs(tables: Tables) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Validation accuracy of each candidate at each rung it reached, and the runs behind it.

    Returns:
        One row per candidate and rung (`candidate`, `rung`, `images`, `epochs`, `accuracy`); and the complete runs.
    """
    runs = tables.complete("mlp-fidelity", full_fidelity=False)
    ladder = pd.DataFrame(list(runs["attributes"]), index=runs.index)
    if not {"candidate", "rung", "n_rungs"} <= set(ladder.columns):
        raise NotApplicableError("trials of mlp-fidelity do not say which candidate and rung they are")
    images = runs["train_images"].astype(float).fillna(runs["n_train"].astype(float))
    runs = runs.assign(candidate=ladder["candidate"], rung=ladder["rung"], images=images)
    grouped = runs.groupby(["candidate", "rung"])
    table = grouped.agg(
        images=("images", "max"), epochs=("epochs", "max"), accuracy=("validation_accuracy", "mean")
    ).reset_index()
    if table["rung"].nunique() < 2:
        raise NotApplicableError("runs of mlp-fidelity must be complete on at least two rungs, but they are on one")
    return table, runs


@dataclass(frozen=True)
class Agreement:
    """How the ranking on the smallest training set compares with that on a larger one.

    Attributes:
        correlation: Kendall's τ-b with its interval over candidates.
        larger: The larger training in words: `50,000 images for 5 epochs in mlp-random`.
        is_whole: Whether all candidates are compared, and not only those that successive halving let go on.
        pairs: `candidate`, `low` and `high`, the validation accuracies on the smallest and the larger set.
        run_ids: The runs of the larger training, where they are another study's.
    """

    correlation: Interval
    larger: str
    is_whole: bool
    pairs: pd.DataFrame
    run_ids: tuple[int, ...] = ()


def agreement(tables: Tables, table: pd.DataFrame, runs: pd.DataFrame) -> Agreement:
    """Kendall's τ-b of the smallest rung with a larger training.

    Best with the random search, which trains the same candidates in full where it has the same seed. Else with the
    highest rung that enough candidates reached: those are the best on the smallest rung, whose differences there are
    small, so that the correlation tends to be lower than over all.

    Raises:
        NotApplicableError: Fewer than two candidates were trained twice.
    """
    wide = table.pivot(index="candidate", columns="rung", values="accuracy")
    first = int(wide.columns.min())
    low = wide[first].dropna()
    twins = trained_in_full(tables, runs)
    shared = twins[twins["candidate"].isin(low.index)]
    if len(shared) >= MIN_BOOTSTRAP:
        pairs = pd.DataFrame(
            {"candidate": shared["candidate"], "low": low[shared["candidate"]].to_numpy(), "high": shared["accuracy"]}
        )
        larger = f"{size_text(shared['images'].max(), shared['epochs'].max())} in {FULL}"
        run_ids = tuple(int(run_id) for ids in shared["run_ids"] for run_id in ids)
        return Agreement(_kendall(pairs), larger, len(pairs) == len(low), pairs, run_ids)
    reached = wide[wide[first].notna()].notna().sum()
    n_shared = {rung: int(reached[rung]) for rung in sorted(set(table["rung"])) if rung != first}
    enough = [rung for rung, n in n_shared.items() if n >= MIN_BOOTSTRAP]
    second = max(enough) if enough else max(n_shared, key=lambda rung: n_shared[rung])
    both = wide[[first, second]].dropna()
    if len(both) < 2:
        raise NotApplicableError("at least two candidates must have reached two rungs of mlp-fidelity")
    pairs = both.set_axis(["low", "high"], axis=1).reset_index()
    size = table[table["rung"] == second].iloc[0]
    return Agreement(_kendall(pairs), size_text(size["images"], size["epochs"]), len(both) == len(low), pairs)


def trained_in_full(tables: Tables, runs: pd.DataFrame) -> pd.DataFrame:
    """The candidates that the random search has too: `candidate`, `accuracy`, `images`, `epochs`, `run_ids`.

    Two configurations are one candidate where all but training images and epochs agree.
    """
    try:
        full = tables.complete(FULL)
    except StudyMissingError:
        return pd.DataFrame(columns=["candidate", "accuracy", "images", "epochs", "run_ids"])
    candidates = {_identity(config): int(c) for config, c in zip(runs["config"], runs["candidate"], strict=True)}
    images = full["train_images"].astype(float).fillna(full["n_train"].astype(float))
    known = [candidates.get(_identity(config), -1) for config in full["config"]]
    full = full.assign(candidate=known, images=images)
    full = full[full["candidate"] >= 0]
    found = full.groupby("candidate").agg(
        accuracy=("validation_accuracy", "mean"),
        images=("images", "max"),
        epochs=("epochs", "max"),
        run_ids=("run_id", list),
    )
    return found.reset_index()


def _identity(config: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in config.items() if name not in ("train_images", "epochs")}
    return json.dumps(kept, sort_keys=True)


def size_text(images: float, epochs: float) -> str:
    """How much a training was, in words: `5,000 images for 2 epochs`."""
    return f"{int(images):,} images for {count(int(epochs), 'epoch')}"


def cost(table: pd.DataFrame) -> float:
    """Images trained on, as a share of what all candidates at the highest rung would have needed."""
    work = table["images"] * table["epochs"]
    return float(work.sum() / (work.max() * table["candidate"].nunique()))


def _kendall(pairs: pd.DataFrame) -> Interval:
    return kendall_interval(pairs["low"].to_numpy(), pairs["high"].to_numpy())


def place_of_winner(table: pd.DataFrame) -> tuple[int, int]:
    """The rank on the smallest rung of the candidate that is best on the highest one, and of how many."""
    last = table[table["rung"] == table["rung"].max()]
    winner = last["candidate"].iloc[int(last["accuracy"].argmax())]
    first = table[table["rung"] == table["rung"].min()].set_index("candidate")["accuracy"]
    return int((first > first[winner]).sum()) + 1, len(first)


def describe_agreement(found: Interval) -> str:
    """Kendall's correlation with its interval, in words."""
    if not found.known:
        return f"{number_text(found.estimate)} (too few candidates for an interval)"
    return f"{number_text(found.estimate)} ({interval_text(found.low, found.high)})"
