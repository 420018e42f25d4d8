"""The user's own data: an `.npz` or a `.csv` file as three splits of labelled rows.

`.npz`: arrays `X` (n, …), flattened to (n, d), and `y` (n,); optionally `X_validation` and `y_validation`,
`X_test` and `y_test`. Case does not matter, and `x_train`, `y_train` are the same as `X`, `y`.

`.csv`: comma-separated, one row an image. With a header that names a column `label`, that is the label, an
optional column `split` says `train`, `validation` or `test`, and all others are features. Without a header,
the first column is the label.

Values: whole numbers from 0 to 255 of which the largest exceeds 1 are pixels, and are divided by 255;
anything else is taken as it is (an `.npz` array of a floating dtype always is). Labels: whole numbers from
0 to 999 are classes as they stand; otherwise the distinct labels, sorted, become the classes 0, 1, ….

Parts that the file does not give are taken from its training rows: 15 % each, every class in proportion, by a
fixed permutation (`engine.data.partition`).
"""

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.arrays import IntArray
from engine.data.dataset import SPLITS, SparseRows, Split, SplitName
from engine.data.partition import partition
from engine.data.user_csv import Part, UserData, read_csv
from engine.errors import DataError

Splits = tuple[Split, Split, Split]

SHARE = 0.15
MAX_CLASSES = 1000
WHITE = np.float32(255)


def load_user_file(path: Path, notify: Callable[[str], None]) -> tuple[Splits, int]:
    """The splits and the number of classes of a user's file.

    Args:
        path: ends in `.npz` or `.csv`.
        notify: called with a line for each thing that was decided: scaling, splitting, naming of classes.

    Raises:
        DataError: names the file, the place in it, what was expected and what was found.
    """
    data = _read_npz(path) if path.suffix.lower() == ".npz" else read_csv(path)
    _check(data, path)
    classes = _to_classes(data, path, notify)
    n_classes = max(int(y.max()) for y in classes.values()) + 1
    rows = _scale(data, path, notify)
    present = {name: Split(rows[name], classes[name]) for name in data.parts}
    return _complete(present, path, notify), n_classes


def _check(data: UserData, path: Path) -> None:
    """DataError where a part is empty, of another width, without a label for each row, or not finite."""
    n_features = data.parts["train"].rows.n_features
    for name, part in data.parts.items():
        if not len(part.rows):
            raise DataError(f"{path}: the {name} part must hold at least one row, but has none")
        if not part.rows.n_features:
            raise DataError(f"{path}: a row must have at least one feature, but the {name} part has none")
        if part.rows.n_features != n_features:
            raise DataError(
                f"{path}: all parts must have the {n_features} features of the train part, "
                f"but {name} has {part.rows.n_features}"
            )
        if len(part.rows) != len(part.labels):
            raise DataError(
                f"{path}: the {name} part must have one label for each of its {len(part.rows)} rows, "
                f"but has {len(part.labels)}"
            )
        finite = np.isfinite(part.rows.values)
        if not finite.all():
            entry = int(np.argmin(finite))
            row = int(np.searchsorted(part.rows.indptr, entry, side="right")) - 1
            raise DataError(
                f"{path}: every value must be finite in float32, but row {row} (from 0) of the {name} part "
                f"has {part.rows.values[entry]} in feature {part.rows.indices[entry]} (from 0)"
            )


def _to_classes(data: UserData, path: Path, notify: Callable[[str], None]) -> dict[SplitName, IntArray]:
    """Classes (n,) int64 by split, from labels of whatever kind."""
    labels = _whole(np.concatenate([part.labels for part in data.parts.values()]), path)
    distinct, classes = np.unique(labels, return_inverse=True)
    if len(distinct) < 2:
        raise DataError(f"{path}: there must be at least 2 classes, but every label is {distinct[0]!s}")
    if len(distinct) > MAX_CLASSES:
        raise DataError(
            f"{path}: there can be at most {MAX_CLASSES} classes, but got {len(distinct):,} different "
            "labels; is this the right column?"
        )
    if distinct.dtype == np.int64 and distinct[0] >= 0 and distinct[-1] < MAX_CLASSES:
        classes = labels
    else:
        shown = ", ".join(f"{label!s} → {i}" for i, label in enumerate(distinct[:10]))
        notify(f"{path}: labels become classes in sorted order: {shown}{', …' if len(distinct) > 10 else ''}")
    ends = np.cumsum([len(part.labels) for part in data.parts.values()])[:-1]
    return {name: y.astype(np.int64) for name, y in zip(data.parts, np.split(classes, ends), strict=True)}


def _whole(labels: NDArray[Any], path: Path) -> NDArray[Any]:
    """Labels as int64 where they are whole numbers in some form (2, 2.0, "2"), as strings otherwise."""
    if labels.dtype.kind in "biu":
        return labels.astype(np.int64)
    try:
        numbers = labels.astype(np.float64)
    except ValueError:
        return np.char.strip(labels.astype(str))
    if labels.dtype.kind == "f" and not np.isfinite(numbers).all():
        raise DataError(f"{path}: every label must be finite, but got {numbers[~np.isfinite(numbers)][0]}")
    if (np.abs(numbers) < 2.0**53).all() and (numbers == np.rint(numbers)).all():
        return numbers.astype(np.int64)
    return np.char.strip(labels.astype(str))


def _scale(data: UserData, path: Path, notify: Callable[[str], None]) -> dict[SplitName, SparseRows]:
    """The rows by split, divided by 255 where they are pixels."""
    rows = {name: part.rows for name, part in data.parts.items()}
    values = [part.values for part in rows.values() if len(part.values)]
    largest = max((float(part.max()) for part in values), default=0.0)
    is_pixels = (
        data.may_be_pixels
        and 1 < largest <= 255
        and all(part.min() >= 0 and np.array_equal(part, np.rint(part)) for part in values)
    )
    if not is_pixels:
        return rows
    notify(
        f"{path}: whole numbers from 0 to {largest:g} are read as pixels and divided by 255; "
        "store them as floating-point numbers in an .npz file to have them taken as they are"
    )
    return {
        name: SparseRows(part.indptr, part.indices, part.values / WHITE, part.n_features) for name, part in rows.items()
    }


def _complete(present: dict[SplitName, Split], path: Path, notify: Callable[[str], None]) -> Splits:
    """The three splits, those not given taken from the train part."""
    missing = [name for name in SPLITS if name not in present]
    if missing:
        whole = present["train"]
        size = max(1, round(SHARE * len(whole)))
        n_validation, n_test = (size if name in missing else 0 for name in SPLITS[1:])
        n_train = len(whole) - n_validation - n_test
        if n_train < 1:
            raise DataError(
                f"{path}: {len(missing) + 1} parts must be made of the train part, but it has {len(whole)} rows"
            )
        indices = partition(whole.y, (n_train, n_validation, n_test))
        for name, rows in zip(SPLITS, indices, strict=True):
            if name == "train" or name in missing:
                present[name] = Split(whole.rows.take(rows), whole.y[rows])
        notify(
            f"{path}: {' and '.join(missing)} taken from the {len(whole):,} training rows by a fixed "
            f"permutation: {', '.join(f'{len(present[name]):,} {name}' for name in SPLITS)}"
        )
    return present["train"], present["validation"], present["test"]


def _read_npz(path: Path) -> UserData:
    """What an `.npz` file holds; DataError where it is damaged or holds something else."""
    try:
        # Opened here: np.load leaves a damaged file open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name.lower(): file[name] for name in file.files}
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, ValueError) and "pickle" in str(error).lower():
            raise DataError(
                f"{path}: arrays must hold numbers, and labels numbers or strings of a fixed width, but one "
                "holds Python objects (or the file is no .npz archive)"
            ) from error
        raise DataError(f"{path} cannot be read as an .npz archive: {error}") from error
    data = UserData()
    for name in SPLITS:
        keys = (f"x_{name}", f"y_{name}")
        if name == "train" and not any(key in arrays for key in keys):
            keys = ("x", "y")
        X, y = (arrays.get(key) for key in keys)
        if X is None and y is None and name != "train":
            continue
        if X is None or y is None:
            raise DataError(
                f"{path}: must hold the arrays X and y (and optionally X_validation, y_validation, X_test, "
                f"y_test), but {keys[0] if X is None else keys[1]} is missing; it holds "
                f"{', '.join(sorted(arrays)) or 'nothing'}"
            )
        if X.ndim < 2 or X.dtype.kind not in "biuf":
            raise DataError(
                f"{path}: {keys[0]} must be real numbers of shape (n, …), but got {X.dtype} of shape {X.shape}"
            )
        if y.ndim != 1 or y.dtype.kind not in "biufUS":
            raise DataError(
                f"{path}: {keys[1]} must be numbers or strings of shape (n,), but got {y.dtype} of shape {y.shape}"
            )
        data.may_be_pixels &= X.dtype.kind in "biu"
        with np.errstate(over="ignore"):  # too large for float32 becomes infinite, which is reported with its row
            rows = SparseRows.from_dense(X.reshape(len(X), -1) if len(X) else np.empty((0, 1), np.uint8))
        data.parts[name] = Part(rows, y)
    return data
