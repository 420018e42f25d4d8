"""The page: what is on it, and how it is rendered.

content.py     everything on the page
sentences.py   title, summary, notices, what was selected
tables.py      the tables
methods.py     how things are measured and compared
markdown.py    text of others in Markdown
page.py        HTML and Markdown, with templates/
"""

from pathlib import Path
from typing import TYPE_CHECKING

from analysis.commands import DATABASE

if TYPE_CHECKING:
    from sqlalchemy import Engine


def build(database: "str | Engine", out: Path, dataset: str | None = None, called: str = DATABASE) -> Path:
    """Write `report.html` (self-contained) and `report.md` into `out` and return the HTML's path.

    Args:
        database: Path of an SQLite file, an SQLAlchemy URL, or an engine.
        out: Folder of both files; made if missing. The Markdown refers to figures as SVG in `out/figures`.
        dataset: By default MNIST where there is any.
        called: What commands call the database.

    Raises:
        OutputError: The files cannot be written; none of them is.
    """
    from analysis.report.page import build

    return build(database, out, dataset, called)
