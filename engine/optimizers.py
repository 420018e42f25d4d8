"""The step from gradients to parameters, in place, for the component engine.

The kernels take the same steps one image at a time; the tests hold the two against each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.configuration import Configuration
from engine.data import FloatArray


@dataclass(frozen=True)
class Optimizer:
    """Stochastic gradient descent, with or without momentum and weight decay.

    For every parameter w with gradient g (of the mean loss over the batch):

        g ← g + λw                      for weights, not for biases
        w ← w − γg                      without momentum (equations 21 and 28)
        v ← βv + (1−β)g,  w ← w − γv    momentum as an average (section 2.3)
        v ← βv + g,       w ← w − γv    heavy ball (Polyak 1964)

    Attributes:
        form: `none`, `average` or `heavy_ball`.
        beta: β.
        weight_decay: λ.
    """

    form: str
    beta: float
    weight_decay: float

    @classmethod
    def of(cls, configuration: Configuration) -> "Optimizer":
        """The optimizer that a configuration asks for."""
        form = configuration.momentum_form if configuration.momentum else "none"
        return cls(form, configuration.momentum_beta, configuration.weight_decay)

    def step(
        self,
        parameters: Sequence[FloatArray],
        velocities: Sequence[FloatArray],
        gradients: Sequence[FloatArray],
        learning_rate: float,
    ) -> None:
        """One update: `parameters` and `velocities` change in place, `gradients` are used as scratch.

        All three hold (W₁, b₁, W₂, b₂, …); a weight matrix has two axes, which is how it is told from a bias.
        """
        for w, v, g in zip(parameters, velocities, gradients, strict=True):
            if self.weight_decay and w.ndim == 2:
                # Shrinking w first takes the λw of the plain step; with momentum it has to pass through v.
                if self.form == "none":
                    w *= 1 - learning_rate * self.weight_decay
                else:
                    g += self.weight_decay * w
            if self.form == "none":
                g *= learning_rate
                w -= g
                continue
            v *= self.beta
            if self.form == "average":
                g *= 1 - self.beta
            v += g
            np.multiply(v, learning_rate, out=g)
            w -= g
