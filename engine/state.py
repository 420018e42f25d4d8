"""What a run is between two segments, and what is found there; a state survives as bytes without pickle."""

import io
import json
from dataclasses import dataclass

import numpy as np

from engine.arrays import FloatArray
from engine.configuration import Configuration
from engine.data.dataset import SplitName
from engine.schedules import LearningRate


@dataclass(frozen=True)
class Evaluation:
    """Loss and accuracy on the three splits at one point of a run.

    Attributes:
        k: 1 … K, counted from the first evaluation of the run.
        epoch: passes over the training images so far, k / evaluations_per_epoch.
        learning_rate: γ of the updates since the evaluation before.
        loss: mean loss in nats, by split.
        accuracy: share of images classified correctly, by split, in [0, 1].
    """

    k: int
    epoch: float
    learning_rate: float
    loss: dict[SplitName, float]
    accuracy: dict[SplitName, float]


@dataclass(frozen=True, eq=False)
class TrainingState:
    """A run between two segments.

    Attributes:
        configuration: what is trained.
        seed: the run's seed, from `engine.seeds.derive_seed`.
        k: evaluations done.
        updates: parameter updates done.
        learning_rate: what the next segment uses, with the schedule's memory.
        parameters: (W₁, b₁, …), W of shape (units in, units out).
        velocities: same shapes; zeros where there is no momentum.
        diverged_at: number of the update, from 1, whose loss was not finite; None while all is well.
    """

    configuration: Configuration
    seed: int
    k: int
    updates: int
    learning_rate: LearningRate
    parameters: tuple[FloatArray, ...]
    velocities: tuple[FloatArray, ...]
    diverged_at: int | None = None

    @property
    def finished(self) -> bool:
        """Whether no segment is left: all evaluations done, or diverged."""
        return self.diverged_at is not None or self.k >= self.configuration.n_evaluations

    def to_bytes(self) -> bytes:
        """The state as an uncompressed NPZ archive, for a checkpoint or another process."""
        header = {
            "configuration": self.configuration.as_dict(),
            "seed": self.seed,
            "k": self.k,
            "updates": self.updates,
            "learning_rate": [self.learning_rate.value, self.learning_rate.round_loss],
            "diverged_at": self.diverged_at,
        }
        arrays = {f"parameter_{i}": a for i, a in enumerate(self.parameters)}
        arrays |= {f"velocity_{i}": a for i, a in enumerate(self.velocities)}
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, header=np.array(json.dumps(header)), **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "TrainingState":
        """The state that `to_bytes` wrote, equal to the bit."""
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            header = json.loads(str(archive["header"]))
            n = sum(name.startswith("parameter_") for name in archive.files)
            parameters = tuple(archive[f"parameter_{i}"] for i in range(n))
            velocities = tuple(archive[f"velocity_{i}"] for i in range(n))
        return cls(
            configuration=Configuration(**header["configuration"]),
            seed=header["seed"],
            k=header["k"],
            updates=header["updates"],
            learning_rate=LearningRate(*header["learning_rate"]),
            parameters=parameters,
            velocities=velocities,
            diverged_at=header["diverged_at"],
        )
