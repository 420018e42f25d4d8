"""Training a stored run again and comparing it with what was stored, to the last bit."""

from dataclasses import dataclass, replace
from typing import Any

from engine.configuration import Configuration
from engine.cuts import Cut
from engine.data.dataset import Dataset
from engine.errors import DigitsweepError
from engine.seeds import Seed, run_seed
from engine.state import Evaluation, TrainingState
from engine.training import advance, evaluate, initial_state
from search.execution.environment import code_version
from search.naming import stored_source
from search.store import reading
from search.store.database import open_for_reading
from search.store.location import locate


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
        dataset, cut, data_sha256: on what.
        code_version: by which code.
        state: how it ended.
        values: (loss, accuracy, learning_rate) by (k, split).
        predictions: what it said about each image, as (correct, mistaken) by (k, split); none where that was not kept.
    """

    run_id: int
    study: str
    trial_number: int
    replicate: int
    configuration: Configuration
    seed: Seed
    dataset: str
    cut: Cut | None
    data_source: str | dict[str, Any]
    data_sha256: str
    code_version: str
    state: str
    values: dict[tuple[int, str], tuple[float, float, float]]
    predictions: dict[tuple[int, str], tuple[bytes, bytes]]

    def __str__(self) -> str:
        return f"run {self.run_id} ({self.study}, trial {self.trial_number}, replicate {self.replicate})"

    @property
    def named_data(self) -> str | dict[str, Any]:
        """What to load to train it again: the data set that `auto` stood for, else the name its study gives."""
        return stored_source(self.data_source, self.dataset)


@dataclass(frozen=True)
class Comparison:
    """A stored run beside the same run trained again.

    Attributes:
        n_values: evaluations compared, each split by itself.
        differences: (k, split, stored, again) where loss, accuracy or learning rate differ.
        n_images: images of which it was compared what was said about them.
        other_predictions: (k, split) where something else was said about some image.
        same_code: whether the engine's source is the one that made the stored run.
    """

    n_values: int
    differences: list[tuple[int, str, tuple[float, float, float], tuple[float, float, float] | None]]
    n_images: int
    other_predictions: list[tuple[int, str]]
    same_code: bool

    @property
    def is_identical(self) -> bool:
        """Whether nothing differs."""
        return not self.differences and not self.other_predictions


def stored_run(database: str, run_id: int) -> StoredRun:
    """The run of that id.

    Raises:
        NoSuchRunError: there is none, or it has not ended.
    """
    sql = open_for_reading(database)
    with sql.connect() as connection:
        row = reading.run_with_trial(connection, run_id)
        if row is None:
            raise NoSuchRunError(f"no run {run_id} in {locate(database).name}; v_runs lists the runs there are")
        if row["state"] not in ("complete", "diverged"):
            raise NoSuchRunError(f"run {run_id} is {row['state']}; only a finished run can be compared")
        values = {
            (e["k"], e["split"]): (e["loss"], e["accuracy"], e["learning_rate"])
            for e in reading.run_evaluations(connection, run_id)
        }
        predictions = {
            (p["k"], p["split"]): (p["correct"], p["mistaken"]) for p in reading.run_predictions(connection, run_id)
        }
    sql.dispose()
    streams = row["streams"]  # of runs of older databases it is not known; they were at one level
    return StoredRun(
        run_id=run_id,
        study=row["study"],
        trial_number=row["trial_number"],
        replicate=row["replicate"],
        configuration=Configuration(**row["config"]),
        seed=row["seed"] if streams is None else run_seed(row["study_seed"], streams),
        dataset=row["dataset"],
        cut=None if row["cut"] is None else Cut(**row["cut"]),
        data_source=row["spec"]["dataset"],
        data_sha256=row["data_sha256"],
        code_version=row["code_version"],
        state=row["state"],
        values=values,
        predictions=predictions,
    )


def images_of(run: StoredRun, dataset: Dataset) -> Dataset:
    """What the run was trained on, from the data set of its study.

    Raises:
        DigitsweepError: the data set is another one.
    """
    images = dataset if run.cut is None else run.cut.of(dataset)
    if images.sha256 != run.data_sha256:
        raise DigitsweepError(
            f"run {run.run_id} was trained on data {run.data_sha256[:12]}…, "
            f"but {images.name} here is {images.sha256[:12]}…"
        )
    return images


def retrain(
    run: StoredRun, dataset: Dataset, until_k: int | None = None
) -> tuple[TrainingState, list[Evaluation], Comparison]:
    """Train the run again, alone, and compare every evaluation.

    Args:
        run: what to train.
        dataset: what it was trained on, from `images_of`.
        until_k: the evaluation after which to stop; None is the run's end.

    Returns:
        The last state, what was evaluated, and the comparison with what is stored.
    """
    last = run.configuration.n_evaluations if until_k is None else until_k
    state = initial_state(run.configuration, run.seed, dataset)
    evaluations: list[Evaluation] = []
    kept = {key: said for key, said in run.predictions.items() if key[0] <= last}
    others: list[tuple[int, str]] = []
    n_images = 0
    while not state.finished and state.k < last:
        moved = advance([state], dataset)
        is_kept = any(k == moved[0].k for k, _ in kept)
        (state,), (evaluation,) = evaluate(moved, dataset, predictions=is_kept)
        if evaluation is not None:
            evaluations.append(replace(evaluation, predictions={}))
            for split, said in evaluation.predictions.items():
                n_images += len(said)
                if kept.get((evaluation.k, split)) != (said.correct, said.mistaken):
                    others.append((evaluation.k, split))
    again: dict[tuple[int, str], tuple[float, float, float]] = {
        (e.k, split): (loss, e.accuracy[split], e.learning_rate) for e in evaluations for split, loss in e.loss.items()
    }
    stored = {key: values for key, values in run.values.items() if key[0] <= last}
    keys = sorted(stored.keys() | again.keys())
    differences = [
        (*key, stored.get(key, (float("nan"),) * 3), again.get(key))
        for key in keys
        if stored.get(key) != again.get(key)
    ]
    same_code = code_version() == run.code_version
    return state, evaluations, Comparison(len(keys), differences, n_images, others, same_code)


def reproduce(run: StoredRun, dataset: Dataset) -> Comparison:
    """The whole run trained again, beside what is stored of it; `dataset` is its study's.

    Raises:
        DigitsweepError: the data set is not the one the run was trained on.
    """
    return retrain(run, images_of(run, dataset))[2]
