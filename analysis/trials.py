"""The trials of a study: replicates averaged, which is best, what is not finished."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.selection_rule import choose
from analysis.tables import SPLIT_NAMES

_NOT_FINISHED = ("running", "interrupted", "waiting")


def by_trial(runs: pd.DataFrame) -> pd.DataFrame:
    """Complete runs averaged over their replicates: one row per trial, with the number of runs and their ids.

    The configuration's columns are kept as they are (they agree within a trial).
    """
    scores = [f"{split}_{name}" for split in SPLIT_NAMES for name in ("accuracy", "loss")]
    grouped = runs.groupby("trial_number", sort=True)
    means = grouped[scores].mean()
    first = grouped.first().drop(columns=[*scores, "run_id", "replicate", "seed"])
    first["n_runs"] = grouped.size()
    first["run_ids"] = grouped["run_id"].agg(list)
    return first.join(means).reset_index()


def ranked_trials(runs: pd.DataFrame) -> pd.DataFrame:
    """`by_trial`, best first by the project's one rule of selection, which sees validation alone.

    As in `v_selection_inputs`, trials with a run that did not complete are not candidates (unless no other
    is there).
    """
    candidates = runs[runs["trial_state"] == "complete"]
    candidates = runs if candidates.empty else candidates
    seen = ["trial_id", "trial_number", "run_id", "validation_accuracy", "validation_loss", "read_at"]
    rows: list[Any] = candidates[seen].assign(k=candidates["read_k"]).to_dict("records")
    choice = choose(rows)
    if choice is None:
        raise ValueError("runs must hold at least one complete run, but got none")
    order = [candidate.trial_number for candidate in choice.ranking]
    return by_trial(candidates).set_index("trial_number").loc[order].reset_index()


def selected_trial(runs: pd.DataFrame) -> pd.Series:
    """The trial chosen on validation: the first of `ranked_trials`."""
    return ranked_trials(runs).iloc[0]


def n_candidates(runs: pd.DataFrame) -> int:
    """Configurations that a study compared; one that was trained at several fidelities counts once."""
    attributes = pd.DataFrame(list(runs["attributes"]), index=runs.index)
    return int((attributes["candidate"] if "candidate" in attributes else runs["trial_number"]).nunique())


@dataclass(frozen=True)
class Unfinished:
    """What is not over in a study: runs under way, trials without a run, runs that failed."""

    open_runs: int
    missing_trials: int
    failed_runs: int

    def __bool__(self) -> bool:
        return bool(self.open_runs or self.missing_trials or self.failed_runs)


def unfinished(runs: pd.DataFrame) -> Unfinished:
    """What is not over among all runs of a study.

    A trial without a run does not appear in the views; a gap in the trial numbers shows it.
    """
    is_open = runs["state"].isin(_NOT_FINISHED) | runs["trial_state"].isin(_NOT_FINISHED)
    return Unfinished(
        int(is_open.sum()),
        int(runs["trial_number"].max()) + 1 - runs["trial_number"].nunique(),
        int((runs["state"] == "failed").sum()),
    )
