"""A softmax-linear model or a multi-layer perceptron, put together from the components of `engine.components`.

Depth 0 is the report's linear model (equations 5 to 7), depth t − 1 its perceptron with t − 1 hidden layers
(equations 30 and 31). The same parts serve any depth and width.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from engine.activations import ACTIVATIONS
from engine.arrays import DTYPES, FloatArray, IntArray
from engine.components import Component, Dropout, LinearProjection, NegativeLogLikelihood, Nonlinearity
from engine.configuration import Configuration
from engine.errors import ConfigurationError
from engine.initializers import initial_parameters
from engine.seeds import Seed, Stream, generator


class Network:
    """A chain of components from images to logits, with its loss.

    Args:
        parameters: (W₁, b₁, W₂, b₂, …); W of shape (units in, units out), b of shape (units out,). The
            arrays become the network's own: training changes them in place.
        activation: σ between the layers, a name of `engine.activations.ACTIVATIONS`.
        dropout_input: share of inputs dropped when a mask position is given.
        dropout_hidden: the same for hidden units.
    """

    def __init__(
        self,
        parameters: Sequence[FloatArray],
        activation: str = "relu",
        *,
        dropout_input: float = 0.0,
        dropout_hidden: float = 0.0,
    ) -> None:
        if len(parameters) < 2 or len(parameters) % 2:
            raise ConfigurationError("a network needs a weight matrix and a bias for each of its layers")
        for (W, _), (following, _) in pairwise(zip(parameters[::2], parameters[1::2], strict=True)):
            if W.shape[1] != following.shape[0]:
                raise ConfigurationError(f"layers must fit each other, but {W.shape} is followed by {following.shape}")
        self.projections = [LinearProjection(W, b) for W, b in zip(parameters[::2], parameters[1::2], strict=True)]
        # One dropout component per layer that can drop units: the inputs are 0, hidden layer l is l.
        self._dropouts = [Dropout(dropout_hidden if layer else dropout_input) for layer in range(len(parameters) // 2)]
        self.components: list[Component] = []
        for layer, projection in enumerate(self.projections):
            if layer:
                self.components.append(Nonlinearity(ACTIVATIONS[activation]))
            if self._dropouts[layer].rate:
                self.components.append(self._dropouts[layer])
            self.components.append(projection)
        self.loss_component = NegativeLogLikelihood()

    @classmethod
    def initialized(cls, configuration: Configuration, n_features: int, n_classes: int, seed: Seed) -> "Network":
        """The network of a configuration at the start of a run with that seed."""
        parameters = initial_parameters(
            configuration.layer_sizes(n_features, n_classes),
            configuration.initializer,
            generator(seed, Stream.INITIALIZATION),
            DTYPES[configuration.dtype],
        )
        return cls.with_parameters(parameters, configuration)

    @classmethod
    def with_parameters(cls, parameters: Sequence[FloatArray], configuration: Configuration) -> "Network":
        """The network of a configuration with given parameters."""
        return cls(
            parameters,
            configuration.activation,
            dropout_input=configuration.dropout_input,
            dropout_hidden=configuration.dropout_hidden,
        )

    @property
    def parameters(self) -> tuple[FloatArray, ...]:
        """(W₁, b₁, W₂, b₂, …), the arrays themselves."""
        return tuple(value for p in self.projections for value in (p.W.value, p.b.value))

    @property
    def gradients(self) -> tuple[FloatArray, ...]:
        """What the last backward pass found for each of `parameters`, in the same order and shapes."""
        return tuple(value for p in self.projections for value in (p.W.gradient, p.b.gradient))

    def logits(self, X: FloatArray) -> FloatArray:
        """z⁽ᵗ⁾ of equation 31, shape (n, classes), for images X of shape (n, features)."""
        for component in self.components:
            X = component.forward(X)
        return X

    def loss_and_gradients(
        self, X: FloatArray, y: IntArray, *, dropout_seed: int = 0, update: int | None = None
    ) -> float:
        """The mean loss (nats) of a batch, leaving the gradients in the components.

        Args:
            X: (n, features) images.
            y: (n,) classes.
            dropout_seed: decides the masks, together with `update`.
            update: number of this update in the run, from 0; None trains without dropout.
        """
        if update is not None:
            for layer, dropout in enumerate(self._dropouts):
                if dropout.rate:
                    units = self.projections[layer].W.value.shape[0]
                    dropout.draw(dropout_seed, update, layer, len(X), units)
        loss = self.loss_component.forward(self.logits(X), y)
        G = self.loss_component.backward()
        # Nothing learns before the first projection, so it needs the gradients of W and b alone.
        first = self.projections[0]
        for component in reversed(self.components[self.components.index(first) + 1 :]):
            G = component.backward(G)
        first.accumulate(G)
        for dropout in self._dropouts:
            dropout.mask = None
        return loss

    def loss(self, X: FloatArray, y: IntArray) -> float:
        """The mean loss in nats, no unit dropped."""
        return self.loss_component.forward(self.logits(X), y)

    def predict_proba(self, X: FloatArray) -> FloatArray:
        """softmax(z⁽ᵗ⁾) (equation 2), shape (n, classes)."""
        Z = self.logits(np.asarray(X, self.parameters[0].dtype))
        E = np.exp(Z - Z.max(axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]

    def predict(self, X: FloatArray) -> IntArray:
        """Argmax of the logits (equation 7), the first where several are equal, shape (n,)."""
        logits = self.logits(np.asarray(X, self.parameters[0].dtype))
        chosen: IntArray = np.argmax(logits, axis=1).astype(np.int64)
        return chosen
