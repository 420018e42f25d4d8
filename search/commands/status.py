"""`digitsweep status`: what the database holds."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from search.commands.common import console, opened
from search.commands.options import Database
from search.wording import duration, percent


def status(db: Database = "runs.sqlite") -> None:
    """Show the studies in the database: trials and runs by state, best validation accuracy so far."""
    from search.store.reading import status_rows

    with opened(db) as sql, sql.connect() as connection:
        rows = status_rows(connection)
    _print_studies(db, rows)


def _print_studies(db: str, rows: Iterable[Mapping[str, Any]]) -> None:
    from search.naming import driver_label
    from search.store.location import locate

    table = Table(title=f"Studies in {locate(db).name}")
    # A name is what other commands take, so it is shown whole.
    table.add_column("study", overflow="fold")
    for heading in ("driver", "data"):
        table.add_column(heading)
    for heading in ("trials", "runs", "best validation", "training"):
        table.add_column(heading, justify="right")
    for row in rows:
        best = row["best_validation"]
        table.add_row(
            row["name"],
            driver_label({**row["spec"], "driver": row["driver"]}),
            row["dataset"],
            _by_state(row["trial_states"]),
            _by_state(row["run_states"]),
            "—" if best is None else percent(best),
            duration(row["seconds"]),
        )
    console.print(table)


def _by_state(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {state}" for state, n in sorted(counts.items())) or "none"
