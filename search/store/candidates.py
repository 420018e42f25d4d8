"""The ranking of a study's trials with their configurations, for whoever trains them again."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping

from analysis.selection import choose
from engine.configuration import Configuration
from engine.errors import DigitsweepError
from search.space import Params
from search.store import reading


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


def ranked_trials(connection: Connection, study: RowMapping) -> list[RankedTrial]:
    """The study's complete trials, best on validation first.

    Raises:
        NothingToSelectError: there is none.
    """
    choice = choose(map(dict, reading.selection_inputs(connection, study["study_id"])))
    if choice is None:
        raise NothingToSelectError(f"study {study['name']} has no complete run yet to select from")
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
