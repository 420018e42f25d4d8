"""JAX: `jit` around `lax.scan`, `vmap` over members; gradients by `jax.grad`.

Weights are stored as (units out, units in) and a single image is a vector: several times faster than (in, out) and a
batch of one (linear 2.5 instead of 7 µs an update, sixteen members 13 instead of 177), because XLA's loops then run
over the 784 pixels.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.workloads import BETA, Images, Training

Arrays = Any

BLOCK = 500


def _log_softmax(parameters: Arrays, x: Arrays, activation: str) -> Arrays:
    """Of one image (784,) or of several (n, 784)."""
    for W, b in parameters[:-1]:
        x = (W @ x if x.ndim == 1 else x @ W.T) + b
        x = jnp.maximum(x, 0) if activation == "relu" else jnp.tanh(x)
    W, b = parameters[-1]
    return jax.nn.log_softmax((W @ x if x.ndim == 1 else x @ W.T) + b)


def _loss(parameters: Arrays, x: Arrays, y: Arrays, activation: str) -> Arrays:
    log_p = _log_softmax(parameters, x, activation)
    return -log_p[y] if x.ndim == 1 else -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()


@partial(jax.jit, static_argnames=("activation", "momentum", "batch_size"), donate_argnums=(0, 1))
def _segment(
    parameters: Arrays,
    velocities: Arrays,
    rates: Arrays,
    X: Arrays,
    y: Arrays,
    order: Arrays,
    activation: str,
    momentum: bool,
    batch_size: int,
) -> Arrays:
    """All updates of one segment; with members, leaves and `rates` have a leading axis."""

    def member_step(parameters: Arrays, velocities: Arrays, rate: Arrays, x: Arrays, label: Arrays) -> Arrays:
        gradients = jax.grad(_loss)(parameters, x, label, activation)
        if momentum:
            velocities = jax.tree.map(lambda v, g: BETA * v + (1 - BETA) * g, velocities, gradients)
            gradients = velocities
        return jax.tree.map(lambda w, g: w - rate * g, parameters, gradients), velocities

    move = member_step if rates.ndim == 0 else jax.vmap(member_step, (0, 0, 0, None, None))

    def step(carry: Arrays, chosen: Arrays) -> Arrays:
        return move(*carry, rates, X[chosen], y[chosen]), None

    batches = order if batch_size == 1 else order.reshape(-1, batch_size)
    return lax.scan(step, (parameters, velocities), batches)[0]


@partial(jax.jit, static_argnames=("activation",))
def _evaluate(parameters: Arrays, X: Arrays, y: Arrays, activation: str) -> Arrays:
    """Sums over blocks of images, which is faster than all images at once."""

    def member(parameters: Arrays, x: Arrays, label: Arrays) -> Arrays:
        log_p = _log_softmax(parameters, x, activation)
        loss = -jnp.take_along_axis(log_p, label[:, None], axis=1).sum()
        return loss, (log_p.argmax(axis=1) == label).sum()

    measure = member if parameters[0][1].ndim == 1 else jax.vmap(member, (0, None, None))

    def block(sums: Arrays, images: Arrays) -> Arrays:
        return jax.tree.map(jnp.add, sums, measure(parameters, *images)), None

    members = parameters[0][1].shape[:-1]
    start = jnp.zeros(members), jnp.zeros(members, jnp.int32)
    return lax.scan(block, start, (X.reshape(-1, BLOCK, X.shape[1]), y.reshape(-1, BLOCK)))[0]


class Library:
    """Arrays on JAX's CPU device."""

    version = jax.__version__
    compiles = True

    def __init__(self, images: Images, n_threads: int = 1) -> None:
        if n_threads > 1:
            raise ValueError("measured on one thread")
        self.images = images
        self.X, self.y = jnp.asarray(images.X), jnp.asarray(images.y, jnp.int32)
        self.X_train, self.y_train = self.X[: images.n_train], self.y[: images.n_train]

    def start(self, training: Training) -> None:
        random = np.random.default_rng(0)
        sizes = (self.X.shape[1], *training.hidden, 10)
        lead = (training.members,) if training.members > 1 else ()
        self.parameters = [
            (
                jnp.asarray(random.uniform(-1, 1, (*lead, m, n)) / np.sqrt(n), jnp.float32),
                jnp.zeros((*lead, m), jnp.float32),
            )
            for n, m in zip(sizes[:-1], sizes[1:], strict=True)
        ]
        self.velocities = jax.tree.map(jnp.zeros_like, self.parameters) if training.momentum else ()
        self.rates = jnp.asarray(training.learning_rates(), jnp.float32).reshape(lead)
        self.training = training
        self.orders = self.images.segments(training.batch_size)

    def segment(self) -> None:
        order = next(self.orders)
        batch_size = self.training.batch_size
        self.parameters, self.velocities = _segment(
            self.parameters,
            self.velocities,
            self.rates,
            self.X_train,
            self.y_train,
            jnp.asarray(order, jnp.int32),
            self.training.activation,
            self.training.momentum,
            batch_size,
        )
        jax.block_until_ready(self.parameters)

    def evaluate(self) -> float:
        _, correct = jax.block_until_ready(_evaluate(self.parameters, self.X, self.y, self.training.activation))
        return float(correct.ravel()[0]) / len(self.y)
