"""Training as a sequence of segments, each a pure function of a state.

    initial_state ─> train_segment ─> (state, evaluation k = 1) ─> train_segment ─> … ─> (state, evaluation K)

A segment is the updates between two evaluations. The state holds everything the next segment needs, so live
curves, checkpoints, pruning, resuming to the bit and moving a run to another process all follow from passing
states around. `advance` and `evaluate` are the two halves of a segment, for callers that time them apart.

Images are visited one at a time by the compiled kernels (`batch_size` 1) or in batches by the components, with BLAS on
one thread. The kernels evaluate, except networks on dense images, where BLAS is faster.
Linear runs that see the same images in the same order may go through the kernels together (`population_key`);
each comes out as it would alone, to the bit.
"""

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from engine.activations import ACTIVATIONS
from engine.arrays import FloatArray, IntArray
from engine.blas import one_blas_thread
from engine.configuration import Configuration
from engine.data.dataset import SPLITS, Dataset, Split, SplitName
from engine.errors import ConfigurationError
from engine.kernels import launch as kernels
from engine.kernels.vector_math import VECTOR_FORMS
from engine.network import Network
from engine.optimizers import Optimizer
from engine.schedules import LearningRate, next_learning_rate, waits_for_loss
from engine.seeds import Stream, epoch_order, generator
from engine.state import Evaluation, TrainingState

Path = Literal["auto", "components"]

_EVALUATION_BATCH = 2_000

# Above this share of entries that are not zero, a network is evaluated by BLAS in less time than by the kernels, which
# read a list of them (docs/decisions.md). Linear models are not: populations have no such path, and bits would differ.
_DENSE = 0.6

# Linear runs up to this number train one after the other: the population kernel costs the same for one as for sixteen,
# four times what the network kernel takes for one (docs/decisions.md), and the bits are the same.
_FEW = 4


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
        return Network.with_parameters(self.state.parameters, self.state.configuration)


def train_split(configuration: Configuration, dataset: Dataset) -> Split:
    """The training images a configuration uses: the first `train_images`, in its dtype."""
    return _train_split(dataset, configuration.train_images, configuration.dtype)


@lru_cache(maxsize=8)
def _train_split(dataset: Dataset, n_images: int | None, dtype: str) -> Split:
    split = dataset.train.astype(np.dtype(dtype))
    if n_images is None or n_images == len(split):
        return split
    if n_images > len(split):
        raise ConfigurationError(
            f"train_images <= {len(split)} must hold for {dataset.name}, but got {n_images}",
            parameter="train_images",
        )
    return split.first(n_images)


@lru_cache(maxsize=8)
def _held_out_split(dataset: Dataset, name: SplitName, dtype: str) -> Split:
    return dataset.split(name).astype(np.dtype(dtype))


def _splits(configuration: Configuration, dataset: Dataset) -> Iterator[tuple[SplitName, Split]]:
    for name in SPLITS:
        if name == "train":
            yield name, train_split(configuration, dataset)
        else:
            yield name, _held_out_split(dataset, name, configuration.dtype)


def initial_state(configuration: Configuration, seed: int, dataset: Dataset) -> TrainingState:
    """A run before its first update.

    Raises:
        ConfigurationError: the data set has fewer training images than the configuration asks for, or
            fewer updates in an epoch than evaluations.
    """
    n_images = len(train_split(configuration, dataset))
    n_updates = math.ceil(n_images / configuration.batch_size)
    if n_updates < configuration.evaluations_per_epoch:
        raise ConfigurationError(
            f"evaluations_per_epoch <= updates per epoch must hold, but got "
            f"{configuration.evaluations_per_epoch} evaluations for {n_updates} updates of "
            f"{configuration.batch_size} of {n_images} images",
            parameter="evaluations_per_epoch",
        )
    network = Network.initialized(configuration, dataset.n_features, dataset.n_classes, seed)
    return TrainingState(
        configuration=configuration,
        seed=seed,
        k=0,
        updates=0,
        learning_rate=LearningRate(configuration.learning_rate),
        parameters=network.parameters,
        velocities=tuple(np.zeros_like(w) for w in network.parameters),
    )


def population_key(configuration: Configuration, seed: int) -> Hashable | None:
    """What linear runs must have in common to train in lock-step; None for a run that trains alone."""
    if configuration.hidden_layers or configuration.batch_size != 1 or configuration.dropout_input:
        return None
    return (
        seed,
        configuration.train_images,
        configuration.epochs,
        configuration.evaluations_per_epoch,
        configuration.dtype,
    )


def _segment_order(state: TrainingState, n_images: int) -> IntArray:
    """The images of the next segment, in the order they are visited: whole batches, int64."""
    configuration = state.configuration
    per_epoch, batch = configuration.evaluations_per_epoch, configuration.batch_size
    epoch, part = divmod(state.k, per_epoch)
    n_updates = math.ceil(n_images / batch)
    start, stop = part * n_updates // per_epoch, (part + 1) * n_updates // per_epoch
    return _epoch_order(state.seed, epoch, n_images)[start * batch : stop * batch]


@lru_cache(maxsize=8)
def _epoch_order(seed: int, epoch: int, n_images: int) -> IntArray:
    order = epoch_order(seed, epoch, n_images)
    order.flags.writeable = False
    return order


@lru_cache(maxsize=64)
def _dropout_seed(seed: int) -> int:
    return int(generator(seed, Stream.DROPOUT).integers(2**63))


def _has_kernels(configuration: Configuration) -> bool:
    """Whether the kernels can compute its activation; the components can compute any."""
    return not configuration.hidden_layers or configuration.activation in VECTOR_FORMS


def advance(states: Sequence[TrainingState], dataset: Dataset, *, path: Path = "auto") -> list[TrainingState]:
    """The states after the updates of their next segment, not yet evaluated.

    Args:
        states: one run, or several with the same `population_key` and the same k.
        dataset: what they are trained on.
        path: `components` takes the NumPy components also where the kernels would serve (the test oracle).
    """
    configuration = states[0].configuration
    split = train_split(configuration, dataset)
    order = _segment_order(states[0], len(split))
    alive = [state for state in states if state.diverged_at is None]
    if path == "components" or configuration.batch_size > 1 or not _has_kernels(configuration):
        with one_blas_thread():
            moved = [_advance_in_batches(state, split, order) for state in alive]
    elif population_key(configuration, states[0].seed) is not None and len(alive) > _FEW:
        moved = _advance_population(alive, split, order)
    else:
        moved = [_advance_alone(state, split, order) for state in alive]
    following = iter(moved)
    return [state if state.diverged_at is not None else next(following) for state in states]


def _moved(
    state: TrainingState,
    parameters: tuple[FloatArray, ...],
    velocities: tuple[FloatArray, ...],
    n_updates: int,
    diverged: int | None,
) -> TrainingState:
    """`state` after `n_updates` more, or after the one, counted from 0, in which it diverged."""
    done = n_updates if diverged is None else diverged + 1
    return replace(
        state,
        k=state.k + 1,
        updates=state.updates + done,
        parameters=parameters,
        velocities=velocities,
        diverged_at=None if diverged is None else state.updates + done,
    )


def _advance_alone(state: TrainingState, split: Split, order: IntArray) -> TrainingState:
    configuration = state.configuration
    parameters, velocities, diverged = kernels.train_network(
        state.parameters,
        state.velocities,
        split.rows,
        split.y,
        order,
        activation=ACTIVATIONS[configuration.activation],
        optimizer=Optimizer.of(configuration),
        learning_rate=state.learning_rate.value,
        dropout_input=configuration.dropout_input,
        dropout_hidden=configuration.dropout_hidden,
        dropout_seed=_dropout_seed(state.seed),
        first_update=state.updates,
    )
    return _moved(state, parameters, velocities, len(order), diverged)


def _advance_population(states: Sequence[TrainingState], split: Split, order: IntArray) -> list[TrainingState]:
    if not states:
        return []
    parameters, velocities, diverged = kernels.train_population(
        [state.parameters for state in states],
        [state.velocities for state in states],
        split.rows,
        split.y,
        order,
        optimizers=[Optimizer.of(state.configuration) for state in states],
        learning_rates=[state.learning_rate.value for state in states],
    )
    return [
        _moved(state, w, v, len(order), at)
        for state, w, v, at in zip(states, parameters, velocities, diverged, strict=True)
    ]


def _advance_in_batches(state: TrainingState, split: Split, order: IntArray) -> TrainingState:
    configuration = state.configuration
    parameters = tuple(w.copy() for w in state.parameters)
    velocities = tuple(v.copy() for v in state.velocities)
    network = Network.with_parameters(parameters, configuration)
    optimizer = Optimizer.of(configuration)
    batch, n_images = configuration.batch_size, len(order)
    X, y = np.empty((batch, split.rows.n_features), split.X.dtype), np.empty(batch, np.int64)
    n_updates = math.ceil(n_images / batch)
    with np.errstate(over="ignore", invalid="ignore"):
        for i in range(n_updates):
            chosen = order[i * batch : (i + 1) * batch]
            n = len(chosen)
            # Indices come from a permutation; mode "clip" lets NumPy write into the buffer directly.
            np.take(split.X, chosen, axis=0, out=X[:n], mode="clip")
            np.take(split.y, chosen, out=y[:n], mode="clip")
            loss = network.loss_and_gradients(
                X[:n], y[:n], dropout_seed=_dropout_seed(state.seed), update=state.updates + i
            )
            if not math.isfinite(loss):
                return _moved(state, parameters, velocities, n_updates, i)
            optimizer.step(parameters, velocities, network.gradients, state.learning_rate.value)
    return _moved(state, parameters, velocities, n_updates, None)


def evaluate(
    states: Sequence[TrainingState], dataset: Dataset, *, path: Path = "auto"
) -> tuple[list[TrainingState], list[Evaluation | None]]:
    """Loss and accuracy of advanced states on all three splits, and the states with their next learning rate.

    A state that has diverged has no evaluation (None); one whose losses are not finite has diverged.
    """
    alive = [state for state in states if state.diverged_at is None]
    measured: list[dict[SplitName, tuple[float, float]]] = [{} for _ in alive]
    if alive:
        for name, split in _splits(alive[0].configuration, dataset):
            for found, values in zip(measured, _measure(alive, split, path), strict=True):
                found[name] = values
    results = iter(measured)
    after: list[TrainingState] = []
    evaluations: list[Evaluation | None] = []
    for state in states:
        if state.diverged_at is not None:
            after.append(state)
            evaluations.append(None)
            continue
        found = next(results)
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
            )
        )
        rate = next_learning_rate(state.learning_rate, state.configuration, state.k, found["train"][0])
        after.append(replace(state, learning_rate=rate))
    return after, evaluations


def foreseen(states: Sequence[TrainingState]) -> list[TrainingState] | None:
    """Advanced states as `evaluate` will return them, where that does not depend on what it finds; else None.

    So their next segment may begin before they are evaluated. Nothing is foreseen for runs that end here, nor beyond
    a loss that turns out not to be finite.
    """
    alive = [state for state in states if state.diverged_at is None]
    if not alive or any(state.finished or waits_for_loss(state.configuration, state.k) for state in alive):
        return None
    return [
        replace(state, learning_rate=next_learning_rate(state.learning_rate, state.configuration, state.k, math.nan))
        for state in alive
    ]


def _measure(states: Sequence[TrainingState], split: Split, path: Path) -> list[tuple[float, float]]:
    """(mean loss in nats, accuracy) of each state on one split."""
    configuration = states[0].configuration
    by_blas = configuration.hidden_layers and split.rows.density > _DENSE
    if path == "components" or by_blas or not _has_kernels(configuration):
        with one_blas_thread():
            return [_measure_in_batches(state, split) for state in states]
    if population_key(configuration, states[0].seed) is not None and len(states) > _FEW:
        return kernels.evaluate_population([state.parameters for state in states], split.rows, split.y)
    activation = ACTIVATIONS[configuration.activation]
    return [kernels.evaluate_network(state.parameters, split.rows, split.y, activation=activation) for state in states]


def _measure_in_batches(state: TrainingState, split: Split) -> tuple[float, float]:
    network = Network.with_parameters(state.parameters, state.configuration)
    total, correct = 0.0, 0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(split), _EVALUATION_BATCH):
            X, y = split.X[start : start + _EVALUATION_BATCH], split.y[start : start + _EVALUATION_BATCH]
            logits = network.logits(X)
            total += network.loss_component.forward(logits, y) * len(y)
            correct += int(np.count_nonzero(np.argmax(logits, axis=1) == y))
    return total / len(split), correct / len(split)


def train_segment(
    state: TrainingState, dataset: Dataset, *, path: Path = "auto"
) -> tuple[TrainingState, Evaluation | None]:
    """The next segment of a run: its updates, then its evaluation (None where the run diverged).

    Raises:
        ValueError: the run is finished.
    """
    states, evaluations = train_population_segment([state], dataset, path=path)
    return states[0], evaluations[0]


def train_population_segment(
    states: Sequence[TrainingState], dataset: Dataset, *, path: Path = "auto"
) -> tuple[list[TrainingState], list[Evaluation | None]]:
    """The next segment of several runs that share a `population_key` and k, or of one run."""
    if all(state.finished for state in states):
        raise ValueError("at least one run with evaluations left must be given")
    return evaluate(advance(states, dataset, path=path), dataset, path=path)


def train(dataset: Dataset, *, seed: int = 2022, path: Path = "auto", **hyperparameters: Any) -> TrainingResult:
    """Train one network from start to end.

    Args:
        dataset: from `engine.load_dataset`.
        seed: the run's seed.
        path: as in `advance`.
        **hyperparameters: fields of `engine.configuration.Configuration`.

    Raises:
        ConfigurationError: an unknown hyperparameter or a value outside its domain.
    """
    state = initial_state(Configuration.from_mapping(hyperparameters), seed, dataset)
    evaluations: list[Evaluation] = []
    while not state.finished:
        state, evaluation = train_segment(state, dataset, path=path)
        if evaluation is not None:
            evaluations.append(evaluation)
    return TrainingResult(tuple(evaluations), state)
