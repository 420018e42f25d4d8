"""What is left to train: the trials of a study, filled up from its driver, and the tasks that wait for a worker.

driver ── proposals ──> trials ── runs to do ──> tasks, which are runs that train together
<──── outcomes ────────┘
"""

from collections import deque
from collections.abc import Mapping

from engine.data.dataset import Dataset
from search.drivers.protocol import Driver, Outcome, Proposal
from search.execution.checkpoints import set_aside
from search.execution.populations import group_runs
from search.execution.saving import Saver
from search.execution.trials import Run, Trial, load_trials, runs_to_do, tell_stored
from search.plan_checks import check_against_data
from search.spec import StudySpec
from search.store import reading, writing


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
        seeds: Mapping[int, int],
        n_jobs: int,
    ) -> None:
        self._saver, self._study_id, self._spec, self._dataset = saver, study_id, spec, dataset
        self._driver, self._seeds, self._n_jobs = driver, seeds, n_jobs
        with saver.transaction() as connection:
            self.trials = load_trials(connection, study_id, seeds)
            to_do = runs_to_do(self.trials)
            self.set_aside = set_aside(connection, to_do)
        self.outcomes: dict[int, Outcome] = tell_stored(driver, self.trials, spec.at)
        self._known = {trial.configuration.hash for trial in self.trials}
        self._waiting: deque[list[Run]] = deque()
        self._queue(to_do)

    def _queue(self, runs: list[Run]) -> None:
        self._waiting.extend(group_runs(runs, self._n_jobs))

    def next_task(self) -> list[Run] | None:
        """Runs to train together; None where nothing waits."""
        return self._waiting.popleft() if self._waiting else None

    def is_waiting(self, n_free: int) -> bool:
        """Whether there is more to train, waiting or to be proposed for `n_free` idle workers."""
        return bool(self._waiting) or any(True for _ in self._proposed(n_free))

    def _proposed(self, n_free: int) -> list[Proposal]:
        """What the driver would like that is no trial yet, each configuration once."""
        new: dict[str, Proposal] = {}
        for proposal in self._driver.proposals(self.outcomes, len(self.trials), n_free):
            if proposal.configuration.hash not in self._known:
                new.setdefault(proposal.configuration.hash, proposal)
        return list(new.values())

    def refill(self, n_free: int) -> list[Trial]:
        """Make trials of what the driver proposes, and queue their runs; the new trials."""
        new = self._proposed(n_free)
        if not new:
            return []
        check_against_data(self._spec, [p.configuration for p in new], len(self._dataset.train))
        first = len(self.trials)
        with self._saver.transaction() as connection:
            writing.add_trials(connection, self._study_id, first, new)
            rows = reading.study_trials(connection, self._study_id, first)
        for row, proposal in zip(rows, new, strict=True):
            trial = Trial(
                trial_id=row["trial_id"],
                number=row["trial_number"],
                configuration=proposal.configuration,
                params=proposal.params,
                attributes=proposal.attributes,
                state="waiting",
            )
            trial.runs = [Run(trial, replicate, seed) for replicate, seed in self._seeds.items()]
            self._known.add(proposal.configuration.hash)
            self.trials.append(trial)
            self._driver.added(trial.number, proposal, None)
        self._queue([run for trial in self.trials[first:] for run in trial.runs])
        return self.trials[first:]

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
