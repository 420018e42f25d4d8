"""How the learning rate changes between segments.

Within a segment (the updates between two evaluations) the learning rate is constant; that is what makes
lazy momentum exact in the kernels. After each evaluation `next_learning_rate` says what the next segment
uses.

`halve_on_decrease` is the report's own rule, kept to the letter: "if training loss decreased from the
previous round, then halve the learning rate" (section 2.4). `halve_on_increase` is the usual one.
`cosine` falls from the initial rate towards zero along half a cosine over the whole run, a step at every
evaluation (Loshchilov & Hutter 2017, equation 5 without restarts).
"""

import math
from dataclasses import dataclass

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


def waits_for_loss(configuration: Configuration, k: int) -> bool:
    """Whether the learning rate after evaluation `k` depends on the training loss that it finds."""
    if configuration.decay in ("constant", "cosine"):
        return False
    return configuration.decay_round != "epoch" or k % configuration.evaluations_per_epoch == 0


def next_learning_rate(current: LearningRate, configuration: Configuration, k: int, train_loss: float) -> LearningRate:
    """The learning rate after evaluation `k`, which found `train_loss` on the training images.

    A round ends with every epoch, or with every evaluation (`decay_round`). The first round has nothing
    to compare with and leaves the rate as it is.
    """
    decay = configuration.decay
    if decay == "cosine":
        share = k / configuration.n_evaluations
        return LearningRate(configuration.learning_rate * (1 + math.cos(math.pi * share)) / 2)
    if not waits_for_loss(configuration, k):
        return current
    before = current.round_loss
    if before is None:
        return LearningRate(current.value, train_loss)
    halve = train_loss < before if decay == "halve_on_decrease" else train_loss > before
    return LearningRate(current.value / 2 if halve else current.value, train_loss)
