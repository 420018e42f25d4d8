"""The report's Figure 6: a network as a chain of components, each with a forward and a backward pass.

    X ─> LinearProjection(W₁, b₁) ─> Nonlinearity(σ) ─> … ─> LinearProjection(Wₜ, bₜ) ─> NegativeLogLikelihood
      <──────────────────────────── gradients, in the opposite direction ───────────────────────────────────

Arrays have one row per image: activations are (n, units), so the report's column vectors are rows here and
its W of shape (units out, units in) is stored transposed, (units in, units out).

A component keeps what its backward pass needs and reuses its arrays from batch to batch: what `forward` and
`backward` return is valid until the next call. These components define what is trained; they do the work for
batches, and the compiled kernels for single images are tested against them.
"""

from typing import Any, Protocol

import numpy as np

from engine.activations import Activation
from engine.arrays import FloatArray, IntArray
from engine.dropout import dropout_mask


class Component(Protocol):
    """A link of the chain that is not the loss."""

    def forward(self, X: FloatArray) -> FloatArray:
        """The output for inputs X of shape (n, units in), shape (n, units out)."""

    def backward(self, G: FloatArray) -> FloatArray:
        """The gradient of the loss with respect to the input, from G, that with respect to the output."""


class Scratch:
    """An array that is kept between batches and grows when a larger batch comes."""

    def __init__(self) -> None:
        self._array: FloatArray | None = None

    def of(self, n: int, units: int, dtype: np.dtype[Any]) -> FloatArray:
        """An uninitialised array of shape (n, units); the same memory each time where it suffices."""
        kept = self._array
        if kept is None or len(kept) < n or kept.shape[1] != units or kept.dtype != dtype:
            kept = self._array = np.empty((n, units), dtype)
        return kept[:n]


class Parameter:
    """A leaf of the chain: a value that training changes, and the gradient of the loss for it.

    Attributes:
        value: W of shape (units in, units out), or b of shape (units out,).
        gradient: same shape; what the last backward pass found, for the mean loss over its batch.
    """

    def __init__(self, value: FloatArray) -> None:
        self.value = value
        self.gradient = np.zeros_like(value)


class LinearProjection:
    """Z = XW + b, the affine map of equations 5, 8 and (before σ) 29; XW where a `BatchNorm` follows, which has the b.

    Backward, with G = ∂L/∂Z of shape (n, units out): by equation 19, ∇W = XᵀG, which is the sum over the
    batch of the outer products xᵢgᵢᵀ (equation 37); by equation 27, ∇b is the sum of the rows of G
    (equation 38); and by the chain rule (equation 11), ∂L/∂X = GWᵀ (equation 32).
    """

    def __init__(self, W: FloatArray, b: FloatArray | None) -> None:
        self.W, self.b = Parameter(W), None if b is None else Parameter(b)
        self._X: FloatArray | None = None
        self._output, self._gradient = Scratch(), Scratch()

    def forward(self, X: FloatArray) -> FloatArray:
        """XW + b, or XW, shape (n, units out); remembers X."""
        self._X = X
        Z = self._output.of(len(X), self.W.value.shape[1], X.dtype)
        np.matmul(X, self.W.value, out=Z)
        if self.b is not None:
            Z += self.b.value
        return Z

    def accumulate(self, G: FloatArray) -> None:
        """Fill the gradients of W and b; the first layer of a network needs no more than this."""
        if self._X is None:
            raise RuntimeError("backward needs a forward pass before it")
        np.matmul(self._X.T, G, out=self.W.gradient)
        if self.b is not None:
            np.sum(G, axis=0, out=self.b.gradient)

    def backward(self, G: FloatArray) -> FloatArray:
        """∂L/∂X = GWᵀ, shape (n, units in), after filling the gradients of W and b."""
        self.accumulate(G)
        out = self._gradient.of(len(G), self.W.value.shape[0], G.dtype)
        return np.matmul(G, self.W.value.T, out=out)


EPSILON = 1e-6
"""What is added to a variance before its root is divided by (`BatchNorm`)."""


class BatchNorm:
    """Batch normalisation (Ioffe & Szegedy 2015, algorithm 1), with the bias b of its layer.

    For each unit, with the mean μ and the variance σ² (of n, not n − 1) of its n values z in the batch:

        x̂ = (z − μ) / √(σ² + ε)        a = γx̂ + b

    Backward, with G = ∂L/∂a and means over the batch: ∇γ = Σ G ∘ x̂, ∇b = Σ G, and
    ∂L/∂z = γ / √(σ² + ε) · (G − mean(G) − x̂ ∘ mean(G ∘ x̂)). With means and variances that are given, as in
    evaluation, this is an affine map and becomes part of the projection before it (`engine.folding`).

    A batch of one image (the last of an epoch, where one is left over) has x̂ = 0: it moves the b of the last layer and
    no other parameter, but by what the optimizer remembers.
    """

    def __init__(self, b: FloatArray, gamma: FloatArray) -> None:
        self.b, self.gamma = Parameter(b), Parameter(gamma)
        self._normal, self._output, self._gradient = Scratch(), Scratch(), Scratch()
        self._scale: FloatArray | None = None
        self._N: FloatArray | None = None

    def forward(self, X: FloatArray) -> FloatArray:
        """γx̂ + b with the statistics of this batch, shape (n, units)."""
        n = X.dtype.type(len(X))
        N = self._N = self._normal.of(X.shape[0], X.shape[1], X.dtype)
        np.subtract(X, np.add.reduce(X, axis=0) / n, out=N)
        self._scale = 1 / np.sqrt(np.einsum("ij,ij->j", N, N) / n + X.dtype.type(EPSILON))
        N *= self._scale
        out = np.multiply(N, self.gamma.value, out=self._output.of(X.shape[0], X.shape[1], X.dtype))
        out += self.b.value
        return out

    def backward(self, G: FloatArray) -> FloatArray:
        """∂L/∂z, shape (n, units), after filling the gradients of γ and b."""
        if self._N is None or self._scale is None:
            raise RuntimeError("backward needs a forward pass before it")
        n = G.dtype.type(len(G))
        np.add.reduce(G, axis=0, out=self.b.gradient)
        np.einsum("ij,ij->j", G, self._N, out=self.gamma.gradient)
        out = np.multiply(self._N, self.gamma.gradient / -n, out=self._gradient.of(G.shape[0], G.shape[1], G.dtype))
        out += G
        out -= self.b.gradient / n
        out *= self.gamma.value * self._scale
        return out


class Noise:
    """Normal noise in training: A = X + s · e, with e of mean 0 and variance 1; backward: ∂L/∂X = G.

    On the pixels it is training with jitter (Sietsma & Dow 1991); on what enters σ it is the corruption of the noisy
    path of Rasmus et al. 2015, here after the γ and b of a `BatchNorm`. The noise comes from outside, so that a seed
    decides it; without it nothing happens.
    """

    def __init__(self, size: float) -> None:
        self.size = size
        self.noise: FloatArray | None = None
        self._kept, self._output = Scratch(), Scratch()

    def draw(self, random: np.random.Generator, n: int, units: int, dtype: np.dtype[Any]) -> None:
        """Take the noise of one update, drawn in the precision of the arithmetic."""
        self.noise = self._kept.of(n, units, dtype)
        random.standard_normal(dtype=dtype.type, out=self.noise)
        self.noise *= dtype.type(self.size)

    def forward(self, X: FloatArray) -> FloatArray:
        """X with the noise, shape (n, units)."""
        if self.noise is None:
            return X
        return np.add(X, self.noise, out=self._output.of(X.shape[0], X.shape[1], X.dtype))

    def backward(self, G: FloatArray) -> FloatArray:
        """G itself."""
        return G


class Nonlinearity:
    """A = σ(Z) for a σ of `engine.activations`; backward (equations 34 and 36): ∂L/∂Z = G ∘ σ'(Z)."""

    def __init__(self, activation: Activation) -> None:
        self.activation = activation
        self._output, self._gradient = Scratch(), Scratch()
        self._Z: FloatArray | None = None
        self._A: FloatArray | None = None

    def forward(self, X: FloatArray) -> FloatArray:
        """σ of each element, shape (n, units); remembers X and the result."""
        self._Z = X
        self._A = self.activation.function(X, self._output.of(X.shape[0], X.shape[1], X.dtype))
        return self._A

    def backward(self, G: FloatArray) -> FloatArray:
        """G times the derivative of each element, shape (n, units)."""
        if self._Z is None or self._A is None:
            raise RuntimeError("backward needs a forward pass before it")
        out = self.activation.derivative(self._Z, self._A, self._gradient.of(G.shape[0], G.shape[1], G.dtype))
        out *= G
        return out


class Dropout:
    """Inverted dropout (Srivastava et al. 2014): in training, units are zeroed and the kept ones scaled.

    A = X ∘ M / (1 − p) with M₍ᵢⱼ₎ = 1 for the kept units, so that the expected value of each unit is
    unchanged and evaluation uses no mask at all. Backward: ∂L/∂X = G ∘ M / (1 − p).
    The mask comes from outside (`engine.dropout`), so that a seed decides it; without one nothing happens.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.mask: np.ndarray[Any, np.dtype[np.bool_]] | None = None
        self._kept = np.empty((0, 0), np.bool_)
        self._output, self._gradient = Scratch(), Scratch()

    def draw(self, seed: int, update: int, layer: int, n: int, units: int) -> None:
        """Take the mask of one update (`engine.dropout.dropout_mask`)."""
        if len(self._kept) < n or self._kept.shape[1] != units:
            self._kept = np.empty((n, units), np.bool_)
        self.mask = dropout_mask(seed, update, layer, n, units, self.rate, self._kept[:n])

    def _apply(self, X: FloatArray, scratch: Scratch) -> FloatArray:
        if self.mask is None:
            return X
        out = np.multiply(X, X.dtype.type(1 / (1 - self.rate)), out=scratch.of(X.shape[0], X.shape[1], X.dtype))
        out *= self.mask
        return out

    def forward(self, X: FloatArray) -> FloatArray:
        """X with its dropped units at zero and the others scaled by 1 / (1 − p), shape (n, units)."""
        return self._apply(X, self._output)

    def backward(self, G: FloatArray) -> FloatArray:
        """The gradient of the kept units, scaled like them."""
        return self._apply(G, self._gradient)


class NegativeLogLikelihood:
    """The loss of equations 3 and 9, averaged over the batch, in nats.

    L = −log softmax(z)[gold] = log Σⱼ exp(zⱼ) − z₍gold₎. With m = maxⱼ zⱼ the sum is taken as
    m + log Σⱼ exp(zⱼ − m), so no exponential overflows, whatever the logits.

    Backward (equations 20 and 33): ∂L/∂zᵢ = softmax(z)ᵢ − 1[i = gold], divided by n for the mean.

    With label smoothing ε (Szegedy et al. 2016, section 7) the target of class i of C is (1 − ε) 1[i = gold] + ε / C:
    L = log Σⱼ exp(zⱼ) − (1 − ε) z₍gold₎ − ε · mean(z), and ∂L/∂zᵢ = softmax(z)ᵢ − (1 − ε) 1[i = gold] − ε / C.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing
        self._softmax = Scratch()
        self._y: IntArray | None = None
        self._probabilities: FloatArray | None = None

    def forward(self, Z: FloatArray, y: IntArray) -> float:
        """The mean loss of logits Z, shape (n, classes), for the classes y, shape (n,)."""
        n = len(y)
        P = self._softmax.of(Z.shape[0], Z.shape[1], Z.dtype)
        np.subtract(Z, Z.max(axis=1, keepdims=True), out=P)
        gold = P[np.arange(n), y].astype(np.float64)
        if self.label_smoothing:
            gold = (1 - self.label_smoothing) * gold + self.label_smoothing * np.mean(P, axis=1, dtype=np.float64)
        np.exp(P, out=P)
        total = P.sum(axis=1, keepdims=True)
        P /= total
        self._probabilities, self._y = P, y
        return float(np.mean(np.log(total[:, 0].astype(np.float64)) - gold))

    def backward(self) -> FloatArray:
        """∂L/∂Z, shape (n, classes); overwrites the probabilities of the last forward pass."""
        if self._probabilities is None or self._y is None:
            raise RuntimeError("backward needs a forward pass before it")
        G, self._probabilities = self._probabilities, None
        G[np.arange(len(G)), self._y] -= G.dtype.type(1 - self.label_smoothing)
        if self.label_smoothing:
            G -= G.dtype.type(self.label_smoothing / G.shape[1])
        G /= len(G)
        return G
