"""The step from gradients to parameters, in place, for the component engine.

The kernels take the steps of `Sgd` too, and of no other; the tests hold the two against each other. A step is compiled,
so that each parameter is read and written once: as NumPy operations it would be six passes over memory, a third of the
time of a small batch.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.arrays import FloatArray
from engine.compiled import dividing_kernel, kernel
from engine.errors import entry
from engine.momentum import momentum_form

if TYPE_CHECKING:
    from engine.configuration import Configuration


class Optimizer(ABC):
    """What makes steps of gradients.

    Attributes:
        memories: names of what is kept for each parameter from one update to the next, in its shape and zero at first.
        weight_decay: λ, of weights and not of biases.
    """

    memories: ClassVar[tuple[str, ...]]
    weight_decay: float

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
        n = len(parameters)
        memories = [velocities[i * n : (i + 1) * n] for i in range(len(self.memories))]
        rule = self._rule(learning_rate, update, parameters[0].dtype.type)
        for w, *others in zip(parameters, *memories, gradients, strict=True):
            rule(self.weight_decay if w.ndim == 2 else 0.0, *(array.reshape(-1) for array in (w, *others)))

    @abstractmethod
    def _rule(self, learning_rate: float, update: int, scalar: Callable[[float], Any]) -> Callable[..., None]:
        """What one update does to one parameter, called with λ and, flat, (w, its memories, g).

        Numbers are rounded by `scalar` to the precision of the arrays.
        """


@dataclass(frozen=True)
class Sgd(Optimizer):
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

    def _rule(self, learning_rate: float, update: int, scalar: Callable[[float], Any]) -> Callable[..., None]:
        del update
        rate, beta, kappa = scalar(learning_rate), scalar(self.beta), scalar(self.kappa)

        def rule(weight_decay: float, w: FloatArray, v: FloatArray, g: FloatArray) -> None:
            _step(w, v, g, rate, beta, kappa, scalar(weight_decay), self.has_velocity)

        return rule


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


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """Nesterov's accelerated gradient, in the form that takes the gradient where the parameters are.

    For every parameter w with gradient g (Sutskever et al. 2013, equations 3 and 4, after a change of variables: what
    is kept here is their point of the next look-ahead):

        g ← g + λw      for weights, not for biases
        v ← βv + g
        w ← w − γ(g + βv)

    Attributes:
        beta: share of the velocity that survives one update.
        weight_decay: λ.
    """

    memories: ClassVar[tuple[str, ...]] = ("velocity",)

    beta: float
    weight_decay: float = 0.0

    @classmethod
    def of(cls, configuration: "Configuration") -> "Nesterov":
        """With the β and the weight decay of a configuration."""
        return cls(configuration.momentum_beta, configuration.weight_decay)

    def _rule(self, learning_rate: float, update: int, scalar: Callable[[float], Any]) -> Callable[..., None]:
        del update
        rate, beta = scalar(learning_rate), scalar(self.beta)

        def rule(weight_decay: float, w: FloatArray, v: FloatArray, g: FloatArray) -> None:
            _nesterov(w, v, g, rate, beta, scalar(weight_decay))

        return rule


@kernel
def _nesterov(w: FloatArray, v: FloatArray, g: FloatArray, rate: Any, beta: Any, weight_decay: Any) -> None:
    for i in range(w.size):
        gradient = g[i] + weight_decay * w[i]
        v[i] = beta * v[i] + gradient
        w[i] -= rate * (gradient + beta * v[i])


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1), with weight decay in the gradient or beside it.

    For every parameter w with gradient g, at update t = 1, 2, …:

        g ← g + λw                                  Adam, for weights, not for biases
        m ← β₁m + (1 − β₁)g
        s ← β₂s + (1 − β₂)g²
        w ← w − γλw                                 AdamW (Loshchilov & Hutter 2019, algorithm 2), likewise
        w ← w − γ m̂ / (√ŝ + ε)                      m̂ = m / (1 − β₁ᵗ), ŝ = s / (1 − β₂ᵗ), ε = 10⁻⁸

    Attributes:
        beta1: share of the mean gradient that survives one update.
        beta2: share of the mean square that survives one update.
        weight_decay: λ.
        is_decoupled: whether weights shrink beside the step, which is AdamW.
    """

    memories: ClassVar[tuple[str, ...]] = ("mean", "square")

    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0
    is_decoupled: bool = False

    @classmethod
    def of(cls, configuration: "Configuration") -> "Adam":
        """With the betas and the weight decay of a configuration, as its optimizer has it."""
        c = configuration
        return cls(c.momentum_beta, c.adam_beta2, c.weight_decay, c.optimizer == "adamw")

    def _rule(self, learning_rate: float, update: int, scalar: Callable[[float], Any]) -> Callable[..., None]:
        rate = scalar(learning_rate / (1 - self.beta1 ** (update + 1)))
        correction = scalar(1 / math.sqrt(1 - self.beta2 ** (update + 1)))
        new1, new2, epsilon = scalar(1 - self.beta1), scalar(1 - self.beta2), scalar(1e-8)

        def rule(weight_decay: float, w: FloatArray, m: FloatArray, s: FloatArray, g: FloatArray) -> None:
            inside = scalar(0 if self.is_decoupled else weight_decay)
            kept = scalar(1 - learning_rate * weight_decay if self.is_decoupled else 1)
            _adam(w, m, s, g, rate, new1, new2, correction, epsilon, inside, kept)

        return rule


@dividing_kernel
def _adam(
    w: FloatArray,
    m: FloatArray,
    s: FloatArray,
    g: FloatArray,
    rate: Any,
    new1: Any,
    new2: Any,
    correction: Any,
    epsilon: Any,
    weight_decay: Any,
    kept: Any,
) -> None:
    """One step of the values of one parameter, flat; `correction` is 1 / √(1 − β₂ᵗ), `kept` what AdamW leaves of w."""
    for i in range(w.size):
        gradient = g[i] + weight_decay * w[i]
        mean = m[i] + new1 * (gradient - m[i])
        square = s[i] + new2 * (gradient * gradient - s[i])
        m[i], s[i] = mean, square
        w[i] = kept * w[i] - rate * mean / (np.sqrt(square) * correction + epsilon)


def limit_norms(weights: Sequence[FloatArray], longest: float) -> None:
    """Scale the weights into each unit, the columns of each matrix, to at most this L2 norm, in place.

    Max-norm regularisation (Srebro & Shraibman 2005; Srivastava et al. 2014, section 5.1).
    """
    for W in weights:
        norms = np.sqrt(np.einsum("ij,ij->j", W, W))
        W *= np.minimum(1, longest / np.maximum(norms, np.finfo(W.dtype).tiny)).astype(W.dtype)


def follow(average: Sequence[FloatArray], parameters: Sequence[FloatArray], share: float, update: int) -> None:
    """One update of an exponential average of the parameters, in place (Polyak & Juditsky 1992).

        a ← ρa + (1 − ρ)w       ρ = min(share, (1 + t) / (10 + t)) at update t = 0, 1, …

    so that the first values, which know nothing yet, are soon forgotten.
    """
    new = parameters[0].dtype.type(1 - min(share, (1 + update) / (10 + update)))
    for a, w in zip(average, parameters, strict=True):
        _follow(a.reshape(-1), w.reshape(-1), new)


@kernel
def _follow(a: FloatArray, w: FloatArray, new: Any) -> None:
    for i in range(a.size):
        a[i] += new * (w[i] - a[i])


_OPTIMIZERS: dict[str, Callable[["Configuration"], Optimizer]] = {
    "sgd": Sgd.of,
    "nesterov": Nesterov.of,
    "adam": Adam.of,
    "adamw": Adam.of,
}


def optimizer_of(configuration: "Configuration") -> Optimizer:
    """The optimizer that a configuration asks for; one that is not `Sgd` is none of the kernels'."""
    return entry(_OPTIMIZERS, "optimizer", configuration.optimizer)(configuration)
