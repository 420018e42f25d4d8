"""Runs a study: the only code that writes the database, and the only one that knows workers and driver both.

    driver ── proposals ──> trials ──> runs ──> tasks ── segments ──> workers
       <──── outcomes ──────── │ <───────────── results ────────────────┘
                               └──> database and Optuna mirror, one transaction at a time

Running a study again trains what is missing, was interrupted or failed, and nothing else. An interrupted
run goes on from its checkpoint, to the same bits.
"""

import math
import os
import shlex
import time
import traceback
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from engine.data.dataset import Dataset
from engine.seeds import Stream, seed_of
from engine.state import TrainingState
from engine.training import initial_state
from search.drivers import make_driver
from search.drivers.protocol import Driver
from search.execution.checkpoints import restored
from search.execution.cuts import Cuts
from search.execution.environment import code_version, environment
from search.execution.interrupts import Interrupts
from search.execution.plan import Plan
from search.execution.progress import Display, SilentDisplay, Tally
from search.execution.result import StudyResult
from search.execution.saving import NotSavedError, Saver
from search.execution.trials import Run, Trial, study_record
from search.execution.workers import Result, Workers, workers
from search.naming import study_name, study_note
from search.spec.fits import check_plan
from search.spec.replication import draws_of
from search.spec.study import StudySpec
from search.store import writing
from search.store.connections import say_on_stderr
from search.store.location import DatabaseUnusableError, locate, unusable
from search.store.lock import study_lock
from search.store.mirror import open_mirror
from search.wording import hyperparameters, left_aside


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
    replicates_of: Mapping[int, int] | None = None,
) -> StudyResult:
    """Train what a study lacks and record it.

    SIGINT, SIGTERM, SIGHUP and SIGQUIT end it with everything saved, a second one at once (`execution.interrupts`). So
    does a database that is deleted, replaced, or cannot be written for minutes (`execution.saving`).

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
        replicates_of: by trial number, how many replicates a trial is to have where these are more than are asked for.

    Raises:
        StudyMismatchError: the database has another study of this name.
        StudyBusyError: another process is running it.
        SpecError: the data set is too small for the spec.
        MissingPackageError: the sampler needs a package that is not installed.
        DatabaseUnusableError: the database cannot be read or written.
    """
    name = name or study_name(spec, dataset)
    driver = driver or make_driver(spec, dataset.n_classes)
    # A plan that asks for more than there is must fail before it leaves a trace, a database without a study included.
    check_plan(spec, [p.configuration for p in driver.proposals({}, 0, 0)], dataset)
    command = command or shlex.join(["digitsweep", "run", spec.source or name, "--db", str(database)])
    with study_lock(database, name):
        say = display.say if display else say_on_stderr
        with closing(Saver(str(database), name, spec.at, say)) as saver:
            n_jobs = n_jobs or os.cpu_count() or 1
            try:
                coordinator = _Coordinator(
                    saver, spec, dataset, driver, name, command, display or SilentDisplay(), n_jobs, replicates_of or {}
                )
            except SQLAlchemyError as error:
                raise unusable(locate(database), error) from error
            return coordinator.run(max_seconds)


class _Coordinator:
    """One call of `run_study`: hands segments to workers, takes their results, and has them saved and shown."""

    def __init__(
        self,
        saver: Saver,
        spec: StudySpec,
        dataset: Dataset,
        driver: Driver,
        name: str,
        command: str,
        display: Display,
        n_jobs: int,
        replicates_of: Mapping[int, int],
    ) -> None:
        self.spec, self.dataset, self.driver = spec, dataset, driver
        self.name, self.display, self.n_jobs = name, display, n_jobs
        self.saver = saver
        with saver.transaction() as connection:
            study_id = writing.open_study(connection, study_record(spec, dataset, name, command))
        added = {
            number: draws_of(spec, max(n, spec.replicates))[spec.replicates :] for number, n in replicates_of.items()
        }
        note = study_note(spec, name, dataset, command)
        saver.mirror(
            lambda sql: open_mirror(sql, name, spec.varied, note=note, say=lambda line: display.say(f"{name}: {line}"))
        )
        self.plan = Plan(saver, study_id, spec, dataset, driver, draws_of(spec), n_jobs, added)
        saver.follow(self.plan.trials)
        self.tally = Tally(name, planned=spec.trials or 0 if spec.driver == "optuna" else 0)
        for trial in self.plan.trials:
            self.tally.note(trial)
        self.interrupts = Interrupts()
        self.cuts = Cuts(dataset, n_jobs + 1)
        self.tasks: dict[int, list[Run]] = {}
        self.n_tasks = self.n_started = self.n_trained = self.n_failed = 0

    def run(self, max_seconds: float | None) -> StudyResult:
        started = time.monotonic()
        deadline = math.inf if max_seconds is None else started + max_seconds
        out_of_time = announced = False
        with self.interrupts, workers(self.n_jobs) as pool:
            for message in self.plan.set_aside:
                self._say(message)
            n_left_aside = len(self.plan.trials) - len(self.plan.asked)
            if n_left_aside:
                self.display.say(f"{self.name}: {left_aside(n_left_aside)}")
            self._say_messages()
            while True:
                out_of_time = out_of_time or self._start_tasks(pool, deadline)
                self._show()
                if not self.tasks and (self._stopping or self._is_all_saved()):
                    break
                result = pool.next_result(timeout=0.2)
                if result is not None:
                    self._take(result, pool)
                if self.interrupts.at_once:
                    self._give_up(pool)
                    break
                if self.interrupts.stopping and not announced:
                    announced = True
                    self._announce_stop()
                self.saver.save_if_due(self._in_training())
            self.saver.save()
        states = [trial.final_state() for trial in self.plan.asked]
        return StudyResult(
            study=self.name,
            n_trials=len(states),
            n_left_aside=len(self.plan.trials) - len(states),
            n_complete=states.count("complete"),
            n_started=self.n_started,
            n_trained=self.n_trained,
            n_failed=self.n_failed,
            n_diverged=states.count("diverged"),
            n_pruned=states.count("pruned"),
            interrupted=self.interrupts.stopping,
            given_up=self.interrupts.at_once,
            out_of_time=out_of_time,
            recovered=self.saver.recovered,
            not_saved=self.saver.not_saved(),
            seconds=time.monotonic() - started,
            storage_seconds=self.saver.seconds,
        )

    # Starting

    def _start_tasks(self, pool: Workers, deadline: float) -> bool:
        """Give idle workers something to do; whether that ended because time is up."""
        while pool.n_free and not self._stopping and not self.saver.is_failing:
            if time.monotonic() >= deadline:
                return self.plan.is_waiting(pool.n_free)
            task = self.plan.next_task()
            try:
                if task is None:
                    for trial in self.plan.refill(pool.n_free):
                        self._note(trial)
                    self._say_messages()
                    task = self.plan.next_task()
                if task is None:
                    break
                self._start(task, pool)
            except NotSavedError:
                if task is not None:
                    self.plan.put_back(task)
        return False

    def _start(self, task: list[Run], pool: Workers) -> None:
        """Hand a task's first segment to a worker; a run that cannot start has failed, and the others go without it."""
        starts = self.saver.write(lambda connection: [self._record_start(connection, run) for run in task])
        self.n_started += len(task)
        failed = []
        for run, (run_id, state, error) in zip(task, starts, strict=True):
            run.start(run_id, state)
            if not run.is_added:
                run.trial.state = "running"
            self._note(run.trial)
            if error is not None:
                run.end("failed", error)
                failed.append(run)
        if failed:
            self._note_failed(failed)
        started = [run for run in task if run.state is not None]
        if started:
            self.tasks[self.n_tasks] = started
            self._submit(self.n_tasks, pool)
            self.n_tasks += 1

    def _first_state(self, connection: Connection, run: Run) -> TrainingState:
        if run.start_k:
            return restored(connection, run)
        return initial_state(run.configuration, run.seed, self.cuts.of(run.cut))

    def _record_start(self, connection: Connection, run: Run) -> tuple[int, TrainingState | None, str | None]:
        """Write the run's row, and what is left of its evaluations, as they are where it starts or goes on.

        Returns:
            The row's id; where training goes on from, or None and the traceback of what hinders it.
        """
        state, error = None, None
        try:
            state = self._first_state(connection, run)
        except (SQLAlchemyError, DatabaseUnusableError):  # of all runs
            raise
        except Exception:  # a machine's memory, say: of this run alone
            error = traceback.format_exc()
        if run.run_id is not None and state is not None and state.k:
            run_id = run.run_id
            writing.resume_run(connection, run_id, state.k)
        else:
            images = self.cuts.of(run.cut)
            writing.add_labels(connection, images)
            run_id = writing.start_run(connection, self._run_start(run, images))
        if not run.is_added:
            writing.set_trial_states(connection, [(run.trial.trial_id, "running")])
        return run_id, state, error

    def _run_start(self, run: Run, images: Dataset) -> writing.RunStart:
        return writing.RunStart(
            trial_id=run.trial.trial_id,
            replicate=run.replicate,
            seed=seed_of(run.seed, Stream.INITIALIZATION),
            streams=dict(run.draws.levels),
            cut=None if run.cut is None else asdict(run.cut),
            dataset=images.name,
            data_sha256=images.sha256,
            epochs=run.configuration.epochs,
            code_version=code_version(),
            environment=environment(),
        )

    def _submit(self, number: int, pool: Workers) -> None:
        task = self.tasks[number]
        states = [run.state for run in task if run.state is not None]
        pool.submit(number, states, self.cuts.of(task[0].cut), self.plan.n_waiting)

    # Results

    def _take(self, result: Result, pool: Workers) -> None:
        task = self.tasks.pop(result.task)
        if result.error is not None:
            for run in task:
                run.end("failed", result.error)
            self._note_failed(task)
            return
        seconds = (result.train_seconds / len(task), result.evaluate_seconds / len(task))
        for run, state, evaluation in zip(task, result.states, result.evaluations, strict=True):
            run.take(state, evaluation, seconds, self.spec.at)
            self._note(run.trial)
        for run in task:
            if self._ends(run):
                self._note_end(run.trial)
        following = [run for run in task if run.state is not None]
        if following:
            self.tasks[result.task] = following
            self._submit(result.task, pool)

    def _ends(self, run: Run) -> bool:
        """End a run that has no further segment; whether it has none."""
        state = run.state
        assert state is not None
        if state.diverged_at is not None:
            run.end("diverged", f"the loss stopped being finite at update {state.diverged_at}")
        elif state.finished:
            run.end("complete")
            self.n_trained += 1
        elif self._stopping:
            run.end("interrupted")
        elif run.trial.state == "pruned":
            run.end("pruned")
        elif not run.is_added and self.driver.should_prune(run.trial.number, run.trial.mean_curve()):
            run.end("pruned")
            self.plan.prune(run.trial)
        else:
            return False
        return True

    def _note(self, trial: Trial) -> None:
        """A trial is to be saved and shown."""
        self.saver.note(trial)
        self.tally.note(trial)

    def _note_end(self, trial: Trial) -> None:
        """A run of the trial has ended."""
        trial.state = trial.final_state()
        self._note(trial)
        if trial.ended:
            self.plan.outcomes[trial.number] = trial.outcome(self.spec.at)
            if trial.state == "diverged":
                self._say(f"trial {trial.number}: diverged, {hyperparameters(trial.params)}")

    def _note_failed(self, runs: list[Run]) -> None:
        """Runs, each with its error, have failed."""
        self.n_failed += len(runs)
        for run in runs:
            self._note_end(run.trial)
        last = str(runs[0].progress.error).strip().splitlines()[-1]
        numbers = ", ".join(str(run.trial.number) for run in runs)
        self._say(f"trial {numbers}: failed with {last} (whole text in the database)")

    # Stopping and showing

    def _is_all_saved(self) -> bool:
        """Whether everything is in the database; where it just became so again, there may be more to start."""
        was_failing = self.saver.is_failing
        return self.saver.save() and not was_failing

    @property
    def _stopping(self) -> bool:
        """Whether the study is to end before its plan: no run starts, those in training end with their segments."""
        moved = self.saver.recovered is not None
        return self.interrupts.stopping or moved or self.saver.has_lost_patience

    def _in_training(self) -> list[Run]:
        return [run for task in self.tasks.values() for run in task]

    def _announce_stop(self) -> None:
        """Save what there is at once, since whoever sent the signal may not wait, then say what goes on."""
        self.saver.save(self._in_training())
        if self.tasks:
            self._say(
                f"{self.interrupts.name}: ending the segments in training and saving them; once more to stop at once"
            )

    def _give_up(self, pool: Workers) -> None:
        """Leave the segments in training to themselves; their runs stand where these began."""
        pool.give_up()
        for run in self._in_training():
            run.end("interrupted")
            self._note_end(run.trial)
        self.tasks.clear()

    def _say(self, message: str) -> None:
        self.display.say(f"{self.name}, {message}")

    def _say_messages(self) -> None:
        for message in self.driver.messages(self.n_jobs):
            self.display.say(f"{self.name}: {message}")

    def _show(self) -> None:
        self.display.update(self.tally.counts(running=len(self._in_training())))
