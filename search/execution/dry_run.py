"""What a command would do, without doing it: the plan, what is done of it, and how long the rest will take.

    driver ── proposals ──> trials, new ─┐
    database ── trials ───> trials, known ├──> runs to do ──> groups ──speed──> seconds on each worker
    driver ── outlook ────> trials to come ┘

Nothing is written, and no database is made.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.configuration import Configuration
from engine.cuts import Cut
from engine.data.dataset import Dataset
from engine.seeds import Seed
from search.drivers import make_driver
from search.drivers.protocol import Driver, Proposal
from search.execution.checkpoints import set_aside
from search.execution.populations import group_runs
from search.execution.speed import estimate
from search.execution.trials import Trial, load_trials, mark_asked, runs_to_do, study_record, tell_stored
from search.naming import study_name
from search.spec.fits import check_plan
from search.spec.replication import Replicate, draws_of
from search.spec.space import Params
from search.spec.study import StudySpec
from search.store import reading, writing
from search.store.database import NoStudiesError, open_for_reading


@dataclass(frozen=True)
class PlannedTrial:
    """One line of the plan.

    Attributes:
        trial_number: from 0.
        params: the searched hyperparameters.
        state: as in the database, or `new`.
        n_done: runs that have ended.
        n_to_do: runs that the command would train.
    """

    trial_number: int
    params: Params
    state: str
    n_done: int
    n_to_do: int


@dataclass(frozen=True)
class DryRun:
    """What a command would do.

    Attributes:
        study: name in the database.
        n_left_aside: trials in the database that the file does not ask for.
        trials: the trials that are known, those to be added included.
        n_to_come: further trials, whose hyperparameters depend on results.
        n_runs_done: runs that have ended.
        n_runs_to_do: runs to train, those of trials to come included.
        n_resumed: of these, runs that go on from a checkpoint.
        seconds: wall time that they will take.
        n_jobs: workers.
        n_measured: kinds of run whose speed was measured for that.
        n_kinds: kinds of run that there are.
        without_kernel, slower: as of `search.execution.speed.Estimate`.
    """

    study: str
    n_left_aside: int
    trials: tuple[PlannedTrial, ...]
    n_to_come: int
    n_runs_done: int
    n_runs_to_do: int
    n_resumed: int
    seconds: float
    n_jobs: int
    n_measured: int
    n_kinds: int
    without_kernel: tuple[str, ...]
    slower: float


@dataclass(frozen=True)
class _Run:
    """A run to do, as populations are formed from it."""

    configuration: Configuration
    seed: Seed
    cut: Cut | None
    start_k: int = 0


def dry_run(
    spec: StudySpec,
    dataset: Dataset,
    *,
    database: str | Path,
    n_jobs: int,
    driver: Driver | None = None,
    name: str | None = None,
) -> DryRun:
    """What `run_study` would do with the same arguments.

    Raises:
        StudyMismatchError: the database has another study of this name.
        SpecError: the data set is too small for the spec.
    """
    name = name or study_name(spec, dataset)
    driver = driver or make_driver(spec, dataset.n_classes)
    check_plan(spec, [p.configuration for p in driver.proposals({}, 0, 0)], dataset)
    replicates = draws_of(spec)
    stored = _stored(spec, dataset, database, name, replicates)
    outcomes = tell_stored(driver, stored, spec.at)
    mark_asked(driver, stored, outcomes)
    known = {trial.configuration.hash for trial in stored}
    new = [p for p in driver.proposals(outcomes, len(stored), 0) if p.configuration.hash not in known]
    to_come = driver.outlook(outcomes, len(stored) + len(new))
    waiting = [_Run(run.configuration, run.seed, run.cut, run.start_k) for run in runs_to_do(stored)]
    parts = [waiting, _runs(new, replicates), _runs(to_come, replicates)]
    groups = [group for part in parts for group in group_runs(part, n_jobs)]
    cut = replicates[0].cut
    images = cut.of(dataset) if cut is not None and groups else dataset
    found = estimate([([run.configuration for run in group], group[0].start_k) for group in groups], images)
    lines = [
        PlannedTrial(t.number, t.params, t.state, sum(r.ended for r in t.runs), len(runs_to_do([t])))
        for t in stored
        if t.asked
    ]
    lines += [PlannedTrial(len(stored) + i, p.params, "new", 0, len(replicates)) for i, p in enumerate(new)]
    return DryRun(
        study=name,
        n_left_aside=sum(not trial.asked for trial in stored),
        trials=tuple(lines),
        n_to_come=len(to_come),
        n_runs_done=sum(line.n_done for line in lines),
        n_runs_to_do=sum(map(len, parts)),
        n_resumed=sum(run.start_k > 0 for run in waiting),
        seconds=wall_time(found.seconds, n_jobs),
        n_jobs=n_jobs,
        n_measured=found.n_measured,
        n_kinds=found.n_kinds,
        without_kernel=found.without_kernel,
        slower=found.slower,
    )


def _runs(proposals: Sequence[Proposal], replicates: Sequence[Replicate]) -> list[_Run]:
    return [_Run(proposal.configuration, draws.seed, draws.cut) for proposal in proposals for draws in replicates]


def _stored(
    spec: StudySpec, dataset: Dataset, database: str | Path, name: str, replicates: Sequence[Replicate]
) -> list[Trial]:
    """The study's trials, none where the database has no such study."""
    try:
        sql = open_for_reading(database)
    except NoStudiesError:
        return []
    try:
        with sql.connect() as connection:
            row = reading.study_named(connection, name)
            if row is None:
                return []
            writing.check_same_study(row, study_record(spec, dataset, name, row["command"]))
            trials = load_trials(connection, row["study_id"], replicates)
            set_aside(connection, runs_to_do(trials))
            return trials
    finally:
        sql.dispose()


def wall_time(seconds: Sequence[float], n_jobs: int) -> float:
    """Seconds until the last group of runs ends, where each goes to the worker that is free first."""
    free = [0.0] * n_jobs
    for cost in seconds:
        heapq.heapreplace(free, free[0] + cost)
    return max(free)
