"""A softmax-linear model or a multi-layer perceptron, put together from the components of `engine.components`.

Depth 0 is the report's linear model (equations 5 to 7), depth t − 1 its perceptron with t − 1 hidden layers
(equations 30 and 31). The same parts serve any depth and width.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from engine.activations import ACTIVATIONS
from engine.arrays import DTYPES, FloatArray, IntArray
from engine.components import (
    BatchNorm,
    Component,
    Dropout,
    LinearProjection,
    NegativeLogLikelihood,
    Noise,
    Nonlinearity,
    Parameter,
)
from engine.configuration import Configuration
from engine.errors import ConfigurationError
from engine.initializers import initial_parameters
from engine.seeds import Seed, Stream, generator


class Network:
    """A chain of components from images to logits, with its loss.

    Args:
        parameters: (W₁, b₁, W₂, b₂, …); W of shape (units in, units out), b of shape (units out,); with batch
            normalisation (W₁, b₁, γ₁, …), γ of the shape of b. The arrays become the network's own: training changes
            them in place.
        activation: σ between the layers, a name of `engine.activations.ACTIVATIONS`.
        dropout_input: share of inputs dropped in training.
        dropout_hidden: the same for hidden units.
        batch_norm: whether each layer is normalised over the batch, in whatever the network computes.
        noise_input: standard deviation of the noise on inputs in training.
        noise_hidden: the same for what enters σ.
        label_smoothing: ε of the loss.
    """

    def __init__(
        self,
        parameters: Sequence[FloatArray],
        activation: str = "relu",
        *,
        dropout_input: float = 0.0,
        dropout_hidden: float = 0.0,
        batch_norm: bool = False,
        noise_input: float = 0.0,
        noise_hidden: float = 0.0,
        label_smoothing: float = 0.0,
    ) -> None:
        step = 3 if batch_norm else 2
        if len(parameters) < step or len(parameters) % step:
            raise ConfigurationError(
                "a network needs a weight matrix and a bias for each of its layers"
                + (", and a scale where it is normalised" if batch_norm else "")
            )
        layers = [tuple(parameters[i : i + step]) for i in range(0, len(parameters), step)]
        for (W, *_), (following, *_) in pairwise(layers):
            if W.shape[1] != following.shape[0]:
                raise ConfigurationError(f"layers must fit each other, but {W.shape} is followed by {following.shape}")
        self._parameters: list[Parameter] = []
        self.components: list[Component] = []
        self._dropouts: list[tuple[int, int, Dropout]] = []
        self._noises: list[tuple[int, int, Noise]] = []
        for layer, (W, b, *gamma) in enumerate(layers):
            units = W.shape[0]
            if layer:
                self._add_noise(layer, units, noise_hidden)
                self.components.append(Nonlinearity(ACTIVATIONS[activation]))
            # One dropout component per layer that can drop units: the inputs are 0, hidden layer l is l.
            dropout = Dropout(dropout_hidden if layer else dropout_input)
            if dropout.rate:
                self.components.append(dropout)
                self._dropouts.append((layer, units, dropout))
            if not layer:
                self._add_noise(layer, units, noise_input)
            self._add_layer(W, b, *gamma)
        self.loss_component = NegativeLogLikelihood(label_smoothing)
        self._first = next(component for component in self.components if isinstance(component, LinearProjection))
        self.pixel_gradient: FloatArray | None = None

    def _add_noise(self, layer: int, units: int, size: float) -> None:
        if size:
            noise = Noise(size)
            self.components.append(noise)
            self._noises.append((layer, units, noise))

    def _add_layer(self, W: FloatArray, b: FloatArray, gamma: FloatArray | None = None) -> None:
        if gamma is None:
            projection = LinearProjection(W, b)
            assert projection.b is not None
            self.components.append(projection)
            self._parameters += [projection.W, projection.b]
        else:
            projection, normalisation = LinearProjection(W, None), BatchNorm(b, gamma)
            self.components += [projection, normalisation]
            self._parameters += [projection.W, normalisation.b, normalisation.gamma]

    @classmethod
    def initialized(cls, configuration: Configuration, n_features: int, n_classes: int, seed: Seed) -> "Network":
        """The network of a configuration at the start of a run with that seed."""
        parameters = initial_parameters(
            configuration.layer_sizes(n_features, n_classes),
            configuration.initializer,
            generator(seed, Stream.INITIALIZATION),
            DTYPES[configuration.dtype],
            batch_norm=configuration.batch_norm,
        )
        return cls.with_parameters(parameters, configuration)

    @classmethod
    def with_parameters(cls, parameters: Sequence[FloatArray], configuration: Configuration) -> "Network":
        """The network of a configuration, as it is trained, with given parameters."""
        c = configuration
        return cls(
            parameters,
            c.activation,
            dropout_input=c.dropout_input,
            dropout_hidden=c.dropout_hidden,
            batch_norm=c.batch_norm,
            noise_input=c.noise_input,
            noise_hidden=c.noise_hidden,
            label_smoothing=c.label_smoothing,
        )

    @property
    def parameters(self) -> tuple[FloatArray, ...]:
        """(W₁, b₁, W₂, b₂, …), with batch normalisation (W₁, b₁, γ₁, …), the arrays themselves."""
        return tuple(parameter.value for parameter in self._parameters)

    @property
    def gradients(self) -> tuple[FloatArray, ...]:
        """What the last backward pass found for each of `parameters`, in the same order and shapes."""
        return tuple(parameter.gradient for parameter in self._parameters)

    def logits(self, X: FloatArray) -> FloatArray:
        """z⁽ᵗ⁾ of equation 31, shape (n, classes), for images X of shape (n, features)."""
        for component in self.components:
            X = component.forward(X)
        return X

    def draw(self, n: int, *, dropout_seed: int, noise_seed: int, update: int) -> None:
        """Take the masks and the noise of one update, for batches of n images, until `rest`."""
        for layer, units, dropout in self._dropouts:
            dropout.draw(dropout_seed, update, layer, n, units)
        for layer, units, noise in self._noises:
            random = generator(noise_seed, Stream.NOISE, update, layer)
            noise.draw(random, n, units, self.parameters[0].dtype)

    def rest(self) -> None:
        """Forget masks and noise: from now on nothing is dropped and nothing is added."""
        for _, _, dropout in self._dropouts:
            dropout.mask = None
        for _, _, noise in self._noises:
            noise.noise = None

    def loss_and_gradients(self, X: FloatArray, y: IntArray, *, to_pixels: bool = False) -> float:
        """The mean loss (nats) of a batch, leaving the gradients in the components.

        Args:
            X: (n, features) images.
            y: (n,) classes.
            to_pixels: whether `pixel_gradient`, (n, features), is wanted too: that of the loss for each pixel.
        """
        loss = self.loss_component.forward(self.logits(X), y)
        G = self.loss_component.backward()
        for component in reversed(self.components):
            if not to_pixels and component is self._first:
                # Nothing learns before the first projection, so it needs the gradients of its parameters alone.
                self._first.accumulate(G)
                return loss
            G = component.backward(G)
        self.pixel_gradient = G
        return loss

    def loss(self, X: FloatArray, y: IntArray) -> float:
        """The mean loss in nats, with what is drawn."""
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
