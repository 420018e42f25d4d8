"""`digitsweep export`: runs and evaluations as tidy files."""

from pathlib import Path

from search.commands.common import opened, say
from search.commands.options import Database, OutputFolder
from search.commands.report import analysis_errors


def export(db: Database = "runs.sqlite", out: OutputFolder = Path("export")) -> None:
    """Write runs and evaluations as tidy CSV and Parquet."""
    from analysis.export import export as write

    with analysis_errors(), opened(db) as sql:
        files = write(sql, out)
    for file in files:
        say(str(file))
