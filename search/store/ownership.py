"""Whose tables a database holds: ours, Optuna's, another program's. Nothing here writes.

tables ──> a name of ours with other columns ──────────> another program's, refused
       ──> none of ours, and some that are not Optuna's ─> another program's, refused
       ──> ours, without anything in them and no version ─> made half way, version 0
       ──> ours ────────────────────────────────────────> the version they have
"""

from sqlalchemy import Connection, Inspector, inspect, text

from engine.errors import DigitsweepError
from search.store.location import DatabaseUnusableError
from search.store.schema import SCHEMA_VERSION, VIEWS, metadata, schema_version, studies, view_statement

OPTUNA_TABLES = frozenset(
    (
        "alembic_version",
        "studies",
        "study_directions",
        "study_system_attributes",
        "study_user_attributes",
        "trial_heartbeats",
        "trial_intermediate_values",
        "trial_params",
        "trial_system_attributes",
        "trial_user_attributes",
        "trial_values",
        "trials",
        "version_info",
    )
)
"""What Optuna keeps in the same file."""


class ForeignDatabaseError(DatabaseUnusableError):
    """A database of another program; it is left as it is."""


class ForeignStudyError(DigitsweepError, ValueError):
    """A study of Optuna that has our study's name and is not ours; it is left as it is."""


def found_version(connection: Connection, name: str) -> int:
    """The version of our schema in this database; 0 where none of our tables is there, or none holds anything.

    What is recorded counts where the tables agree with it: a version that was recorded twice, not at all, or for
    tables that lack its columns is read off the tables themselves.

    Args:
        connection: to the database; only asked.
        name: of the database, for messages.

    Raises:
        ForeignDatabaseError: the tables are another program's.
        DatabaseUnusableError: the schema is newer than this program.
    """
    inspector = inspect(connection)
    there = set(inspector.get_table_names())
    recorded = recorded_versions(connection, inspector)
    if recorded and max(recorded) > SCHEMA_VERSION:
        raise DatabaseUnusableError(
            f"{name} has schema {max(recorded)}, but this version of digitsweep knows schema {SCHEMA_VERSION}; "
            f"use a version that knows schema {max(recorded)}, or start another database with DB=…"
        )
    ours = [table for table in metadata.sorted_tables if table.name in there]
    if not ours:
        _check_not_foreign(connection, inspector, there, name)
        return 0
    for table in ours:
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        first = {column.name for column in table.columns if "added_in" not in column.info}
        if not first <= columns:
            raise ForeignDatabaseError(
                f"{name} has a table {table.name} of another program, and it is left as it is; "
                "use another database with DB=… (--db)"
            )
    certain = recorded if len(recorded) == 1 and recorded[0] > 0 else []
    if not certain and not any(_holds_rows(connection, table.name) for table in ours):
        return 0
    later = {table.name for table in metadata.sorted_tables if "added_in" in table.info}
    missing = sorted(set(metadata.tables) - there - later - {schema_version.name})
    lowest, highest = _versions_by_columns(inspector)
    if missing or lowest > highest:
        changed = ", ".join(missing) or studies.name
        raise DatabaseUnusableError(f"{name} is not whole: {changed} was changed or taken away by another program")
    return min(max(certain[0], lowest), highest) if certain else lowest


def recorded_versions(connection: Connection, inspector: Inspector) -> list[int]:
    """What `sweep_schema` says; one number, unless something went wrong."""
    table = schema_version.name
    if not inspector.has_table(table) or "version" not in {c["name"] for c in inspector.get_columns(table)}:
        return []
    found = connection.execute(text(f"SELECT version FROM {table}")).scalars()
    return sorted(version for version in found if isinstance(version, int))


def is_settled(connection: Connection, version: int) -> bool:
    """Whether a database of this version says so, and has its views as they are defined now.

    A view hides what it was made of: one that an earlier program left would read runs and break ties as that one did.
    A server keeps a definition in words of its own, so there only the names are compared.
    """
    inspector = inspect(connection)
    if recorded_versions(connection, inspector) != [version]:
        return False
    if connection.dialect.name != "sqlite":
        return set(VIEWS) <= set(inspector.get_view_names())
    query = text("SELECT name, sql FROM sqlite_master WHERE type = 'view'")
    stored = {row.name: row.sql for row in connection.execute(query)}
    return all(stored.get(name) == view_statement(name) for name in VIEWS)


def refuse_foreign_study(connection: Connection, name: str) -> None:
    """ForeignStudyError where Optuna's tables hold a study of this name although ours do not.

    A study of ours has its row in `sweep_studies` before it appears among Optuna's, so the one without is
    somebody else's.
    """
    inspector, named = inspect(connection), {"name": name}
    places = (studies.name, "name"), ("studies", "study_name")
    ours, optunas = (
        inspector.has_table(table)
        and connection.execute(text(f"SELECT 1 FROM {table} WHERE {column} = :name"), named).first() is not None
        for table, column in places
    )
    if optunas and not ours:
        raise ForeignStudyError(
            f"the database holds a study {name} of Optuna's that this program did not make, and it is left as it is; "
            "give the study another name in its file, or use another database with DB=…"
        )


def _versions_by_columns(inspector: Inspector) -> tuple[int, int]:
    """The lowest and the highest version that these tables can be of, by the tables and columns that there are."""
    tables = set(inspector.get_table_names())
    added = [
        (table.name, column.name, info["added_in"])
        for table in metadata.sorted_tables
        for column in table.columns
        if "added_in" in (info := table.info | column.info)
    ]
    there = {(t, c["name"]) for t in {t for t, _, _ in added} & tables for c in inspector.get_columns(t)}
    lowest = max((version for table, column, version in added if (table, column) in there), default=1)
    lacking = [version for table, column, version in added if (table, column) not in there]
    return lowest, min(lacking, default=SCHEMA_VERSION + 1) - 1


def _holds_rows(connection: Connection, table: str) -> bool:
    return connection.execute(text(f"SELECT 1 FROM {table} LIMIT 1")).first() is not None


def _check_not_foreign(connection: Connection, inspector: Inspector, there: set[str], name: str) -> None:
    """ForeignDatabaseError unless the database is empty or Optuna's; made half way it is Optuna's as well."""
    others = sorted(there - OPTUNA_TABLES)
    if not others and "version_info" not in there:
        # Names as common as `studies` could be anybody's. Optuna's, made half way, hold nothing.
        others = sorted(t for t in there - {"alembic_version"} if _holds_rows(connection, t))
        if "studies" in there and "study_name" not in {c["name"] for c in inspector.get_columns("studies")}:
            others = ["studies"]
    if others:
        shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
        raise ForeignDatabaseError(
            f"{name} belongs to another program (its tables: {shown}), and it is left as it is; "
            "use another database with DB=… (--db)"
        )
