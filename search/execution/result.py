"""What came of a study."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StudyResult:
    """What a call of `run_study` did.

    Attributes:
        study: name in the database.
        n_trials: trials the study has now that its file asks for; all further counts are of these.
        n_left_aside: trials it has that the file does not ask for.
        n_complete: of these, those whose runs are all complete.
        n_started: runs this call had in training.
        n_trained: of these, those that are complete.
        n_failed: runs that failed in this call; their errors are in the database.
        n_diverged: trials whose loss stopped being finite.
        n_pruned: trials that were stopped early because others were better by then.
        interrupted: whether a signal stopped it.
        given_up: whether it did so before the segments in training had ended; threads are still at them then, and
            what they find is dropped.
        out_of_time: whether the time budget ended before the plan.
        recovered: the file that holds all results, where the database was deleted or replaced; that ends the study.
        not_saved: what could not be saved, and why, in words; that ends it too, after five minutes.
        seconds: wall time.
        storage_seconds: of these, time spent writing the database and the mirror.
    """

    study: str
    n_trials: int
    n_left_aside: int
    n_complete: int
    n_started: int
    n_trained: int
    n_failed: int
    n_diverged: int
    n_pruned: int
    interrupted: bool
    given_up: bool
    out_of_time: bool
    recovered: str | None
    not_saved: str | None
    seconds: float
    storage_seconds: float
