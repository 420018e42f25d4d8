"""What is left to train: the trials of a study, filled up from its driver, and the tasks that wait for a worker.

driver ── proposals ──> trials ── runs to do ──> tasks, which are runs that train together
<──── outcomes ────────┘
"""

from collections import deque
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, RowMapping

from engine.data.dataset import Dataset
from search.drivers.protocol import Driver, Outcome, Proposal
from search.execution.checkpoints import set_aside
from search.execution.populations import group_runs
from search.execution.saving import Saver
from search.execution.trials import Run, Trial, load_trials, mark_asked, runs_to_do, tell_stored
from search.spec.fits import check_against_data
from search.spec.replication import Replicate, part_sizes
from search.spec.study import StudySpec
from search.store import reading, writing
from search.store.schema import DECIDED


class Plan:
    """The trials of one study in the database, and the order in which their runs are trained.

    Attributes:
        trials: by number.
        outcomes: how those that ended did, by number.
        set_aside: a line for each run whose checkpoint does not fit, so that it starts again.
    """

    def __init__(
        self,
        saver: Saver,
        study_id: int,
        spec: StudySpec,
        dataset: Dataset,
        driver: Driver,
        replicates: Sequence[Replicate],
        n_jobs: int,
        added: Mapping[int, Sequence[Replicate]] | None = None,
    ) -> None:
        self._saver, self._study_id, self._spec, self._dataset = saver, study_id, spec, dataset
        self._driver, self._replicates, self._n_jobs = driver, replicates, n_jobs
        with saver.transaction() as connection:
            self.trials = load_trials(connection, study_id, replicates, added)
        self.outcomes: dict[int, Outcome] = tell_stored(driver, self.trials, spec.at)
        self._record_decided([trial for trial in self.trials if trial.number in (added or {})])
        self._record_asked(mark_asked(driver, self.trials, self.outcomes))
        self._by_hash = {trial.configuration.hash: trial for trial in self.trials}
        self._waiting: deque[list[Run]] = deque()
        to_do = runs_to_do(self.asked)
        with saver.transaction() as connection:
            self.set_aside = set_aside(connection, to_do)
        self._queue(to_do)

    def _record_asked(self, changed: Sequence[Trial]) -> None:
        """Write which of these trials are asked for, in both halves of the database."""
        with self._saver.transaction() as connection:
            writing.set_asked(connection, [(trial.trial_id, trial.asked) for trial in changed])
        for trial in changed:
            self._saver.note(trial)

    def _record_decided(self, trials: Sequence[Trial]) -> None:
        """Write which trials get replicates in the light of results: it decides how their claims are judged."""
        marked = [trial for trial in trials if not trial.attributes.get(DECIDED)]
        for trial in marked:
            trial.attributes = {**trial.attributes, DECIDED: True}
        with self._saver.transaction() as connection:
            writing.set_attributes(connection, [(trial.trial_id, trial.attributes) for trial in marked])
        for trial in marked:
            self._saver.note(trial)

    @property
    def asked(self) -> list[Trial]:
        """The trials that the study's file asks for, by number."""
        return [trial for trial in self.trials if trial.asked]

    def _queue(self, runs: list[Run]) -> None:
        self._waiting.extend(group_runs(runs, self._n_jobs))

    def put_back(self, task: list[Run]) -> None:
        """A task that could not be started is the next again."""
        self._waiting.appendleft(task)

    def next_task(self) -> list[Run] | None:
        """Runs to train together; None where nothing waits."""
        return self._waiting.popleft() if self._waiting else None

    @property
    def n_waiting(self) -> int:
        """How many tasks wait."""
        return len(self._waiting)

    def is_waiting(self, n_free: int) -> bool:
        """Whether there is more to train, waiting or to be proposed for `n_free` idle workers."""
        return bool(self._waiting) or any(self._proposed(n_free))

    def _proposed(self, n_free: int) -> tuple[list[Proposal], list[Trial]]:
        """What the driver would like that is no trial yet, each configuration once, and trials that were left aside."""
        new: dict[str, Proposal] = {}
        again = []
        for proposal in self._driver.proposals(self.outcomes, len(self.trials), n_free):
            trial = self._by_hash.get(proposal.configuration.hash)
            if trial is None:
                new.setdefault(proposal.configuration.hash, proposal)
            elif not trial.asked:
                again.append(trial)
        return list(new.values()), again

    def refill(self, n_free: int) -> list[Trial]:
        """Make trials of what the driver proposes, and queue their runs; the new trials, and those asked for again.

        Raises:
            NotSavedError: they could not be written; nothing has changed.
        """
        new, again = self._proposed(n_free)
        if not (new or again):
            return []
        check_against_data(self._spec, [p.configuration for p in new], part_sizes(self._spec, self._dataset)[0])
        first = len(self.trials)

        def add(connection: Connection) -> Sequence[RowMapping]:
            writing.set_asked(connection, [(trial.trial_id, True) for trial in again])
            if not new:
                return []
            writing.add_trials(connection, self._study_id, first, new)
            return reading.study_trials(connection, self._study_id, first)

        rows = self._saver.write(add)
        for trial in again:
            trial.asked = True
            self._saver.note(trial)
        self._queue(runs_to_do(again))
        for row, proposal in zip(rows, new, strict=True):
            trial = Trial(
                trial_id=row["trial_id"],
                number=row["trial_number"],
                configuration=proposal.configuration,
                params=proposal.params,
                attributes=proposal.attributes,
                state="waiting",
            )
            trial.runs = [Run(trial, replicate) for replicate in self._replicates]
            self._by_hash[proposal.configuration.hash] = trial
            self.trials.append(trial)
            self._driver.added(trial.number, proposal, None)
        self._queue([run for trial in self.trials[first:] for run in trial.runs])
        return again + self.trials[first:]

    def prune(self, trial: Trial) -> None:
        """End the trial's other runs too: those that wait at once, those in training when their segment ends."""
        for run in trial.runs:
            if run.ended or (run.attempted and run.status == "running"):
                continue
            if run.run_id is None:
                run.status = "pruned"
            else:
                run.end("pruned")
        tasks = ([run for run in task if run.trial is not trial] for task in self._waiting)
        self._waiting = deque(task for task in tasks if task)
