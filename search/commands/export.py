"""`digitsweep export`: runs and evaluations as tidy files."""

from pathlib import Path
from typing import Annotated

import typer

from search.commands.common import Database, say


def export(
    db: Database = "runs.sqlite",
    out: Annotated[Path, typer.Option(help="Folder to write to; made where it does not exist.")] = Path("export"),
) -> None:
    """Write runs and evaluations as tidy CSV and Parquet."""
    from analysis.export import export as write
    from search.store.database import database_url, open_database

    open_database(db, create=False).dispose()
    for file in write(database_url(db), out):
        say(str(file))
