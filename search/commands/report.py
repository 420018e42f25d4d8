"""`digitsweep figures` and `digitsweep report`: what the analysis makes of the database."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import DigitsweepError
from search.commands.common import opened, say
from search.commands.options import Database, DatasetName, OutputFolder


def figures(db: Database = "runs.sqlite", out: OutputFolder = Path("report"), dataset: DatasetName = None) -> None:
    """Draw every figure of the report that the database has the studies for (PNG, SVG, and the table as CSV)."""
    _draw_to_files()
    from analysis.figures import draw_all

    with analysis_errors(), opened(db) as sql:
        results = draw_all(sql, out, dataset, db)
    for result in results:
        if result.drawn:
            kinds = ", ".join(file.suffix.removeprefix(".") for file in result.files)
            say(f"{result.title}: {result.files[0].with_suffix('')} ({kinds})")
        else:
            command = f"; make it with {result.command}" if result.command else ""
            say(f"{result.title}: left out, {result.reason}{command}")


def report(db: Database = "runs.sqlite", out: OutputFolder = Path("report"), dataset: DatasetName = None) -> None:
    """Build the report page: figures, tables, and each claim with what the database says about it."""
    _draw_to_files()
    from analysis.report import build

    with analysis_errors(), opened(db) as sql:
        page = build(sql, out, dataset, db)
    say(str(page))


def _draw_to_files() -> None:
    """Keep matplotlib from what MPLBACKEND names, a notebook's backend above all, which need not be installed here."""
    os.environ["MPLBACKEND"] = "agg"


@contextmanager
def analysis_errors() -> Iterator[None]:
    """What the analysis raises for a database it cannot use or a place it cannot write to, as one of our own errors."""
    from analysis.files import OutputError

    try:
        yield
    except LookupError as error:
        raise DigitsweepError(str(error.args[0])) from error
    except OutputError as error:
        raise DigitsweepError(str(error)) from error
