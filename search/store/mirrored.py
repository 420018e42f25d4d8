"""What the mirrors of a study in Optuna's tables have in common: trials as they are shown, states, distributions."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from search.spec.space import Params, Space, Value
from search.store.distributions import choose_distribution, choose_distributions, widened

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

STATES = {
    "waiting": "WAITING",
    "running": "RUNNING",
    "interrupted": "WAITING",
    "complete": "COMPLETE",
    "pruned": "PRUNED",
    "diverged": "FAIL",
    "failed": "FAIL",
}
ENDED = ("COMPLETE", "PRUNED", "FAIL")


@dataclass
class MirroredTrial:
    """A trial as it is to stand in Optuna's tables.

    Attributes:
        number: the trial's number, the same on both sides.
        params: the searched hyperparameters.
        state: our state; Optuna's follows from it.
        curve: validation accuracy by k, mean over the replicates that got there.
        value: validation accuracy the trial ended with; of a pruned one, where it stood; None for others.
        attributes: what the dashboard shows beside the trial.
    """

    number: int
    params: Params
    state: str
    curve: Mapping[int, float] = field(default_factory=dict)
    value: float | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


Say = Callable[[str], None]


class Mirror(ABC):
    """One study's trials in Optuna's tables.

    Args:
        name: of the study.
        space: its axes.
        stored: Optuna's distributions of the trials that are there already, by name, in the order of the trials.
        states: of these trials, by number, in Optuna's words.
        make: makes the study, where it is not there; gives Optuna's number of it.
        say: takes lines for a person.
    """

    def __init__(
        self,
        name: str,
        space: Space,
        stored: "Iterable[Mapping[str, BaseDistribution]]",
        states: Mapping[int, str],
        make: Callable[[], int],
        say: Say,
    ) -> None:
        self._name, self._make, self._say = name, make, say
        self._said: set[str] = set()
        self._states = dict(states)
        self._distributions: dict[str, BaseDistribution] = {}
        for distributions in (*stored, choose_distributions(space)):
            for axis, distribution in distributions.items():
                known = self._distributions.get(axis)
                if known != distribution:
                    self._distributions[axis] = widened(known, distribution) if known else distribution

    def is_behind(self, number: int, state: str) -> bool:
        """Whether a trial of ours, now in `state`, stands otherwise in Optuna's tables, or not at all."""
        return self._states.get(number) != STATES[state]

    @abstractmethod
    def project(self, connection: Connection, mirrored: Iterable[MirroredTrial]) -> None:
        """Bring these trials up to date, as part of the transaction that the caller has opened, where that can be."""

    @abstractmethod
    def publish(self) -> bool:
        """Write what could not be part of the transaction; called after it.

        Returns:
            Whether the study had been deleted there and is made anew, so that every trial `is_behind`.
        """

    @abstractmethod
    def roll_back(self) -> None:
        """The transaction of the last `project` came to nothing."""

    def _make_anew(self) -> int:
        """The study, which somebody has deleted, made again without trials; Optuna's number of it."""
        study_id = self._make()
        self._states.clear()
        self._say("The study was deleted from Optuna's tables, where it is made anew from ours.")
        return study_id

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._say(f"{line[0].upper()}{line[1:]}.")

    def _encode(self, params: Params) -> "Iterator[tuple[str, float, BaseDistribution]]":
        """Name, value as Optuna stores it, and distribution of each hyperparameter."""
        from optuna.distributions import CategoricalDistribution

        for name, value in params.items():
            distribution = self._distributions.get(name) or choose_distribution(name, [value], log=False)
            shown: Value = value
            if isinstance(distribution, CategoricalDistribution) and value not in distribution.choices:
                shown = str(value)
            yield name, distribution.to_internal_repr(shown), distribution
