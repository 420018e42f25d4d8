"""Reading a user's `.csv` file into sparse rows, a few thousand lines at a time.

    csv_text: encoding, separators, lines ──> csv_columns: header, label, doubts ──> here: rows

`docs/data.md` says what such a file looks like; this module only reads it, and names the line and column of whatever
does not fit.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.data import csv_columns
from engine.data.column_watch import ColumnWatch, repeats_of_label
from engine.data.csv_columns import Columns
from engine.data.csv_names import SPLIT_NAMES, keep_instead, title
from engine.data.csv_text import Dialect, Line, cells, is_number, lines, open_text
from engine.data.dataset import PIECE, SPLITS, SparseRows, SplitName
from engine.data.reference import Doubt, ignoring
from engine.data.user_data import Part, UserData
from engine.errors import DataError

LINES_AT_A_TIME = 2_000
SAMPLE_LINES = 500
SAMPLE_CELLS = 400_000
MISSING = frozenset(
    "|na|n/a|nan|-nan|null|none|nat|<na>|#na|#n/a|#n/a n/a|1.#ind|-1.#ind|1.#qnan|-1.#qnan|?|missing".split("|")  # noqa: SIM905
)
"""What a cell without a value holds, in lower case: what pandas reads and writes as such, and `?`."""


@dataclass(frozen=True)
class _Table:
    """How a file's lines are read."""

    data: UserData
    dialect: Dialect
    columns: Columns


def read_csv(data: UserData) -> None:
    """Fill `data` with what its `.csv` file holds.

    Raises:
        DataError: with line and column where it cannot be understood, with the key that settles it where it is not
            plain what is meant.
    """
    path = data.path
    try:
        with open_text(path) as file:
            _read(data, lines(path, file))
    except UnicodeError as error:
        raise DataError(f"{path}: must be text in UTF-8, but is not ({error}); save it as CSV in UTF-8") from error
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def _read(data: UserData, source: Iterator[Line]) -> None:
    path, reading = data.path, data.reading
    first = next(source, None)
    given = None
    if first is not None and first[1].lower().startswith("sep=") and len(first[1].rstrip("\r\n")) == 5:
        given, first = first[1][4], next(source, None)  # Excel's own way to name the separator
    if first is None:
        raise DataError(f"{path}: must hold rows, but is empty")
    start = [first, *itertools.islice(source, 20)]
    dialect = Dialect.of([line for _, line in start], given)
    head = cells(path, first, dialect)
    if len(head) > csv_columns.MAX_COLUMNS:
        raise DataError(f"{path}: can have at most {csv_columns.MAX_COLUMNS:,} columns, but line 1 has {len(head):,}")
    n_sample = min(SAMPLE_LINES, max(2, SAMPLE_CELLS // len(head)))
    start += itertools.islice(source, max(0, n_sample - len(start)))
    sample = [cells(path, line, dialect) for line in start[:n_sample]]
    has_header = csv_columns.is_header(path, head, sample[1] if len(sample) > 1 else None, dialect.decimal, reading)
    if dialect != Dialect(",", "."):
        data.say(f"read with {dialect}")
    if len(head) == 1:
        raise DataError(
            f"{path}: a row must have at least one feature beside its label, but line {first[0]} is a single cell, "
            f"{first[1].strip()[:40]!r}; cells are separated by commas, semicolons, tabs or bars"
        )
    names = (
        tuple(name.strip().lstrip("#").strip() if i == 0 else name.strip() for i, name in enumerate(head))
        if has_header
        else None
    )
    rows = sample[1:] if has_header else sample
    if not rows:
        raise DataError(f"{path}: must hold rows below its header, but has none")
    columns, doubts = csv_columns.assign(path, names, rows, dialect.decimal, reading)
    if not columns.features:
        raise DataError(f"{path}: a row must have at least one feature beside its label, but has none")
    data.doubts += doubts.values()
    data.doubted += [columns.features.index(i) for i in doubts]
    data.feature = lambda j: title(names, columns.features[j])
    _say_how(data, columns)
    _read_rows(_Table(data, dialect, columns), itertools.chain(start[1:] if has_header else start, source))


def _say_how(data: UserData, columns: Columns) -> None:
    """A line about what was not said by the user or by a header's `label`."""
    said = [f"{columns.title(i)} is an index and is left out" for i in sorted(columns.index)]
    if columns.names is None:
        said.append(f"there is no header, the label is {columns.title(columns.label)}")
    elif data.reading.label is None and columns.names[columns.label].lower() != "label":
        kind = "line 1 is a header of numbers, " if is_number(columns.names[columns.label]) else ""
        said.append(f"{kind}the label is {columns.title(columns.label)}")
    if said:
        data.say("; ".join(said))


def _read_rows(table: _Table, source: Iterator[Line]) -> None:
    data, columns = table.data, table.columns
    n_lines = min(LINES_AT_A_TIME, max(1, PIECE // columns.n))
    watch = ColumnWatch(len(columns.features))
    parts: list[SparseRows] = []
    labels: list[NDArray[np.str_]] = []
    splits: list[NDArray[np.str_]] = []
    numbers: list[NDArray[np.int64]] = []
    while piece := list(itertools.islice(source, n_lines)):
        X, y, split = _parse(table, piece)
        watch.see(X)
        with np.errstate(over="ignore"):
            parts.append(SparseRows.from_dense(X.astype(np.float32)))
        labels.append(y)
        splits.append(split)
        numbers.append(np.array([number for number, _ in piece]))
    rows, y = SparseRows.concatenate(parts), np.concatenate(labels)
    _add_doubts(table, watch, rows, y)
    of_split = _split_rows(table, np.concatenate(splits), len(rows))
    line_of = np.concatenate(numbers)
    data.where = lambda split, i: f"line {line_of[of_split[split][i]]}"
    for name, i in of_split.items():
        data.parts[name] = Part(rows.take(i), y[i])


def _split_rows(table: _Table, splits: NDArray[np.str_], n: int) -> dict[SplitName, NDArray[np.int64]]:
    """The rows of each part that has any."""
    if table.columns.split is None:
        return {"train": np.arange(n)}
    of_split = {name: np.flatnonzero(splits == name) for name in SPLITS}
    if not len(of_split["train"]):
        raise DataError(f"{table.data.path}: the column `split` must name some rows `train`, but names none")
    return {name: i for name, i in of_split.items() if len(i)}


def _add_doubts(table: _Table, watch: ColumnWatch, rows: SparseRows, y: NDArray[np.str_]) -> None:
    """Features that number the rows or say the label again, unless the user keeps them."""
    data, columns = table.data, table.columns
    known = {doubt.answer for doubt in data.doubts} | set(data.reading.keep)
    sample = np.linspace(0, len(rows) - 1, min(len(rows), max(2, PIECE // rows.n_features))).astype(np.int64)
    found = [(j, "rises by one from row to row, like a row's number") for j in watch.rising]
    found += [(j, "is sorted from row to row, like a row's number, a time or a group's number") for j in watch.sorted]
    found += [(j, "never holds the same whole number twice, like a row's number") for j in watch.distinct]
    repeats = repeats_of_label(rows.take(sample).to_dense(), np.unique(y[sample], return_inverse=True)[1])
    found += [(j, "has one value for each label and so gives the answer away") for j in repeats[:5] if len(rows) >= 10]
    for j, what in found:
        i = columns.features[j]
        if {columns.answer(i), str(i + 1)} & known:
            continue
        known.add(columns.answer(i))
        text = f"{columns.title(i)} {what}"
        data.doubted.append(j)
        data.doubts.append(Doubt(text, "ignore", columns.answer(i), keep_instead(columns.names, i)))


def _parse(table: _Table, piece: list[Line]) -> tuple[NDArray[np.float64], NDArray[np.str_], NDArray[np.str_]]:
    """Features (m, d) float64, labels (m,) and split names (m,), empty without such a column, of m lines."""
    columns, separator = table.columns, table.dialect.separator
    texts = [line for _, line in piece]
    decimals = [line.replace(",", ".") for line in texts] if table.dialect.decimal == "," else texts

    def read(source: list[str], usecols: list[int], dtype: type) -> NDArray[np.generic]:
        return np.loadtxt(source, dtype, delimiter=separator, quotechar='"', comments=None, usecols=usecols, ndmin=2)

    try:
        if any(line.count(separator) != columns.n - 1 for line in texts):
            raise ValueError("a row of another length, or a quoted separator")
        if table.dialect.decimal == "," and any("." in line for line in texts):
            raise ValueError("a point beside decimal commas")
        X = read(decimals, columns.features, np.float64).astype(np.float64)
        if not np.isfinite(X).all():
            raise ValueError("a value that is not finite")
        labels = read(texts, [columns.label], str)[:, 0].astype(str)
        splits = np.full(len(texts), "")
        if columns.split is not None:
            splits = read(texts, [columns.split], str)[:, 0].astype(str)
    except ValueError as error:
        X, labels, splits = _parse_slowly(table, piece, error)
    labels = np.char.strip(labels)
    return X, labels, _check_words(table, piece, labels, splits)


def _check_words(
    table: _Table, piece: list[Line], labels: NDArray[np.str_], splits: NDArray[np.str_]
) -> NDArray[np.str_]:
    """The splits by their known names; DataError where a label is missing or a split unknown."""
    path, columns = table.data.path, table.columns
    missing = np.isin(np.char.lower(labels), list(MISSING))
    if missing.any():
        at = int(np.argmax(missing))
        found = f": {str(labels[at])!r} stands for a missing value; leave the row out" if labels[at] else ""
        raise DataError(f"{path}, line {piece[at][0]}, {columns.title(columns.label)}: has no label{found}")
    if columns.split is None:
        return splits
    words = [str(word) for word in np.char.lower(np.char.strip(splits))]
    for (number, _), word in zip(piece, words, strict=True):
        if word not in SPLIT_NAMES:
            raise DataError(
                f"{path}, line {number}: split must be train, validation or test, but got {word[:40]!r}; if "
                f"{columns.title(columns.split)} is something else: {ignoring([columns.answer(columns.split)])}"
            )
    return np.array([SPLIT_NAMES[word] for word in words])


def _parse_slowly(
    table: _Table, piece: list[Line], cause: Exception
) -> tuple[NDArray[np.float64], NDArray[np.str_], NDArray[np.str_]]:
    """As `_parse`, row by row, so that what is wrong can be named."""
    columns = table.columns
    rows: list[list[float]] = []
    labels: list[str] = []
    splits: list[str] = []
    for line in piece:
        row = cells(table.data.path, line, table.dialect)
        if len(row) != columns.n:
            raise DataError(
                f"{table.data.path}, line {line[0]}: must have {columns.n} cells like the first line, "
                f"but got {len(row)}"
            ) from cause
        rows.append([_number(table, line[0], i, row[i], cause) for i in columns.features])
        labels.append(row[columns.label])
        splits.append("" if columns.split is None else row[columns.split])
    return np.array(rows), np.array(labels), np.array(splits)


def _number(table: _Table, line: int, i: int, cell: str, cause: Exception) -> float:
    """A feature's cell as a finite number; DataError that says what else it is and what to do."""
    columns, decimal = table.columns, table.dialect.decimal
    text, shown = cell.strip(), repr(cell.strip()[:40])
    if is_number(text, decimal) and not (decimal == "," and "." in text):
        value = float(text.replace(",", "."))
        if np.isfinite(value):
            return value
    if text.lower() in MISSING:
        what = f"has no value ({shown}); fill it in, or leave out the row"
    elif is_number(text) and not np.isfinite(float(text)):
        what = f"must be finite, but got {shown}; leave out the row"
    elif len(text.split()) > 1 and all(map(is_number, text.split())):
        what = f"must be a number, but holds {len(text.split()):,}; give each of them a column of its own"
    elif decimal == "," or "," in text:
        mark = "comma, like the others" if decimal == "," else "point, like the first rows"
        what = f"must be a number with a decimal {mark}, but got {shown}; leave out the row"
    else:
        what = f"must be a number, but got {shown}; write a number for each word"
    raise DataError(
        f"{table.data.path}, line {line}, {columns.title(i)}: {what}, or leave out the column: "
        f"{ignoring([columns.answer(i)])}"
    ) from cause
