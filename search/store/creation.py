"""Making, finishing and migrating a database: one process at a time, and each step whole or not at all.

no file ──> made under another name, our tables and Optuna's, then renamed: it appears whole
a file  ──> whose tables? ─> another program's: refused, untouched
                          ─> Optuna's alone, or made half way: finished
                          ─> an older schema of ours: a copy is kept, then it is migrated
"""

import os
from dataclasses import replace
from pathlib import Path

from sqlalchemy import URL, Engine

from search.store.connections import Notify, reading_engine, writing_engine
from search.store.location import DatabaseUnusableError, Location
from search.store.lock import making_lock
from search.store.migrations import keep_copy, migrate
from search.store.optuna_tables import close_storage, optuna_storage
from search.store.ownership import found_version, is_settled, refuse_foreign_study
from search.store.schema import SCHEMA_VERSION, create_schema, create_views, drop_schema, record_version


def prepare(location: Location, notify: Notify, *, mirrored: bool, study: str | None = None) -> None:
    """Put the present schema in place.

    Args:
        location: of the database; it is made where it does not exist.
        notify: told of what takes time or changes what was there.
        mirrored: whether Optuna's tables are needed.
        study: the one that is to be written, if any.

    Raises:
        DatabaseUnusableError: the database cannot be used, or is another program's; it is left as it is.
        SQLAlchemyError: the database could not be written.
    """
    with making_lock(location, notify):
        if not location.exists:
            _make(location, notify)
            return
        version, settled = _look(location, study)
        if location.path is not None and not os.access(location.path, os.W_OK):
            raise DatabaseUnusableError(
                f"{location.name} must not be written, so nothing can be trained into it; "
                "status, report, figures and export do work"
            )
        if mirrored:
            close_storage(optuna_storage(location.url, location.name))
        sql = writing_engine(location, notify)
        try:
            if version == 0:
                _fill(sql, location)
            elif version < SCHEMA_VERSION:
                _bring_up_to_date(sql, location, version, notify)
            elif not settled:
                with sql.begin() as connection:
                    create_views(connection)
                    record_version(connection, SCHEMA_VERSION)
                notify(f"{location.name}: what was missing or old of its schema {SCHEMA_VERSION} is there again")
            else:
                # Whoever cannot write is told so before anything is trained.
                with sql.begin():
                    pass
        finally:
            sql.dispose()


def _make(location: Location, notify: Notify) -> None:
    """A new file, which appears under its name when it is whole."""
    assert location.path is not None
    making = location.path.with_name(f"{location.path.name}.making")
    url = URL.create("sqlite", database=str(making))
    _remove(making)
    sql = writing_engine(replace(location, path=making, url=url), notify)
    try:
        with sql.begin() as connection:
            create_schema(connection)
        close_storage(optuna_storage(url, location.name))
        sql.dispose()
        if location.path.exists():
            raise DatabaseUnusableError(f"{location.name} was made by another program just now; look what it is")
        making.rename(location.path)
    finally:
        sql.dispose()
        _remove(making)


def _remove(path: Path) -> None:
    """A SQLite file that nobody uses, with what lies beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)


def _look(location: Location, study: str | None) -> tuple[int, bool]:
    """The version of our schema that is there, and whether that is recorded and its views are made.

    Raises:
        DatabaseUnusableError: the database is another program's, or cannot be used.
        ForeignStudyError: Optuna has a study of this name that is not ours.
    """
    location.check_file()
    sql = reading_engine(location)
    try:
        with sql.connect() as connection:
            version = found_version(connection, location.name)
            if study is not None:
                refuse_foreign_study(connection, study)
            return version, is_settled(connection, version)
    finally:
        sql.dispose()


def _fill(sql: Engine, location: Location) -> None:
    """Our tables in a file without them, or in place of those that were made half way and hold nothing."""
    with sql.begin() as connection:
        if found_version(connection, location.name) == 0:
            drop_schema(connection)
            create_schema(connection)


def _bring_up_to_date(sql: Engine, location: Location, version: int, notify: Notify) -> None:
    kept = "a database server keeps no copy"
    if location.path is not None:
        kept = f"a copy is kept as {keep_copy(location.path, version)}"
    migrate(sql, version)
    notify(f"{location.name}: schema {version} is now {SCHEMA_VERSION}; {kept}")
