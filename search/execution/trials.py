"""The coordinator's picture of a study: its trials and their runs, as in the database and beyond it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any

from sqlalchemy import Connection

from analysis.selection_rule import read_run
from engine.configuration import Configuration
from engine.cuts import Cut
from engine.data.dataset import Dataset
from engine.seeds import Seed
from engine.state import Evaluation, TrainingState
from search.drivers.protocol import Driver, Outcome, Proposal
from search.spec.replication import Replicate, part_sizes
from search.spec.space import Params
from search.spec.study import StudySpec
from search.store import reading
from search.store.mirrored import MirroredTrial
from search.store.schema import BROKEN, STATES
from search.store.writing import ENDED, RunProgress, StudyRecord

Curve = dict[int, tuple[float, float]]


@dataclass
class Run:
    """One run, from before its start to its end.

    Attributes:
        trial: the trial it belongs to.
        draws: which replicate it is, and what that draws.
        run_id: its row; None before it was ever started.
        status: state of its row, or `waiting`.
        start_k: evaluations that its checkpoint in the database holds; 0 where there is none.
        state: where training stands in this process; None unless it is in training.
        curve: validation (accuracy, loss) by k.
        pending: what is not in the database yet.
        read: the evaluation that it would be read at if it ended now, where what was said there is not saved yet.
        attempted: whether this process has started it.
        is_added: whether it is beyond what the study's file asks for. It says nothing of its trial, of which neither
            state nor value depends on it.
    """

    trial: "Trial"
    draws: Replicate
    run_id: int | None = None
    status: str = "waiting"
    start_k: int = 0
    state: TrainingState | None = None
    curve: Curve = field(default_factory=dict)
    pending: RunProgress | None = None
    read: Evaluation | None = None
    attempted: bool = False
    is_added: bool = False
    _read_k: int | None = None

    @property
    def configuration(self) -> Configuration:
        """What it trains."""
        return self.trial.configuration

    @property
    def replicate(self) -> int:
        """Its number in its trial, from 0."""
        return self.draws.number

    @property
    def seed(self) -> Seed:
        """Its seed."""
        return self.draws.seed

    @property
    def cut(self) -> Cut | None:
        """The images it is trained on."""
        return self.draws.cut

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to train."""
        return self.status in ENDED or (self.status == "failed" and self.attempted)

    def start(self, run_id: int, state: TrainingState | None) -> None:
        """Its row is there, and training goes on from this state; None where that could not be made."""
        self.run_id, self.state = run_id, state
        self.start_k = state.k if state is not None else 0
        self.curve = {k: v for k, v in self.curve.items() if k <= self.start_k}
        self.status, self.attempted, self.read, self._read_k = "running", True, None, None

    def take(
        self, state: TrainingState, evaluation: Evaluation | None, seconds: tuple[float, float], read_at: str
    ) -> None:
        """Note the result of a segment: the new state, its evaluation, and seconds (training, evaluation).

        What was said about each image is kept of the evaluation that the run would be read at now, and of no other.
        """
        pending = self.progress
        pending.state = self.state = state
        pending.train_seconds += seconds[0]
        pending.evaluate_seconds += seconds[1]
        if evaluation is not None:
            pending.evaluations.append(replace(evaluation, predictions={}))
            self.curve[evaluation.k] = (evaluation.accuracy["validation"], evaluation.loss["validation"])
            if self._is_read_at(evaluation.k, read_at):
                self.read = evaluation

    def _is_read_at(self, k: int, read_at: str) -> bool:
        """Whether evaluation k, the newest, comes before the one that the run was to be read at until now."""
        before = self._read_k
        if before is None:
            earlier = {i: values for i, values in self.curve.items() if i != k}
            before = read_run(earlier, read_at)[0] if earlier else k
        self._read_k, _, _ = read_run({i: self.curve[i] for i in (before, k)}, read_at)
        return self._read_k == k

    @property
    def progress(self) -> RunProgress:
        """What is to be saved next; an empty record where nothing has happened yet."""
        if self.pending is None:
            assert self.run_id is not None
            self.pending = RunProgress(self.run_id, None)
        return self.pending

    def end(self, status: str, error: str | None = None) -> None:
        """Note how the run stopped: a state of the schema."""
        if status == "interrupted":
            self.checkpoint()
        self.status = self.progress.status = status
        self.progress.error = error
        self.progress.read = self.read
        self.state = None

    def checkpoint(self) -> None:
        """What is saved next includes where training stands; before the first evaluation that is nowhere yet."""
        if self.state is not None and self.state.k:
            self.progress.state, self.progress.checkpoint, self.progress.read = self.state, True, self.read

    def saved(self) -> None:
        """What was pending is in the database."""
        if self.pending is not None and self.pending.checkpoint and self.pending.state is not None:
            self.start_k, self.read = self.pending.state.k, None
        if self.status != "running":
            self.read = None
        self.pending = None


@dataclass
class Trial:
    """One trial with its runs.

    Attributes:
        trial_id: key in the database.
        number: from 0.
        configuration: what its runs train.
        params: the searched hyperparameters.
        attributes: as its driver proposed.
        state: as in the database.
        asked: whether the study's file asks for it; a trial that it does not ask for is kept and left aside.
        runs: by replicate.
    """

    trial_id: int
    number: int
    configuration: Configuration
    params: Params
    attributes: dict[str, Any]
    state: str
    asked: bool = True
    runs: list[Run] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether all its runs have ended."""
        return all(run.ended for run in self.asked_runs)

    @property
    def asked_runs(self) -> list[Run]:
        """The runs that the study's file asks for."""
        return [run for run in self.runs if not run.is_added]

    @property
    def has_ended_runs(self) -> bool:
        """Whether a run has stopped since it was last saved."""
        return any(run.pending is not None and run.pending.status != "running" for run in self.runs)

    def final_state(self) -> str:
        """The state that follows from the runs: the worst of theirs, `complete` when all are.

        Raises:
            AssertionError: a run is in none of `STATES`.
        """
        statuses = {run.status for run in self.asked_runs}
        if unknown := statuses - set(STATES):
            raise AssertionError(f"a run is {', '.join(STATES)}, but got {', '.join(sorted(unknown))}")
        if len(statuses) == 1:
            return statuses.pop()
        # Where some are complete and some still wait, the trial is under way.
        return next((state for state in BROKEN if state in statuses), "running")

    def mean_curve(self) -> dict[int, float]:
        """Validation accuracy by k, mean over the runs, for the k that all runs have reached."""
        runs = self.asked_runs
        common = set.intersection(*(set(run.curve) for run in runs)) if runs else set()
        return {k: fmean(run.curve[k][0] for run in runs) for k in sorted(common)}

    def read(self, read_at: str) -> tuple[float, float] | None:
        """Validation (accuracy, loss) at the evaluation the study reads, mean over runs; None if not complete."""
        if self.final_state() != "complete":
            return None
        read = [read_run(run.curve, read_at) for run in self.asked_runs]
        return fmean(r[1] for r in read), fmean(r[2] for r in read)

    def outcome(self, read_at: str) -> Outcome:
        """How the trial ended, for its driver."""
        value = self.read(read_at)
        return Outcome(
            trial_number=self.number,
            params=self.params,
            config_hash=self.configuration.hash,
            attributes=self.attributes,
            state=self.final_state(),
            value=value[0] if value else None,
            loss=value[1] if value else None,
            curve=self.mean_curve(),
        )

    def mirrored(self, read_at: str) -> MirroredTrial:
        """The trial as Optuna's tables are to show it."""
        read, curve = self.read(read_at), self.mean_curve()
        value = read[0] if read else None
        if self.state == "pruned" and curve:
            value = curve[max(curve)]  # what Optuna itself gives a pruned trial, and the dashboard needs to show it
        attributes = dict(self.attributes)
        reasons = [r.pending.error for r in self.runs if r.pending and r.pending.error]
        if reasons:
            attributes["reason"] = reasons[0].strip().splitlines()[-1]
        attributes["replicates"] = len(self.runs)
        if not self.asked:
            attributes["left_aside"] = "the study's file does not ask for it"
        return MirroredTrial(self.number, self.params, self.state, curve, value, attributes)


def load_trials(
    connection: Connection,
    study_id: int,
    replicates: Sequence[Replicate],
    added: Mapping[int, Sequence[Replicate]] | None = None,
) -> list[Trial]:
    """The trials of a study, each with one run for every replicate.

    Args:
        connection: to the database.
        study_id: the study.
        replicates: what every trial has.
        added: by trial number, those of the replicates that it has beyond these.
    """
    trials = [
        Trial(
            trial_id=row["trial_id"],
            number=row["trial_number"],
            configuration=Configuration(**row["config"]),
            params=row["params"],
            attributes=row["attributes"],
            state=row["state"],
            asked=row["asked"],
        )
        for row in reading.study_trials(connection, study_id)
    ]
    curves = reading.validation_curves(connection, study_id)
    rows = {(row["trial_id"], row["replicate"]): row for row in reading.study_runs(connection, study_id)}
    for trial in trials:
        trial.runs = [Run(trial, draws) for draws in replicates]
        trial.runs += [Run(trial, draws, is_added=True) for draws in (added or {}).get(trial.number, ())]
        for run in trial.runs:
            row = rows.get((trial.trial_id, run.replicate))
            if row is not None:
                run.run_id, run.status = row["run_id"], row["state"]
                run.start_k = row["checkpoint_k"] or 0
                run.curve = curves.get(run.run_id, {})
    return trials


def study_record(spec: StudySpec, dataset: Dataset, name: str, command: str) -> StudyRecord:
    """The study's row in the database."""
    n_train, n_validation = part_sizes(spec, dataset)
    return StudyRecord(
        name=name,
        base_name=spec.study,
        question=spec.question.strip(),
        driver=spec.driver,
        dataset=dataset.name,
        data_sha256=dataset.sha256,
        n_train=n_train,
        n_validation=n_validation,
        n_test=len(dataset.test),
        n_classes=dataset.n_classes,
        seed=spec.seed,
        replicates=spec.replicates,
        read_at=spec.at,
        spec=spec.model_dump(exclude={"source"}),
        command=command,
    )


def tell_stored(driver: Driver, trials: Iterable[Trial], read_at: str) -> dict[int, Outcome]:
    """Tell a driver the trials of earlier processes, in order; how those that ended did, by number."""
    outcomes: dict[int, Outcome] = {}
    for trial in trials:
        if trial.ended or trial.state == "pruned":
            outcomes[trial.number] = trial.outcome(read_at)
        proposal = Proposal(trial.configuration, trial.params, trial.attributes)
        driver.added(trial.number, proposal, outcomes.get(trial.number))
    return outcomes


def mark_asked(driver: Driver, trials: Sequence[Trial], outcomes: Mapping[int, Outcome]) -> list[Trial]:
    """Mark each of a study's stored trials as asked for by its file or not; those whose mark changed."""
    asked = driver.asked(outcomes, [trial.configuration.hash for trial in trials])
    changed = [trial for trial in trials if trial.asked != (trial.number in asked)]
    for trial in changed:
        trial.asked = not trial.asked
    return changed


def runs_to_do(trials: Iterable[Trial]) -> list[Run]:
    """The runs that are missing, unfinished, or failed in an earlier process, of trials that are asked for."""
    return [
        run
        for trial in trials
        if trial.asked and trial.state != "pruned"
        for run in trial.runs
        if run.status not in ENDED and not run.attempted
    ]
