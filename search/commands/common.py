"""What the commands share: terminals, options, loading data."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from engine.data.dataset import Dataset

console = Console(width=None if sys.stdout.isatty() else 120)
errors = Console(stderr=True, soft_wrap=True)


def say(line: str) -> None:
    """A line on standard output, as it is: nothing in it is taken for markup, and the terminal wraps it."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def warn(line: str) -> None:
    """A line on standard error, as it is."""
    errors.print(line, highlight=False, markup=False)


Database = Annotated[str, typer.Option("--db", help="SQLite file, or an SQLAlchemy URL.")]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, help="Workers; one for each core if not given.")]
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder that is searched first for the data set's files.")
]
DatasetName = Annotated[
    str | None,
    typer.Option("--dataset", help="auto, mnist, fashion-mnist, digits, or the path of an .npz or .csv."),
]
TimeBudget = Annotated[
    str | None, typer.Option("--time", help="Wall-time budget, e.g. 10m: runs in training end, no new one starts.")
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Show the plan, what is done of it and how long the rest takes; train nothing."),
]
StudyName = Annotated[str, typer.Argument(help="Name of a study in the database.")]


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


def seconds(text: str) -> float:
    """A duration as a person writes it: 90s, 10m, 1h30m, or plain seconds."""
    match = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", text.strip())
    if not match or not any(match.groups()):
        raise typer.BadParameter(f"a duration like 90s, 10m or 1h30m was expected, but got {text!r}")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def load_data(name: str, folder: Path | None) -> "Dataset":
    """A data set by name, with what there is to say on standard error and a bar for downloads."""
    from engine.data.load import load_dataset

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


def load_stored_data(source: str, db: str, dataset: str | None, folder: Path | None) -> "Dataset":
    """The data of a study in the database: what is given now, or else what its file named.

    A path that leads nowhere from here is looked for from the database's folder too, since that is where the study
    may have been started. Whoever calls compares the content, so that no other data can take its place.

    Args:
        source: as its file names it, from `naming.data_source`.
        db: the database.
        dataset: what was given with --dataset.
        folder: what was given with --data.

    Raises:
        DataError: it is not found; the message says how to name it.
    """
    from engine.errors import DataError

    if dataset is not None:
        return load_data(dataset, folder)
    beside = Path(db).parent / source
    if beside.is_file() and not Path(source).exists():
        return load_data(str(beside), folder)
    try:
        return load_data(source, folder)
    except DataError as error:
        raise DataError(f"{error}; name the study's data with --dataset, or its folder with --data") from error
