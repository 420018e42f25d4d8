"""The pages: what is on them, and how they are rendered.

content.py     which pages there are, and everything on them
sentences.py   headings, answers, notices, what was selected
tables.py      the tables
images.py      what single images say
methods.py     how things are measured and compared
markdown.py    text of others in Markdown
page.py        HTML and Markdown, with templates/
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.commands import DATABASE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from analysis.report.images import Pictures


def build(
    database: "str | Engine",
    out: Path,
    study: str | None = None,
    dataset: str | None = None,
    called: str = DATABASE,
    stated: "Mapping[str, Mapping[str, Any]] | None" = None,
    pictures: "Pictures | None" = None,
    figures: bool = False,
) -> list[Path]:
    """Write `report.html` (self-contained) and `report.md` into `out`, and one more of both for each shared page.

    Args:
        database: Path of an SQLite file, an SQLAlchemy URL, or an engine.
        out: Folder of the files; made if missing. The Markdown refers to figures as SVG in `out/figures`.
        study: One study alone, by its name in the database or in its file.
        dataset: The studies on one data set.
        called: What commands call the database.
        stated: What study files say now of studies whose stored copy says nothing; see `analysis.studies.read_studies`.
        pictures: Where the data sets' examples can be had as pictures; None for a page without them.
        figures: Whether to write each figure as PNG and its table as CSV too, as `analysis.figures.draw_all` does.

    Returns:
        The HTML pages, the one with all studies first.

    Raises:
        LookupError: The database has no run, no such study, or none on that data set.
        OutputError: The files cannot be written; none of them is.
    """
    from analysis.report.images import no_pictures
    from analysis.report.page import build

    return build(database, out, study, dataset, called, stated, pictures or no_pictures, figures=figures)
