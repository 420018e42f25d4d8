"""What is measured: networks, data, and the jobs made of them.

Everything is written as plain numbers and arrays, so that a peer needs nothing of this project.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

LEARNING_RATE = 0.01
BETA = 0.9
N_SEGMENTS = 25  # of a run of five epochs
PER_EPOCH = 5


@dataclass(frozen=True)
class Images:
    """MNIST's three splits in one array, training images first.

    Attributes:
        X: (n, 784) float32 in [0, 1].
        y: (n,) int64.
        n_train: images of the training split.
        order: (n_train,) int64, in which they are visited.
    """

    X: np.ndarray
    y: np.ndarray
    n_train: int
    order: np.ndarray

    @classmethod
    def read(cls, path: Path) -> "Images":
        with np.load(path) as stored:
            return cls(stored["X"], stored["y"], int(stored["n_train"]), stored["order"])

    def write(self, path: Path) -> None:
        np.savez(path, X=self.X, y=self.y, n_train=np.array(self.n_train), order=self.order)

    def segments(self, batch_size: int) -> Iterator[np.ndarray]:
        """The orders of one segment after another, whole batches, without end."""
        size = self.n_train // PER_EPOCH // batch_size * batch_size
        while True:
            for part in range(PER_EPOCH):
                yield self.order[part * size : (part + 1) * size]


@dataclass(frozen=True)
class Training:
    """A network and how it is trained.

    Attributes:
        hidden: units of each hidden layer; none for a linear model.
        activation: `relu` or `tanh`.
        momentum: averaged momentum with β = 0.9, or plain SGD.
        members: models of this kind trained at once, each with a learning rate of its own.
        batch_size: images in an update.
    """

    hidden: tuple[int, ...] = ()
    activation: str = "relu"
    momentum: bool = False
    members: int = 1
    batch_size: int = 1

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Training":
        return cls(**{**fields, "hidden": tuple(fields["hidden"])})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def learning_rates(self) -> list[float]:
        """One for each member, around 0.01; all different, as in a grid."""
        return [LEARNING_RATE * (1 + member / 100) for member in range(self.members)]

    def __str__(self) -> str:
        sizes = "–".join(map(str, ("784", *self.hidden, "10")))
        words = [sizes, *([self.activation] if self.hidden else []), *(["momentum"] if self.momentum else [])]
        if self.members > 1:
            words.append(f"{self.members} members")
        if self.batch_size > 1:
            words.append(f"batches of {self.batch_size}")
        return ", ".join(words)


LINEAR = Training()
LINEAR_MOMENTUM = Training(momentum=True)
SIXTEEN = Training(members=16)
SIXTEEN_MOMENTUM = Training(members=16, momentum=True)
MLP = Training(hidden=(100, 100), momentum=True)
MLP_PLAIN = Training(hidden=(100, 100))
MLP_TANH = Training(hidden=(100, 100), activation="tanh", momentum=True)
BATCHES_32 = Training(hidden=(100, 100), momentum=True, batch_size=32)
BATCHES_128 = Training(hidden=(100, 100), momentum=True, batch_size=128)
WIDE = Training(hidden=(800, 800), momentum=True, batch_size=64)
