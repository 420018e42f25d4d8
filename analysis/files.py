"""What the analysis writes: a command's files together, whole or not at all; tables that are safe in a spreadsheet.

compute ──> files in a folder of their own, inside the one they are for ──all there──> each gets its name
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd

_FORMULA = ("=", "+", "-", "@", "\t", "\n")
"""What a spreadsheet takes the beginning of a formula for, or takes away in search of one."""


class OutputError(OSError):
    """Files cannot be written where they are asked for."""


@contextmanager
def written_together(out: Path) -> Iterator[Path]:
    """A folder to write files into that all get their place in `out` when the block ends without an error.

    Until then `out` has what it had before, and nothing where there was none; a full disk leaves no half of a report.

    Raises:
        OutputError: Something cannot be written, or has a folder's or a file's name that is the other's already.
    """
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", suffix=".part", dir=out) as name:
            new = Path(name)
            yield new
            _move(new, out)
    except OSError as error:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        raise OutputError(f"{out} cannot be written: {error.strerror or error}") from error


def _move(new: Path, out: Path) -> None:
    files = sorted(new.rglob("*"))
    for file in files:
        target = out / file.relative_to(new)
        if target.exists() and target.is_dir() != file.is_dir():
            kind = "a folder" if target.is_dir() else "no folder"
            raise OSError(f"{target.relative_to(out)} is {kind}")
    for file in files:
        target = out / file.relative_to(new)
        if file.is_dir():
            target.mkdir(exist_ok=True)
        else:
            file.replace(target)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """A table as CSV. Text that a spreadsheet would run as a formula begins with an apostrophe; numbers are numbers."""
    shown = table.copy(deep=False)
    for name in table.columns:
        if not pd.api.types.is_numeric_dtype(table[name]):
            shown[name] = table[name].map(_as_text, na_action="ignore")
    shown.rename(columns=_as_text).to_csv(path, index=False, lineterminator="\n")


def _as_text(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    # A carriage return alone ends a row for some readers, and Python's writer does not quote it.
    cell = cell.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
