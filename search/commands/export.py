"""`digitsweep export`: runs and evaluations as tidy files."""

from pathlib import Path
from typing import Annotated

import typer

from search.commands.common import Database, opened, say


def export(
    db: Database = "runs.sqlite",
    out: Annotated[Path, typer.Option(help="Folder to write to; made where it does not exist.")] = Path("export"),
) -> None:
    """Write runs and evaluations as tidy CSV and Parquet."""
    from analysis.export import export as write

    with opened(db) as sql:
        files = write(sql, out)
    for file in files:
        say(str(file))
