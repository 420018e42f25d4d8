"""Engines for SQLite files: one that changes nothing, and one that writes.

SQLite stands in write-ahead mode: readers never wait for the writer, and a commit survives the process. Writing
transactions take SQLite's write lock at their beginning, so what they read is still true when they write.
"""

import os
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

from search.store.location import DatabaseUnusableError, Location, unusable
from search.store.server import server_engine

PATIENCE_SECONDS = 300.0
"""How long a transaction waits for another program that holds SQLite's write lock."""

_BUSY_MILLISECONDS = 1_000  # of one attempt: between two of them a signal is heard
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_UNREADABLE = (*_DAMAGED, "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_BUSY")

Notify = Callable[[str], None]


def say_on_stderr(message: str) -> None:
    """Where messages of the store go, unless told otherwise."""
    print(message, file=sys.stderr)


def reading_engine(location: Location) -> Engine:
    """An engine whose transactions each see one state of the database and change nothing."""
    if location.path is None:
        return server_engine(location)
    options = {"uri": "true", **_reading_mode(location)}
    url = URL.create("sqlite", database=f"file:{quote(str(location.path))}", query=options)
    # One connection: what an older schema needs to be read by is made in it.
    sql = create_engine(url, poolclass=StaticPool)

    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout=30000")
        connection.execute("PRAGMA temp_store=MEMORY")

    event.listen(sql, "connect", prepare)
    event.listen(sql, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    event.listen(sql, "handle_error", _translation(location, _UNREADABLE))
    return sql


def protect(connection: Connection) -> None:
    """Let this connection write nothing from here on, whatever the file would permit."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only=ON")


def _reading_mode(location: Location) -> dict[str, str]:
    """How to open a SQLite file so that nothing is changed and nothing is left beside it."""
    assert location.path is not None
    assert location.log is not None
    with location.path.open("rb") as file:
        in_wal_mode = file.read(20)[18:20] == b"\2\2"
    folder_writable = os.access(location.path.parent, os.W_OK)
    index = location.path.with_name(f"{location.path.name}-shm")
    if in_wal_mode and not folder_writable and not index.exists():
        # SQLite would have to make the log's index. Where there is nothing in the log, none is needed.
        if location.log.exists() and location.log.stat().st_size:
            raise DatabaseUnusableError(
                f"{location.name} has results in {location.log.name} beside it, which cannot be read in a folder "
                "that must not be written; copy both files to another"
            )
        return {"mode": "ro", "immutable": "1"}
    if not in_wal_mode or location.log.exists():
        return {"mode": "ro"}
    if folder_writable and os.access(location.path, os.W_OK):
        return {"mode": "rw"}  # SQLite makes the log's files for itself and takes them away again
    return {"mode": "ro", "immutable": "1"}


def writing_engine(location: Location, notify: Notify) -> Engine:
    """An engine for a database that is known to be ours, or to be made."""
    if location.path is None:
        return server_engine(location)
    sql = create_engine(location.url)

    def prepare(connection: Any, _record: Any) -> None:
        # SQLAlchemy's recipe for transactions that hold changes of tables too: the driver begins none itself.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        _patiently(lambda: connection.execute("PRAGMA journal_mode=WAL"), location, notify)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    def begin(connection: Connection) -> None:
        _patiently(lambda: connection.exec_driver_sql("BEGIN IMMEDIATE"), location, notify)

    event.listen(sql, "connect", prepare)
    event.listen(sql, "begin", begin)
    event.listen(sql, "close", _fold)
    event.listen(sql, "handle_error", _translation(location, _DAMAGED))
    return sql


def _fold(connection: Any, _record: Any) -> None:
    """Fold the write-ahead log into the file, as far as readers let it be; before a connection is closed."""
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _patiently(action: Callable[[], object], location: Location, notify: Notify) -> None:
    """Try until no other program holds the write lock, for minutes, and say so once."""
    start, said = time.monotonic(), False
    while True:
        try:
            action()
            return
        except (sqlite3.OperationalError, OperationalError) as error:
            cause = error.orig if isinstance(error, OperationalError) else error
            busy = getattr(cause, "sqlite_errorname", "").startswith("SQLITE_BUSY")
            if not busy or time.monotonic() - start > PATIENCE_SECONDS:
                raise
        if not said:
            notify(f"another program is writing {location.name}; waiting for it")
            said = True


def _translation(location: Location, codes: tuple[str, ...]) -> Callable[[ExceptionContext], Exception | None]:
    """What SQLite reports of a file that cannot be used, as one of our own errors."""

    def translate(context: ExceptionContext) -> Exception | None:
        name = getattr(context.original_exception, "sqlite_errorname", "")
        return unusable(location, context.original_exception) if name.startswith(codes) else None

    return translate
