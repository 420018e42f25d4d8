"""Successive halving from small training sets to the full one: do the rungs rank the candidates alike?"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.errors import NotApplicableError
from analysis.statistics.intervals import MIN_BOOTSTRAP, Interval
from analysis.statistics.ranks import kendall_interval
from analysis.studies import Study
from analysis.wording import count, interval_text, number_text


def has_rungs(study: Study) -> bool:
    """Whether the study's trials climb from a cheap training to a full one."""
    return bool(study.spec.get("fidelity"))


def rungs(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Validation accuracy of each candidate at each rung it reached, and the runs behind it.

    A study that trains every configuration at once has one rung, on which each of its trials is a candidate.

    Returns:
        One row per candidate and rung (`candidate`, `rung`, `images`, `epochs`, `accuracy`); and the complete runs.

    Raises:
        NotApplicableError: Runs are on one rung only of a study that has several.
    """
    runs = study.complete_at_any_fidelity
    ladder = pd.DataFrame({"candidate": runs["trial_number"], "rung": 0}, index=runs.index)
    if has_rungs(study):
        ladder = pd.DataFrame(list(runs["attributes"]), index=runs.index)
        if ladder["rung"].nunique() < 2:
            raise NotApplicableError(
                f"runs of {study.name} must be complete on at least two rungs, but they are on one"
            )
    runs = runs.assign(candidate=ladder["candidate"], rung=ladder["rung"], images=_images(runs))
    grouped = runs.groupby(["candidate", "rung"])
    table = grouped.agg(
        images=("images", "max"), epochs=("epochs", "max"), accuracy=("validation_accuracy", "mean")
    ).reset_index()
    return table, runs


@dataclass(frozen=True)
class Agreement:
    """How the ranking on the smallest training set compares with that on a larger one.

    Attributes:
        correlation: Kendall's τ-b with its interval over candidates.
        smaller: The smallest training in words: `5,000 examples for 2 epochs`.
        larger: The larger training in words, with the study where it is another one.
        is_whole: Whether all candidates are compared, and not only those that successive halving let go on.
        pairs: `candidate`, `low` and `high`, the validation accuracies on the smallest and the larger set.
        run_ids: The runs of the larger training, where they are another study's.
    """

    correlation: Interval
    smaller: str
    larger: str
    is_whole: bool
    pairs: pd.DataFrame
    run_ids: tuple[int, ...] = ()


def agreement(study: Study, table: pd.DataFrame, runs: pd.DataFrame, other: Study | None = None) -> Agreement:
    """Kendall's τ-b of the smallest rung with a larger training.

    Best with another study that trains the same candidates in full (a random one with the same space and seed). Else
    with the highest rung that enough candidates reached: those are the best on the smallest rung, whose differences
    there are small, so that the correlation tends to be lower than over all.

    Args:
        study: The study.
        table: Of `rungs`.
        runs: The runs behind it.
        other: The study that trains the same candidates in full.

    Raises:
        NotApplicableError: Fewer than two candidates were trained twice.
    """
    wide = table.pivot(index="candidate", columns="rung", values="accuracy")
    first = int(wide.columns.min())
    low = wide[first].dropna()
    small = table[table["rung"] == first]
    smaller = size_text(small["images"].max(), small["epochs"].max())
    n_needed = MIN_BOOTSTRAP if wide.shape[1] > 1 else 2
    shared = trained_in_full(other, runs, low.index) if other is not None else None
    if shared is not None and other is not None and len(shared) >= n_needed:
        pairs = pd.DataFrame(
            {"candidate": shared["candidate"], "low": low[shared["candidate"]].to_numpy(), "high": shared["accuracy"]}
        )
        larger = f"{size_text(shared['images'].max(), shared['epochs'].max())} in {other.name}"
        run_ids = tuple(int(run_id) for ids in shared["run_ids"] for run_id in ids)
        return Agreement(_kendall(pairs), smaller, larger, len(pairs) == len(low), pairs, run_ids)
    reached = wide[wide[first].notna()].notna().sum()
    n_shared = {rung: int(reached[rung]) for rung in sorted(set(table["rung"])) if rung != first}
    if not n_shared:
        raise NotApplicableError(f"at least two configurations of {study.name} must be in the other study too")
    enough = [rung for rung, n in n_shared.items() if n >= MIN_BOOTSTRAP]
    second = max(enough) if enough else max(n_shared, key=lambda rung: n_shared[rung])
    both = wide[[first, second]].dropna()
    if len(both) < 2:
        raise NotApplicableError(f"at least two candidates must have reached two rungs of {study.name}")
    pairs = both.set_axis(["low", "high"], axis=1).reset_index()
    size = table[table["rung"] == second].iloc[0]
    larger = size_text(size["images"], size["epochs"])
    return Agreement(_kendall(pairs), smaller, larger, len(both) == len(low), pairs)


def trained_in_full(other: Study, runs: pd.DataFrame, candidates: pd.Index) -> pd.DataFrame:
    """The candidates that another study has too: `candidate`, `accuracy`, `images`, `epochs`, `run_ids`.

    Two configurations are one candidate where all but training images and epochs agree.
    """
    of = {_identity(config): int(c) for config, c in zip(runs["config"], runs["candidate"], strict=True)}
    full = other.complete
    full = full.assign(candidate=[of.get(_identity(config), -1) for config in full["config"]], images=_images(full))
    found = full[full["candidate"].isin(candidates)].groupby("candidate")
    return found.agg(
        accuracy=("validation_accuracy", "mean"),
        images=("images", "max"),
        epochs=("epochs", "max"),
        run_ids=("run_id", list),
    ).reset_index()


def _images(runs: pd.DataFrame) -> pd.Series:
    return runs["train_images"].astype(float).fillna(runs["n_train"].astype(float))


def _identity(config: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in config.items() if name not in ("train_images", "epochs")}
    return json.dumps(kept, sort_keys=True)


def size_text(images: float, epochs: float) -> str:
    """How much a training was, in words: `5,000 examples for 2 epochs`."""
    return f"{int(images):,} examples for {count(int(epochs), 'epoch')}"


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
