"""How the learning rate changes between segments.

Within a segment (the updates between two evaluations) the learning rate is constant; that is what makes
lazy momentum exact in the kernels. After each evaluation `next_learning_rate` says what the next segment
uses.

`halve_on_decrease` is the report's own rule, kept to the letter: "if training loss decreased from the
previous round, then halve the learning rate" (section 2.4). `halve_on_increase` is the usual one.
`cosine` falls from the initial rate towards zero along half a cosine over the whole run, a step at every
evaluation (Loshchilov & Hutter 2017, equation 5 without restarts).

A schedule is one entry of `SCHEDULES`, and what a round may be one of `ROUNDS`; everything else follows.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import entry

if TYPE_CHECKING:
    from engine.configuration import Configuration


@dataclass(frozen=True)
class LearningRate:
    """The learning rate of the next segment and what the schedule remembers.

    Attributes:
        value: γ of the next segment.
        round_loss: training loss (mean, nats) at the end of the last round; None before the first.
    """

    value: float
    round_loss: float | None = None


@dataclass(frozen=True)
class Planned:
    """A schedule that is known before the run: `factor(share of the run that is done)` times the first rate."""

    factor: Callable[[float], float]


@dataclass(frozen=True)
class Halving:
    """Half the rate at the end of a round where `halves(its training loss, that of the round before)`."""

    halves: Callable[[float, float], bool]


SCHEDULES: dict[str, Planned | Halving] = {
    "constant": Planned(lambda _share: 1.0),
    "halve_on_decrease": Halving(lambda now, before: now < before),
    "halve_on_increase": Halving(lambda now, before: now > before),
    "cosine": Planned(lambda share: (1 + math.cos(math.pi * share)) / 2),
}

ROUNDS: dict[str, Callable[["Configuration"], int]] = {
    "epoch": lambda configuration: configuration.evaluations_per_epoch,
    "evaluation": lambda _configuration: 1,
}
"""Evaluations in a round, by the name that `decay_round` gives."""


def compares_rounds(decay: str) -> bool:
    """Whether the schedule of that name depends on training losses, and so on what a round is."""
    return isinstance(entry(SCHEDULES, "decay", decay), Halving)


def waits_for_loss(configuration: "Configuration", k: int) -> bool:
    """Whether the learning rate after evaluation `k` depends on the training loss that it finds."""
    n_evaluations = entry(ROUNDS, "decay_round", configuration.decay_round)(configuration)
    return compares_rounds(configuration.decay) and k % n_evaluations == 0


def next_learning_rate(
    current: LearningRate, configuration: "Configuration", k: int, train_loss: float
) -> LearningRate:
    """The learning rate after evaluation `k`, which found `train_loss` on the training images.

    The first round has nothing to compare with and leaves the rate as it is.
    """
    schedule = entry(SCHEDULES, "decay", configuration.decay)
    if isinstance(schedule, Planned):
        return LearningRate(configuration.learning_rate * schedule.factor(k / configuration.n_evaluations))
    if not waits_for_loss(configuration, k):
        return current
    halve = current.round_loss is not None and schedule.halves(train_loss, current.round_loss)
    return LearningRate(current.value / 2 if halve else current.value, train_loss)
