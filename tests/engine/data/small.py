"""A small MNIST and Fashion-MNIST: six training images of 3 × 2, four of them the train split, and three for tests."""

import gzip
import hashlib
from pathlib import Path

import numpy as np

from engine.data.dataset import SPLITS
from engine.data.idx import format_idx
from engine.data.load import load_dataset

RNG = np.random.default_rng(0)
ARRAYS = {
    "train-images-idx3-ubyte": RNG.integers(0, 256, (6, 3, 2), np.uint8) * np.uint8([1, 0]),
    "train-labels-idx1-ubyte": np.array([0, 1, 2, 3, 4, 9], np.uint8),
    "t10k-images-idx3-ubyte": RNG.integers(0, 256, (3, 3, 2), np.uint8),
    "t10k-labels-idx1-ubyte": np.array([1, 0, 9], np.uint8),
}  # fmt: skip
FILES = {name: format_idx(array) for name, array in ARRAYS.items()}
ARCHIVES = {name: gzip.compress(content, mtime=0) for name, content in FILES.items()}
# The same form with other content, for the source whose archives alone have a published checksum.
FASHION = {name: format_idx(array[::-1]) for name, array in ARRAYS.items()}
FASHION_ARCHIVES = {name: gzip.compress(content, mtime=0) for name, content in FASHION.items()}


IMAGES = "train-images-idx3-ubyte"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def put(folder, contents, suffix=""):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / f"{name}{suffix}").write_bytes(content)
    return folder


def load(name="mnist", **options):
    """The data set and what was said."""
    notices = []
    return load_dataset(name, notify=notices.append, **options), notices


def arrays(dataset):
    """Every array of a data set, by name, as lists with dtypes."""
    return {
        (split, field): (array.dtype.str, array.flags.writeable, array.tolist())
        for split in SPLITS
        for part in [dataset.split(split)]
        for field, array in [
            ("y", part.y),
            *((f, getattr(part.rows, f)) for f in ("indptr", "indices", "values")),
        ]
    }
