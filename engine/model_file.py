"""A trained network as a file: parameters, what made them and what they were trained on, in an NPZ without pickle.

    TrainingState ──Model.of──> Model ──save_model──> model.npz ──load_model──> Model ──predict_proba──> probabilities

The archive holds the arrays `parameter_0`, `parameter_1`, … (W₁, b₁, W₂, b₂, …) and `header`, a line of JSON with
the configuration, the data set's name, shape and checksum, and where the parameters come from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.archive import Archive, ArchiveError, open_archive, write_archive
from engine.arrays import FloatArray
from engine.configuration import Configuration
from engine.data.dataset import Dataset
from engine.errors import ConfigurationError, DigitsweepError, excerpt
from engine.files import written_whole
from engine.network import Network
from engine.state import TrainingState

FORMAT = "digitsweep-model-1"


class ModelFileError(DigitsweepError, ValueError):
    """A file that is missing, cannot be written, or holds no model of this format."""


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network with what it was trained on.

    Attributes:
        configuration: every hyperparameter.
        parameters: (W₁, b₁, …), W of shape (units in, units out), b of shape (units out,): what was evaluated, with
            batch normalisation in it (`engine.folding`).
        dataset: name of the data set.
        data_sha256: its content, as `engine.data.dataset.Dataset.sha256`.
        n_features: pixels of one image.
        n_classes: probabilities of one prediction.
        values: the lowest and the largest value of the training rows; None of a file that does not say.
        origin: where the parameters come from (study, run, seed, evaluation …), as JSON.
    """

    configuration: Configuration
    parameters: tuple[FloatArray, ...]
    dataset: str
    data_sha256: str
    n_features: int
    n_classes: int
    values: tuple[float, float] | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, state: TrainingState, dataset: Dataset, origin: Mapping[str, Any]) -> "Model":
        """The model that a run has at this point of its training."""
        return cls(
            state.configuration,
            state.evaluated,
            dataset.name,
            dataset.sha256,
            dataset.n_features,
            dataset.n_classes,
            _range(dataset),
            origin,
        )

    @property
    def network(self) -> Network:
        """The network with these parameters; nothing is dropped in prediction."""
        return Network(self.parameters, self.configuration.activation)

    def predict_proba(self, X: FloatArray) -> FloatArray:
        """Probability of each class (equation 2), shape (n, n_classes), for images X, shape (n, n_features).

        Raises:
            ConfigurationError: the images have another number of pixels.
        """
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ConfigurationError(f"images must have shape (n, {self.n_features}), but got {X.shape}")
        return self.network.predict_proba(X)


def save_model(path: str | Path, model: Model) -> None:
    """Write a model whole or not at all.

    Raises:
        ModelFileError: the file cannot be written.
    """
    file = Path(path)
    header = {
        "format": FORMAT,
        "configuration": model.configuration.as_dict(),
        "dataset": model.dataset,
        "data_sha256": model.data_sha256,
        "n_features": model.n_features,
        "n_classes": model.n_classes,
        "values": model.values,
        "origin": dict(model.origin),
    }
    try:
        with written_whole(file) as stream:
            write_archive(stream, header, parameter=model.parameters)
    except OSError as error:
        raise ModelFileError(f"{file} cannot be written: {error.strerror or error}") from error


def load_model(path: str | Path) -> Model:
    """The model in a file that `save_model` wrote; nothing in the file is executed.

    Raises:
        ModelFileError: no such file, no model, another format, or content that is damaged or contradicts itself.
    """
    file = Path(path)
    try:
        if file.exists() and not file.is_file():
            raise ModelFileError(f"{file} is no model file: it is no regular file")
        with file.open("rb") as stream, open_archive(stream) as archive:
            return _model(archive)
    except FileNotFoundError as error:
        raise ModelFileError(f"no model at {file}; `digitsweep train-best STUDY -o {file}` makes one") from error
    except OSError as error:
        raise ModelFileError(f"{excerpt(str(file), 200)} cannot be read: {error.strerror or error}") from error
    except ArchiveError as error:
        raise ModelFileError(f"{file} is no model file: {error}") from error


def _model(archive: Archive) -> Model:
    header = archive.header
    if header["format"] != FORMAT:
        raise ArchiveError(f"it has the format {header['format']!r:.40}, but this version reads {FORMAT!r}")
    for name, kind in (("configuration", dict), ("dataset", str), ("data_sha256", str), ("origin", dict)):
        if not isinstance(header[name], kind):
            raise ArchiveError(f"its {name} must be of the kind {kind.__name__}, but is {header[name]!r:.40}")
    configuration = Configuration.from_mapping(header["configuration"])
    (parameters,) = archive.arrays(configuration, "parameter")
    if not all(np.isfinite(array).all() for array in parameters):
        raise ArchiveError("its arrays hold values that are not finite")
    return Model(
        configuration,
        parameters,
        header["dataset"],
        header["data_sha256"],
        header["n_features"],
        header["n_classes"],
        _values(header.get("values")),
        header["origin"],
    )


def _values(value: Any) -> tuple[float, float] | None:
    """What a header says of the training rows' values; files of before do not."""
    if value is None:
        return None
    if not isinstance(value, list) or [type(number) for number in value] != [float, float] or not value[0] <= value[1]:
        raise ArchiveError(f"its values must be the lowest and the largest, but are {value!r:.40}")
    return value[0], value[1]


def _range(dataset: Dataset) -> tuple[float, float]:
    """The lowest and the largest value of the training rows, with the zeros that sparse rows do not hold."""
    rows = dataset.train.rows
    is_full = len(rows.values) == len(rows) * rows.n_features
    return (
        float(rows.values.min(initial=np.inf if is_full else 0)),
        float(rows.values.max(initial=-np.inf if is_full else 0)),
    )
