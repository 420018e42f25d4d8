"""How the learning rate changes between segments.

Within a segment (the updates between two evaluations) the learning rate is constant; that is what makes
lazy momentum exact in the kernels. After each evaluation `next_learning_rate` says what the next segment
uses.

`halve_on_decrease` is the report's own rule, kept to the letter: "if training loss decreased from the
previous round, then halve the learning rate" (section 2.4). `halve_on_increase` is the usual one.
`cosine` falls from the initial rate towards zero along half a cosine over the whole run, a step at every
evaluation (Loshchilov & Hutter 2017, equation 5 without restarts). `linear_end` keeps the initial rate for a third of
the run and falls to zero on a line over the rest. `step` is a tenth of it after half of the run, and a hundredth after
three quarters (He et al. 2016, section 4.2). `warm_up` rises from a tenth of it over the first tenth of the run (Goyal
et al. 2017, section 2.2), and falls as the cosine does from there.

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


_WARM = 0.1


def _cosine(share: float) -> float:
    return (1 + math.cos(math.pi * share)) / 2


def _warm_up(share: float) -> float:
    return 0.1 + 0.9 * share / _WARM if share < _WARM else _cosine((share - _WARM) / (1 - _WARM))


SCHEDULES: dict[str, Planned | Halving] = {
    "constant": Planned(lambda _share: 1.0),
    "halve_on_decrease": Halving(lambda now, before: now < before),
    "halve_on_increase": Halving(lambda now, before: now > before),
    "cosine": Planned(_cosine),
    "linear_end": Planned(lambda share: min(1.0, 1.5 * (1 - share))),
    "step": Planned(lambda share: 1.0 if share < 0.5 else 0.1 if share < 0.75 else 0.01),
    "warm_up": Planned(_warm_up),
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


def first_learning_rate(configuration: "Configuration") -> LearningRate:
    """The learning rate of the first segment."""
    schedule = entry(SCHEDULES, "decay", configuration.decay)
    factor = schedule.factor(0.0) if isinstance(schedule, Planned) else 1.0
    return LearningRate(configuration.learning_rate * factor)


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
