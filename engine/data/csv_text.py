"""The text of a user's `.csv` file: its encoding, its separators, and its lines within bounds.

    bytes ──open_text──> text ──lines──> (number, line) ──Dialect.of──> which separators ──cells──> cells

A separator is taken where the first lines leave no doubt: the one that makes the most numbers of them.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from engine.errors import DataError

MAX_LINE = 1 << 24
"""Characters of a line."""

Line = tuple[int, str]
"""A line's number in the file, from 1, and its text."""

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+(e[-+]?\d+)?\s*", re.IGNORECASE)
_OTHER_FORMATS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 file",
}


def open_text(path: Path) -> TextIO:
    """The file as text: UTF-8, or UTF-16 where it begins with that encoding's mark.

    Raises:
        DataError: it begins as another kind of file does.
        OSError: it cannot be read.
    """
    with path.open("rb") as raw:
        start = raw.read(4096)
    for magic, what in _OTHER_FORMATS.items():
        if start.startswith(magic):
            raise DataError(f"{path}: must be text, but is {what}; save it as CSV, unpacked")
    is_utf16 = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not is_utf16 and b"\0" in start:
        raise DataError(f"{path}: must be text in UTF-8, but holds zero bytes; save it as CSV in UTF-8")
    return path.open(encoding="utf-16" if is_utf16 else "utf-8-sig", newline="")


def lines(path: Path, file: TextIO) -> Iterator[Line]:
    """The lines that are not blank; DataError for one that is longer than any table's."""
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE:
            raise DataError(f"{path}, line {number}: must have less than {MAX_LINE:,} characters; is this a table?")
        if line.strip():
            yield number, line


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell is a number as NumPy reads it too; `nan` and `inf` count."""
    text = cell.strip()
    if decimal == ",":
        text = text.replace(",", ".")
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and "_" not in text


@dataclass(frozen=True)
class Dialect:
    """How cells and decimals are separated: `,` and `.`, or another separator and either of `.` and `,`."""

    separator: str
    decimal: str

    @classmethod
    def of(cls, sample: Sequence[str], given: str | None = None) -> "Dialect":
        """The dialect of a file by its first lines; a comma where nothing speaks for another separator.

        Args:
            sample: at least one line.
            given: the separator, where the file names it.
        """
        best, best_score = cls(",", "."), -1
        for separator in [given] if given in _SEPARATORS else _SEPARATORS:
            rows = [_split(line, separator) for line in sample]
            if separator != "," and (len(rows[0]) == 1 or len({len(row) for row in rows}) > 1):
                continue
            decimal = _decimal(rows) if separator != "," else "."
            score = sum(is_number(cell, decimal) for row in rows for cell in row)
            if score > best_score:
                best, best_score = cls(separator, decimal), score
        return best

    def __str__(self) -> str:
        decimals = " and decimal commas" if self.decimal == "," else ""
        return f"{_SEPARATORS[self.separator]} between the cells{decimals}"


def _decimal(rows: list[list[str]]) -> str:
    return "," if any(_DECIMAL_COMMA.fullmatch(cell) for row in rows for cell in row) else "."


def _split(line: str, separator: str) -> list[str]:
    """The cells of a line; a quote that is never closed takes the rest of it."""
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=separator))
    except (csv.Error, StopIteration):
        return [line]


def cells(path: Path, line: Line, dialect: Dialect) -> list[str]:
    """The cells of a line; DataError where one is larger than any number or name."""
    try:
        return next(csv.reader([line[1].rstrip("\r\n")], delimiter=dialect.separator))
    except (csv.Error, StopIteration) as error:
        raise DataError(f"{path}, line {line[0]}: cannot be split into cells: {error}") from error
