"""Training as a sequence of segments, each a pure function of a state.

    initial_state ─> train_segment ─> (state, evaluation k = 1) ─> train_segment ─> … ─> (state, evaluation K)

A segment is the updates between two evaluations. The state holds everything the next segment needs, so live
curves, checkpoints, pruning, resuming to the bit and moving a run to another process all follow from passing
states around. `advance` and `evaluate` are the two halves of a segment, for callers that time them apart.

What does the work, compiled kernels or components, is `engine.implementations`' choice. Linear runs that see the same
images in the same order may go through a segment together (`population_key`); each comes out as it would alone, to the
bit.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from engine.arrays import DTYPES, IntArray
from engine.blas import one_blas_thread
from engine.configuration import Configuration
from engine.data.dataset import SPLITS, Dataset, Split, SplitName
from engine.folding import folded
from engine.implementations import Implementation, chosen, measure, update
from engine.network import Network
from engine.optimizers import optimizer_of
from engine.predictions import Predictions, class_dtype
from engine.schedules import first_learning_rate, next_learning_rate, waits_for_loss
from engine.seeds import Seed, Stream, epoch_order, seed_of
from engine.state import Evaluation, TrainingState


@dataclass(frozen=True)
class TrainingResult:
    """A run from its first to its last evaluation.

    Attributes:
        evaluations: what was found at k = 1, 2, …; fewer than K where the run diverged.
        state: the run's last state.
    """

    evaluations: tuple[Evaluation, ...]
    state: TrainingState

    @property
    def network(self) -> Network:
        """The trained network."""
        return Network(self.state.evaluated, self.state.configuration.activation)


def train_split(configuration: Configuration, dataset: Dataset) -> Split:
    """The training images a configuration uses: the first `train_images`, in its dtype."""
    return _part(dataset, "train", configuration.train_images, configuration.dtype)


# Of each data set that is in use, so that one that no run trains on any more leaves memory.
_parts: WeakKeyDictionary[Dataset, dict[tuple[SplitName, int | None, str], Split]] = WeakKeyDictionary()
_MOST_PARTS = 16


def _part(dataset: Dataset, name: SplitName, n_images: int | None, dtype: str) -> Split:
    parts, key = _parts.setdefault(dataset, {}), (name, n_images, dtype)
    found = parts.get(key)
    if found is None:
        split = dataset.split(name).astype(DTYPES[dtype])
        found = split if n_images is None or n_images == len(split) else split.first(n_images)
        if len(parts) >= _MOST_PARTS:
            parts.clear()
        parts[key] = found
    return found


def _splits(configuration: Configuration, dataset: Dataset) -> Iterator[tuple[SplitName, Split]]:
    for name in SPLITS:
        if name == "train":
            yield name, train_split(configuration, dataset)
        else:
            yield name, _part(dataset, name, None, configuration.dtype)


def initial_state(configuration: Configuration, seed: Seed, dataset: Dataset) -> TrainingState:
    """A run before its first update.

    Raises:
        ConfigurationError: the data set has fewer training images than the configuration asks for, or
            fewer updates in an epoch than evaluations.
    """
    configuration.check_fits(len(dataset.train))
    network = Network.initialized(configuration, dataset.n_features, dataset.n_classes, seed)
    return TrainingState(
        configuration=configuration,
        seed=seed,
        k=0,
        updates=0,
        learning_rate=first_learning_rate(configuration),
        parameters=network.parameters,
        velocities=tuple(np.zeros_like(w) for _ in optimizer_of(configuration).memories for w in network.parameters),
        average=tuple(w.copy() for w in network.parameters) if configuration.average else (),
    )


def _segment_order(state: TrainingState, n_images: int) -> IntArray:
    """The images of the next segment, in the order they are visited: whole batches, int64."""
    configuration = state.configuration
    per_epoch, batch = configuration.evaluations_per_epoch, configuration.batch_size
    epoch, part = divmod(state.k, per_epoch)
    n_updates = configuration.updates_per_epoch(n_images)
    start, stop = part * n_updates // per_epoch, (part + 1) * n_updates // per_epoch
    return _epoch_order(seed_of(state.seed, Stream.ORDER), epoch, n_images)[start * batch : stop * batch]


@lru_cache(maxsize=8)
def _epoch_order(seed: int, epoch: int, n_images: int) -> IntArray:
    order = epoch_order(seed, epoch, n_images)
    order.flags.writeable = False
    return order


def advance(
    states: Sequence[TrainingState], dataset: Dataset, *, implementation: Implementation = "auto", n_threads: int = 1
) -> list[TrainingState]:
    """The states after the updates of their next segment, not yet evaluated.

    Args:
        states: one run, or several with the same `population_key` and the same k.
        dataset: what they are trained on.
        implementation: as in `engine.implementations.chosen`.
        n_threads: how many may work on one run; the states do not depend on it.
    """
    split = train_split(states[0].configuration, dataset)
    order = _segment_order(states[0], len(split))
    alive = [state for state in states if state.diverged_at is None]
    moved = iter(update(alive, split, order, implementation, n_threads))
    return [state if state.diverged_at is not None else next(moved) for state in states]


def evaluate(
    states: Sequence[TrainingState],
    dataset: Dataset,
    *,
    implementation: Implementation = "auto",
    predictions: bool = False,
    n_threads: int = 1,
) -> tuple[list[TrainingState], list[Evaluation | None]]:
    """Loss and accuracy of advanced states on all three splits, and the states with their next learning rate.

    A state that has diverged has no evaluation (None); one whose losses are not finite has diverged. With `predictions`
    an evaluation holds what was said about each image of validation and test too. At most `n_threads` work on one run.
    """
    states = [_folded(state, dataset) for state in states]
    alive = [state for state in states if state.diverged_at is None]
    measured: list[dict[SplitName, tuple[float, float]]] = [{} for _ in alive]
    predicted: list[dict[SplitName, Predictions]] = [{} for _ in alive]
    if alive:
        for name, split in _splits(alive[0].configuration, dataset):
            classes = None
            if predictions and name != "train":
                classes = np.empty((len(alive), len(split)), class_dtype(dataset.n_classes))
            for i, values in enumerate(measure(alive, split, implementation, classes, n_threads)):
                measured[i][name] = values
                if classes is not None:
                    predicted[i][name] = Predictions(classes[i], split.y)
    results = zip(measured, predicted, strict=True)
    after: list[TrainingState] = []
    evaluations: list[Evaluation | None] = []
    for state in states:
        if state.diverged_at is not None:
            after.append(state)
            evaluations.append(None)
            continue
        found, said = next(results)
        if not all(math.isfinite(loss) for loss, _ in found.values()):
            after.append(replace(state, diverged_at=state.updates))
            evaluations.append(None)
            continue
        evaluations.append(
            Evaluation(
                k=state.k,
                epoch=state.k / state.configuration.evaluations_per_epoch,
                learning_rate=state.learning_rate.value,
                loss={name: values[0] for name, values in found.items()},
                accuracy={name: values[1] for name, values in found.items()},
                predictions=said,
            )
        )
        rate = next_learning_rate(state.learning_rate, state.configuration, state.k, found["train"][0])
        after.append(_remembering(replace(state, learning_rate=rate), found["validation"][0]))
    return after, evaluations


def _remembering(state: TrainingState, validation_loss: float) -> TrainingState:
    """A state that knows its least loss on validation, where the run may stop early by it (Prechelt 1998)."""
    is_less = state.best_loss is None or validation_loss < state.best_loss
    if not state.configuration.early_stopping or not is_less:
        return state
    return replace(state, best_loss=validation_loss, best_k=state.k)


def _folded(state: TrainingState, dataset: Dataset) -> TrainingState:
    """A state that can be evaluated: with batch normalisation, its plain network with the statistics of now."""
    c = state.configuration
    if not c.batch_norm or state.diverged_at is not None:
        return state
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
        return replace(state, folded=folded(state.average or state.parameters, c, train_split(c, dataset)))


def is_divided(states: Sequence[TrainingState], dataset: Dataset) -> bool:
    """Whether `advance` has these states worked on by several threads, where it may."""
    return chosen("update", states, train_split(states[0].configuration, dataset)) == "batches"


def foreseen(states: Sequence[TrainingState]) -> list[TrainingState] | None:
    """Advanced states as `evaluate` will return them, where that does not depend on what it finds; else None.

    So their next segment may begin before they are evaluated. Nothing is foreseen for runs that end here, nor beyond
    a loss that turns out not to be finite.
    """
    alive = [state for state in states if state.diverged_at is None]
    if not alive or any(
        state.finished or state.configuration.early_stopping or waits_for_loss(state.configuration, state.k)
        for state in alive
    ):
        return None
    return [
        replace(state, learning_rate=next_learning_rate(state.learning_rate, state.configuration, state.k, math.nan))
        for state in alive
    ]


def train_segment(
    state: TrainingState, dataset: Dataset, *, implementation: Implementation = "auto"
) -> tuple[TrainingState, Evaluation | None]:
    """The next segment of a run: its updates, then its evaluation (None where the run diverged).

    Raises:
        ValueError: the run is finished.
    """
    states, evaluations = train_population_segment([state], dataset, implementation=implementation)
    return states[0], evaluations[0]


def train_population_segment(
    states: Sequence[TrainingState], dataset: Dataset, *, implementation: Implementation = "auto"
) -> tuple[list[TrainingState], list[Evaluation | None]]:
    """The next segment of several runs that share a `population_key` and k, or of one run."""
    if all(state.finished for state in states):
        raise ValueError("at least one run with evaluations left must be given")
    return evaluate(advance(states, dataset, implementation=implementation), dataset, implementation=implementation)


def train(
    dataset: Dataset, *, seed: int = 2022, implementation: Implementation = "auto", **hyperparameters: Any
) -> TrainingResult:
    """Train one network from start to end.

    Args:
        dataset: from `engine.load_dataset`.
        seed: the run's seed.
        implementation: as in `engine.implementations.chosen`.
        **hyperparameters: fields of `engine.configuration.Configuration`.

    Raises:
        ConfigurationError: an unknown hyperparameter or a value outside its domain.
    """
    state = initial_state(Configuration.from_mapping(hyperparameters), seed, dataset)
    evaluations: list[Evaluation] = []
    while not state.finished:
        state, evaluation = train_segment(state, dataset, implementation=implementation)
        if evaluation is not None:
            evaluations.append(evaluation)
    return TrainingResult(tuple(evaluations), state)
