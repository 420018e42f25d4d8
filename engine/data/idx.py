"""The IDX format of MNIST's files: bytes to an array and back, and reading such a file whole or gzipped.

A file is two zero bytes, a type code (8 for unsigned bytes, the only one used here), the number of
dimensions, each dimension as a big-endian 32-bit number, then the entries, last dimension innermost.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section FILE FORMATS.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError

UINT8_CODE = 8
TYPE_NAMES = {8: "uint8", 9: "int8", 11: "int16", 12: "int32", 13: "float32", 14: "float64"}
MAX_DIMENSIONS = 16
GZIP_MAGIC = b"\x1f\x8b"
PIECE = 1 << 20


def n_bytes_of(shape: tuple[int, ...]) -> int:
    """Bytes of an IDX file of that shape, header included."""
    return 4 + 4 * len(shape) + math.prod(shape)


def format_idx(array: NDArray[np.uint8]) -> bytes:
    """The IDX file that holds `array`, any shape of at least one dimension, uint8."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, UINT8_CODE, array.ndim, *array.shape)
    return header + np.ascontiguousarray(array).tobytes()


def parse_idx(content: NDArray[np.uint8], what: str) -> NDArray[np.uint8]:
    """The array in an IDX file's bytes.

    Args:
        content: (n_bytes,) uint8, the decompressed file.
        what: the file's name, for messages.

    Returns:
        The entries, uint8, in the shape that the header states; a view of `content`.

    Raises:
        DataError: not IDX, not of unsigned bytes, or not as long as its header says.
    """
    if len(content) < 4:
        raise DataError(f"{what}: an IDX file starts with 4 bytes, but got {len(content)} in all")
    zero, zero2, code, n_dimensions = (int(byte) for byte in content[:4])
    if zero or zero2 or code not in TYPE_NAMES or not n_dimensions:
        raise DataError(
            f"{what}: an IDX file starts with the bytes 0, 0, type, dimensions, but got "
            f"{zero}, {zero2}, {code}, {n_dimensions}: this is not an IDX file"
        )
    if n_dimensions > MAX_DIMENSIONS:
        raise DataError(f"{what}: an IDX file has at most {MAX_DIMENSIONS} dimensions, but got {n_dimensions}")
    if code != UINT8_CODE:
        raise DataError(f"{what}: entries must be uint8 (type code 8), but got {TYPE_NAMES[code]} ({code})")
    start = 4 + 4 * n_dimensions
    if len(content) < start:
        raise DataError(f"{what}: ends within its header of {start} bytes, after {len(content)}")
    shape = struct.unpack(f">{n_dimensions}I", content[4:start].tobytes())
    n_expected = n_bytes_of(shape)
    if len(content) != n_expected:
        problem = "is truncated" if len(content) < n_expected else "has bytes after its end"
        raise DataError(
            f"{what} {problem}: its header states the shape {shape}, {n_expected:,} bytes with the header, "
            f"but got {'more' if len(content) > n_expected else f'{len(content):,}'}"
        )
    try:
        return content[start:].reshape(shape)
    except ValueError as error:  # no entries, and other dimensions that no array can have
        raise DataError(f"{what}: its header states the shape {shape}, which no array can have") from error


def read_content(path: Path, n_bytes: int) -> tuple[NDArray[np.uint8], str | None]:
    """A file's content, decompressed where its first bytes say gzip, whatever it is called.

    Args:
        path: the file.
        n_bytes: how long the content should be; reading stops one byte after, so that neither a wrong
            file nor a hostile archive fills the memory.

    Returns:
        The content, (at most n_bytes + 1,) uint8, and what went wrong on the way, None where nothing did;
        with a truncated or damaged archive the content is what could be read.

    Raises:
        DataError: the file cannot be opened or read.
    """
    content = np.empty(n_bytes + 1, np.uint8)
    n_read = 0
    problem = None
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            stream: Any = gzip.GzipFile(fileobj=raw) if is_gzip else raw
            try:
                while n_read < len(content) and (piece := stream.read(min(PIECE, len(content) - n_read))):
                    content[n_read : n_read + len(piece)] = np.frombuffer(piece, np.uint8)
                    n_read += len(piece)
            except EOFError:
                problem = "its gzip stream is truncated"
            except (gzip.BadGzipFile, zlib.error) as error:
                problem = f"its gzip stream is damaged ({error})"
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    return content[:n_read], problem
