"""Per-sample training and evaluation, compiled: what `engine.training` calls when `batch_size` is 1.

    train_population, evaluate_population    linear models in lock-step, sixteen at a time
    train_network, evaluate_network          one network of any depth and width

These functions take and return arrays as everybody else has them and never change their inputs; packing to the
kernels' layout and back is theirs. The same numbers come out alone or in company, on one thread or many.
"""

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.activations import ACTIVATIONS, Activation
from engine.arrays import FloatArray, IntArray
from engine.compiled import is_cached
from engine.data.dataset import SparseRows
from engine.dropout import dropout_mask, dropout_threshold
from engine.kernels import evaluation as kernels_evaluation
from engine.kernels import network as kernels_network
from engine.kernels import population as kernels_population
from engine.kernels.lazy_rows import LIST_PADDING
from engine.kernels.packing import (
    Parameters,
    layers,
    pack_members,
    pack_network,
    padded,
    sizes_of,
    unpack_member,
    unpack_network,
)
from engine.kernels.propagators import LONGEST_GAP
from engine.kernels.simd import LANES, aligned_zeros
from engine.kernels.vector_math import UNKNOWN, code_of
from engine.optimizers import Optimizer

_BLOCK = 64


def _shared(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only, contiguous view, so that mapped, frozen and ordinary arrays are one type to the compiler.

    A type it has not met costs seconds of compilation, in the middle of a study.
    """
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _images(rows: SparseRows, y: IntArray) -> tuple[IntArray, NDArray[np.int32], FloatArray, IntArray]:
    """Row starts, columns, values and labels, as all kernels take them."""
    return _shared(rows.indptr), _shared(rows.indices), _shared(rows.values), _shared(y)


def train_population(
    parameters: Sequence[Parameters],
    velocities: Sequence[Parameters],
    rows: SparseRows,
    y: IntArray,
    order: IntArray,
    *,
    optimizers: Sequence[Optimizer],
    learning_rates: Sequence[float],
) -> tuple[list[Parameters], list[Parameters], list[int | None]]:
    """Visit the rows of `order`, one update each, with linear models in lock-step.

    Args:
        parameters: (W, b) of each member, W of shape (features, classes).
        velocities: the same shapes, zeros at the start of a run.
        rows, y: the images and their classes.
        order: (n,) int64, which rows to visit.
        optimizers, learning_rates: of each member.

    Returns:
        Parameters, velocities and, for each member, the position in `order` whose loss was not finite, or None.
        A member that diverged comes back as it was given.
    """
    after_w: list[Parameters] = []
    after_v: list[Parameters] = []
    diverged: list[int | None] = []
    for start in range(0, len(parameters), LANES):
        part = slice(start, start + LANES)
        results = _train_sixteen(
            parameters[part],
            velocities[part],
            rows,
            y,
            order,
            optimizers[part],
            learning_rates[part],
        )
        after_w += results[0]
        after_v += results[1]
        diverged += results[2]
    return after_w, after_v, diverged


def _lanes(values: Sequence[float] | FloatArray) -> FloatArray:
    """(16,) float64: one value a member, zeros in the lanes that are empty."""
    lanes = np.zeros(LANES)
    lanes[: len(values)] = values
    return lanes


def _train_sixteen(
    parameters: Sequence[Parameters],
    velocities: Sequence[Parameters],
    rows: SparseRows,
    y: IntArray,
    order: IntArray,
    optimizers: Sequence[Optimizer],
    learning_rates: Sequence[float],
) -> tuple[list[Parameters], list[Parameters], list[int | None]]:
    dtype = parameters[0][0].dtype
    n_features, n_classes = parameters[0][0].shape
    has_momentum = any(optimizer.has_velocity for optimizer in optimizers)
    weight_decay = _lanes([optimizer.weight_decay for optimizer in optimizers])
    rate = _lanes(learning_rates)
    beta = _lanes([optimizer.beta for optimizer in optimizers])
    kappa = _lanes([optimizer.kappa for optimizer in optimizers])
    w, b = pack_members(parameters)
    v, bv = pack_members(velocities) if has_momentum else (aligned_zeros(LANES, dtype), np.zeros_like(b))
    diverged_at = np.full(LANES, -1, np.int64)
    n_listed = 2 * (n_features + LIST_PADDING)
    kernels_population.train_sixteen(
        w,
        v,
        b,
        bv,
        diverged_at,
        *_images(rows, y),
        _shared(order),
        np.zeros(n_listed, np.int32),
        np.zeros(n_listed, dtype),
        np.zeros(n_listed, np.int32),
        np.zeros(n_features, np.int64),
        aligned_zeros(n_classes * LANES, dtype),
        aligned_zeros(n_classes * LANES, dtype),
        aligned_zeros(4 * (LONGEST_GAP + 2) * LANES, dtype).reshape(4, LONGEST_GAP + 2, LANES),
        np.concatenate([-rate * beta, beta]).astype(dtype),
        np.concatenate([-rate * kappa, kappa]).astype(dtype),
        np.stack([rate, beta, kappa, weight_decay]),
        has_momentum,
        bool(np.any(weight_decay)),
        n_features,
        n_classes,
    )
    at = [None if position < 0 else int(position) for position in diverged_at[: len(parameters)]]
    found_w = [
        given if position is not None else unpack_member(w, b, m, n_features, n_classes)
        for m, (given, position) in enumerate(zip(parameters, at, strict=True))
    ]
    found_v = [
        given if position is not None or not optimizer.has_velocity else unpack_member(v, bv, m, n_features, n_classes)
        for m, (given, position, optimizer) in enumerate(zip(velocities, at, optimizers, strict=True))
    ]
    return found_w, found_v, at


def evaluate_population(parameters: Sequence[Parameters], rows: SparseRows, y: IntArray) -> list[tuple[float, float]]:
    """(mean loss in nats, accuracy) of each linear model over all rows."""
    results: list[tuple[float, float]] = []
    for start in range(0, len(parameters), LANES):
        members = parameters[start : start + LANES]
        dtype = members[0][0].dtype
        n_features, n_classes = members[0][0].shape
        w, b = pack_members(members)
        loss, n_correct = np.zeros(LANES), np.zeros(LANES)
        n_listed = _BLOCK * (n_features + LIST_PADDING)
        kernels_evaluation.evaluate_sixteen(
            w,
            b,
            *_images(rows, y),
            np.zeros(_BLOCK + 1, np.int64),
            np.zeros(n_listed, np.int32),
            np.zeros(n_listed, dtype),
            aligned_zeros(_BLOCK * n_classes * LANES, dtype),
            _class_numbers(n_classes, dtype),
            np.zeros(LANES),
            loss,
            n_correct,
            n_features,
            n_classes,
            _n_factors(n_classes),
        )
        results += [(float(loss[m] / len(y)), float(n_correct[m] / len(y))) for m in range(len(members))]
    return results


def _class_numbers(n_classes: int, dtype: np.dtype[Any]) -> FloatArray:
    """(n_classes, 16) flat: 0, 0, … 1, 1, … for choosing a class lane by lane."""
    numbers = aligned_zeros(n_classes * LANES, dtype)
    numbers[:] = np.repeat(np.arange(n_classes), LANES)
    return numbers


def _n_factors(n_classes: int) -> int:
    """How many numbers between 1 and n_classes have a product that float64 holds: 10³⁰⁰ is safely inside."""
    return min(256, max(1, int(300 / math.log10(max(n_classes, 2)))))


def train_network(
    parameters: Parameters,
    velocities: Parameters,
    rows: SparseRows,
    y: IntArray,
    order: IntArray,
    *,
    activation: Activation,
    optimizer: Optimizer,
    learning_rate: float,
    dropout_input: float = 0.0,
    dropout_hidden: float = 0.0,
    dropout_seed: int = 0,
    first_update: int = 0,
) -> tuple[Parameters, Parameters, int | None]:
    """Visit the rows of `order`, one update each, with one network.

    Args:
        parameters: (W₁, b₁, W₂, b₂, …), W of shape (units in, units out).
        velocities: the same shapes, zeros at the start of a run.
        rows, y: the images and their classes.
        order: (n,) int64, which rows to visit.
        activation: σ between the layers.
        optimizer, learning_rate: the rule and the γ of all these updates.
        dropout_input, dropout_hidden: share of inputs and of hidden units dropped.
        dropout_seed, first_update: what the masks are a hash of; update i here is `first_update` + i.

    Returns:
        Parameters, velocities and the position in `order` whose loss was not finite, or None. A network that
        diverged comes back as it was given.

    Raises:
        ConfigurationError: the activation has no vector form.
    """
    dtype = parameters[0].dtype
    sizes = sizes_of(parameters)
    table, _, _, n_inputs, widest = layers(sizes)
    has_momentum, beta, kappa = optimizer.has_velocity, optimizer.beta, optimizer.kappa
    w, b = pack_network(parameters)
    v, bv = pack_network(velocities) if has_momentum else (aligned_zeros(LANES, dtype), np.zeros_like(b))
    diverged = kernels_network.train_one(
        w,
        v,
        b,
        bv,
        table,
        *_images(rows, y),
        _shared(order),
        code_of(activation) if len(table) > 1 else UNKNOWN,
        activation.can_be_off,
        np.zeros(n_inputs, np.int32),
        np.zeros(n_inputs, dtype),
        np.zeros(n_inputs, np.int32),
        np.zeros(sum(sizes[:-1]), np.int64),
        np.zeros(len(table), np.int64),
        aligned_zeros(len(table) * widest, dtype).reshape(len(table), widest),
        aligned_zeros(len(table) * widest, dtype).reshape(len(table), widest),
        aligned_zeros(4 * (LONGEST_GAP + 2) * LANES, dtype).reshape(4, LONGEST_GAP + 2, LANES),
        np.repeat([-learning_rate * beta, beta], LANES).astype(dtype),
        np.repeat([-learning_rate * kappa, kappa], LANES).astype(dtype),
        np.repeat(np.array([[learning_rate], [beta], [kappa], [optimizer.weight_decay]]), LANES, axis=1),
        has_momentum,
        optimizer.weight_decay != 0,
        np.array([dropout_threshold(dropout_input), dropout_threshold(dropout_hidden)]),
        np.array([1 / (1 - dropout_input), 1 / (1 - dropout_hidden)], dtype),
        dropout_seed,
        first_update,
    )
    if diverged >= 0:
        return parameters, velocities, int(diverged)
    return (
        unpack_network(w, b, sizes),
        unpack_network(v, bv, sizes) if has_momentum else velocities,
        None,
    )


def evaluate_network(
    parameters: Parameters, rows: SparseRows, y: IntArray, *, activation: Activation
) -> tuple[float, float]:
    """(mean loss in nats, accuracy) of one network over all rows."""
    dtype = parameters[0].dtype
    sizes = sizes_of(parameters)
    table, _, _, _, widest = layers(sizes)
    w, b = pack_network(parameters)
    n_classes = int(table[-1, 1])
    n_listed = _BLOCK * (max(sizes[:-1]) + LIST_PADDING)
    loss, n_correct = kernels_evaluation.evaluate_one(
        w,
        b,
        table,
        *_images(rows, y),
        code_of(activation) if len(table) > 1 else UNKNOWN,
        activation.can_be_off,
        np.zeros(_BLOCK + 1, np.int64),
        np.zeros(n_listed, np.int32),
        np.zeros(n_listed, dtype),
        aligned_zeros(_BLOCK * widest, dtype).reshape(_BLOCK, widest),
        _class_numbers(n_classes, dtype),
        aligned_zeros(padded(n_classes) * LANES, dtype),
        aligned_zeros(3 * LANES, dtype).reshape(3, LANES),
        _n_factors(n_classes),
    )
    return loss / len(y), n_correct / len(y)


def _tiny() -> tuple[Parameters, SparseRows, IntArray, IntArray]:
    rows = SparseRows.from_dense(np.eye(2, dtype=np.float32))
    W = np.zeros((2, 2), np.float32)
    return (W, np.zeros(2, np.float32)), rows, np.zeros(2, np.int64), np.arange(2)


def kernels_are_cached() -> bool:
    """Whether every float32 kernel is on disk, made from the present sources."""
    compiled = (
        kernels_population.train_sixteen,
        kernels_evaluation.evaluate_sixteen,
        kernels_network.train_one,
        kernels_evaluation.evaluate_one,
    )
    return all(is_cached(function) for function in compiled)


_compiling = threading.Lock()


def compile_kernels(report: Callable[[str], Any] | None = None) -> None:
    """Compile every float32 kernel, or load it from the cache; `report` gets a line when it really compiles."""
    with _compiling:
        if report is not None and not kernels_are_cached():
            report("Compiling the training kernels (once, about 20 seconds) …")
        parameters, rows, y, order = _tiny()
        average = Optimizer.with_momentum("average")
        train_population(
            [parameters],
            [parameters],
            rows,
            y,
            order,
            optimizers=[average],
            learning_rates=[0.1],
        )
        evaluate_population([parameters], rows, y)
        relu = ACTIVATIONS["relu"]
        train_network(parameters, parameters, rows, y, order, activation=relu, optimizer=average, learning_rate=0.1)
        evaluate_network(parameters, rows, y, activation=relu)
        # What batches need beside BLAS.
        dropout_mask(0, 0, 0, 1, 1, 0.5)
        average.step(parameters, parameters, [np.zeros_like(w) for w in parameters], 0.1)
