"""`digitsweep figures` and `digitsweep report`: what the analysis makes of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import DigitsweepError
from search.commands.common import opened, say
from search.commands.options import Database, DatasetName, OutputFolder


def figures(db: Database = "runs.sqlite", out: OutputFolder = Path("report"), dataset: DatasetName = None) -> None:
    """Draw every figure of the report that the database has the studies for (PNG, SVG, and the table as CSV)."""
    from analysis.figures import draw_all

    with opened(db) as sql, _analysis_errors():
        results = draw_all(sql, out, dataset)
    for result in results:
        if result.drawn:
            kinds = ", ".join(file.suffix.removeprefix(".") for file in result.files)
            say(f"{result.title}: {result.files[0].with_suffix('')} ({kinds})")
        else:
            say(f"{result.title}: left out, {result.reason}; make it with {result.command}")


def report(db: Database = "runs.sqlite", out: OutputFolder = Path("report"), dataset: DatasetName = None) -> None:
    """Build the report page: figures, tables, and each claim with what the database says about it."""
    from analysis.report import build

    with opened(db) as sql, _analysis_errors():
        page = build(sql, out, dataset)
    say(str(page))


@contextmanager
def _analysis_errors() -> Iterator[None]:
    """What the analysis raises for a database it cannot use, as one of our own errors."""
    try:
        yield
    except LookupError as error:
        raise DigitsweepError(str(error.args[0])) from error
