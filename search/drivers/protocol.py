"""What drivers and the coordinator say to each other: proposals, outcomes, and what a driver is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.configuration import Configuration
from search.spec.space import Params


@dataclass(frozen=True)
class Proposal:
    """A configuration that a driver wants to see trained.

    Attributes:
        configuration: everything that decides the training but the seed and the data.
        params: the searched hyperparameters alone, as tables and the dashboard show them.
        attributes: what the driver wants remembered (docs/schema.md lists the keys of each driver).
        full_fidelity: whether the trial may be selected; false for the cheap rungs of a fidelity study.
    """

    configuration: Configuration
    params: Params
    attributes: dict[str, Any] = field(default_factory=dict)
    full_fidelity: bool = True


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        trial_number: from 0.
        params: the searched hyperparameters.
        config_hash: identity of the configuration.
        attributes: as proposed.
        state: `complete`, `diverged`, `failed` or `pruned`.
        value: validation accuracy at the evaluation the study reads, mean over replicates; None unless
            the trial is complete.
        loss: validation loss (nats) there; None unless the trial is complete.
        curve: validation accuracy by k, mean over replicates.
    """

    trial_number: int
    params: Params
    config_hash: str
    attributes: dict[str, Any]
    state: str
    value: float | None
    loss: float | None
    curve: dict[int, float]


class Driver(Protocol):
    """What proposes the trials of a study."""

    def added(self, trial_number: int, proposal: Proposal, outcome: Outcome | None) -> None:
        """A proposal is a trial now; called in order of the numbers, first for the trials of earlier processes.

        Args:
            trial_number: from 0.
            proposal: as it was made.
            outcome: how it ended, where it has.
        """

    def proposals(self, outcomes: Mapping[int, Outcome], n_trials: int, n_free: int) -> Iterable[Proposal]:
        """The trials that the study should have by now, given what has ended so far.

        Proposals that the study has already are ignored, so a driver that plans everything ahead gives
        the same answer each time, and one that adapts gives what it would like next.

        Args:
            outcomes: the trials that ended, by number.
            n_trials: how many trials the study has, ended or not.
            n_free: how many workers have nothing to do; with 0 a driver that adapts proposes nothing.
        """

    def asked(self, outcomes: Mapping[int, Outcome], hashes: Sequence[str]) -> set[int]:
        """Which of the study's trials the file asks for, by number; the others are kept and left aside.

        Args:
            outcomes: the trials that ended, by number.
            hashes: the configuration's hash of each trial, by number.
        """

    def outlook(self, outcomes: Mapping[int, Outcome], n_trials: int) -> list[Proposal]:
        """Stand-ins for the trials that depend on results not known yet, as many and of their size.

        They say how much is to come, never what: only a forecast of time is made from them.

        Args:
            outcomes: the trials that ended, by number.
            n_trials: how many trials are known, ended or not.
        """

    def should_prune(self, trial_number: int, curve: Mapping[int, float]) -> bool:
        """Whether a running trial is to be stopped, given its validation accuracy by k, mean over replicates."""

    def messages(self, n_jobs: int) -> list[str]:
        """What a person should know by now, each line once; `n_jobs` workers are at it."""


class UnprunedDriver:
    """A driver that needs only outcomes to know its plan, and lets every trial run to its end."""

    def proposals(self, outcomes: Mapping[int, Outcome], n_trials: int, n_free: int) -> Iterable[Proposal]:
        """The plan as far as it is known."""
        raise NotImplementedError

    def asked(self, outcomes: Mapping[int, Outcome], hashes: Sequence[str]) -> set[int]:
        """Those that are in the plan."""
        planned = {proposal.configuration.hash for proposal in self.proposals(outcomes, len(hashes), 0)}
        return {number for number, config_hash in enumerate(hashes) if config_hash in planned}

    def added(self, trial_number: int, proposal: Proposal, outcome: Outcome | None) -> None:
        """Nothing to note."""
        del trial_number, proposal, outcome

    def outlook(self, outcomes: Mapping[int, Outcome], n_trials: int) -> list[Proposal]:
        """Nothing is to come that is not known."""
        del outcomes, n_trials
        return []

    def should_prune(self, trial_number: int, curve: Mapping[int, float]) -> bool:
        """Never."""
        del trial_number, curve
        return False

    def messages(self, n_jobs: int) -> list[str]:
        """Nothing to say."""
        del n_jobs
        return []


class PlannedDriver(UnprunedDriver):
    """A driver that knows its whole plan before anything runs, and what a person should know of it."""

    def __init__(self, plan: Iterable[Proposal], notes: Iterable[str] = ()) -> None:
        self.plan = tuple(plan)
        self._notes = list(notes)

    def proposals(self, outcomes: Mapping[int, Outcome], n_trials: int, n_free: int) -> Iterable[Proposal]:
        """The plan, whatever has happened."""
        del outcomes, n_trials, n_free
        return self.plan

    def messages(self, n_jobs: int) -> list[str]:
        """What was noted when the plan was made, once."""
        del n_jobs
        notes, self._notes = self._notes, []
        return notes
