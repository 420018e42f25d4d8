"""Training a stored run again and comparing it with what was stored, to the last bit."""

from dataclasses import dataclass

from engine.configuration import Configuration
from engine.data import Dataset
from engine.errors import DigitsweepError
from engine.training import initial_state, train_segment
from search.environment import code_version
from search.store import reading
from search.store.database import open_database


class NoSuchRunError(DigitsweepError, KeyError):
    """No run of that id, or one that was never finished."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class StoredRun:
    """A run as the database has it.

    Attributes:
        run_id: key.
        study, trial_number, replicate: where it belongs.
        configuration, seed: what was trained.
        dataset, data_sha256: on what.
        code_version: by which code.
        state: how it ended.
        values: (loss, accuracy, learning_rate) by (k, split).
    """

    run_id: int
    study: str
    trial_number: int
    replicate: int
    configuration: Configuration
    seed: int
    dataset: str
    data_source: str
    data_sha256: str
    code_version: str
    state: str
    values: dict[tuple[int, str], tuple[float, float, float]]


@dataclass(frozen=True)
class Comparison:
    """A stored run beside the same run trained again.

    Attributes:
        n_values: evaluations compared, each split by itself.
        differences: (k, split, stored, again) where loss, accuracy or learning rate differ.
        same_code: whether the engine's source is the one that made the stored run.
    """

    n_values: int
    differences: list[tuple[int, str, tuple[float, float, float], tuple[float, float, float] | None]]
    same_code: bool


def stored_run(database: str, run_id: int) -> StoredRun:
    """The run of that id.

    Raises:
        NoSuchRunError: there is none, or it has not ended.
    """
    engine = open_database(database, create=False)
    with engine.connect() as connection:
        row = reading.run_with_trial(connection, run_id)
        if row is None:
            raise NoSuchRunError(f"no run {run_id} in {database}; v_runs lists the runs there are")
        if row["state"] not in ("complete", "diverged"):
            raise NoSuchRunError(f"run {run_id} is {row['state']}; only a finished run can be compared")
        values = {
            (e["k"], e["split"]): (e["loss"], e["accuracy"], e["learning_rate"])
            for e in reading.run_evaluations(connection, run_id)
        }
    engine.dispose()
    return StoredRun(
        run_id=run_id,
        study=row["study"],
        trial_number=row["trial_number"],
        replicate=row["replicate"],
        configuration=Configuration(**row["config"]),
        seed=row["seed"],
        dataset=row["dataset"],
        data_source=row["spec"]["dataset"],
        data_sha256=row["data_sha256"],
        code_version=row["code_version"],
        state=row["state"],
        values=values,
    )


def reproduce(run: StoredRun, dataset: Dataset) -> Comparison:
    """Train the run again, alone, and compare every evaluation.

    Raises:
        DigitsweepError: the data set is not the one the run was trained on.
    """
    if dataset.sha256 != run.data_sha256:
        raise DigitsweepError(
            f"run {run.run_id} was trained on data {run.data_sha256[:12]}…, "
            f"but {dataset.name} here is {dataset.sha256[:12]}…"
        )
    state = initial_state(run.configuration, run.seed, dataset)
    again: dict[tuple[int, str], tuple[float, float, float]] = {}
    while not state.finished:
        state, evaluation = train_segment(state, dataset)
        if evaluation is not None:
            for split, loss in evaluation.loss.items():
                values = (loss, evaluation.accuracy[split], evaluation.learning_rate)
                again[(evaluation.k, split)] = values
    keys = sorted(run.values.keys() | again.keys())
    differences = [
        (*key, run.values.get(key, (float("nan"),) * 3), again.get(key))
        for key in keys
        if run.values.get(key) != again.get(key)
    ]
    return Comparison(len(keys), differences, code_version() == run.code_version)
