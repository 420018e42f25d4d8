"""A user's own files, small, for the tests of what reads them."""

import numpy as np

from engine.data.reference import Reference
from engine.data.user_file import load_user_file

X = np.array([[0, 0.5], [1, 0], [0.25, 0.125], [0, 0], [0.75, 1], [1, 1], [0.5, 1]])
Y = np.array([0, 1, 0, 1, 1, 0, 1])


def load(path, **keys):
    """The splits, the number of classes, and what was said, without the file's name."""
    notices = []
    reading = Reference.parse({"path": str(path), **keys}).reading
    splits, n_classes = load_user_file(path, notices.append, reading)
    return splits, n_classes, [notice.removeprefix(f"{path}: ") for notice in notices]


def npz(folder, **arrays):
    """An archive of these arrays."""
    path = folder / "own.npz"
    np.savez(path, **arrays)
    return path


def csv(folder, text, encoding="utf-8"):
    """A file of this text."""
    path = folder / "own.csv"
    path.write_bytes(text.encode(encoding))
    return path


def dense(splits):
    """Images and classes of each split as lists."""
    return [(split.X.tolist(), split.y.tolist()) for split in splits]


def all_parts(X, y):
    """The same rows as every part, so that nothing is taken from the training rows."""
    return {f"{name}{part}": array for part in ("", "_validation", "_test") for name, array in (("X", X), ("y", y))}
