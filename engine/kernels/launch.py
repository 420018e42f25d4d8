"""Training one image at a time, and evaluation, compiled: what `engine.implementations` calls.

    train_population, evaluate_population    linear models in lock-step, sixteen at a time
    train_network, evaluate_network          one network of any depth and width

Training in batches is in `engine.kernels.launch_batches`. These functions take and return arrays as everybody else has
them and never change their inputs; packing to the kernels' layout and back is theirs. The same numbers come out alone
or in company, on one thread or many.
"""

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.activations import ACTIVATIONS, Activation
from engine.arrays import IntArray
from engine.compiled import is_cached
from engine.data.dataset import SparseRows
from engine.dropout import dropout_mask
from engine.kernels import batches as kernels_batches
from engine.kernels import evaluation as kernels_evaluation
from engine.kernels import network as kernels_network
from engine.kernels import population as kernels_population
from engine.kernels.arguments import Lists, Rule, Signals
from engine.kernels.evaluation import Block, Weights
from engine.kernels.launch_batches import train_batches
from engine.kernels.lazy_rows import LIST_PADDING
from engine.kernels.packing import (
    Parameters,
    dropout_of,
    images_of,
    layers,
    pack_members,
    pack_network,
    padded,
    shared,
    sigma_of,
    sizes_of,
    unpack_member,
    unpack_network,
)
from engine.kernels.propagators import LONGEST_GAP
from engine.kernels.simd import LANES, aligned_zeros
from engine.kernels.threads import together
from engine.optimizers import Sgd
from engine.predictions import Classes

_BLOCK = 64


def _lists(n_entries: int, n_rows: int, dtype: np.dtype[Any]) -> Lists:
    """Room for lists of touched rows, and no row touched yet."""
    return Lists(
        row=np.zeros(n_entries, np.int32),
        x=np.zeros(n_entries, dtype),
        gap=np.zeros(n_entries, np.int32),
        last=np.zeros(n_rows, np.int64),
    )


def _signals(n_layers: int, widest: int, dtype: np.dtype[Any]) -> Signals:
    return Signals(aligned_zeros(n_layers * widest, dtype), aligned_zeros(n_layers * widest, dtype), widest)


def _rule(optimizers: Sequence[Sgd], learning_rates: Sequence[float], dtype: np.dtype[Any]) -> Rule:
    """The update of each lane; lanes beyond the last optimizer stay as they are."""
    settings = np.zeros((4, LANES))
    for lane, (optimizer, rate) in enumerate(zip(optimizers, learning_rates, strict=True)):
        settings[:, lane] = rate, optimizer.beta, optimizer.kappa, optimizer.weight_decay
    rates, betas, kappas, weight_decays = settings
    return Rule(
        has_momentum=any(optimizer.has_velocity for optimizer in optimizers),
        has_weight_decay=bool(weight_decays.any()),
        settings=settings,
        propagators=aligned_zeros(4 * (LONGEST_GAP + 2) * LANES, dtype),
        bias_steps=np.concatenate([-rates * betas, betas]).astype(dtype),
        step_sizes=np.concatenate([-rates * kappas, kappas]).astype(dtype),
    )


def train_population(
    parameters: Sequence[Parameters],
    velocities: Sequence[Parameters],
    rows: SparseRows,
    y: IntArray,
    order: IntArray,
    *,
    optimizers: Sequence[Sgd],
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


def _train_sixteen(
    parameters: Sequence[Parameters],
    velocities: Sequence[Parameters],
    rows: SparseRows,
    y: IntArray,
    order: IntArray,
    optimizers: Sequence[Sgd],
    learning_rates: Sequence[float],
) -> tuple[list[Parameters], list[Parameters], list[int | None]]:
    n_features, n_classes = parameters[0][0].shape
    rule = _rule(optimizers, learning_rates, parameters[0][0].dtype)
    packed = pack_members(parameters, velocities if rule.has_momentum else ())
    diverged_at = np.full(LANES, -1, np.int64)
    kernels_population.train_sixteen(
        packed,
        images_of(rows, y),
        shared(order),
        _lists(2 * (n_features + LIST_PADDING), n_features, packed.w.dtype),
        rule,
        _signals(1, n_classes * LANES, packed.w.dtype),
        diverged_at,
    )
    positions = [None if position < 0 else int(position) for position in diverged_at[: len(parameters)]]
    found_w = [
        given if position is not None else unpack_member(packed.w, packed.b, m, n_features)
        for m, (given, position) in enumerate(zip(parameters, positions, strict=True))
    ]
    found_v = [
        given
        if position is not None or not optimizer.has_velocity
        else unpack_member(packed.w_velocity, packed.b_velocity, m, n_features)
        for m, (given, position, optimizer) in enumerate(zip(velocities, positions, optimizers, strict=True))
    ]
    return found_w, found_v, positions


def evaluate_population(
    parameters: Sequence[Parameters], rows: SparseRows, y: IntArray, *, chosen: Classes | None = None
) -> list[tuple[float, float]]:
    """(mean loss in nats, accuracy) of each linear model over all rows.

    Args:
        parameters: (W, b) of each member.
        rows, y: the images and their classes.
        chosen: (members, n), out: the class that each chose for each image, where that is wanted.
    """
    results: list[tuple[float, float]] = []
    for start in range(0, len(parameters), LANES):
        members = parameters[start : start + LANES]
        n_features, n_classes = members[0][0].shape
        packed = pack_members(members)
        loss, n_correct = np.zeros(LANES), np.zeros(LANES)
        choices = aligned_zeros(0 if chosen is None else len(y) * LANES, packed.w.dtype)
        kernels_evaluation.evaluate_sixteen(
            Weights(packed.w, packed.b),
            images_of(rows, y),
            _block(n_features, n_classes, n_classes * LANES, packed.w.dtype),
            np.zeros(LANES),
            loss,
            n_correct,
            choices,
            _n_factors(n_classes),
        )
        if chosen is not None:
            chosen[start : start + LANES] = choices.reshape(-1, LANES)[:, : len(members)].T
        results += [(float(loss[m] / len(y)), float(n_correct[m] / len(y))) for m in range(len(members))]
    return results


def _block(n_inputs: int, n_classes: int, stride: int, dtype: np.dtype[Any]) -> Block:
    """Room for a block of images with up to `n_inputs` inputs and `stride` outputs to a layer."""
    n_entries = _BLOCK * (n_inputs + LIST_PADDING)
    class_numbers = aligned_zeros(n_classes * LANES, dtype)
    class_numbers[:] = np.repeat(np.arange(n_classes), LANES)
    return Block(
        starts=np.zeros(_BLOCK + 1, np.int64),
        row=np.zeros(n_entries, np.int32),
        x=np.zeros(n_entries, dtype),
        outputs=aligned_zeros(_BLOCK * stride, dtype),
        class_numbers=class_numbers,
        stride=stride,
    )


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
    optimizer: Sgd,
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
    rule = _rule([optimizer] * LANES, [learning_rate] * LANES, dtype)
    packed = pack_network(parameters, velocities if rule.has_momentum else ())
    diverged = kernels_network.train_one(
        packed,
        table,
        images_of(rows, y),
        shared(order),
        _lists(n_inputs, sum(sizes[:-1]), dtype),
        np.zeros(len(table), np.int64),
        rule,
        _signals(len(table), widest, dtype),
        sigma_of(activation, len(table)),
        dropout_of(dropout_input, dropout_hidden, dropout_seed, first_update, dtype),
    )
    if diverged >= 0:
        return parameters, velocities, int(diverged)
    return (
        unpack_network(packed.w, packed.b, sizes),
        unpack_network(packed.w_velocity, packed.b_velocity, sizes) if rule.has_momentum else velocities,
        None,
    )


def evaluate_network(
    parameters: Parameters,
    rows: SparseRows,
    y: IntArray,
    *,
    activation: Activation,
    chosen: Classes | None = None,
    n_threads: int = 1,
) -> tuple[float, float]:
    """(mean loss in nats, accuracy) of one network over all rows; `chosen`, (n,), as in `evaluate_population`.

    At most `n_threads` evaluate blocks of images; the sums are one thread's, so that they do not depend on it.
    """
    dtype = parameters[0].dtype
    sizes = sizes_of(parameters)
    table, _, _, _, widest = layers(sizes)
    packed = pack_network(parameters)
    weights, images, sigma = Weights(packed.w, packed.b), images_of(rows, y), sigma_of(activation, len(table))
    n_images, n_classes = len(y), sizes[-1]
    n_blocks = -(-n_images // _BLOCK)
    of_images = np.empty(3 * n_images, dtype)

    def work(number: int, size: int) -> int:
        start, stop = (_BLOCK * (n_blocks * i // size) for i in (number, number + 1))
        kernels_evaluation.evaluate_one(
            weights,
            table,
            images,
            sigma,
            _block(max(sizes[:-1]), n_classes, widest, dtype),
            aligned_zeros(padded(n_classes) * LANES, dtype),
            aligned_zeros(3 * LANES, dtype),
            of_images,
            start,
            min(stop, n_images),
        )
        return 0

    together(max(1, min(n_threads, n_blocks)), work)
    loss, n_correct = kernels_evaluation.sum_up(of_images, images.labels, _n_factors(n_classes))
    if chosen is not None:
        chosen[:] = of_images[2 * n_images :]
    return loss / n_images, n_correct / n_images


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
        kernels_evaluation.sum_up,
        kernels_batches.train_batches,
    )
    return all(is_cached(function) for function in compiled)


_compiling = threading.Lock()


def compile_kernels(report: Callable[[str], Any] | None = None) -> None:
    """Compile every float32 kernel, or load it from the cache; `report` gets a line when it really compiles."""
    with _compiling:
        if report is not None and not kernels_are_cached():
            report("Compiling the training kernels (once, about 25 seconds) …")
        parameters, rows, y, order = _tiny()
        average = Sgd.with_momentum("average")
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
        train_batches(
            parameters,
            parameters,
            rows,
            y,
            order,
            batch_size=2,
            activation=relu,
            optimizer=average,
            learning_rate=0.1,
        )
        # What batches of dense images need beside BLAS.
        dropout_mask(0, 0, 0, 1, 1, 0.5)
        average.step(parameters, parameters, [np.zeros_like(w) for w in parameters], 0.1, 0)
