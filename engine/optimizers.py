"""The step from gradients to parameters, in place, for the component engine.

The kernels take the same steps one image at a time; the tests hold the two against each other. A step is compiled,
so that each parameter is read and written once: as NumPy operations it would be six passes over memory, a third of the
time of a small batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.arrays import FloatArray
from engine.compiled import kernel
from engine.configuration import Configuration


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
        """One update: `parameters` and `velocities` change in place, `gradients` are left as they are.

        All three hold (W₁, b₁, W₂, b₂, …); a weight matrix has two axes, which is how it is told from a bias.
        """
        scalar = parameters[0].dtype.type
        keep = scalar(self.beta if self.form != "none" else 0)
        enter = scalar(1 - self.beta if self.form == "average" else 1)
        rate = scalar(learning_rate)
        for w, v, g in zip(parameters, velocities, gradients, strict=True):
            decay = scalar(self.weight_decay if w.ndim == 2 else 0)
            _step(w.reshape(-1), v.reshape(-1), g.reshape(-1), rate, keep, enter, decay, self.form != "none")


@kernel
def _step(
    w: FloatArray,
    v: FloatArray,
    g: FloatArray,
    rate: Any,
    keep: Any,
    enter: Any,
    decay: Any,
    has_momentum: bool,
) -> None:
    """One step of the values of one parameter, flat: v ← keep v + enter (g + decay w), w ← w − rate v."""
    if has_momentum:
        for i in range(w.size):
            v[i] = keep * v[i] + enter * (g[i] + decay * w[i])
            w[i] -= rate * v[i]
    else:
        for i in range(w.size):
            w[i] -= rate * (g[i] + decay * w[i])
