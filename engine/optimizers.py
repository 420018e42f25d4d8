"""The step from gradients to parameters, in place, for the component engine.

The kernels take the same steps one image at a time; the tests hold the two against each other. A step is compiled,
so that each parameter is read and written once: as NumPy operations it would be six passes over memory, a third of the
time of a small batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from engine.arrays import FloatArray
from engine.compiled import kernel
from engine.momentum import momentum_form

if TYPE_CHECKING:
    from engine.configuration import Configuration


class Optimizer(Protocol):
    """What makes steps of gradients.

    Attributes:
        memories: names of what is kept for each parameter from one update to the next, in its shape and zero at first.
    """

    memories: ClassVar[tuple[str, ...]]

    def step(
        self,
        parameters: Sequence[FloatArray],
        velocities: Sequence[FloatArray],
        gradients: Sequence[FloatArray],
        learning_rate: float,
        update: int,
    ) -> None:
        """One update: `parameters` and `velocities` change in place, `gradients` are left as they are.

        Args:
            parameters: (W₁, b₁, W₂, b₂, …); a weight matrix has two axes, which is how it is told from a bias.
            velocities: the first memory of each of them, then the second of each, …
            gradients: of the mean loss over the batch, of each of them.
            learning_rate: γ.
            update: number of this update in the run, from 0.
        """


def optimizer_of(configuration: "Configuration") -> Optimizer:
    """The optimizer that a configuration asks for; one that is not `Sgd` is none of the kernels'."""
    return Sgd.of(configuration)


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent, with or without momentum and weight decay.

    For every parameter w with gradient g (of the mean loss over the batch):

        g ← g + λw      for weights, not for biases
        v ← βv + κg
        w ← w − γv

    with the β and κ of `engine.momentum`.

    Attributes:
        beta: share of the velocity that survives one update.
        kappa: share of the gradient that enters the velocity.
        weight_decay: λ.
        has_velocity: whether a velocity is kept; without, β is 0 and κ is 1.
    """

    memories: ClassVar[tuple[str, ...]] = ("velocity",)

    beta: float
    kappa: float
    weight_decay: float
    has_velocity: bool

    @classmethod
    def of(cls, configuration: "Configuration") -> "Sgd":
        """With the momentum and the weight decay of a configuration."""
        name = configuration.momentum_form if configuration.momentum else "none"
        return cls.with_momentum(name, configuration.momentum_beta, configuration.weight_decay)

    @classmethod
    def with_momentum(cls, form: str, beta: float = 0.9, weight_decay: float = 0.0) -> "Sgd":
        """With a form of momentum, by name.

        Raises:
            ConfigurationError: no form is called that.
        """
        rule = momentum_form(form)
        return cls(rule.beta(beta), rule.kappa(beta), weight_decay, rule.has_velocity)

    def step(
        self,
        parameters: Sequence[FloatArray],
        velocities: Sequence[FloatArray],
        gradients: Sequence[FloatArray],
        learning_rate: float,
        update: int = 0,
    ) -> None:
        """As of `Optimizer`; every update is like the others."""
        del update
        scalar = parameters[0].dtype.type
        rate, beta, kappa = scalar(learning_rate), scalar(self.beta), scalar(self.kappa)
        for w, v, g in zip(parameters, velocities, gradients, strict=True):
            weight_decay = scalar(self.weight_decay if w.ndim == 2 else 0)
            _step(w.reshape(-1), v.reshape(-1), g.reshape(-1), rate, beta, kappa, weight_decay, self.has_velocity)


@kernel
def _step(
    w: FloatArray,
    v: FloatArray,
    g: FloatArray,
    rate: Any,
    beta: Any,
    kappa: Any,
    weight_decay: Any,
    has_velocity: bool,
) -> None:
    """One step of the values of one parameter, flat: v ← βv + κ(g + λw), w ← w − γv."""
    if has_velocity:
        for i in range(w.size):
            v[i] = beta * v[i] + kappa * (g[i] + weight_decay * w[i])
            w[i] -= rate * v[i]
    else:
        for i in range(w.size):
            w[i] -= rate * (g[i] + weight_decay * w[i])
