"""`digitsweep figures` and `digitsweep report`: what the analysis makes of the database."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import DigitsweepError
from search.commands.common import opened, say, warn
from search.commands.options import Database, DatasetName, OneStudy, OutputFolder


def figures(
    db: Database = "runs.sqlite",
    out: OutputFolder = Path("report"),
    study: OneStudy = None,
    dataset: DatasetName = None,
) -> None:
    """Draw every figure that the studies in the database can feed (PNG, SVG, and the table as CSV)."""
    _draw_to_files()
    from analysis.figures import draw_all
    from search.stated import stated_in_files

    with analysis_errors(), opened(db) as sql:
        stated = stated_in_files(sql, warn)
        results = draw_all(sql, out, study=study, dataset=dataset, called=db, stated=stated)
    for result in results:
        if result.drawn:
            kinds = ", ".join(file.suffix.removeprefix(".") for file in result.files)
            say(f"{result.title}: {result.files[0].with_suffix('')} ({kinds})")
        else:
            command = f"; make it with {result.command}" if result.command else ""
            say(f"{result.title}: left out, {result.reason}{command}")


def report(
    db: Database = "runs.sqlite",
    out: OutputFolder = Path("report"),
    study: OneStudy = None,
    dataset: DatasetName = None,
) -> None:
    """Build the pages: each study's question, its claims with what the database says about them, figures, tables."""
    _draw_to_files()
    from analysis.report import build
    from search.stated import stated_in_files

    with analysis_errors(), opened(db) as sql:
        stated = stated_in_files(sql, warn)
        pages = build(sql, out, study=study, dataset=dataset, called=db, stated=stated)
    for page in pages:
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
