"""What the coordinator writes. Nobody else writes anything.

    open_study ─> add_trials ─> start_runs ─> save (again and again) ─> end of a run
                                               │ evaluations, states, checkpoints and the mirror in Optuna's
                                               └ tables, all in one transaction

A run's last evaluations and its end are one transaction, so a finished run is whole, and its rows never
change again. A run that is taken up from a checkpoint first loses the evaluations that came after it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from engine.data.dataset import Dataset, SplitName
from engine.errors import DigitsweepError
from engine.predictions import class_dtype
from engine.state import Evaluation, TrainingState
from search.drivers.protocol import Proposal
from search.store.ownership import refuse_foreign_study
from search.store.schema import checkpoints, evaluations, labels, predictions, runs, selections, studies, trials

ENDED = ("complete", "diverged", "pruned")


class StudyMismatchError(DigitsweepError, ValueError):
    """A study of this name exists with another identity, so their results must not mix."""


@dataclass(frozen=True)
class StudyRecord:
    """A study as it stands in the database; the columns of `sweep_studies`."""

    name: str
    base_name: str
    question: str
    driver: str
    dataset: str
    data_sha256: str
    n_train: int
    n_validation: int
    n_test: int
    n_classes: int
    seed: int
    replicates: int
    read_at: str
    spec: dict[str, Any]
    command: str


@dataclass(frozen=True)
class RunStart:
    """A run that is about to train; the columns of `runs` that are known by then."""

    trial_id: int
    replicate: int
    seed: int
    streams: dict[str, int]
    cut: dict[str, int | None] | None
    dataset: str
    data_sha256: str
    epochs: int
    code_version: str
    environment: dict[str, Any]


@dataclass
class RunProgress:
    """What happened to a run since it was last saved.

    `read` is the evaluation that it would be read at now, where that is a new one. What was said there about each image
    is saved with a checkpoint, so that it is of an evaluation that a resumed run has, and at the end of a run.
    """

    run_id: int
    state: TrainingState | None
    status: str = "running"
    evaluations: list[Evaluation] = field(default_factory=list)
    train_seconds: float = 0.0
    evaluate_seconds: float = 0.0
    error: str | None = None
    checkpoint: bool = False
    read: Evaluation | None = None


def now() -> str:
    """The present moment, UTC, ISO 8601 to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


# What must agree for two runs of a command to be the same study; the space, the number of trials and the
# number of replicates may grow.
IDENTITY = ("vary", "split", "fixed", "at", "by", "nuisance", "fidelity", "sampler", "pruner")


def open_study(connection: Connection, record: StudyRecord) -> int:
    """The study's id, made where it is new, brought up to date where it grew.

    Raises:
        StudyMismatchError: the name is taken by a study with other data, seed, driver or fixed values.
        ForeignStudyError: the name is taken by a study of Optuna's that is not ours.
    """
    row = connection.execute(select(studies).where(studies.c.name == record.name)).mappings().first()
    if row is None:
        refuse_foreign_study(connection, record.name)
        values = record.__dict__ | {"created_at": now()}
        return int(connection.execute(insert(studies).values(values)).inserted_primary_key[0])  # type: ignore[index]
    check_same_study(row, record)
    grown = {
        "spec": record.spec,
        "question": record.question,
        "command": record.command,
        "n_classes": record.n_classes,
        "replicates": max(record.replicates, row["replicates"]),
    }
    connection.execute(update(studies).where(studies.c.study_id == row["study_id"]).values(grown))
    return int(row["study_id"])


def check_same_study(row: RowMapping, record: StudyRecord) -> None:
    """StudyMismatchError where the stored study of this name is another one than `record`."""
    for column in ("driver", "dataset", "data_sha256", "seed"):
        before, after = row[column], getattr(record, column)
        if before != after:
            if column == "data_sha256":
                before, after, column = f"{before[:12]}…", f"{after[:12]}…", "data of content"
            raise _mismatch(record.name, column, before, after)
    for key in IDENTITY:
        before, after = row["spec"].get(key), record.spec.get(key)
        if before != after:
            raise _mismatch(record.name, key, before, after)


def _mismatch(name: str, what: str, before: object, after: object) -> StudyMismatchError:
    return StudyMismatchError(
        f"study {name} is in the database with {what} {before!r}, but now {what} is {after!r}; "
        "give the study another name in its file, or use another database with DB=…, so that results do not mix"
    )


def add_trials(connection: Connection, study_id: int, first_number: int, proposals: Sequence[Proposal]) -> None:
    """New trials, numbered from `first_number` in the order given, in state `waiting`."""
    connection.execute(
        insert(trials),
        [
            {
                "study_id": study_id,
                "trial_number": first_number + i,
                "config_hash": proposal.configuration.hash,
                "params": proposal.params,
                "config": proposal.configuration.as_dict(),
                "attributes": proposal.attributes,
                "full_fidelity": proposal.full_fidelity,
                "asked": True,
                "state": "waiting",
            }
            for i, proposal in enumerate(proposals)
        ],
    )


def set_attributes(connection: Connection, changes: Iterable[tuple[int, dict[str, Any]]]) -> None:
    """What is remembered of each (trial_id, attributes)."""
    for trial_id, attributes in changes:
        connection.execute(update(trials).where(trials.c.trial_id == trial_id).values(attributes=attributes))


def set_asked(connection: Connection, changes: Iterable[tuple[int, bool]]) -> None:
    """Whether the study's file asks for each (trial_id, asked)."""
    for trial_id, asked in changes:
        connection.execute(update(trials).where(trials.c.trial_id == trial_id).values(asked=asked))


def start_run(connection: Connection, start: RunStart) -> int:
    """The id of a run that starts over: a new one, or one that failed or was never finished."""
    fresh = start.__dict__ | {
        "state": "running",
        "updates": 0,
        "train_seconds": 0.0,
        "evaluate_seconds": 0.0,
        "diverged_at_update": None,
        "error": None,
        "started_at": now(),
        "finished_at": None,
    }
    same = (runs.c.trial_id == start.trial_id) & (runs.c.replicate == start.replicate)
    row = connection.execute(select(runs.c.run_id, runs.c.state).where(same)).first()
    if row is None:
        return int(connection.execute(insert(runs).values(fresh)).inserted_primary_key[0])  # type: ignore[index]
    if row.state in ENDED:
        raise AssertionError(f"run {row.run_id} is {row.state} and must not be trained again")
    for table in (evaluations, checkpoints, predictions):
        connection.execute(delete(table).where(table.c.run_id == row.run_id))
    connection.execute(update(runs).where(runs.c.run_id == row.run_id).values(fresh))
    return int(row.run_id)


def resume_run(connection: Connection, run_id: int, k: int) -> None:
    """Take a run up from its checkpoint at evaluation `k`: what was evaluated after it goes."""
    connection.execute(delete(evaluations).where((evaluations.c.run_id == run_id) & (evaluations.c.k > k)))
    connection.execute(update(runs).where(runs.c.run_id == run_id).values(state="running", error=None))


def set_trial_states(connection: Connection, states: Iterable[tuple[int, str]]) -> None:
    """The state of each (trial_id, state)."""
    for trial_id, state in states:
        connection.execute(update(trials).where(trials.c.trial_id == trial_id).values(state=state))


def save(connection: Connection, progress: Iterable[RunProgress], code_version: str) -> None:
    """Evaluations, checkpoints (of this code) and states of runs, as one part of the caller's transaction."""
    rows = []
    for run in progress:
        rows += [
            {
                "run_id": run.run_id,
                "k": e.k,
                "split": split,
                "epoch": e.epoch,
                "loss": e.loss[split],
                "accuracy": e.accuracy[split],
                "learning_rate": e.learning_rate,
            }
            for e in run.evaluations
            for split in e.loss
        ]
        ended = run.status != "running"
        values: dict[str, Any] = {
            "state": run.status,
            "train_seconds": runs.c.train_seconds + run.train_seconds,
            "evaluate_seconds": runs.c.evaluate_seconds + run.evaluate_seconds,
            "error": run.error,
            "finished_at": now() if ended and run.status != "interrupted" else None,
        }
        if run.state is not None:
            values |= {"updates": run.state.updates, "diverged_at_update": run.state.diverged_at}
        connection.execute(update(runs).where(runs.c.run_id == run.run_id).values(values))
        keep = run.checkpoint and run.state is not None and not run.state.finished
        if (ended and not keep) or keep:
            connection.execute(delete(checkpoints).where(checkpoints.c.run_id == run.run_id))
        complete = run.status == "complete"
        if (ended and not keep and not complete) or ((keep or complete) and run.read is not None):
            connection.execute(delete(predictions).where(predictions.c.run_id == run.run_id))
        if (keep or complete) and run.read is not None:
            connection.execute(insert(predictions), _prediction_rows(run.run_id, run.read))
        if keep:
            assert run.state is not None
            state = run.state.to_bytes(code_version)
            connection.execute(insert(checkpoints).values(run_id=run.run_id, k=run.state.k, state=state))
    if rows:
        connection.execute(insert(evaluations), rows)


def _prediction_rows(run_id: int, read: Evaluation) -> list[dict[str, Any]]:
    return [
        {
            "run_id": run_id,
            "split": split,
            "k": read.k,
            "n": len(said),
            "correct": said.correct,
            "mistaken": said.mistaken,
        }
        for split, said in read.predictions.items()
    ]


def add_labels(connection: Connection, dataset: Dataset) -> None:
    """The labels of validation and test, once for each content."""
    same = labels.c.data_sha256 == dataset.sha256
    if connection.execute(select(labels.c.split).where(same)).first() is not None:
        return
    splits: tuple[SplitName, ...] = ("validation", "test")
    rows = [
        {"data_sha256": dataset.sha256, "split": name, "n": len(y), "classes": y.astype(dtype).tobytes()}
        for dtype in [class_dtype(dataset.n_classes)]
        for name in splits
        for y in [dataset.split(name).y]
    ]
    connection.execute(insert(labels), rows)


def hold_study(connection: Connection, study_id: int) -> None:
    """Keep other writers from this study until the transaction ends; its first statement, before anything is read.

    An update that changes nothing takes SQLite's write lock, and locks the row in other databases.
    """
    same = update(studies).where(studies.c.study_id == study_id).values(name=studies.c.name)
    connection.execute(same)


def add_selection(connection: Connection, values: dict[str, Any]) -> int:
    """Freeze a choice; the id of its row, which never changes again."""
    row = values | {"selected_at": now()}
    return int(connection.execute(insert(selections).values(row)).inserted_primary_key[0])  # type: ignore[index]
