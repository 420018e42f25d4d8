"""What does the work of a segment: NumPy components, or compiled kernels.

    components    the readable definition, with BLAS on one thread
    population    up to sixteen linear models in lock-step, one image at a time, in a kernel
    network       any single run, one image at a time, in a kernel
    batches       any single run in batches, in a kernel

`chosen` is the one place that decides between them. A run has the same bits in `population` and `network`; components
differ from kernels by rounding.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Literal, get_args

import numpy as np

from engine.activations import ACTIVATIONS
from engine.arrays import FloatArray, IntArray
from engine.blas import one_blas_thread
from engine.by_components import train_by_components
from engine.configuration import Configuration
from engine.data.dataset import Split
from engine.errors import entry, unknown_choice
from engine.kernels import launch as kernels
from engine.kernels.launch_batches import train_batches
from engine.kernels.vector_math import VECTOR_FORMS
from engine.network import Network
from engine.optimizers import Sgd
from engine.predictions import Classes
from engine.seeds import Seed, Stream, generator, seed_of
from engine.state import TrainingState

Implementation = Literal["auto", "components"]
Work = Literal["update", "measure"]

_EVALUATION_BATCH = 2_000

# Above this share of entries that are not zero, a network is evaluated by BLAS in less time than by the kernels, which
# read a list of them (docs/decisions.md). Linear models are not: populations have no such path, and bits would differ.
_DENSE = 0.6

# Batches of more images than this, or where more than so many of them have the same pixel on average, take less time by
# BLAS (docs/decisions.md).
_LARGE_BATCH = 256
_DENSE_BATCH = 48

# Linear runs up to this number train one after the other: the population kernel costs the same for one as for sixteen,
# four times what the network kernel takes for one (docs/decisions.md), and the bits are the same.
_FEW = 4


# What no kernel has, where it is not at its default.
_OF_COMPONENTS = (
    "optimizer", "batch_norm", "noise_input", "noise_hidden", "label_smoothing", "max_norm", "adversarial", "average",
)  # fmt: skip


def without_kernel(configuration: Configuration) -> tuple[str, ...]:
    """The hyperparameters for which no kernel trains this configuration; none where one does."""
    found = [name for name in _OF_COMPONENTS if name in configuration.identity]
    if not _has_form(configuration):
        found.append("activation")
    return tuple(found)


def _has_form(configuration: Configuration) -> bool:
    return not configuration.hidden_layers or configuration.activation in VECTOR_FORMS


def population_key(configuration: Configuration, seed: Seed) -> Hashable | None:
    """What linear runs must have in common to train in lock-step, on one data set; None for a run that trains alone."""
    if configuration.hidden_layers or configuration.batch_size != 1 or configuration.dropout_input:
        return None
    if without_kernel(configuration):
        return None
    return (
        seed_of(seed, Stream.ORDER),
        configuration.train_images,
        configuration.epochs,
        configuration.evaluations_per_epoch,
        configuration.dtype,
    )


def _is_for_blas(batch_size: int, density: float) -> bool:
    return batch_size > _LARGE_BATCH or batch_size * density > _DENSE_BATCH


def chosen(work: Work, states: Sequence[TrainingState], split: Split, asked: Implementation = "auto") -> str:
    """What does a piece of work: `components`, `population`, `network` or `batches`.

    Args:
        work: to `update` the states' parameters, or to `measure` loss and accuracy.
        states: one run, or several with the same `population_key`.
        split: the images.
        asked: `components` takes them also where the kernels would serve (the test oracle).

    Raises:
        ConfigurationError: unknown work or implementation.
    """
    if asked not in get_args(Implementation):
        raise unknown_choice("implementation", asked, get_args(Implementation))
    configuration = states[0].configuration
    in_batches = configuration.batch_size > 1
    by_matrices = {
        "update": in_batches and _is_for_blas(configuration.batch_size, split.rows.density),
        "measure": configuration.hidden_layers > 0 and split.rows.density > _DENSE,
    }
    # The components can compute any activation and do whatever a configuration asks for, the kernels what they have a
    # form of.
    has_kernels = _has_form(configuration) and not (work == "update" and without_kernel(configuration))
    if entry(by_matrices, "work", work) or asked == "components" or not has_kernels:
        return "components"
    if work == "update" and in_batches:
        return "batches"
    if len(states) > _FEW and population_key(configuration, states[0].seed) is not None:
        return "population"
    return "network"


@lru_cache(maxsize=64)
def _dropout_seed(seed: Seed) -> int:
    return int(generator(seed, Stream.DROPOUT).integers(2**63))


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
        folded=None,
        diverged_at=None if diverged is None else state.updates + done,
    )


def _update_networks(
    states: Sequence[TrainingState], split: Split, order: IntArray, _n_threads: int
) -> list[TrainingState]:
    return [_update_by_kernel(kernels.train_network, state, split, order) for state in states]


def _update_in_batches(
    states: Sequence[TrainingState], split: Split, order: IntArray, n_threads: int
) -> list[TrainingState]:
    found = []
    for state in states:
        train = partial(train_batches, batch_size=state.configuration.batch_size, n_threads=n_threads)
        found.append(_update_by_kernel(train, state, split, order))
    return found


def _update_by_kernel(
    train: Callable[..., tuple[tuple[FloatArray, ...], tuple[FloatArray, ...], int | None]],
    state: TrainingState,
    split: Split,
    order: IntArray,
) -> TrainingState:
    configuration = state.configuration
    parameters, velocities, diverged = train(
        state.parameters,
        state.velocities,
        split.rows,
        split.y,
        order,
        activation=ACTIVATIONS[configuration.activation],
        optimizer=Sgd.of(configuration),
        learning_rate=state.learning_rate.value,
        dropout_input=configuration.dropout_input,
        dropout_hidden=configuration.dropout_hidden,
        dropout_seed=_dropout_seed(state.seed),
        first_update=state.updates,
    )
    return _moved(state, parameters, velocities, _n_updates(configuration, order), diverged)


def _n_updates(configuration: Configuration, order: IntArray) -> int:
    return math.ceil(len(order) / configuration.batch_size)


def _update_population(
    states: Sequence[TrainingState], split: Split, order: IntArray, _n_threads: int
) -> list[TrainingState]:
    parameters, velocities, diverged = kernels.train_population(
        [state.parameters for state in states],
        [state.velocities for state in states],
        split.rows,
        split.y,
        order,
        optimizers=[Sgd.of(state.configuration) for state in states],
        learning_rates=[state.learning_rate.value for state in states],
    )
    return [
        _moved(state, w, v, len(order), at)
        for state, w, v, at in zip(states, parameters, velocities, diverged, strict=True)
    ]


def _update_all_by_components(
    states: Sequence[TrainingState], split: Split, order: IntArray, _n_threads: int
) -> list[TrainingState]:
    found = []
    with one_blas_thread():
        for state in states:
            end = train_by_components(state, split, order, _dropout_seed(state.seed))
            moved = _moved(state, end.parameters, end.velocities, _n_updates(state.configuration, order), end.diverged)
            found.append(replace(moved, average=end.average))
    return found


def _beside(states: Sequence[TrainingState], predicted: Classes | None) -> list[tuple[TrainingState, Classes | None]]:
    """Each state with where it writes the classes that it chooses."""
    return list(zip(states, [None] * len(states) if predicted is None else predicted, strict=True))


def _measure_by_components(state: TrainingState, split: Split, predicted: Classes | None) -> tuple[float, float]:
    network = Network(state.evaluated, state.configuration.activation)
    total, correct = 0.0, 0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(split), _EVALUATION_BATCH):
            X, y = split.X[start : start + _EVALUATION_BATCH], split.y[start : start + _EVALUATION_BATCH]
            logits = network.logits(X)
            total += network.loss_component.forward(logits, y) * len(y)
            classes = np.argmax(logits, axis=1)
            correct += int(np.count_nonzero(classes == y))
            if predicted is not None:
                predicted[start : start + len(y)] = classes
    return total / len(split), correct / len(split)


def _measure_all_by_components(
    states: Sequence[TrainingState], split: Split, predicted: Classes | None, _n_threads: int
) -> list[tuple[float, float]]:
    with one_blas_thread():
        return [_measure_by_components(state, split, out) for state, out in _beside(states, predicted)]


def _measure_population(
    states: Sequence[TrainingState], split: Split, predicted: Classes | None, _n_threads: int
) -> list[tuple[float, float]]:
    return kernels.evaluate_population([state.evaluated for state in states], split.rows, split.y, chosen=predicted)


def _measure_networks(
    states: Sequence[TrainingState], split: Split, predicted: Classes | None, n_threads: int
) -> list[tuple[float, float]]:
    activation = ACTIVATIONS[states[0].configuration.activation]
    return [
        kernels.evaluate_network(
            state.evaluated, split.rows, split.y, activation=activation, chosen=out, n_threads=n_threads
        )
        for state, out in _beside(states, predicted)
    ]


Update = Callable[[Sequence[TrainingState], Split, IntArray, int], list[TrainingState]]
Measure = Callable[[Sequence[TrainingState], Split, Classes | None, int], list[tuple[float, float]]]

_IMPLEMENTATIONS: dict[str, tuple[Update, Measure]] = {
    "components": (_update_all_by_components, _measure_all_by_components),
    "population": (_update_population, _measure_population),
    "network": (_update_networks, _measure_networks),
    # What is trained in batches is measured as other runs are.
    "batches": (_update_in_batches, _measure_networks),
}


def update(
    states: Sequence[TrainingState], split: Split, order: IntArray, asked: Implementation, n_threads: int
) -> list[TrainingState]:
    """The states after visiting the images of `order`, (n,) int64, in the segment that all of them are at.

    None of them has diverged; there may be no state at all. At most `n_threads` work on a run, where one can be divided
    (batches by kernels); the result does not depend on it.
    """
    if not states:
        return []
    by, _ = _IMPLEMENTATIONS[chosen("update", states, split, asked)]
    return by(states, split, order, n_threads)


def measure(
    states: Sequence[TrainingState],
    split: Split,
    asked: Implementation,
    predicted: Classes | None = None,
    n_threads: int = 1,
) -> list[tuple[float, float]]:
    """(mean loss in nats, accuracy) of each state on one split; at least one state.

    Args:
        states: one run, or several with the same `population_key`.
        split: the images.
        asked: as in `chosen`.
        predicted: (states, images), out: the class that each state chooses for each image, where that is wanted.
        n_threads: at most so many work on a run, where kernels evaluate it alone; the result does not depend on it.
    """
    _, by = _IMPLEMENTATIONS[chosen("measure", states, split, asked)]
    return by(states, split, predicted, n_threads)
