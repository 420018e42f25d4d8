"""The database as tidy tables: one row a run, one row an evaluation, as CSV and as Parquet."""

from pathlib import Path

import pandas as pd
from sqlalchemy import create_engine

TABLES = {
    "runs": "SELECT * FROM v_runs ORDER BY run_id",
    "evaluations": "SELECT * FROM v_curves ORDER BY run_id, k",
}


def export(url: str, out: Path) -> list[Path]:
    """Write `runs` and `evaluations` to the folder `out`, made where it does not exist; the files written.

    Args:
        url: SQLAlchemy URL of the database.
        out: folder.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = []
    engine = create_engine(url)
    with engine.connect() as connection:
        for name, query in TABLES.items():
            table = pd.read_sql_query(query, connection)
            files += [out / f"{name}.csv", out / f"{name}.parquet"]
            table.to_csv(files[-2], index=False)
            table.to_parquet(files[-1], index=False)
    engine.dispose()
    return files
