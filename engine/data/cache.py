"""The prepared form: a data set's content as one run of bytes, for its identity and for loading in no time.

`encode` turns three splits into a header line and a few compact arrays. The SHA-256 of those bytes is the
data set's identity (`Dataset.sha256`), and the same bytes are what `store` writes to the user cache; `load`
reads them back, and by comparing their hash with the identity checks every one of them. So the identity is
the same from whatever form the content was loaded.

A prepared file is only used while the files it was made from have the size and times that were recorded.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.arrays import FloatArray
from engine.data.dataset import PIECE, Dataset, SparseRows, Split
from engine.files import written_whole

FORMAT = "digitsweep-prepared-1"
WHITE = np.float32(255)
"""The byte of a white pixel, which counts as 1."""

_DIVISORS = {"|u1": WHITE, "<f4": np.float32(1)}
"""What stored values are divided by, by their type."""


@dataclass(frozen=True)
class Stamp:
    """By what a source file is recognised as unchanged, without reading it; times in nanoseconds.

    The change time is there because an archive tool or `touch` can give an altered file its old
    modification time back.
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True)
class Encoded:
    """A content's bytes: `header`, a line of JSON, then the arrays, little-endian.

    For train, validation and test in this order: entries per row (n,) uint32, labels (n,) uint16, columns
    (nnz,) uint16 or (from 65,537 features on) int32, and values (nnz,): k as uint8 where every value of the
    data set is exactly float32(k) / float32(255), float32 otherwise.
    """

    header: bytes
    arrays: tuple[NDArray[Any], ...]

    @property
    def sha256(self) -> str:
        """SHA-256 over header and arrays: the content's identity, 64 hexadecimal digits."""
        digest = hashlib.sha256(self.header)
        for array in self.arrays:
            digest.update(array.data)
        return digest.hexdigest()


def stamp(paths: Sequence[Path]) -> tuple[Stamp, ...]:
    """The stamps of files, in this order; OSError where one is missing."""
    stamps = []
    for path in paths:
        status = path.stat()
        stamps.append(Stamp(str(path.resolve()), status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return tuple(stamps)


def _pieces(values: NDArray[Any]) -> Iterator[slice]:
    return (slice(start, start + PIECE) for start in range(0, len(values), PIECE))


def _pixels(values: FloatArray) -> NDArray[np.uint8] | None:
    """The bytes k of which `values`, (nnz,) float32, are exactly k / 255; None where one of them is not."""
    pixels = np.empty(len(values), np.uint8)
    for piece in _pieces(values):
        part = values[piece]
        if not (part.min() >= 0 and part.max() <= 1):
            return None
        pixels[piece] = np.rint(part * WHITE)
        if not np.array_equal(pixels[piece] / WHITE, part):
            return None
    return pixels


def encode(splits: Sequence[Split], n_classes: int) -> Encoded:
    """The bytes of three splits (train, validation, test) of float32 rows."""
    n_features = splits[0].rows.n_features
    pixels = [_pixels(split.rows.values) for split in splits]
    are_pixels = all(part is not None for part in pixels)
    columns = np.dtype("<u2" if n_features <= 1 << 16 else "<i4")
    arrays: list[NDArray[Any]] = []
    for split, part in zip(splits, pixels, strict=True):
        arrays += [
            np.diff(split.rows.indptr).astype("<u4"),
            split.y.astype("<u2"),
            split.rows.indices.astype(columns),
            part if are_pixels and part is not None else split.rows.values.astype("<f4"),
        ]
    header = {
        "format": FORMAT,
        "n_classes": n_classes,
        "n_features": n_features,
        "n_images": [len(split) for split in splits],
        "n_entries": [len(split.rows.values) for split in splits],
        "columns": columns.str,
        "values": "|u1" if are_pixels else "<f4",
    }
    return Encoded(json.dumps(header, sort_keys=True).encode() + b"\n", tuple(arrays))


def decode(header: bytes, content: NDArray[np.uint8]) -> tuple[tuple[Split, Split, Split], int]:
    """The three splits and the number of classes that `encode` made bytes of.

    Args:
        header: its header.
        content: the arrays' bytes, one after the other.

    Raises:
        ValueError, KeyError, TypeError: the bytes are no such content.
    """
    fields = json.loads(header)
    if fields["format"] != FORMAT:
        raise ValueError(fields["format"])
    position = 0

    def next_array(n: int, dtype: str) -> NDArray[Any]:
        nonlocal position
        array = np.frombuffer(content, dtype, n, position)
        position += array.nbytes
        return array

    splits = []
    for n, n_entries in zip(fields["n_images"], fields["n_entries"], strict=True):
        indptr = np.zeros(n + 1, np.int64)
        np.cumsum(next_array(n, "<u4"), out=indptr[1:])
        y = next_array(n, "<u2").astype(np.int64)
        indices = next_array(n_entries, fields["columns"]).astype(np.int32)
        values = next_array(n_entries, fields["values"]).astype(np.float32)
        values /= _DIVISORS[fields["values"]]
        splits.append(Split(SparseRows(indptr, indices, values, fields["n_features"]), y))
    train, validation, test = splits
    return (train, validation, test), fields["n_classes"]


def prepared_path(cache: Path, name: str, stamps: Sequence[Stamp]) -> Path:
    """Where the prepared form of these source files is kept: one file for each name and set of paths."""
    key = hashlib.sha256("\n".join([FORMAT, name, *(s.path for s in stamps)]).encode()).hexdigest()[:16]
    return cache / "prepared" / f"{name}-{key}.bin"


def _description(stamps: Sequence[Stamp], recipe: Mapping[str, Any]) -> dict[str, Any]:
    return {"sources": [asdict(s) for s in stamps], "recipe": dict(recipe)}


def store(
    path: Path,
    encoded: Encoded,
    sha256: str,
    *,
    stamps: Sequence[Stamp],
    recipe: Mapping[str, Any],
    notes: Mapping[str, Any],
) -> bool:
    """Write a prepared form whole or not at all, for its owner alone.

    Args:
        path: from `prepared_path`.
        encoded: the content.
        sha256: its identity.
        stamps: of the source files, taken before they were read.
        recipe: whatever else the result depends on (expected checksums, how it was split), as JSON.
        notes: kept beside the content and handed back by `load`, as JSON.

    Returns:
        Whether it was written; a cache that cannot be written costs time, it is not an error.
    """
    about = {"sha256": sha256, "notes": dict(notes), **_description(stamps, recipe)}
    line = json.dumps(about, sort_keys=True).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path, mode=0o600) as file:
            file.write(hashlib.sha256(line).hexdigest().encode() + b"\n" + line + encoded.header)
            for array in encoded.arrays:
                file.write(array.data)
    except OSError:
        return False
    return True


def load(
    path: Path, name: str, *, stamps: Sequence[Stamp], recipe: Mapping[str, Any]
) -> tuple[Dataset, dict[str, Any]] | None:
    """Read a prepared form and check every byte of it.

    Args:
        path: from `prepared_path`.
        name: the data set's name.
        stamps: of the source files as they are now.
        recipe: as given to `store`.

    Returns:
        The data set and the notes; None where there is no prepared form, or it cannot be read, is damaged, or
        was made from files with other stamps or by another recipe: then it is to be made again.
    """
    try:
        with path.open("rb") as file:
            line_sha256 = file.readline(128).strip().decode()
            line = file.readline()
            if hashlib.sha256(line).hexdigest() != line_sha256:
                return None
            about = json.loads(line)
            expected = json.loads(json.dumps(_description(stamps, recipe)))
            if any(about[key] != value for key, value in expected.items()):
                return None
            header = file.readline()
            content = np.fromfile(file, np.uint8)
        digest = hashlib.sha256(header)
        digest.update(content.data)
        if digest.hexdigest() != about["sha256"]:
            return None
        splits, n_classes = decode(header, content)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Dataset(name, about["sha256"], n_classes, *splits), about["notes"]
