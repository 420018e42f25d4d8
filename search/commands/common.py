"""What the commands share: terminals, options, loading data."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import which
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


def program() -> str:
    """How to call this program again: its name where the shell finds it, else where it was started from."""
    started = Path(sys.argv[0])
    if started.name != "digitsweep" or which("digitsweep"):
        return "digitsweep"
    return str(started.relative_to(Path.cwd()) if started.is_relative_to(Path.cwd()) else started)


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
