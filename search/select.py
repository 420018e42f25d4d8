"""Freezing a choice: the selection rule applied to validation values, stored, and only then the test read."""

from dataclasses import dataclass
from statistics import fmean
from typing import Any

from sqlalchemy import Engine

from analysis.selection import Choice, choose
from search.store import reading, writing
from search.store.candidates import NothingToSelectError


@dataclass(frozen=True)
class Selected:
    """A frozen choice with the test values that were read after it.

    Attributes:
        study: name.
        dataset: its data.
        selection_id: key of the frozen row.
        choice: the choice with the whole ranking.
        params: searched hyperparameters by trial_id.
        test_accuracies: of the selected trial's runs, by replicate.
        unfinished: trials of the study that have not ended.
        validation_n: images a validation accuracy is a mean over.
    """

    study: str
    dataset: str
    selection_id: int
    choice: Choice
    params: dict[int, dict[str, Any]]
    test_accuracies: list[float]
    unfinished: int
    validation_n: int

    @property
    def test_accuracy(self) -> float:
        """Mean over the selected trial's runs."""
        return fmean(self.test_accuracies)


def select(engine: Engine, study: str) -> Selected:
    """Choose from validation alone, freeze the choice, then read the test value of the chosen trial.

    The same inputs give the same frozen row again instead of a second one.

    Raises:
        NoSuchStudyError: no study of that name.
        NothingToSelectError: it has no complete run.
    """
    with engine.begin() as connection:
        row = reading.find_study(connection, study)
        choice = choose(map(dict, reading.selection_inputs(connection, row["study_id"])))
        if choice is None:
            raise NothingToSelectError(f"study {row['name']} has no complete run yet to select from")
        newest = reading.newest_selection(connection, row["study_id"])
        if newest is not None and newest["inputs_sha256"] == choice.inputs_sha256:
            selection_id = newest["selection_id"]
        else:
            selection_id = writing.add_selection(
                connection,
                {
                    "study_id": row["study_id"],
                    "trial_id": choice.best.trial_id,
                    "rule": choice.rule,
                    "validation_accuracy": choice.best.validation_accuracy,
                    "validation_loss": choice.best.validation_loss,
                    "n_trials": len(choice.ranking),
                    "n_runs": sum(c.n_runs for c in choice.ranking),
                    "inputs_sha256": choice.inputs_sha256,
                },
            )
    # The choice is in the database by now; nothing read from here on can change it.
    with engine.connect() as connection:
        trials = reading.study_trials(connection, row["study_id"])
        return Selected(
            study=row["name"],
            dataset=row["dataset"],
            selection_id=selection_id,
            choice=choice,
            params={t["trial_id"]: t["params"] for t in trials},
            test_accuracies=reading.test_accuracies(connection, choice.best.trial_id),
            unfinished=sum(t["state"] in ("waiting", "running", "interrupted") for t in trials),
            validation_n=row["n_validation"],
        )
