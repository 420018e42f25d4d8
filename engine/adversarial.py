"""Images moved to where their loss grows fastest, for training on them too.

For an image x with the gradient g = ∂L/∂x of its loss, and a size s:

    l2      x + s · g / ‖g‖₂        the steepest move of length s [Miyato et al. 2016, section 3]
    linf    x + s · sign(g)         the steepest move of at most s in each pixel [Goodfellow et al. 2015, section 4]

Training then minimises ½ L(x) + ½ L(x moved) (Goodfellow et al. 2015, section 6, with α = ½), and g is not
differentiated again: the move is taken as given. A mask or noise of the update is the same for both.

The gradients come from the mean loss of the batch, so that with batch normalisation, where images have a part in one
another's loss, g is that of the batch's. In l2 one below 10⁻¹² moves its image by less than s, in proportion; one of 0
moves nothing.
"""

from collections.abc import Callable

import numpy as np

from engine.arrays import FloatArray
from engine.errors import entry

_SHORTEST = 1e-12


def _l2(G: FloatArray, size: float) -> FloatArray:
    length = np.sqrt(np.einsum("ij,ij->i", G, G))[:, None]
    move: FloatArray = G * (G.dtype.type(size) / np.maximum(length, G.dtype.type(_SHORTEST)))
    return move


def _linf(G: FloatArray, size: float) -> FloatArray:
    return np.sign(G) * G.dtype.type(size)


NORMS: dict[str, Callable[[FloatArray, float], FloatArray]] = {"l2": _l2, "linf": _linf}
"""(gradients, size) → moves, by the name of what has that size."""


def moved(X: FloatArray, G: FloatArray, norm: str, size: float) -> FloatArray:
    """Images X, shape (n, pixels), moved by `size` along their gradients G, same shape; an image without one stays."""
    move = entry(NORMS, "adversarial_norm", norm)(G, size)
    move += X
    return move
