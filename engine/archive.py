"""Parameters with a header, as an NPZ without pickle: how model files and checkpoints are written and read.

    header, arrays ──write_archive──> bytes ──open_archive──> header ──> shapes ──> arrays

What is read is not trusted. An NPZ is a ZIP of arrays; here they are stored as they are, never compressed, so that
reading takes no more memory than a small multiple of the file's own size. Which arrays there must be, and of which
shape and type, follows from the header's configuration; each is compared with that before memory is taken for it.
"""

import json
import math
import os
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from engine.arrays import DTYPES, FloatArray
from engine.configuration import Configuration
from engine.errors import DigitsweepError
from engine.initializers import parameter_shapes

_MOST_HEADER_BYTES = 1 << 22
_PIECE = 1 << 20
_NPY_1_0 = b"\x93NUMPY\x01\x00"

_SIGNS_OF_DAMAGE = (
    zipfile.BadZipFile,
    OSError,
    EOFError,
    RuntimeError,  # a member that claims to be encrypted; JSON that is nested too deep
    ValueError,
    OverflowError,
    TypeError,
    KeyError,
    struct.error,
)


class ArchiveError(DigitsweepError, ValueError):
    """Bytes that are no such archive; the text says what is wrong, as in "x is no model file: …"."""


def write_archive(stream: BinaryIO, header: Mapping[str, Any], **arrays: Sequence[FloatArray]) -> None:
    """Write a header and groups of arrays: `parameter=(W₁, b₁, …)` becomes `parameter_0` and so on."""
    members = {f"{group}_{i}": array for group, members in arrays.items() for i, array in enumerate(members)}
    np.savez(stream, allow_pickle=False, header=np.array(json.dumps(header)), **members)


class Archive:
    """What `open_archive` hands out.

    Attributes:
        header: the archive's header, as it was written; every value in it still has to be checked.
    """

    def __init__(self, stream: BinaryIO) -> None:
        size = stream.seek(0, os.SEEK_END)
        self._zip = zipfile.ZipFile(stream)
        members = self._zip.infolist()
        if any(m.compress_type != zipfile.ZIP_STORED or m.compress_size != m.file_size for m in members):
            raise ArchiveError("its arrays are compressed")
        if sum(member.file_size for member in members) > size:
            raise ArchiveError("its arrays claim to be larger than it is")
        self._members = {member.filename: member for member in members}
        if "header.npy" not in self._members:
            raise ArchiveError("it has no header")
        self.header = self._read_header(self._members["header.npy"])

    def _read_header(self, member: zipfile.ZipInfo) -> dict[str, Any]:
        """The JSON in an array of no axes and one string, four bytes a character."""
        if member.file_size > _MOST_HEADER_BYTES:
            raise ArchiveError(f"its header is longer than {_MOST_HEADER_BYTES:,} bytes")
        with self._zip.open(member) as file:
            start = _start(file)
            text = file.read()
        if start != _description(f"<U{len(text) // 4}", ()):
            raise ArchiveError("its header is no text")
        header = json.loads(text.decode("utf-32-le"))
        if not isinstance(header, dict):
            raise ArchiveError("its header is no mapping")
        return header

    def count(self, name: str, at_least: int) -> int:
        """A whole number of the header; ArchiveError where it is none, or too small."""
        value = self.header[name]
        if type(value) is not int or value < at_least:
            raise ArchiveError(f"its {name} must be a whole number >= {at_least}, but is {value!r:.40}")
        return value

    def arrays(
        self, configuration: Configuration, *groups: str, batch_norm: bool = False
    ) -> list[tuple[FloatArray, ...]]:
        """(W₁, b₁, …) of each group, in the shapes and the dtype that a configuration has for the header's images.

        With `batch_norm` they are (W₁, b₁, γ₁, …).

        Raises:
            ArchiveError: other arrays, other shapes, another type, or damaged content.
        """
        n_features, n_classes = self.count("n_features", 1), self.count("n_classes", 1)
        n_arrays = (3 if batch_norm else 2) * (configuration.hidden_layers + 1)
        # The number first: a header can claim a thousand million layers.
        if len(self._members) != 1 + n_arrays * len(groups):
            raise ArchiveError(f"it must have {n_arrays * len(groups)} arrays, but has {len(self._members) - 1}")
        shapes = parameter_shapes(configuration.layer_sizes(n_features, n_classes), batch_norm=batch_norm)
        dtype = DTYPES[configuration.dtype].newbyteorder("<")
        return [
            tuple(self._read_array(f"{group}_{i}", shape, dtype) for i, shape in enumerate(shapes)) for group in groups
        ]

    def _read_array(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> FloatArray:
        if f"{name}.npy" not in self._members:
            raise ArchiveError(f"it has no array {name}")
        member = self._members[f"{name}.npy"]
        with self._zip.open(member) as file:
            start = _start(file)
            if start != _description(dtype.str, shape):
                raise ArchiveError(f"its {name} must have the shape {shape} and be {dtype.name}, but says {start:.120}")
            n_bytes, found = math.prod(shape) * dtype.itemsize, member.file_size - file.tell()
            if found != n_bytes:
                raise ArchiveError(f"its {name} must have {n_bytes:,} bytes, but has {found:,}")
            array: FloatArray = np.empty(shape, dtype)
            content = array.reshape(-1).view(np.uint8)
            for start_of_piece in range(0, n_bytes, _PIECE):
                piece = content[start_of_piece : start_of_piece + _PIECE]
                piece[:] = np.frombuffer(file.read(len(piece)), np.uint8)
        return array.astype(dtype.newbyteorder("="), copy=False)


def _start(file: Any) -> str:
    """The description at the start of an array's bytes (NumPy's format 1.0), without the blanks that fill it up."""
    start = file.read(len(_NPY_1_0) + 2)
    if not start.startswith(_NPY_1_0):
        raise ArchiveError("its members are no arrays")
    return str(file.read(int.from_bytes(start[-2:], "little")).decode("latin-1").rstrip(" \n"))


def _description(dtype: str, shape: tuple[int, ...]) -> str:
    """The description that NumPy writes of an array in C order."""
    return f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape!r}, }}"


@contextmanager
def open_archive(stream: BinaryIO) -> Iterator[Archive]:
    """An archive for the length of a block, in which everything that is found wrong becomes an ArchiveError.

    Args:
        stream: what `write_archive` wrote; it can be sought in.

    Raises:
        ArchiveError: it is none, it is damaged, or its header lacks what the block asks for.
    """
    try:
        yield Archive(stream)
    except ArchiveError:
        raise
    except KeyError as error:
        raise ArchiveError(f"its header has no {error}") from error
    except _SIGNS_OF_DAMAGE as error:
        raise ArchiveError(f"it is damaged ({error})") from error
