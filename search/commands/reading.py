"""Commands that read the database: studies, choices, figures, the report, the dashboard, exports; and where data is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import DigitsweepError
from search.commands.common import Database, DataFolder, DatasetName, StudyName, console
from search.output import print_selection, print_status


def status(db: Database = "runs.sqlite") -> None:
    """Show the studies in the database: trials and runs by state, best validation accuracy so far."""
    from search.store.database import open_database
    from search.store.reading import status_rows

    engine = open_database(db, create=False)
    with engine.connect() as connection:
        rows = status_rows(connection)
    print_status(console, db, rows)


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


def data(
    name: Annotated[str, typer.Argument(help="mnist or fashion-mnist.")] = "mnist",
    folder: DataFolder = None,
) -> None:
    """Show where a data set's files are looked for, and what was found."""
    from engine.data.load import describe_places

    for place in describe_places(name, folder):
        found = "complete" if place.complete else f"{len(place.found)} of its files"
        console.print(f"{place.role:<10} {place.folder}: {found}", highlight=False, markup=False)


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
            kinds = ", ".join(file.suffix.removeprefix(".") for file in result.files)
            line = f"{result.title}: {result.files[0].with_suffix('')} ({kinds})"
        else:
            line = f"{result.title}: left out, {result.reason}; make it with {result.command}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)


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
