"""`digitsweep status`: what the database holds."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from search.commands.common import console, opened, print_json, say
from search.commands.options import AsJson, Database
from search.commands.tables import fitting
from search.wording import duration, percent

KEYS = (
    "name", "question", "driver", "dataset", "seed", "replicates", "trial_states", "run_states", "best_validation",
    "seconds",
)  # fmt: skip
"""What JSON has of a study."""


def status(db: Database = "runs.sqlite", as_json: AsJson = False) -> None:
    """Show the studies in the database: trials and runs by state, best validation accuracy so far."""
    from search.store.reading import status_rows

    with opened(db) as sql, sql.connect() as connection:
        rows = status_rows(connection)
    if as_json:
        print_json([{key: row[key] for key in KEYS} for row in rows])
        return
    if not rows:
        say(f"{db} holds no studies.")
        return
    console.print(_studies(db, rows, console.width))


def _studies(db: str, rows: Iterable[Mapping[str, Any]], width: int) -> Table:
    """One row a study, in `width` characters: what does not fit is left out, as `fitting` does it.

    A name is what other commands take, so it is folded where there is no other way, and never cut.
    """
    from search.naming import driver_label
    from search.store.location import locate

    lines = [
        {
            "study": row["name"],
            "driver": driver_label({**row["spec"], "driver": row["driver"]}),
            "data": row["dataset"],
            "trials": _by_state(row["trial_states"]),
            "runs": _by_state(row["run_states"]),
            "best validation": "—" if row["best_validation"] is None else percent(row["best_validation"]),
            "training": duration(row["seconds"]),
        }
        for row in rows
    ]
    title = f"Studies in {locate(db).name}"
    return fitting(title, lines, width, ("data", "driver", "training", "trials"), text=("study", "driver", "data"))


def _by_state(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {state}" for state, n in sorted(counts.items())) or "none"
