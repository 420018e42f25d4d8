"""The options and arguments of the commands, each checked when the command line is read, before anything is done."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from engine.data.catalogue import DATASET_HELP, SOURCES
from engine.errors import excerpt
from search.spec.limits import MAX_NAME, MAX_REPLICATES, MAX_TRIALS, NAME_PATTERN

MAX_JOBS = 1_024
MAX_SECONDS = 1_000 * 24 * 3_600
MAX_LENGTH = 4_096
"""Characters of a name or path, what a file system takes."""

_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", re.ASCII)

Text = TypeVar("Text", str, Path, None)


def seconds(text: str) -> float:
    """A duration as a person writes it: 90s, 10m, 1h30m, or plain seconds."""
    match = _DURATION.fullmatch(text.strip())
    if not match or not any(match.groups()):
        raise typer.BadParameter(f"a duration like 90s, 10m or 1h30m was expected, but got {excerpt(text)!r}")
    hours, minutes, rest = (float(part or 0) for part in match.groups())
    total = hours * 3600 + minutes * 60 + rest
    if not 0 < total <= MAX_SECONDS:
        raise typer.BadParameter(
            f"a duration above 0 and of at most 1,000 days was expected, but got {excerpt(text)!r}"
        )
    return total


def _whole(low: int, high: int) -> Callable[[str], int]:
    """What reads a whole number from `low` to `high`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise typer.BadParameter(
                f"a whole number from {low:,} to {high:,} was expected, but got {excerpt(str(text))!r}"
            )
        return number

    return read


def _duration(text: str | None) -> str | None:
    if text is not None:
        seconds(text)
    return text


def _plain(value: Text) -> Text:
    """A name or path that can be printed and stored."""
    if value is None:
        return value
    text = str(value)
    if not text.strip():
        raise typer.BadParameter("a name was expected, but got nothing")
    if len(text) > MAX_LENGTH:
        raise typer.BadParameter(f"at most {MAX_LENGTH:,} characters were expected, but got {len(text):,}")
    if _UNREADABLE.search(text):
        raise typer.BadParameter(f"readable text was expected, but got '{excerpt(text)}'")
    return value


def _study_name(text: str) -> str:
    """A name that a study file can give its study."""
    if not re.fullmatch(NAME_PATTERN, text) or len(text) > MAX_NAME:
        raise typer.BadParameter(
            "a study's name has small letters, digits, '_', '.' and '-', begins with a letter or digit and has at most "
            f"{MAX_NAME} characters, but got '{excerpt(text)}' (what stands for its data or seed, as @digits, stays)"
        )
    return text


def _plain_list(values: list[Path]) -> list[Path]:
    return [_plain(value) for value in values]


def _path(text: str) -> Path:
    """A path as it was typed; nothing is not the folder that the command is called in."""
    _plain(str(text))
    return Path(text)


def _folder(path: Path) -> Path:
    """A folder to write to, there or yet to be made."""
    _plain(path)
    try:
        if path.exists() and not path.is_dir():
            raise typer.BadParameter(f"a folder was expected, but {excerpt(str(path), 200)} is a file")
        _check_writable(next((place for place in (path, *path.absolute().parents) if place.exists()), path))
    except OSError as error:
        raise typer.BadParameter(f"{excerpt(str(path), 200)} cannot be used: {error.strerror}") from error
    return path


def _file(path: Path) -> Path:
    """A file to write, in a folder that is there."""
    _plain(path)
    try:
        if path.absolute().is_dir():
            raise typer.BadParameter(f"a file was expected, but {excerpt(str(path), 200)} is a folder")
        if not path.parent.is_dir():
            raise typer.BadParameter(f"there is no folder {excerpt(str(path.parent), 200)} to write into")
        _check_writable(path.parent)
    except OSError as error:
        raise typer.BadParameter(f"{excerpt(str(path), 200)} cannot be used: {error.strerror}") from error
    return path


def _check_writable(folder: Path) -> None:
    if not folder.is_dir():
        raise typer.BadParameter(f"a folder was expected, but {excerpt(str(folder), 200)} is a file")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise typer.BadParameter(f"nothing may be written into {excerpt(str(folder), 200)}")


def _count(low: int, high: int, *, help: str) -> Any:  # noqa: A002 - what typer calls it
    """An option that takes a whole number."""
    return typer.Option(parser=_whole(low, high), metavar="N", help=help)


StudyFile = Annotated[Path, typer.Argument(callback=_plain, help="Study file, e.g. experiments/linear_grid.yaml.")]
StudyName = Annotated[str, typer.Argument(callback=_plain, help="Name of a study in the database.")]
NewStudy = Annotated[
    str,
    typer.Argument(callback=_plain, help="Name of the new study, or the .yaml file to write, which must not be there."),
]
DriverName = Annotated[
    str, typer.Option("--driver", callback=_plain, help="What proposes its trials: grid, random, ofat or optuna.")
]
OneStudy = Annotated[
    str | None,
    typer.Option("--study", callback=_plain, help="Name of one study in the database; all of them if not given."),
]
RunId = Annotated[
    int,
    typer.Argument(
        parser=_whole(1, 2**63 - 1), metavar="RUN_ID", help="A finished run, as in the column run_id of v_runs."
    ),
]
ModelFile = Annotated[Path, typer.Argument(callback=_plain, help="Model file from train-best.")]
Pictures = Annotated[
    list[Path], typer.Argument(callback=_plain_list, help="Pictures of one digit each: PNG, JPEG and others.")
]
ShowInput = Annotated[bool, typer.Option("--show", help="Print what the network sees of each picture, as characters.")]
DataSource = Annotated[str, typer.Argument(callback=_plain, help=f"{' or '.join(SOURCES)}.")]

Database = Annotated[str, typer.Option("--db", callback=_plain, help="SQLite file, or an SQLAlchemy URL.")]
DatasetName = Annotated[
    str | None,
    typer.Option("--dataset", callback=_plain, help=f"{DATASET_HELP}."),
]
Label = Annotated[
    str | None, typer.Option(callback=_plain, help="Column or array of your own file that holds the classes.")
]
Ignore = Annotated[list[str] | None, typer.Option(help="Column or array of your own file to leave out; repeatable.")]
Keep = Annotated[list[str] | None, typer.Option(help="Column that looks like no feature and is one; repeatable.")]
Header = Annotated[bool | None, typer.Option(help="Whether your own .csv begins with a header.")]
Scale = Annotated[
    str | None,
    typer.Option(
        callback=_plain,
        help="How your own values are scaled: standardise, pixels (divided by 255), none, or a divisor.",
    ),
]
DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data",
        parser=_path,
        metavar="FOLDER",
        callback=_plain,
        help="Folder that is searched first for the data set's files.",
    ),
]
TimeBudget = Annotated[
    str | None,
    typer.Option(
        "--time", callback=_duration, help="Wall-time budget, e.g. 10m: runs in training end, no new one starts."
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Show the plan, what is done of it and how long the rest takes; train nothing."),
]
Sampler = Annotated[
    str | None,
    typer.Option(callback=_plain, help="tpe, gp, cmaes, qmc or nsgaii instead of the file's, for adaptive studies."),
]
OutputFolder = Annotated[
    Path,
    typer.Option(
        "--out",
        parser=_path,
        metavar="FOLDER",
        callback=_folder,
        help="Folder to write to; made where it does not exist.",
    ),
]
OutputFile = Annotated[
    Path, typer.Option("--out", "-o", parser=_path, metavar="FILE", callback=_file, help="Model file to write.")
]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking; needed where nobody can be asked.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
NewName = Annotated[
    str, typer.Argument(callback=_study_name, metavar="NAME", help="Its new name, as its file is to have it.")
]
Shown = Annotated[
    str,
    typer.Argument(callback=_plain, metavar="STUDY[/TRIAL] or RUN_ID", help="A study, one of its trials, or a run."),
]
Jobs = Annotated[int | None, _count(1, MAX_JOBS, help="Workers; one for each core if not given.")]
Seed = Annotated[int | None, _count(0, 2**31 - 1, help="Instead of the seed in the file.")]
Replicates = Annotated[int | None, _count(1, MAX_REPLICATES, help="Runs of each trial.")]
Trials = Annotated[int | None, _count(1, MAX_TRIALS, help="Trials in all, for random and adaptive studies.")]
RankingRows = Annotated[int, _count(1, MAX_TRIALS, help="Rows of the ranking to show.")]
BestTrials = Annotated[int, _count(1, MAX_TRIALS, help="How many of the best configurations.")]
MaxReplicates = Annotated[int, _count(1, MAX_REPLICATES, help="Replicates that no configuration goes beyond.")]
FreshRuns = Annotated[int, _count(1, MAX_REPLICATES, help="Runs of each, with fresh seeds.")]
Replicate = Annotated[int, _count(0, MAX_REPLICATES, help="Which run of the selected trial, from 0.")]
Port = Annotated[int, _count(1, 65_535, help="Port on 127.0.0.1.")]
WithFigures = Annotated[
    bool, typer.Option("--figures", help="Write each figure as PNG and its table as CSV too, as `figures` does.")
]
