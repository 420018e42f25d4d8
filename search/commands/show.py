"""`digitsweep show`: one study, one of its trials, or one run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from search.commands.common import console, opened, print_json, say
from search.commands.options import AsJson, Database, Shown
from search.commands.tables import fitting
from search.wording import count, heading, hyperparameter, hyperparameters, percent

if TYPE_CHECKING:
    from sqlalchemy import Connection


def show(what: Shown, db: Database = "runs.sqlite", as_json: AsJson = False) -> None:
    """Show a study, a trial or a run as the database has it; accuracies are on validation."""
    with opened(db) as sql, sql.connect() as connection:
        found = _found(connection, what)
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if isinstance(value, list):
            if value:
                console.print(_table(name, value, console.width))
        elif isinstance(value, dict):
            say(f"{heading(name)}: " + hyperparameters(value))
        elif value is not None:
            say(f"{heading(name)}: {hyperparameter(value)}")


def _found(connection: "Connection", what: str) -> dict[str, Any]:
    """What is meant, as plain values: tables are lists of rows.

    Raises:
        NoSuchStudyError: there is no study, trial or run of that name.
    """
    from search.show import run_summary, study_summary, trial_summary
    from search.store import reading

    if what.isdecimal() and reading.study_named(connection, what) is None:
        return run_summary(connection, int(what))
    name, slash, number = what.partition("/")
    study = reading.find_study(connection, name)
    if slash:
        return trial_summary(connection, study, number)
    return study_summary(connection, study)


def _table(name: str, rows: list[Mapping[str, Any]], width: int) -> Table:
    """Rows as a table; hyperparameters have columns of their own, from all rows.

    Where not all columns fit, those that tell least of the rows apart are left out first, never the first or the last.
    """
    lines = []
    for row in rows:
        flat = dict(
            pair for key, value in row.items() for pair in (value.items() if key == "params" else [(key, value)])
        )
        lines.append({heading(key): _cell(key, value) for key, value in flat.items()})
    names = list(dict.fromkeys(key for line in lines for key in line))
    optional = sorted(names[1:-1], key=lambda key: len({line.get(key) for line in lines}))
    return fitting(count(len(rows), name.removesuffix("s")), lines, width, optional, text=("state",))


def _cell(key: str, value: Any) -> str:
    return percent(value) if key.endswith("accuracy") and value is not None else hyperparameter(value)
