"""`digitsweep figures` and `digitsweep report`: what the analysis makes of the database."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from engine.errors import DigitsweepError
from search.commands.common import load_stored_data, opened, say, warn
from search.commands.options import Database, DataFolder, DatasetName, OneStudy, OutputFolder, WithFigures

if TYPE_CHECKING:
    from analysis.report.images import Pictures
    from analysis.studies import Study
    from engine.data.dataset import Dataset, SplitName


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
    data: DataFolder = None,
    figures: WithFigures = False,
) -> None:
    """Build the pages: each study's question, its claims with what the database says about them, figures, tables."""
    _draw_to_files()
    from analysis.report import build
    from search.stated import stated_in_files

    with analysis_errors(), opened(db) as sql:
        stated = stated_in_files(sql, warn)
        pages = build(
            sql,
            out,
            study=study,
            dataset=dataset,
            called=db,
            stated=stated,
            pictures=_pictures(db, data),
            figures=figures,
        )
    for page in pages:
        say(str(page))
    if figures:
        say(f"{out / 'figures'} (svg, png, csv)")


def _pictures(db: str, folder: Path | None) -> "Pictures":
    """Examples of the studies' data as PNG files, where these are on this computer and are pictures."""
    from search.pictures import as_png

    loaded: dict[str, Dataset | None] = {}

    def of(study: "Study", split: str, images: Sequence[int]) -> Sequence[bytes]:
        sha256 = study.data_sha256
        if sha256 not in loaded:
            loaded[sha256] = _data_of(study, db, folder)
        found = loaded[sha256]
        return as_png(found.split(cast("SplitName", split)), images) if found is not None else ()

    return of


def _data_of(study: "Study", db: str, folder: Path | None) -> "Dataset | None":
    """The data of a study, if they are here and still what they were."""
    from search.naming import stored_source

    try:
        found = load_stored_data(stored_source(study.spec["dataset"], study.dataset), db, None, folder, quietly=True)
    except DigitsweepError:
        return None
    return found if found.sha256 == study.data_sha256 else None


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
