"""What a network said about each image of a split: which it got right, and what it took the others for.

Runs are compared image by image, so what is kept of one is a bit an image and a class for each image that was wrong;
with the labels, that is every predicted class.

    classes (n,), labels (n,) ──> correct: ⌈n / 8⌉ bytes; mistaken: one or two bytes for each wrong image
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.arrays import IntArray

Classes = NDArray[np.unsignedinteger[Any]]


def class_dtype(n_classes: int) -> np.dtype[Any]:
    """The smallest unsigned type that holds 0 … n_classes − 1, little-endian."""
    return np.min_scalar_type(n_classes - 1).newbyteorder("<")


@dataclass(frozen=True, eq=False)
class Predictions:
    """The class that a network chose for each image of a split, beside the right one.

    Attributes:
        classes: (n,) unsigned, in `class_dtype`.
        labels: (n,) int64.
    """

    classes: Classes
    labels: IntArray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def correct(self) -> bytes:
        """One bit an image, set where it was right; image 0 is the highest bit of the first byte (`numpy.packbits`)."""
        return bytes(np.packbits(self.classes == self.labels))

    @property
    def mistaken(self) -> bytes:
        """The class chosen for each image that was wrong, in the order of the images, in `class_dtype`."""
        return bytes(self.classes[self.classes != self.labels].data)
