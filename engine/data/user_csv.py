"""Reading a user's `.csv` file into sparse rows, a few thousand lines at a time.

`engine.data.user_file` says what such a file looks like; this module only reads it, and names the line and column
of whatever does not fit.
"""

import csv
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from engine.data.dataset import SPLITS, SparseRows, SplitName
from engine.errors import DataError

LINES_AT_A_TIME = 2_000


@dataclass(frozen=True)
class Part:
    """Rows as they stand in the file, with labels not yet made classes; `labels` (n,) of any dtype."""

    rows: SparseRows
    labels: NDArray[Any]


@dataclass
class UserData:
    """What a file holds, before values are scaled and missing parts taken.

    Attributes:
        parts: by split; `train` is always there.
        may_be_pixels: whether whole numbers in it can mean pixels.
    """

    parts: dict[SplitName, Part] = field(default_factory=dict)
    may_be_pixels: bool = True


def read_csv(path: Path) -> UserData:
    """What a `.csv` file holds; DataError with line and column where it cannot be understood."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read_rows(path, file)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: must be text in UTF-8, but is not ({error})") from error
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class _Columns:
    """Which column of a CSV file is what; indices from 0."""

    n: int
    label: int
    split: int | None

    @property
    def features(self) -> list[int]:
        return [i for i in range(self.n) if i not in {self.label, self.split}]


def _columns(path: Path, first: list[str]) -> tuple[_Columns, bool]:
    """The columns of a file whose first row is `first`, and whether that row is a header."""
    names = [cell.strip().lower() for cell in first]
    if "label" in names:
        split = names.index("split") if "split" in names else None
        return _Columns(len(names), names.index("label"), split), True
    text = [cell for cell in first[1:] if not _is_number(cell)]
    if text:
        raise DataError(
            f"{path}, line 1: must be numbers after the label in the first column, or a header that names a "
            f"column `label`, but got {text[0]!r}"
        )
    return _Columns(len(first), 0, None), False


def _read_rows(path: Path, file: TextIO) -> UserData:
    lines: Iterator[tuple[int, str]] = (pair for pair in enumerate(file, start=1) if pair[1].strip())
    first = next(lines, None)
    if first is None:
        raise DataError(f"{path}: must hold rows, but is empty")
    columns, has_header = _columns(path, next(csv.reader([first[1]])))
    if not columns.features:
        raise DataError(f"{path}: a row must have at least one feature beside its label, but has none")
    if not has_header:
        lines = itertools.chain([first], lines)
    parts: list[SparseRows] = []
    labels: list[NDArray[Any]] = []
    splits: list[NDArray[Any]] = []
    while piece := list(itertools.islice(lines, LINES_AT_A_TIME)):
        X, y, split = _parse(path, piece, columns)
        parts.append(SparseRows.from_dense(X))
        labels.append(y)
        splits.append(split)
    if not parts:
        raise DataError(f"{path}: must hold rows below its header, but has none")
    rows, y, split = SparseRows.concatenate(parts), np.concatenate(labels), np.concatenate(splits)
    if columns.split is None:
        return UserData({"train": Part(rows, y)})
    of_split = {name: np.flatnonzero(split == name) for name in SPLITS}
    if not len(of_split["train"]):
        raise DataError(f"{path}: the column `split` must name some rows `train`, but names none")
    return UserData({name: Part(rows.take(i), y[i]) for name, i in of_split.items() if len(i)})


def _parse(
    path: Path, piece: list[tuple[int, str]], columns: _Columns
) -> tuple[NDArray[np.float32], NDArray[Any], NDArray[Any]]:
    """Features (m, d) float32, labels (m,) and split names (m,), empty without such a column, of m lines."""
    lines = [line for _, line in piece]

    def read(usecols: list[int], dtype: type) -> NDArray[Any]:
        return np.loadtxt(lines, dtype, delimiter=",", quotechar='"', comments=None, usecols=usecols, ndmin=2)

    try:
        if any(line.count(",") != columns.n - 1 for line in lines):
            raise ValueError("a row of another length, or a quoted comma")
        with np.errstate(over="ignore"):
            X = read(columns.features, np.float32)
        labels = read([columns.label], str)[:, 0]
        splits = np.full(len(lines), "") if columns.split is None else read([columns.split], str)[:, 0]
    except ValueError as error:
        X, labels, splits = _parse_slowly(path, piece, columns, error)
    splits = np.char.lower(np.char.strip(splits))
    if columns.split is not None and not (known := np.isin(splits, SPLITS)).all():
        at = int(np.argmin(known))
        raise DataError(
            f"{path}, line {piece[at][0]}: split must be train, validation or test, but got {str(splits[at])!r}"
        )
    if (empty := np.char.str_len(np.char.strip(labels)) == 0).any():
        raise DataError(f"{path}, line {piece[int(np.argmax(empty))][0]}: has no label")
    return X, labels, splits


def _parse_slowly(
    path: Path, piece: list[tuple[int, str]], columns: _Columns, cause: Exception
) -> tuple[NDArray[np.float32], NDArray[Any], NDArray[Any]]:
    """As `_parse`, row by row, so that what is wrong can be named."""

    def rows() -> Iterator[list[float]]:
        for number, line in piece:
            cells = next(csv.reader([line]))
            if len(cells) != columns.n:
                raise DataError(
                    f"{path}, line {number}: must have {columns.n} cells like the first line, but got {len(cells)}"
                ) from cause
            for i in columns.features:
                if not _is_number(cells[i]):
                    raise DataError(
                        f"{path}, line {number}, column {i + 1}: must be a number, but got {cells[i]!r}"
                    ) from cause
            labels.append(cells[columns.label])
            splits.append("" if columns.split is None else cells[columns.split])
            yield [float(cells[i]) for i in columns.features]

    labels: list[str] = []
    splits: list[str] = []
    with np.errstate(over="ignore"):
        X = np.array(list(rows()), np.float64).astype(np.float32)
    return X, np.array(labels), np.array(splits)
