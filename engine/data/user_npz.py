"""Reading a user's `.npz` archive: sizes are checked before memory is taken, and every array has a role or is named.

Arrays are found by the names that are usual: features (`X`, `x`, `data`, `images`, …) and labels (`y`, `target`,
`labels`, …), alone or with a part (`x_train`, `train_images`, `X_val`, `y_validation`, `xtest`, …), in any case.
Features are read a piece of rows at a time, straight into sparse rows, so that an archive takes the memory of what
it holds and not of what it declares.
"""

import math
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from engine.data.dataset import PIECE, SPLITS, SparseRows, SplitName
from engine.data.reference import ignoring
from engine.data.user_data import Part, UserData
from engine.errors import DataError

MAX_DECLARED = 1 << 26
MAX_RATIO = 64
MAX_ENTRY_BYTES = 1 << 28
MAX_ENTRIES_RATIO = 16
ENTRY_BYTES = 8
"""Of a sparse entry: a column and a value. Dense bytes stored as they are become 8 times as many."""

_FEATURES = ("x", "data", "images", "image", "imgs", "features", "inputs", "pixels")
_LABELS = ("y", "labels", "label", "target", "targets", "class", "classes", "digits", "digit")
_PARTS: dict[str, SplitName] = {
    "train": "train", "training": "train", "trn": "train", "tr": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "test": "test", "testing": "test", "tst": "test", "te": "test",
}  # fmt: skip


@dataclass(frozen=True)
class _Member:
    """An array of the archive as its header declares it."""

    name: str
    info: zipfile.ZipInfo
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]

    @property
    def text(self) -> str:
        """The array in a message: `X_val (50, 8, 8) uint8`."""
        return f"{self.name} {self.shape} {self.dtype}"


def read_npz(data: UserData) -> None:
    """Fill `data` with what its `.npz` file holds.

    Raises:
        DataError: damaged, encrypted, larger than it can be, or arrays that are missing, left over or of a wrong kind.
    """
    path, magic = data.path, b""
    try:
        with path.open("rb") as stream:
            magic = stream.read(8)
            stream.seek(0)
            with zipfile.ZipFile(stream) as archive:
                members = _members(path, archive)
                for split, (X, y) in _roles(data, members).items():
                    labels = _labels(data, y, _read(path, archive, y))
                    data.may_be_pixels &= X.dtype.kind in "biu"
                    data.parts[split] = Part(_read_rows(path, archive, X), labels)
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise DataError(f"{path} needs more memory than there is") from error
    except Exception as error:
        # The readers of zip, deflate and npy raise whatever damaged bytes make of them (zlib.error, struct.error,
        # BadZipFile, EOFError, NotImplementedError, RuntimeError, …); all of it means the same here.
        hint = "; it is a single array: write np.savez(path, X=…, y=…)" if magic.startswith(b"\x93NUMPY") else ""
        raise DataError(f"{path} cannot be read as an .npz archive: {error or type(error).__name__}{hint}") from error


def _members(path: Path, archive: zipfile.ZipFile) -> list[_Member]:
    """The arrays of an archive by their headers, all that they declare checked against the file's real size."""
    entries = archive.infolist()
    n_declared = sum(entry.file_size for entry in entries)
    limit = max(MAX_DECLARED, MAX_RATIO * path.stat().st_size)
    if n_declared > limit:
        raise DataError(
            f"{path}: declares {n_declared:,} bytes in a file of {path.stat().st_size:,}, more than {limit:,}, which "
            "is what is unpacked; written by np.savez instead of np.savez_compressed it is read whatever its size"
        )
    members: list[_Member] = []
    for entry in entries:
        if entry.is_dir():
            continue
        if entry.flag_bits & 1:
            raise DataError(f"{path}: {entry.filename!r} is encrypted; write the arrays without a password")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(
                f"{path}: {entry.filename!r} is compressed by method {entry.compress_type}, but must be stored or "
                "deflated, as np.savez and np.savez_compressed do"
            )
        with archive.open(entry) as stream:
            members.append(_header(path, entry, stream))
    return members


def _header(path: Path, entry: zipfile.ZipInfo, stream: IO[bytes]) -> _Member:
    name = entry.filename.removesuffix(".npy")
    if name == entry.filename or entry.file_size < npy.MAGIC_LEN:
        raise DataError(
            f"{path}: {entry.filename!r} is no array; an .npz archive holds arrays alone, as np.savez makes it"
        )
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise DataError(f"{path}: {name} must be an array of numbers or words, but is of .npy version {version}")
    reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran_order, dtype = reader(stream)
    if dtype.hasobject:
        raise DataError(
            f"{path}: {name} holds Python objects, which would run code when read; store numbers, and labels as "
            "numbers or as strings of a fixed width: y.astype(str)"
        )
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != entry.file_size - stream.tell():
        raise DataError(
            f"{path}: {name} declares the shape {shape} of {dtype}, {math.prod(shape) * dtype.itemsize:,} bytes, but "
            f"holds {entry.file_size - stream.tell():,}: the file is damaged"
        )
    return _Member(name, entry, shape, fortran_order, dtype)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _words_for(label: str) -> tuple[str, ...]:
    """What labels are called where the user names their array, with or without the part's name."""
    plain = _plain(label)
    return (plain, *(plain.removesuffix(f"_{part}").removeprefix(f"{part}_") for part in _PARTS))


def _role(name: str, label_words: tuple[str, ...]) -> tuple[str, SplitName] | None:
    """Whether an array of that name holds features (`x`) or labels (`y`), and of which part; None for neither."""
    plain = _plain(name)
    for kind, words in (("y", label_words), ("x", _FEATURES)):
        if plain in words:
            return kind, "train"
        for part, split in _PARTS.items():
            if any(plain in (f"{word}_{part}", f"{part}_{word}", f"{word}{part}", f"{part}{word}") for word in words):
                return kind, split
    return None


def _roles(data: UserData, members: list[_Member]) -> dict[SplitName, tuple[_Member, _Member]]:
    """Features and labels by part; DataError where one is missing, there twice, or left over."""
    path, reading = data.path, data.reading
    ignored = {name for member in members for name in reading.ignore if name == member.name}
    missing = [name for name in reading.ignore if name not in ignored]
    if missing:
        raise DataError(f"{path}: ignore names {missing[0]!r}, but the arrays are {_listing(members)}")
    label_words = _LABELS if reading.label is None else _words_for(reading.label)
    by_role: dict[tuple[str, SplitName], list[_Member]] = {}
    left: list[_Member] = []
    for member in members:
        if member.name in ignored:
            continue
        role = _role(member.name, label_words)
        if role is None:
            left.append(member)
        else:
            by_role.setdefault(role, []).append(member)
    _refuse_clashes(path, by_role)
    parts: dict[SplitName, tuple[_Member, _Member]] = {}
    for split in SPLITS:
        X, y = (by_role.get((kind, split), [None])[0] for kind in "xy")
        if X is None and y is None and split != "train":
            continue
        if X is None or y is None:
            missing_name = ("X" if X is None else "y") + ("" if split == "train" else f"_{split}")
            raise DataError(
                f"{path}: must hold the arrays X and y (and optionally X_validation, y_validation, X_test, y_test), "
                f"but {missing_name} is missing; {_beside(members, X or y, ignored)}. "
                "np.savez(path, X=…, y=…) gives arrays these names"
            )
        _check_shapes(path, X, y)
        parts[split] = (X, y)
    _name_what_is_left(data, left, {X.shape[0] for X, _ in parts.values()})
    return parts


def _beside(members: list[_Member], taken: _Member | None, ignored: set[str]) -> str:
    """What an archive holds beside what is left out, or taken for the labels or the features already."""
    others = [member for member in members if member.name not in ignored and member is not taken]
    return f"it holds {_listing(others)}" + (f" beside {taken.text}" if taken is not None else "")


def _refuse_clashes(path: Path, by_role: dict[tuple[str, SplitName], list[_Member]]) -> None:
    """DataError where several arrays have the same role by their names."""
    clashes = {role: found for role, found in by_role.items() if len(found) > 1}
    if clashes:
        what = {"x": "features", "y": "labels"}
        told = [
            f"{' and '.join(member.text for member in found)} are all {what[kind]} of the {split} part"
            for (kind, split), found in clashes.items()
        ]
        others = [member.name for found in clashes.values() for member in found[:-1]]
        raise DataError(
            f"{path}: by their names {', and '.join(told)}; leave out what is not meant: {ignoring(others)}"
        )


def _listing(members: list[_Member]) -> str:
    return ", ".join(member.text for member in members[:20]) + (", …" if len(members) > 20 else "") or "nothing"


def _name_what_is_left(data: UserData, left: list[_Member], lengths: set[int]) -> None:
    """A line for what cannot be images or labels; DataError for what can: it may be a part that is meant to be used."""
    lengths = lengths | {m.shape[0] for m in left if len(m.shape) > 1}
    may_matter = [m for m in left if m.shape and m.shape[0] in lengths]
    if may_matter:
        raise DataError(
            f"{data.path}: no use is known for {_listing(may_matter)}; rename what is to be used (X, y, X_validation, "
            f"y_validation, X_test, y_test), and leave out the rest: {ignoring([m.name for m in may_matter])}"
        )
    if left:
        data.say(f"not used: {_listing(left)}")


def _check_shapes(path: Path, X: _Member, y: _Member) -> None:
    """DataError where two arrays cannot be rows and their labels, by their headers alone."""
    if len(X.shape) < 2 or X.dtype.kind not in "biuf":
        raise DataError(f"{path}: {X.name} must be real numbers of shape (n, …), but got {X.dtype} of shape {X.shape}")
    if (
        y.dtype.kind not in "biufUS"
        or len(y.shape) not in (1, 2)
        or (len(y.shape) == 2 and y.dtype.kind in "US" and y.shape[1] != 1)
    ):
        raise DataError(
            f"{path}: {y.name} must be numbers or strings of shape (n,), but got {y.dtype} of shape {y.shape}"
        )
    if X.shape[0] != y.shape[0]:
        raise DataError(
            f"{path}: there must be one label for each row, but {X.name} has {X.shape[0]:,} rows and {y.name} "
            f"{y.shape[0]:,} labels"
        )


def _read(path: Path, archive: zipfile.ZipFile, member: _Member) -> NDArray[Any]:
    """An array whole."""
    with archive.open(member.info) as stream:
        array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
        _end(path, member, stream)
        return array


def _end(path: Path, member: _Member, stream: IO[bytes]) -> None:
    """Read on to the member's end, where its checksum is compared."""
    if stream.read(1):
        raise DataError(f"{path}: {member.name} goes on after its end: the file is damaged")


def _read_rows(path: Path, archive: zipfile.ZipFile, member: _Member) -> SparseRows:
    """An array of shape (n, …) as sparse rows of its flattened images."""
    n, d = member.shape[0], math.prod(member.shape[1:])
    if not n or not d:
        return SparseRows.from_dense(np.empty((n, d), np.uint8))
    if member.fortran_order:
        X = _read(path, archive, member).reshape(n, d)
        _limit_entries(path, member, int(np.count_nonzero(X)))
        return _sparse(X)
    n_rows = max(1, PIECE // d)
    parts: list[SparseRows] = []
    n_entries = 0
    with archive.open(member.info) as stream:
        _header(path, member.info, stream)
        for start in range(0, n, n_rows):
            n_here = min(n_rows, n - start)
            content = stream.read(n_here * d * member.dtype.itemsize)
            if len(content) != n_here * d * member.dtype.itemsize:
                raise DataError(f"{path}: {member.name} ends before its last row: the file is damaged")
            parts.append(_sparse(np.frombuffer(content, member.dtype).reshape(n_here, d)))
            n_entries += len(parts[-1].values)
            _limit_entries(path, member, n_entries)
        _end(path, member, stream)
    return SparseRows.concatenate(parts)


def _limit_entries(path: Path, member: _Member, n_entries: int) -> None:
    """DataError where an array holds far more than its file."""
    limit = max(MAX_ENTRY_BYTES, MAX_ENTRIES_RATIO * path.stat().st_size)
    if n_entries * ENTRY_BYTES > limit:
        raise DataError(
            f"{path}: {member.name} unpacks to more than {limit:,} bytes, far more than its file's "
            f"{path.stat().st_size:,}; written by np.savez instead of np.savez_compressed it is read whatever its size"
        )


def _sparse(X: NDArray[Any]) -> SparseRows:
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite, which is reported with its row
        return SparseRows.from_dense(X)


def _labels(data: UserData, member: _Member, y: NDArray[Any]) -> NDArray[Any]:
    """Labels (n,) from a vector, a column or one-hot rows."""
    if y.ndim == 1 or y.shape[1] == 1:
        return y.reshape(len(y))
    is_one_hot = len(y) and ((y == 0) | (y == 1)).all() and (np.count_nonzero(y, axis=1) == 1).all()
    if not is_one_hot:
        raise DataError(
            f"{data.path}: {member.name} must be labels of shape (n,), or one-hot rows with a single 1 each, but rows "
            f"of {y.shape[1]} numbers are neither; for probabilities or scores store {member.name}.argmax(axis=1)"
        )
    data.say(f"{member.name} {y.shape} is one-hot: the position of each row's 1 is its class")
    classes: NDArray[np.int64] = y.argmax(axis=1)
    return classes
