"""The selected configuration of a study as a model file: its run trained again, to the bit, up to where it is read.

study ──select──> frozen choice ──> stored run ──trained again──> Model
                                        └────── compared ──────┘
"""

from dataclasses import asdict, dataclass

from engine.data.dataset import Dataset
from engine.errors import DigitsweepError
from engine.model_file import Model
from search.execution.environment import code_version, environment
from search.reproduce import Comparison, NoSuchRunError, StoredRun, images_of, retrain, stored_run
from search.select import select
from search.store import reading
from search.store.database import open_for_writing


@dataclass(frozen=True)
class SelectedRun:
    """The run that stands for a study's selection.

    Attributes:
        run: as it is stored.
        read_k: the evaluation at which the study reads it.
        selection_id: the frozen choice.
        test_accuracy: of the selected trial, mean over its runs, read after the choice.
        n_runs: these runs.
    """

    run: StoredRun
    read_k: int
    selection_id: int
    test_accuracy: float
    n_runs: int


@dataclass(frozen=True)
class TrainedModel:
    """A model and how it compares with the run it was made after.

    Attributes:
        model: what was trained, at the evaluation the study reads.
        comparison: the stored evaluations up to there beside the new ones.
        validation_accuracy, test_accuracy: of the model itself, shares in [0, 1].
    """

    model: Model
    comparison: Comparison
    validation_accuracy: float
    test_accuracy: float


def selected_run(database: str, study: str, replicate: int = 0) -> SelectedRun:
    """The selected trial's run of that replicate; the choice is frozen before anything else is read.

    Raises:
        NoSuchStudyError: no study of that name.
        NothingToSelectError: it has no complete run.
        NoSuchRunError: the selected trial has no complete run of this replicate.
    """
    sql = open_for_writing(database, create=False)
    try:
        selected = select(sql, study)
        with sql.connect() as connection:
            found = reading.complete_run(connection, selected.choice.best.trial_id, replicate)
    finally:
        sql.dispose()
    if found is None:
        n_runs = len(selected.test_accuracies)
        raise NoSuchRunError(
            f"the selected trial of {selected.study} has {n_runs} complete run(s) of those that its file asks "
            f"for, replicate 0 to {n_runs - 1}, but got --replicate {replicate}"
        )
    return SelectedRun(
        stored_run(database, found["run_id"]),
        found["read_k"],
        selected.selection_id,
        selected.test_accuracy,
        len(selected.test_accuracies),
    )


def train_best(selected: SelectedRun, dataset: Dataset) -> TrainedModel:
    """Train the run again up to the evaluation at which it is read, and compare all evaluations until there.

    Raises:
        DigitsweepError: the data set is not the one the run was trained on.
    """
    stored = selected.run
    images = images_of(stored, dataset)
    state, evaluations, comparison = retrain(stored, images, until_k=selected.read_k)
    if state.diverged_at is not None:
        raise DigitsweepError(f"{stored} is complete in the database, but diverged now at update {state.diverged_at}")
    read = evaluations[-1]
    origin = {
        "study": stored.study,
        "trial_number": stored.trial_number,
        "replicate": stored.replicate,
        "run_id": stored.run_id,
        "selection_id": selected.selection_id,
        "seed": stored.seed if isinstance(stored.seed, int) else asdict(stored.seed),
        "cut": None if stored.cut is None else asdict(stored.cut),
        "k": read.k,
        "epoch": read.epoch,
        "validation_accuracy": read.accuracy["validation"],
        "test_accuracy": read.accuracy["test"],
        "identical_to_stored_run": comparison.is_identical,
        "code_version": code_version(),
        "environment": environment(),
    }
    model = Model.of(state, images, origin)
    return TrainedModel(model, comparison, read.accuracy["validation"], read.accuracy["test"])
