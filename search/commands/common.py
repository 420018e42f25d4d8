"""What the commands share: terminals, loading data."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from rich.console import Console

from engine.errors import DigitsweepError
from search.streams import ready_streams

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from engine.data.dataset import Dataset

ready_streams()
LEAST_WIDTH = 40
"""Characters of a line in which a table has room for a name; a narrower terminal wraps it."""


def _width() -> int | None:
    """Characters of a line, None to be asked of the terminal: `COLUMNS`, as far as it is one, else 120 in a pipe."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return max(LEAST_WIDTH, int(given))
    return None if sys.stdout.isatty() else 120


# No markup: a name with brackets in it is a name.
console = Console(width=_width(), markup=False)
errors = Console(stderr=True, soft_wrap=True, markup=False)


def say(line: str) -> None:
    """A line on standard output, as it is: nothing in it is taken for markup, and the terminal wraps it."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def warn(line: str) -> None:
    """A line on standard error, as it is."""
    errors.print(line, highlight=False, markup=False)


def agreed(question: str, *, yes: bool) -> bool:
    """Whether somebody wants it: `--yes`, or the answer on a terminal.

    Raises:
        DigitsweepError: nobody can be asked.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise DigitsweepError(f"{question} Nobody can be asked here. Say so with --yes")
    return typer.confirm(question, err=True)  # where it is seen when the output goes to a file


def print_json(value: Any) -> None:
    """A value as JSON on standard output, and nothing else there."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


@contextmanager
def opened(db: str) -> Iterator["Engine"]:
    """The database, to read from; closed afterwards."""
    from search.store.database import open_for_reading

    sql = open_for_reading(db)
    try:
        yield sql
    finally:
        sql.dispose()


def leave(code: int) -> NoReturn:
    """End the process now, with nothing cleaned up: threads may be in kernels that they do not leave for minutes."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a terminal that has gone away, a closed pipe
            stream.flush()
    os._exit(code)


def data_source(dataset: str | None, stated: Any, **keys: Any) -> Any:
    """The data set that a command line means: another path with the keys that were stated, other keys, or both.

    Args:
        dataset: `--dataset`.
        stated: what the study file or the stored study has, a name, a path or a mapping.
        keys: of `engine.data.reference.KEYS`; None where they are not given.
    """
    from engine.data.catalogue import DATASET_NAMES

    given = {key: value for key, value in keys.items() if value is not None}
    source: dict[str, Any] = {**(stated if isinstance(stated, dict) else {"path": stated}), **given}
    if dataset is not None:
        source = {"path": dataset, **given} if dataset in DATASET_NAMES else {**source, "path": dataset}
    return source if len(source) > 1 else source["path"]


def load_data(name: Any, folder: Path | None, *, quietly: bool = False) -> "Dataset":
    """A data set by name, with what there is to say on standard error and a bar for downloads; `quietly` neither."""
    from engine.data.load import load_dataset

    if quietly:
        return load_dataset(name, folder=folder, notify=lambda _: None, offline=True)
    if not sys.stderr.isatty():
        return load_dataset(name, folder=folder, notify=warn)
    from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

    with Progress(*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn(), console=errors) as bar:
        tasks: dict[str, Any] = {}

        def show(file: str, done: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(file, total=total)
            bar.update(tasks[file], completed=done, total=total)

        return load_dataset(name, folder=folder, notify=warn, progress=show)


def load_stored_data(
    source: Any, db: str, dataset: str | None, folder: Path | None, *, quietly: bool = False
) -> "Dataset":
    """The data of a study in the database: what is given now, or else what its file named.

    A path that leads nowhere from here is looked for from the database's folder too, since that is where the study
    may have been started. Whoever calls compares the content, so that no other data can take its place.

    Args:
        source: as its file names it, from `naming.stored_source`.
        db: the database.
        dataset: what was given with --dataset.
        folder: what was given with --data.
        quietly: without a word and without a download.

    Raises:
        DataError: it is not found; the message says how to name it.
    """
    from engine.data.catalogue import DATASET_NAMES
    from engine.errors import DataError

    if dataset is not None:
        return load_data(data_source(dataset, source), folder, quietly=quietly)
    path = source["path"] if isinstance(source, dict) else source
    beside = Path(db).parent / path
    if path not in DATASET_NAMES and beside.exists() and not Path(path).exists():
        return load_data(data_source(str(beside), source), folder, quietly=quietly)
    try:
        return load_data(source, folder, quietly=quietly)
    except DataError as error:
        raise DataError(f"{error}; name the study's data with --dataset, or its folder with --data") from error
