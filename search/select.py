"""Selection: the trials ranked on validation, the best one frozen, and only then its test value read."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping

from analysis.conditions import inactive, stated
from analysis.selection_rule import Choice, choose
from engine.configuration import Configuration
from engine.errors import DigitsweepError
from search.spec.space import Params
from search.store import reading, writing


class NothingToSelectError(DigitsweepError, ValueError):
    """A study without a complete run."""


@dataclass(frozen=True)
class RankedTrial:
    """A trial of a study with what selection knows of it.

    Attributes:
        study: the study's name.
        trial_number: from 0.
        configuration: what it trained.
        params: the searched hyperparameters.
        validation_accuracy: mean over its runs, each at the evaluation it is read at.
    """

    study: str
    trial_number: int
    configuration: Configuration
    params: Params
    validation_accuracy: float


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
        left_aside: trials in the database that the study's file does not ask for.
        validation_n: images a validation accuracy is a mean over.
    """

    study: str
    dataset: str
    selection_id: int
    choice: Choice
    params: dict[int, dict[str, Any]]
    test_accuracies: list[float]
    unfinished: int
    left_aside: int
    validation_n: int

    @property
    def test_accuracy(self) -> float:
        """Mean over the selected trial's runs."""
        return fmean(self.test_accuracies)


def rank_trials(connection: Connection, study: RowMapping) -> list[RankedTrial]:
    """The study's complete trials, best on validation first.

    Raises:
        NothingToSelectError: there is none.
    """
    choice = _choose(connection, study)
    trials = {row["trial_id"]: row for row in reading.study_trials(connection, study["study_id"])}
    return [
        RankedTrial(
            study=study["name"],
            trial_number=candidate.trial_number,
            configuration=Configuration(**trials[candidate.trial_id]["config"]),
            params=trials[candidate.trial_id]["params"],
            validation_accuracy=candidate.validation_accuracy,
        )
        for candidate in choice.ranking
    ]


def select(sql: Engine, study: str) -> Selected:
    """Choose from validation alone, freeze the choice, then read the test value of the chosen trial.

    The same inputs give the same frozen row again instead of a second one, whoever else selects meanwhile.

    Raises:
        NoSuchStudyError: no study of that name.
        NothingToSelectError: it has no complete run.
    """
    with sql.connect() as connection:
        row = reading.find_study(connection, study)
    with sql.begin() as connection:
        choice, selection_id = _freeze(connection, row)
    # The choice is in the database by now; nothing read from here on can change it.
    with sql.connect() as connection:
        trials = reading.study_trials(connection, row["study_id"])
        return Selected(
            study=row["name"],
            dataset=row["dataset"],
            selection_id=selection_id,
            choice=choice,
            # From the configuration: a trial that an earlier space made has other names in its own `params`.
            params={t["trial_id"]: varied(row["spec"], t["config"]) for t in trials},
            test_accuracies=reading.test_accuracies(connection, choice.best.trial_id),
            unfinished=sum(t["state"] in ("waiting", "running", "interrupted") for t in trials if t["asked"]),
            left_aside=sum(not t["asked"] for t in trials),
            validation_n=row["n_validation"],
        )


def varied(spec: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's values of what its study varies; None where one does not exist in it."""
    missing = inactive(spec.get("when") or {}, config)
    names = [name for _, section in stated(spec) for name in sorted(section)]
    return {name: None if name in missing else config[name] for name in names}


def _choose(connection: Connection, study: RowMapping) -> Choice:
    choice = choose(map(dict, reading.selection_inputs(connection, study["study_id"])))
    if choice is None:
        raise NothingToSelectError(f"study {study['name']} has no complete run yet to select from")
    return choice


def _freeze(connection: Connection, study: RowMapping) -> tuple[Choice, int]:
    """The choice and its row, found or inserted; the study is held from before its values are read."""
    writing.hold_study(connection, study["study_id"])
    choice = _choose(connection, study)
    newest = reading.newest_selection(connection, study["study_id"])
    if newest is not None and newest["inputs_sha256"] == choice.inputs_sha256:
        return choice, newest["selection_id"]
    values = {
        "study_id": study["study_id"],
        "trial_id": choice.best.trial_id,
        "rule": choice.rule,
        "validation_accuracy": choice.best.validation_accuracy,
        "validation_loss": choice.best.validation_loss,
        "n_trials": len(choice.ranking),
        "n_runs": sum(c.n_runs for c in choice.ranking),
        "inputs_sha256": choice.inputs_sha256,
    }
    return choice, writing.add_selection(connection, values)
