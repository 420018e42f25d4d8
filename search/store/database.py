"""Opening the database: connections, SQLite's settings, the schema's version."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, select
from sqlalchemy.exc import DatabaseError

from engine.errors import DigitsweepError
from search.store.migrations import MIGRATIONS
from search.store.schema import SCHEMA_VERSION, create_schema, create_views, record_version, schema_version


class DatabaseUnusableError(DigitsweepError, OSError):
    """A database that is missing, not ours, or of a version this program does not know."""


def database_url(database: str | Path) -> str:
    """The SQLAlchemy URL of a path; a URL stays as it is."""
    text = str(database)
    return text if "://" in text else f"sqlite:///{text}"


def _set_pragmas(connection: Any, _record: Any) -> None:
    """Write-ahead log, so that readers never wait; a commit survives the process, not a power cut."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def connect(database: str | Path) -> Engine:
    """An engine with SQLite set up as this project wants it; nothing is read or written yet."""
    engine = create_engine(database_url(database))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
    return engine


def open_database(database: str | Path, *, create: bool) -> Engine:
    """The database, with its schema in place.

    Args:
        database: path of a SQLite file, or an SQLAlchemy URL.
        create: whether to make it where it does not exist.

    Raises:
        DatabaseUnusableError: it does not exist, is not a database, or has a newer schema; an older one is
            brought up to date.
    """
    url = database_url(database)
    if url.startswith("sqlite:///") and url != "sqlite:///:memory:":
        file = Path(url.removeprefix("sqlite:///"))
        if not file.exists() and not create:
            raise DatabaseUnusableError(
                f"no database at {file}; `make linear-grid` makes one, or name another with DB=… (--db)"
            )
        if not file.parent.is_dir():
            raise DatabaseUnusableError(f"{file.parent} is not a folder, so {file} cannot be made there")
    engine = connect(database)
    try:
        _check_schema(engine, database, create=create)
    except (DatabaseError, sqlite3.DatabaseError) as error:
        raise _unusable(database, error) from error
    return engine


def holds_studies(database: str | Path) -> bool:
    """Whether there is a database with our schema; looks, and makes nothing.

    Raises:
        DatabaseUnusableError: there is a file, but no database.
    """
    url = database_url(database)
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return False
    engine = connect(database)
    try:
        return inspect(engine).has_table(schema_version.name)
    except (DatabaseError, sqlite3.DatabaseError) as error:
        raise _unusable(database, error) from error
    finally:
        engine.dispose()


def _unusable(database: str | Path, error: DatabaseError | sqlite3.DatabaseError) -> DatabaseUnusableError:
    return DatabaseUnusableError(f"{database} cannot be used as a database: {getattr(error, 'orig', error)}")


def _check_schema(engine: Engine, database: str | Path, *, create: bool) -> None:
    if not inspect(engine).has_table(schema_version.name):
        if not create:
            raise DatabaseUnusableError(f"{database} holds no digitsweep studies yet; `make linear-grid` makes some")
        with engine.begin() as connection:
            create_schema(connection)
        return
    with engine.connect() as connection:
        found = connection.execute(select(schema_version.c.version)).scalar_one()
    if found < SCHEMA_VERSION:
        with engine.begin() as connection:
            for version in range(found + 1, SCHEMA_VERSION + 1):
                MIGRATIONS[version](connection)
            create_views(connection)
            record_version(connection, SCHEMA_VERSION)
    elif found > SCHEMA_VERSION:
        raise DatabaseUnusableError(
            f"{database} has schema {found}, but this version of digitsweep knows schema {SCHEMA_VERSION}; "
            "use the version that made it, or start another database with DB=…"
        )
