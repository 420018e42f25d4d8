"""The command line: `digitsweep`. Reads options, calls the packages, prints; decides nothing itself.

Exit codes: 0 done, 1 finished but something failed, 2 bad input (one message), 130 interrupted.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from engine.errors import DigitsweepError
from search.output import print_confirmation, print_selection, print_status

if TYPE_CHECKING:
    from engine.data import Dataset
    from search.coordinator import StudyResult
    from search.spec import StudySpec

app = typer.Typer(
    name="digitsweep",
    help="Hyperparameter searches on MNIST that are fast and can be trusted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(width=None if sys.stdout.isatty() else 120)
errors = Console(stderr=True, soft_wrap=True)

Database = Annotated[str, typer.Option("--db", help="SQLite file, or an SQLAlchemy URL.")]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, help="Workers; one for each core if not given.")]
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder that is searched first for the data set's files.")
]
DatasetName = Annotated[
    str | None,
    typer.Option("--dataset", help="auto, mnist, fashion-mnist, digits, or the path of an .npz or .csv."),
]
StudyName = Annotated[str, typer.Argument(help="Name of a study in the database.")]


def _seconds(text: str) -> float:
    """A duration as a person writes it: 90s, 10m, 1h30m, or plain seconds."""
    match = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", text.strip())
    if not match or not any(match.groups()):
        raise typer.BadParameter(f"a duration like 90s, 10m or 1h30m was expected, but got {text!r}")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _load(name: str, folder: Path | None) -> "Dataset":
    from engine.datasets import load_dataset

    def notify(message: str) -> None:
        errors.print(message, highlight=False, markup=False)

    if not sys.stderr.isatty():
        return load_dataset(name, folder=folder, notify=notify)
    from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

    with Progress(*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn(), console=errors) as bar:
        tasks: dict[str, Any] = {}

        def show(file: str, done: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(file, total=total)
            bar.update(tasks[file], completed=done, total=total)

        return load_dataset(name, folder=folder, notify=notify, progress=show)


@app.command()
def run(
    spec: Annotated[Path, typer.Argument(help="Study file, e.g. experiments/linear_grid.yaml.")],
    db: Database = "runs.sqlite",
    jobs: Jobs = None,
    dataset: DatasetName = None,
    data: DataFolder = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the seed in the file.")] = None,
    replicates: Annotated[int | None, typer.Option(min=1, help="Runs of each trial.")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Trials in all, for random and adaptive studies.")] = None,
    sampler: Annotated[
        str | None, typer.Option(help="tpe, gp, cmaes, qmc or nsgaii instead of the file's, for adaptive studies.")
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="Wall-time budget, e.g. 10m: runs in training end, no new one starts.")
    ] = None,
) -> None:
    """Run a study, or whatever of it is missing; then name the best configuration."""
    from search.spec import load_spec

    study = load_spec(spec).revised(dataset=dataset, seed=seed, replicates=replicates, trials=trials, sampler=sampler)
    if study.sampler:
        from search.drivers.samplers import require_packages

        require_packages(study.sampler)
    images = _load(study.dataset, data)
    # The number of jobs too: with one an adaptive search can be reproduced.
    command = _command_again(
        spec, db=db, jobs=jobs, dataset=dataset, seed=seed, replicates=replicates, trials=trials, sampler=sampler
    )
    result = _run(study, images, db=db, jobs=jobs, command=command, time=time)
    _finish(result, db, command)


def _command_again(spec: Path, **options: object) -> str:
    """What to type to go on with a study: the options that were given."""
    given = "".join(f" --{name} {value}" for name, value in options.items() if value is not None)
    return f"digitsweep run {spec}{given}"


def _run(
    study: "StudySpec",
    images: "Dataset",
    *,
    db: str,
    jobs: int | None,
    command: str,
    time: str | None = None,
    **options: Any,
) -> "StudyResult":
    from engine.kernels import compile_kernels
    from search.coordinator import run_study
    from search.progress import terminal_display

    compile_kernels(lambda message: console.print(message, highlight=False, markup=False))
    with terminal_display(console) as display:
        return run_study(
            study,
            images,
            database=db,
            n_jobs=jobs,
            display=display,
            command=command,
            max_seconds=_seconds(time) if time else None,
            **options,
        )


def _finish(result: "StudyResult", db: str, command: str) -> None:
    """Say what was done, show the selection, and leave with the exit code that fits."""
    from search.select import select
    from search.store.candidates import NothingToSelectError
    from search.store.database import open_database

    if result.interrupted:
        lines = f"\n{result.study}: interrupted; nothing is lost. Go on with:\n  {command}"
        console.print(lines, markup=False, soft_wrap=True)
        raise typer.Exit(130)
    if result.n_trained == result.n_failed == 0 and not result.out_of_time:
        done = f"nothing to do: all {result.n_trials} trials are in {db}"
    else:
        done = f"{result.n_trained} runs trained in {result.seconds:.1f} s"
    diverged = f", {result.n_diverged} trials diverged" if result.n_diverged else ""
    pruned = f", {result.n_pruned} of {result.n_trials} trials pruned" if result.n_pruned else ""
    console.print(f"{result.study}: {done}{diverged}{pruned}.", highlight=False, markup=False)
    if result.out_of_time:
        lines = f"The time budget is used up. Go on with:\n  {command}"
        console.print(lines, highlight=False, markup=False, soft_wrap=True)
    engine = open_database(db, create=False)
    try:
        print_selection(console, select(engine, result.study), engine)
    except NothingToSelectError as error:
        console.print(str(error), markup=False)
    finally:
        engine.dispose()
    if result.n_failed:
        errors.print(
            f"{result.n_failed} runs failed; v_runs has their errors, and the same command tries them again:\n"
            f"  {command}",
            markup=False,
        )
        raise typer.Exit(1)


@app.command()
def status(db: Database = "runs.sqlite") -> None:
    """Show the studies in the database: trials and runs by state, best validation accuracy so far."""
    from search.store.database import open_database
    from search.store.reading import status_rows

    engine = open_database(db, create=False)
    with engine.connect() as connection:
        rows = status_rows(connection)
    print_status(console, db, rows)


@app.command()
def select(
    study: StudyName,
    db: Database = "runs.sqlite",
    top: Annotated[int, typer.Option(min=1, help="Rows of the ranking to show.")] = 5,
) -> None:
    """Choose the best configuration on validation, freeze the choice, then read its test accuracy."""
    from search.select import select as freeze
    from search.store.database import open_database

    engine = open_database(db, create=False)
    try:
        print_selection(console, freeze(engine, study), engine, top)
    finally:
        engine.dispose()


@app.command()
def confirm(
    study: StudyName,
    db: Database = "runs.sqlite",
    top: Annotated[int, typer.Option(min=1, help="How many of the best configurations.")] = 4,
    replicates: Annotated[int, typer.Option(min=1, help="Runs of each, with fresh seeds.")] = 8,
    jobs: Jobs = None,
    dataset: DatasetName = None,
    data: DataFolder = None,
) -> None:
    """Train the best configurations of a study again with fresh seeds, and say how lucky the selection was."""
    from search.confirm import confirmation, confirmation_driver, confirmation_spec

    source = confirmation(db, study, top)
    images = _load(dataset or source.data_source, data)
    if images.sha256 != source.data_sha256:
        raise DigitsweepError(
            f"{source.study} was run on data {source.data_sha256[:12]}…, but {images.name} here is "
            f"{images.sha256[:12]}…; name its data with --dataset or --data"
        )
    command = f"digitsweep confirm {source.study} --db {db} --top {top} --replicates {replicates}"
    result = _run(
        confirmation_spec(source, replicates),
        images,
        db=db,
        jobs=jobs,
        command=command,
        driver=confirmation_driver(source),
        name=source.name,
    )
    _finish(result, db, command)
    print_confirmation(console, db, source.study, source.name)


@app.command()
def reproduce(
    run_id: Annotated[int, typer.Argument(help="A finished run, as in the column run_id of v_runs.")],
    db: Database = "runs.sqlite",
    dataset: DatasetName = None,
    data: DataFolder = None,
) -> None:
    """Train a stored run again and compare every evaluation, to the last bit."""
    from search.reproduce import reproduce as train_again
    from search.reproduce import stored_run

    stored = stored_run(db, run_id)
    known = dataset or ("mnist" if stored.data_source == "auto" else stored.data_source)
    if dataset is None and stored.data_source == "auto":
        known = stored.dataset
    comparison = train_again(stored, _load(known, data))
    place = f"run {run_id} ({stored.study}, trial {stored.trial_number}, replicate {stored.replicate})"
    if not comparison.differences:
        console.print(f"{place}: identical, {comparison.n_values} evaluations compared.", highlight=False)
        return
    errors.print(f"{place}: {len(comparison.differences)} of {comparison.n_values} evaluations differ", markup=False)
    for k, split, before, again in comparison.differences[:5]:
        errors.print(f"  k = {k}, {split}: stored {before}, now {again}", markup=False)
    if not comparison.same_code:
        errors.print("  The engine's source has changed since that run was made.", markup=False)
    raise typer.Exit(1)


@app.command()
def data(
    name: Annotated[str, typer.Argument(help="mnist or fashion-mnist.")] = "mnist",
    folder: DataFolder = None,
) -> None:
    """Show where a data set's files are looked for, and what was found."""
    from engine.datasets import describe_places

    for place in describe_places(name, folder):
        found = "complete" if place.complete else f"{len(place.found)} of its files"
        console.print(f"{place.role:<10} {place.folder}: {found}", highlight=False, markup=False)


@app.command()
def dashboard(
    db: Database = "runs.sqlite",
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8080,
) -> None:
    """Open Optuna's dashboard on the database, on this machine alone."""
    from search.store.database import database_url, open_database

    open_database(db, create=False).dispose()
    import optuna_dashboard

    console.print(f"Optuna dashboard on http://127.0.0.1:{port}/ (Ctrl-C ends it)", highlight=False)
    try:
        optuna_dashboard.run_server(database_url(db), host="127.0.0.1", port=port)
    except OSError as error:
        raise DigitsweepError(f"port {port} cannot be used: {error}; choose another with --port") from error


@app.command()
def export(
    db: Database = "runs.sqlite",
    out: Annotated[Path, typer.Option(help="Folder to write to; made where it does not exist.")] = Path("export"),
) -> None:
    """Write runs and evaluations as tidy CSV and Parquet."""
    from analysis.export import export as write
    from search.store.database import database_url, open_database

    open_database(db, create=False).dispose()
    for file in write(database_url(db), out):
        console.print(str(file), highlight=False, markup=False)


@app.command()
def figures(
    db: Database = "runs.sqlite",
    out: Annotated[Path, typer.Option(help="Folder to write to; made where it does not exist.")] = Path("report"),
    dataset: DatasetName = None,
) -> None:
    """Draw every figure of the report that the database has the studies for (PNG, SVG, and the table as CSV)."""
    from analysis.figures import draw_all
    from search.store.database import open_database

    open_database(db, create=False).dispose()
    with _analysis_errors():
        results = draw_all(db, out, dataset)
    for result in results:
        if result.drawn:
            line = f"{result.title}: {', '.join(str(file) for file in result.files)}"
        else:
            line = f"{result.title}: left out, {result.reason}; make it with {result.command}"
        console.print(line, highlight=False, markup=False)


@app.command()
def report(
    db: Database = "runs.sqlite",
    out: Annotated[Path, typer.Option(help="Folder to write to; made where it does not exist.")] = Path("report"),
    dataset: DatasetName = None,
) -> None:
    """Build the report page: figures, tables, and each claim with what the database says about it."""
    from analysis.report import build
    from search.store.database import open_database

    open_database(db, create=False).dispose()
    with _analysis_errors():
        page = build(db, out, dataset)
    console.print(str(page), highlight=False, markup=False)


@contextmanager
def _analysis_errors() -> Iterator[None]:
    """What the analysis raises for a database it cannot use, as one of our own errors."""
    try:
        yield
    except LookupError as error:
        raise DigitsweepError(str(error.args[0])) from error


def main() -> None:
    """Run the command line, turning our own errors into one message and exit code 2."""
    try:
        app()
    except DigitsweepError as error:
        errors.print(f"digitsweep: {error}", style="bold", highlight=False, markup=False)
        sys.exit(2)
    except KeyboardInterrupt:
        errors.print("interrupted", markup=False)
        sys.exit(130)


if __name__ == "__main__":
    main()
