"""The user's own data as three splits of labelled rows: a `.npz`, a `.csv`, or a folder of IDX files.

    user_npz, user_csv, user_idx ──> UserData ──> here: classes, scale, missing parts ──> three splits

`docs/data.md` says what such files look like and what each message means. Nothing is guessed in silence: what is
plain is said in a line, and what is not is asked for, all of a file's questions at once (`engine.data.reference.ask`).

Parts that a file does not give are taken from its training rows: 15 % each, every class in proportion, by a fixed
permutation (`engine.data.partition`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.arrays import IntArray
from engine.data.catalogue import FILE_SUFFIXES
from engine.data.csv_text import is_number
from engine.data.dataset import SPLITS, SparseRows, Split, SplitName
from engine.data.partition import partition
from engine.data.reference import STANDARDISE, Doubt, Reading, ask
from engine.data.user_csv import MISSING, read_csv
from engine.data.user_data import UserData
from engine.data.user_idx import read_idx
from engine.data.user_npz import read_npz
from engine.errors import DataError

Splits = tuple[Split, Split, Split]

SHARE = 0.15
MAX_CLASSES = 1000
ROWS_PER_CLASS = 5
EIGHT_BIT = (128, 255)
"""Where the largest of whole numbers lies that are plainly pixels of 8 bits: they use the highest bit."""
SHOWN_CLASSES = 30
LARGE = 10.0
"""A value beyond which features are said to be unscaled."""


@dataclass(frozen=True)
class FileKind:
    """A kind of file of the user's own: how it is read, and which keys of a reference mean something for it."""

    read: Callable[[UserData], None]
    keys: tuple[str, ...] = ()


FILE_KINDS = {
    ".npz": FileKind(read_npz, keys=("label", "ignore")),
    ".csv": FileKind(read_csv, keys=("label", "ignore", "keep", "header")),
}
"""By the end of the file's name, which `engine.data.catalogue.FILE_SUFFIXES` lists."""
IDX = FileKind(read_idx)
"""A folder of IDX files, or one of these files, which are called anything."""


def load_user_file(path: Path, notify: Callable[[str], None], reading: Reading | None = None) -> tuple[Splits, int]:
    """The splits and the number of classes of a user's file.

    Args:
        path: ends in `.npz` or `.csv`, or is a folder of IDX files or one of these files.
        notify: called with a line for each thing that was decided: scaling, splitting, naming of classes.
        reading: what the user says about the file.

    Raises:
        DataError: names the file, the place in it, what was expected and what was found; or asks for what the file
            leaves open, with the keys that settle it.
    """
    data = UserData(path, reading or Reading(), notify)
    suffix = path.suffix.lower()
    kind = FILE_KINDS[suffix] if suffix in FILE_SUFFIXES else IDX
    _check_keys(data, kind)
    kind.read(data)
    _check(data)
    classes, n_classes = _to_classes(data)
    rows = _scale(data)
    if data.doubts:
        raise ask(path, data.doubts, data.reading)
    present = {name: Split(rows[name], classes[name]) for name in data.parts}
    splits = _complete(data, present)
    return _standardised(data, splits) if data.reading.scale == STANDARDISE else splits, n_classes


def _check_keys(data: UserData, kind: FileKind) -> None:
    """DataError for keys that mean nothing for a file of this kind."""
    for key in dict.fromkeys(key for other in FILE_KINDS.values() for key in other.keys):
        if getattr(data.reading, key) not in (None, ()) and key not in kind.keys:
            raise DataError(f"{data.path}: {key} is for columns, but this is no .csv file; leave the key out")


def _check(data: UserData) -> None:
    """DataError where a part is empty, of another width, without a label for each row, or not finite."""
    n_features = data.parts["train"].rows.n_features
    for name, part in data.parts.items():
        if not len(part.rows):
            raise DataError(f"{data.path}: the {name} part must hold at least one row, but has none")
        if not part.rows.n_features:
            raise DataError(f"{data.path}: a row must have at least one feature, but the {name} part has none")
        if part.rows.n_features != n_features:
            raise DataError(
                f"{data.path}: all parts must have the {n_features} features of the train part, "
                f"but {name} has {part.rows.n_features}"
            )
        if len(part.rows) != len(part.labels):
            raise DataError(
                f"{data.path}: the {name} part must have one label for each of its {len(part.rows)} rows, "
                f"but has {len(part.labels)}"
            )
        finite = np.isfinite(part.rows.values)
        if not finite.all():
            entry = int(np.argmin(finite))
            row = int(np.searchsorted(part.rows.indptr, entry, side="right")) - 1
            raise DataError(
                f"{data.path}: every value must be finite in float32, but {data.where(name, row)} has "
                f"{part.rows.values[entry]} in {data.feature(int(part.rows.indices[entry]))}"
            )


def _to_classes(data: UserData) -> tuple[dict[SplitName, IntArray], int]:
    """Classes (n,) int64 by split and how many there are, from labels of whatever kind.

    The distinct labels, sorted, are the classes 0, 1, ….
    """
    path = data.path
    labels = _plain_labels(data)
    distinct, classes = np.unique(labels, return_inverse=True)
    n_rows = len(labels)
    if len(distinct) < 2:
        raise DataError(f"{path}: there must be at least 2 classes, but every label is {distinct[0]!s}")
    if len(distinct) > MAX_CLASSES:
        raise DataError(
            f"{path}: there can be at most {MAX_CLASSES} classes, but got {len(distinct):,} different "
            "labels; is this the right column? label: names another"
        )
    if len(distinct) > max(2, n_rows / ROWS_PER_CLASS):
        raise DataError(
            f"{path}: there must be {ROWS_PER_CLASS} rows for each class, but got {len(distinct)} different labels for "
            f"{n_rows:,} rows; is this the right column? label: names another"
        )
    if distinct.dtype.kind not in "iu" or (distinct != np.arange(len(distinct))).any():
        pairs = [f"{label!s} → {i}" for i, label in enumerate(distinct)]
        if len(pairs) > SHOWN_CLASSES:
            pairs[10:-3] = ["…"]
        data.say(f"{len(distinct)} different labels become classes in sorted order: {', '.join(pairs)}")
    ends = np.cumsum([len(part.labels) for part in data.parts.values()])[:-1]
    of_split = {name: y.astype(np.int64) for name, y in zip(data.parts, np.split(classes, ends), strict=True)}
    unseen = [str(distinct[k]) for k in np.setdiff1d(classes, of_split["train"])]
    if unseen:
        data.say(f"no training row has the label {', '.join(unseen[:10])}, which other parts have")
    return of_split, len(distinct)


def _plain_labels(data: UserData) -> NDArray[Any]:
    """All labels, part after part: numbers where they are whole ones in some form (2, 2.0, "2"), else strings."""
    parts = [
        np.char.decode(part.labels, "utf-8", "backslashreplace") if part.labels.dtype.kind == "S" else part.labels
        for part in data.parts.values()
    ]
    if len({"words" if y.dtype.kind == "U" else "numbers" for y in parts}) > 1:
        raise DataError(f"{data.path}: labels must be numbers in every part or words in every part, but are both")
    kinds = {y.dtype.kind for y in parts}
    if kinds <= {"b", "i", "u"}:
        return np.concatenate([y.astype(np.uint8) if y.dtype.kind == "b" else y for y in parts])
    labels = np.concatenate(parts)
    if labels.dtype.kind == "U":
        labels = np.char.strip(labels)
        missing = np.isin(np.char.lower(labels), list(MISSING))
        if missing.any():
            raise DataError(
                f"{data.path}: every row must have a label, but got {str(labels[np.argmax(missing)])!r}, which stands "
                "for a missing value; leave the row out"
            )
    try:
        numbers = labels.astype(np.float64)
    except ValueError:
        _refuse_one_word(data, labels)
        return labels
    whole = np.isfinite(numbers) & (numbers == np.rint(numbers)) & (np.abs(numbers) < 2.0**53)
    if not whole.all():
        raise DataError(
            f"{data.path}: labels must be whole numbers or words, but got {labels[np.argmin(whole)]!s}; "
            "a class is one of few: a measured number cannot be one"
        )
    return numbers.astype(np.int64)


def _refuse_one_word(data: UserData, labels: NDArray[Any]) -> None:
    """DataError where all labels are numbers but one: a word for a missing value that only its writer knows."""
    distinct, counts = np.unique(labels, return_counts=True)
    words = [i for i, label in enumerate(distinct) if not is_number(str(label))]
    if len(words) == 1 and len(distinct) > 2 and not str(distinct[words[0]])[:1].isdecimal():
        raise DataError(
            f"{data.path}: all labels are numbers but {str(distinct[words[0]])!r}, in {counts[words[0]]:,} of "
            f"{len(labels):,} rows; leave these rows out if it stands for a missing value, or give the class a number"
        )


def _scale(data: UserData) -> dict[SplitName, SparseRows]:
    """The rows by split, divided by what makes pixels of them; a doubt where that is not plain."""
    rows = {name: part.rows for name, part in data.parts.items()}
    if data.reading.scale == STANDARDISE:
        return rows
    values = [_certain_values(part, data.doubted) for part in rows.values()]
    values = [part for part in values if len(part)]
    if any(len(part.values) < len(part) * part.n_features for part in rows.values()):
        values.append(np.zeros(1, np.float32))  # which sparse rows do not hold
    lowest = min((float(part.min()) for part in values), default=0.0)
    largest = max((float(part.max()) for part in values), default=0.0)
    are_whole = all(np.array_equal(part, np.rint(part)) for part in values)
    divisor = None if data.reading.scale is None else float(data.reading.scale)
    if divisor is None:
        divisor = 1.0
        is_eight_bit = are_whole and lowest >= 0 and EIGHT_BIT[0] <= largest <= EIGHT_BIT[1]
        if is_eight_bit and data.may_be_pixels:
            divisor = 255.0
            data.say(
                f"whole numbers from 0 to {largest:g} are read as pixels of 8 bits and divided by 255; "
                "scale: none takes them as they are"
            )
        elif lowest < 0 or largest > 1:
            doubt = _scale_doubt(lowest, largest, are_whole)
            if is_eight_bit:
                text = f"whole numbers from 0 to {largest:g} are stored as floats: pixels of 8 bits, or measured values"
                doubt = replace(doubt, text=text)
            data.doubts.append(doubt)
    elif max(-lowest, largest) / divisor > LARGE:
        state = "taken as they are" if divisor == 1 else f"divided by {divisor:g}"
        data.say(
            f"warning: values from {lowest:g} to {largest:g} are {state}, on which networks train badly; "
            "scale: standardise gives every feature mean 0 and standard deviation 1"
        )
    if divisor == 1:
        return rows
    with np.errstate(over="ignore"):
        scaled = {
            name: SparseRows(part.indptr, part.indices, part.values / np.float32(divisor), part.n_features)
            for name, part in rows.items()
        }
    if not all(np.isfinite(part.values).all() for part in scaled.values()):
        raise DataError(f"{data.path}: values up to {largest:g} divided by scale {divisor:g} are infinite in float32")
    return scaled


def _certain_values(rows: SparseRows, doubted: list[int]) -> NDArray[Any]:
    """The entries that no doubt hangs over: the scale is not asked for because of a row's number."""
    return rows.values[~np.isin(rows.indices, doubted)] if doubted else rows.values


def _scale_doubt(lowest: float, largest: float, are_whole: bool) -> Doubt:
    """The question what values are to be divided by, with the likeliest answer first."""
    whole = "whole numbers" if are_whole else "values"
    text = f"{whole} from {lowest:g} to {largest:g} are neither 0 … 1 nor plainly pixels of 8 bits, 0 … 255"
    if lowest < 0 or not are_whole:
        top = max(-lowest, largest)
        divides = f", scale: {top:g} divides them" if top > 1 else ""
        fitted = "standardise gives every feature mean 0 and standard deviation 1"
        return Doubt(text, "scale", STANDARDISE, f"{fitted}, none takes them as they are{divides}")
    top = next(top for top in (15, 16, 255, 1023, 4095, 65535, largest) if largest <= top)
    return Doubt(text, "scale", f"{top:.12g}", f"{top:g} divides them, scale: none takes them as they are")


def _standardised(data: UserData, splits: Splits) -> Splits:
    """Every feature less its mean over the training rows, divided by its standard deviation there.

    A feature that is the same in all training rows is 0 in them. Computed in float64, kept in float32.
    """
    train = splits[0].rows.to_dense().astype(np.float64)
    means, deviations = train.mean(axis=0), train.std(axis=0)
    is_constant = train.min(axis=0) == train.max(axis=0)
    deviations[is_constant] = 1
    data.say(
        f"every feature has mean 0 and standard deviation 1 over the {len(train):,} training rows"
        + (f"; {is_constant.sum():,} that never change there are 0" if is_constant.any() else "")
    )
    parts = []
    for split in splits:
        scaled = (split.rows.to_dense() - means) / deviations
        with np.errstate(over="ignore"):
            rows = SparseRows.from_dense(scaled.astype(np.float32))
        if not np.isfinite(rows.values).all():
            raise DataError(
                f"{data.path}: a value is so far from those of the training rows that it is infinite in float32"
            )
        parts.append(Split(rows, split.y))
    return parts[0], parts[1], parts[2]


def _complete(data: UserData, present: dict[SplitName, Split]) -> Splits:
    """The three splits, those not given taken from the train part."""
    missing = [name for name in SPLITS if name not in present]
    if missing:
        whole = present["train"]
        size = max(1, round(SHARE * len(whole)))
        n_validation, n_test = (size if name in missing else 0 for name in SPLITS[1:])
        n_train = len(whole) - n_validation - n_test
        if n_train < 1:
            raise DataError(
                f"{data.path}: {len(missing) + 1} parts must be made of the train part, but it has {len(whole)} rows"
            )
        indices = partition(whole.y, (n_train, n_validation, n_test))
        for name, rows in zip(SPLITS, indices, strict=True):
            if name == "train" or name in missing:
                present[name] = Split(whole.rows.take(rows), whole.y[rows])
        data.say(
            f"{' and '.join(missing)} taken from the {len(whole):,} training rows by a fixed "
            f"permutation: {', '.join(f'{len(present[name]):,} {name}' for name in SPLITS)}"
        )
    return present["train"], present["validation"], present["test"]
