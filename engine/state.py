"""What a run is between two segments, and what is found there; a state survives as bytes without pickle.

    TrainingState ──to_bytes──> checkpoint ──from_bytes──> TrainingState, or a CheckpointError that says why not

A run goes on from a checkpoint only where that is what this code would have made of this run; every other is refused.
"""

import hashlib
import io
import re
import zipfile
from dataclasses import asdict, dataclass, field

from engine.archive import ArchiveError, open_archive, write_archive
from engine.arrays import FloatArray
from engine.configuration import Configuration
from engine.data.dataset import SplitName
from engine.errors import DigitsweepError
from engine.predictions import Predictions
from engine.schedules import LearningRate
from engine.seeds import Seed

FORMAT = 2
"""The format of a checkpoint; the first had neither a checksum nor the code's version."""

_FIRST_WORD = "digitsweep-checkpoint"
_DIGEST = hashlib.sha256().digest_size


def _memories(configuration: Configuration) -> tuple[str, ...]:
    from engine.optimizers import optimizer_of  # whose steps are compiled: not needed to read a database

    return optimizer_of(configuration).memories


def _plain(seed: Seed) -> int | dict[str, int]:
    return seed if isinstance(seed, int) else asdict(seed)


class CheckpointError(DigitsweepError, ValueError):
    """A checkpoint that a run cannot go on from; the text says why, as in "the checkpoint is set aside: …"."""


@dataclass(frozen=True)
class Evaluation:
    """Loss and accuracy on the three splits at one point of a run.

    Attributes:
        k: 1 … K, counted from the first evaluation of the run.
        epoch: passes over the training images so far, k / evaluations_per_epoch.
        learning_rate: γ of the updates since the evaluation before.
        loss: mean loss in nats, by split.
        accuracy: share of images classified correctly, by split, in [0, 1].
        predictions: what was said about each image of validation and test, where that was asked for; not part of what
            is compared, since loss and accuracy follow from it and the parameters.
    """

    k: int
    epoch: float
    learning_rate: float
    loss: dict[SplitName, float]
    accuracy: dict[SplitName, float]
    predictions: dict[SplitName, Predictions] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, eq=False)
class TrainingState:
    """A run between two segments.

    Attributes:
        configuration: what is trained.
        seed: the run's seed, from `engine.seeds.run_seed`.
        k: evaluations done.
        updates: parameter updates done.
        learning_rate: what the next segment uses, with the schedule's memory.
        parameters: (W₁, b₁, …), W of shape (units in, units out); with batch normalisation (W₁, b₁, γ₁, …).
        velocities: what the optimizer keeps, each memory in the same shapes; zeros where there is no momentum.
        average: exponential average of the parameters, in the same shapes; empty where none is kept.
        folded: the plain network (W₁, b₁, …) that was evaluated, where batch normalisation makes it another than
            parameters or average; it follows from these, and a checkpoint has none.
        best_loss: the least loss on validation so far; None before the first evaluation, or where nobody asks for it.
        best_k: the evaluation that found it.
        diverged_at: number of the update, from 1, whose loss was not finite; None while all is well.
    """

    configuration: Configuration
    seed: Seed
    k: int
    updates: int
    learning_rate: LearningRate
    parameters: tuple[FloatArray, ...]
    velocities: tuple[FloatArray, ...]
    average: tuple[FloatArray, ...] = ()
    folded: tuple[FloatArray, ...] | None = None
    best_loss: float | None = None
    best_k: int = 0
    diverged_at: int | None = None

    @property
    def evaluated(self) -> tuple[FloatArray, ...]:
        """(W₁, b₁, …) of the plain network that is evaluated and predicts.

        Raises:
            RuntimeError: with batch normalisation, where the state has not been evaluated.
        """
        if self.folded is not None:
            return self.folded
        if self.configuration.batch_norm:
            raise RuntimeError("a network with batch normalisation must be evaluated before it predicts")
        return self.average or self.parameters

    @property
    def finished(self) -> bool:
        """Whether no segment is left: all evaluations done, diverged, or stopped early."""
        stops = 0 < self.configuration.early_stopping <= self.k - self.best_k
        return self.diverged_at is not None or self.k >= self.configuration.n_evaluations or stops

    def to_bytes(self, code_version: str) -> bytes:
        """The state as a checkpoint: a line with the format, an NPZ archive, and the SHA-256 of both.

        Args:
            code_version: of the code that made the state; no other can go on with it.
        """
        archive = io.BytesIO()
        header = {
            "code_version": code_version,
            "configuration": self.configuration.as_dict(),
            "seed": _plain(self.seed),
            "n_features": self.parameters[0].shape[0],
            "n_classes": self.parameters[-1].shape[0],
            "k": self.k,
            "updates": self.updates,
            "learning_rate": [self.learning_rate.value, self.learning_rate.round_loss],
            "best": [self.best_loss, self.best_k],
            "diverged_at": self.diverged_at,
        }
        n = len(self.parameters)
        kept = {name: self.velocities[i * n : (i + 1) * n] for i, name in enumerate(_memories(self.configuration))}
        write_archive(archive, header, parameter=self.parameters, average=self.average, **kept)
        content = f"{_FIRST_WORD} {FORMAT}\n".encode() + archive.getvalue()
        return content + hashlib.sha256(content).digest()

    @classmethod
    def from_bytes(cls, data: bytes, *, configuration: Configuration, seed: Seed, code_version: str) -> "TrainingState":
        """The state that `to_bytes` wrote, equal to the bit.

        Args:
            data: a checkpoint.
            configuration: of the run that is to go on.
            seed: of that run.
            code_version: of the code that is to go on with it.

        Raises:
            CheckpointError: damaged, in another format, of another run, or made by other code.
        """
        first = re.match(rf"{_FIRST_WORD} (\d{{1,9}})\n".encode(), data)
        if first is None:
            old = zipfile.is_zipfile(io.BytesIO(data))
            raise CheckpointError("it has the format of an earlier version" if old else "it is damaged")
        if int(first[1]) != FORMAT:
            raise CheckpointError(f"it has the format {int(first[1])}, but this version reads {FORMAT}")
        if hashlib.sha256(data[:-_DIGEST]).digest() != data[-_DIGEST:]:
            raise CheckpointError("it is damaged: its checksum is another")
        try:
            with open_archive(io.BytesIO(data[first.end() : -_DIGEST])) as archive:
                header = archive.header
                if header["code_version"] != code_version:
                    raise ArchiveError(f"it was made by {header['code_version']}, and now there is {code_version}")
                if header["configuration"] != configuration.as_dict():
                    raise ArchiveError("it is of another configuration")
                if header["seed"] != _plain(seed):
                    raise ArchiveError(f"it has the seed {header['seed']}, but the run has {_plain(seed)}")
                groups = ["average"] if configuration.average else []
                parameters, *kept = archive.arrays(
                    configuration, "parameter", *groups, *_memories(configuration), batch_norm=configuration.batch_norm
                )
                average = kept.pop(0) if configuration.average else ()
                value, round_loss = header["learning_rate"]
                best_loss, best_k = header["best"]
                return cls(
                    configuration,
                    seed,
                    k=archive.count("k", 0),
                    updates=archive.count("updates", 0),
                    learning_rate=LearningRate(float(value), None if round_loss is None else float(round_loss)),
                    parameters=parameters,
                    velocities=tuple(array for memory in kept for array in memory),
                    average=average,
                    best_loss=None if best_loss is None else float(best_loss),
                    best_k=int(best_k),
                    diverged_at=None if header["diverged_at"] is None else archive.count("diverged_at", 1),
                )
        except ArchiveError as error:
            raise CheckpointError(str(error)) from error
