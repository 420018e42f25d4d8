"""The page: what is on it (content.py), how it is rendered as HTML and Markdown (page.py, templates/)."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine


def build(database: "str | Engine", out: Path, dataset: str | None = None) -> Path:
    """Write `report.html` (self-contained) and `report.md` into `out` and return the HTML's path.

    Args:
        database: Path of an SQLite file, an SQLAlchemy URL, or an engine.
        out: Folder of both files; made if missing. The Markdown refers to figures as SVG in `out/figures`.
        dataset: By default MNIST where there is any.
    """
    from analysis.report.page import build

    return build(database, out, dataset)
