"""Runs a study: the only code that writes the database, and the only one that knows workers and driver both.

    driver ── proposals ──> trials ──> runs ──> tasks ── segments ──> workers
       <──── outcomes ──────── │ <───────────── results ────────────────┘
                               └──> database and Optuna mirror, one transaction at a time

Running a study again trains what is missing, was interrupted or failed, and nothing else. An interrupted
run goes on from its checkpoint, to the same bits.
"""

import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy import Engine

from engine.data.dataset import Dataset
from engine.seeds import derive_seed
from engine.state import TrainingState
from engine.training import initial_state
from search.drivers import make_driver
from search.drivers.protocol import Driver, Proposal
from search.execution.checkpoints import restored, set_aside
from search.execution.environment import code_version, environment
from search.execution.populations import group_runs
from search.execution.progress import Display, SilentDisplay, Tally
from search.execution.trials import Run, Trial, load_trials, runs_to_do, study_record, tell_stored
from search.execution.workers import Result, Segment, Workers, workers
from search.naming import study_name, study_note
from search.spec import StudySpec, check_against_data, check_plan
from search.store import reading, writing
from search.store.connections import say_on_stderr
from search.store.database import open_for_writing
from search.store.lock import study_lock
from search.store.mirror import Mirror

SAVE_EVERY_SECONDS = 0.5
CHECKPOINT_EVERY_SECONDS = 10.0


@dataclass(frozen=True)
class StudyResult:
    """What a call of `run_study` did.

    Attributes:
        study: name in the database.
        n_trials: trials the study has now.
        n_complete: of these, those whose runs are all complete.
        n_trained: runs this call finished.
        n_failed: runs that failed in this call; their errors are in the database.
        n_diverged: trials whose loss stopped being finite.
        n_pruned: trials that were stopped early because others were better by then.
        interrupted: whether a signal stopped it.
        out_of_time: whether the time budget ended before the plan.
        seconds: wall time.
        storage_seconds: of these, time spent writing the database and the mirror.
    """

    study: str
    n_trials: int
    n_complete: int
    n_trained: int
    n_failed: int
    n_diverged: int
    n_pruned: int
    interrupted: bool
    out_of_time: bool
    seconds: float
    storage_seconds: float


def run_study(
    spec: StudySpec,
    dataset: Dataset,
    *,
    database: str | Path = "runs.sqlite",
    n_jobs: int | None = None,
    max_seconds: float | None = None,
    display: Display | None = None,
    driver: Driver | None = None,
    command: str | None = None,
    name: str | None = None,
) -> StudyResult:
    """Train what a study lacks and record it.

    Args:
        spec: the study.
        dataset: what to train on.
        database: path of a SQLite file or SQLAlchemy URL; made where it does not exist.
        n_jobs: workers; None is one for each core.
        max_seconds: no new run starts after this wall time; those in training go on to their end.
        display: where progress goes.
        driver: instead of the one the spec names.
        command: what to type to go on with the study, for notes and messages.
        name: the study's name in the database, instead of `study_name`.

    Raises:
        StudyMismatchError: the database has another study of this name.
        StudyBusyError: another process is running it.
        SpecError: the data set is too small for the spec.
        MissingPackageError: the sampler needs a package that is not installed.
    """
    name = name or study_name(spec, dataset)
    driver = driver or make_driver(spec)
    command = command or f"digitsweep run {spec.source or name} --db {database}"
    with study_lock(database, name):
        sql = open_for_writing(database, notify=display.say if display else say_on_stderr)
        try:
            coordinator = _Coordinator(sql, spec, dataset, driver, name, command, display or SilentDisplay())
            return coordinator.run(n_jobs or os.cpu_count() or 1, max_seconds)
        finally:
            sql.dispose()


class _Coordinator:
    def __init__(
        self,
        sql: Engine,
        spec: StudySpec,
        dataset: Dataset,
        driver: Driver,
        name: str,
        command: str,
        display: Display,
    ) -> None:
        self.sql, self.spec, self.dataset, self.driver = sql, spec, dataset, driver
        self.name, self.display = name, display
        # A plan that asks for more than the data set has must fail before it leaves a trace.
        check_plan(spec, [p.configuration for p in driver.proposals({}, 0, 0)], len(dataset.train))
        self.seeds = {r: derive_seed(spec.seed, r) for r in range(spec.replicates)}
        with sql.begin() as connection:
            self.study_id = writing.open_study(connection, study_record(spec, dataset, name, command))
            self.trials = load_trials(connection, self.study_id, self.seeds)
            self.outcomes = tell_stored(driver, self.trials, spec.at)
        axes = spec.axes | spec.by_axes | spec.nuisance_axes
        self.mirror = Mirror(sql, name, axes, note=study_note(spec, name, dataset, command))
        self.known = {trial.configuration.hash for trial in self.trials}
        self.waiting: deque[list[Run]] = deque()
        self.in_training: dict[int, list[Run]] = {}
        self.touched: dict[int, Trial] = {}
        self.n_tasks = 0
        self.stopping = False
        self.storage_seconds = 0.0
        self.saved_at = self.checkpointed_at = time.monotonic()
        self.tally = Tally(name)
        if spec.driver == "optuna":
            self.tally.counts.planned = spec.trials or 0
        self.unshown = {trial.number: trial for trial in self.trials}
        self.n_trained = self.n_failed = 0

    def run(self, n_jobs: int, max_seconds: float | None) -> StudyResult:
        started = time.monotonic()
        deadline = None if max_seconds is None else started + max_seconds
        out_of_time = False
        with self._signals(), workers(self.dataset, n_jobs) as pool:
            todo = runs_to_do(self.trials)
            with self.sql.connect() as connection:
                for message in set_aside(connection, todo):
                    self.display.say(f"{self.name}, {message}")
            self._queue(todo, pool)
            self._say_messages(pool)
            while True:
                while pool.n_free and not self.stopping:
                    if deadline is not None and time.monotonic() >= deadline:
                        out_of_time = bool(self.waiting) or self._has_more(pool)
                        break
                    if not self.waiting:
                        self._refill(pool)
                    if not self.waiting:
                        break
                    self._start(self.waiting.popleft(), pool)
                self._show()
                if not self.in_training:
                    break
                result = pool.next_result(timeout=0.2)
                if result is not None:
                    self._take(result, pool)
                self._save()
            self._save(everything=True)
        states = [trial.final_state() for trial in self.trials]
        return StudyResult(
            study=self.name,
            n_trials=len(self.trials),
            n_complete=states.count("complete"),
            n_trained=self.n_trained,
            n_failed=self.n_failed,
            n_diverged=states.count("diverged"),
            n_pruned=states.count("pruned"),
            interrupted=self.stopping,
            out_of_time=out_of_time,
            seconds=time.monotonic() - started,
            storage_seconds=self.storage_seconds,
        )

    # Plan: from proposals to tasks

    def _has_more(self, pool: Workers) -> bool:
        return any(
            p.configuration.hash not in self.known
            for p in self.driver.proposals(self.outcomes, len(self.trials), pool.n_free)
        )

    def _refill(self, pool: Workers) -> None:
        new: list[Proposal] = []
        for proposal in self.driver.proposals(self.outcomes, len(self.trials), pool.n_free):
            if proposal.configuration.hash not in self.known:
                self.known.add(proposal.configuration.hash)
                new.append(proposal)
        self._say_messages(pool)
        if not new:
            return
        start = time.monotonic()
        check_against_data(self.spec, [p.configuration for p in new], len(self.dataset.train))
        first = len(self.trials)
        with self.sql.begin() as connection:
            writing.add_trials(connection, self.study_id, first, new)
            rows = reading.study_trials(connection, self.study_id, first)
        for row, proposal in zip(rows, new, strict=True):
            trial = Trial(
                row["trial_id"],
                row["trial_number"],
                proposal.configuration,
                proposal.params,
                proposal.attributes,
                "waiting",
            )
            trial.runs = [Run(trial, replicate, seed) for replicate, seed in self.seeds.items()]
            self.trials.append(trial)
            self._touch(trial)
            self.driver.added(trial.number, proposal, None)
        self.storage_seconds += time.monotonic() - start
        self._queue([run for trial in self.trials[first:] for run in trial.runs], pool)

    def _say_messages(self, pool: Workers) -> None:
        for message in self.driver.messages(pool.n_jobs):
            self.display.say(f"{self.name}: {message}")

    def _queue(self, runs: list[Run], pool: Workers) -> None:
        self.waiting.extend(group_runs(runs, pool.n_jobs))

    def _start(self, task: list[Run], pool: Workers) -> None:
        start = time.monotonic()
        states = []
        with self.sql.begin() as connection:
            for run in task:
                states.append(self._first_state(connection, run))
                run.status, run.attempted = "running", True
                if run.trial.state != "running":
                    run.trial.state = "running"
                    writing.set_trial_states(connection, [(run.trial.trial_id, "running")])
                self._touch(run.trial)
        self.storage_seconds += time.monotonic() - start
        self.in_training[self.n_tasks] = task
        pool.submit(Segment(self.n_tasks, states))
        self.n_tasks += 1

    def _first_state(self, connection: Any, run: Run) -> TrainingState:
        if run.run_id is not None and run.start_k:
            state = restored(connection, run)
            writing.resume_run(connection, run.run_id, state.k)
            run.curve = {k: v for k, v in run.curve.items() if k <= state.k}
            return state
        run.curve = {}
        run.run_id = writing.start_run(
            connection,
            writing.RunStart(
                trial_id=run.trial.trial_id,
                replicate=run.replicate,
                seed=run.seed,
                dataset=self.dataset.name,
                data_sha256=self.dataset.sha256,
                epochs=run.configuration.epochs,
                code_version=code_version(),
                environment=environment(),
            ),
        )
        return initial_state(run.configuration, run.seed, self.dataset)

    # Results

    def _take(self, result: Result, pool: Workers) -> None:
        task = self.in_training.pop(result.task)
        if result.error is not None:
            for run in task:
                run.end("failed", result.error)
                self.n_failed += 1
                self._trial_changed(run.trial)
            last = result.error.strip().splitlines()[-1]
            numbers = ", ".join(str(run.trial.number) for run in task)
            self.display.say(f"{self.name}, trial {numbers}: failed with {last} (whole text in the database)")
            return
        share = (result.train_seconds / len(task), result.evaluate_seconds / len(task))
        for run, state, evaluation in zip(task, result.states, result.evaluations, strict=True):
            run.take(state, evaluation, share)
            self._touch(run.trial)
        following: list[Run] = []
        states: list[TrainingState] = []
        for run, state in zip(task, result.states, strict=True):
            if state.diverged_at is not None:
                run.end("diverged", f"the loss stopped being finite at update {state.diverged_at}")
            elif state.finished:
                run.end("complete")
                self.n_trained += 1
            elif self.stopping:
                run.end("interrupted")
            elif run.trial.state == "pruned":
                run.end("pruned")
            elif self.driver.should_prune(run.trial.number, run.trial.mean_curve()):
                run.end("pruned")
                self._prune(run.trial)
            else:
                following.append(run)
                states.append(state)
                continue
            self._trial_changed(run.trial)
        if following:
            self.in_training[result.task] = following
            pool.submit(Segment(result.task, states))

    def _prune(self, trial: Trial) -> None:
        """Prune the other replicates too: those that wait at once, those in training when their segment ends."""
        for run in trial.runs:
            if run.ended or (run.attempted and run.status == "running"):
                continue
            if run.run_id is None:
                run.status = "pruned"
            else:
                run.end("pruned")
        tasks = ([run for run in task if run.trial is not trial] for task in self.waiting)
        self.waiting = deque(task for task in tasks if task)

    def _touch(self, trial: Trial) -> None:
        self.touched[trial.number] = self.unshown[trial.number] = trial

    def _trial_changed(self, trial: Trial) -> None:
        trial.state = trial.final_state()
        self._touch(trial)
        if trial.ended:
            self.outcomes[trial.number] = trial.outcome(self.spec.at)
            if trial.state == "diverged":
                self.display.say(f"{self.name}, trial {trial.number}: diverged, {trial.params}")

    # Saving and showing

    def _save(self, *, everything: bool = False) -> None:
        """Write what has happened, unless it was done just now; a run's end does not wait."""
        start = time.monotonic()
        ended = any(run.pending and run.pending.status != "running" for t in self.touched.values() for run in t.runs)
        if not (everything or ended or start - self.saved_at >= SAVE_EVERY_SECONDS) or not self.touched:
            return
        checkpoint = start - self.checkpointed_at >= CHECKPOINT_EVERY_SECONDS
        touched = list(self.touched.values())
        pending = [run.pending for trial in touched for run in trial.runs if run.pending]
        for progress in pending:
            progress.checkpoint |= checkpoint and progress.status == "running"
        with self.sql.begin() as connection:
            writing.save(connection, pending, code_version())
            writing.set_trial_states(
                connection, [(trial.trial_id, trial.state) for trial in touched if trial.state != "running"]
            )
            self.mirror.project(connection, [trial.mirrored(self.spec.at) for trial in touched])
        for trial in touched:
            for run in trial.runs:
                run.pending = None
        self.touched.clear()
        self.saved_at = time.monotonic()
        if checkpoint:
            self.checkpointed_at = self.saved_at
        self.storage_seconds += self.saved_at - start

    def _show(self) -> None:
        for trial in self.unshown.values():
            self.tally.note(trial)
        self.unshown.clear()
        self.tally.counts.running = sum(len(task) for task in self.in_training.values())
        self.display.update(self.tally.counts)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The first Ctrl-C (or SIGTERM) lets segments in training end and checkpoints them; a second kills."""

        def stop(number: int, _frame: FrameType | None) -> None:
            if self.stopping:
                raise KeyboardInterrupt
            self.stopping = True
            self.display.say(
                f"{signal.Signals(number).name}: ending the segments in training and saving them; "
                "once more to stop at once"
            )

        before: dict[int, Any] = {}
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                before[number] = signal.signal(number, stop)
        except ValueError:  # not in the main thread, where signals cannot be handled
            pass
        try:
            yield
        finally:
            for handled, handler in before.items():
                signal.signal(handled, handler)
