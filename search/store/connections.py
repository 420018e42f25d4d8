"""Engines for SQLite files: one that changes nothing, and one that writes.

SQLite stands in write-ahead mode: readers never wait for the writer, and a commit survives the process. Writing
transactions take SQLite's write lock at their beginning, so what they read is still true when they write.

Whoever writes may find that another program holds that lock, that the disk is full, that the file is another one by
now. For the first a transaction waits by itself, unless its engine is `impatient`; `why_waiting_may_help` tells the
second from errors of ours; the third is looked for at the beginning of each transaction: a `DatabaseReplacedError`.
"""

import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from search.store.location import DatabaseUnusableError, Location, unusable
from search.store.server import server_engine

PATIENCE_SECONDS = 300.0
"""How long a transaction waits for another program that holds SQLite's write lock."""

_BUSY_MILLISECONDS = 1_000  # of one attempt: between two of them a signal is heard
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_UNREADABLE = (*_DAMAGED, "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_BUSY")

# What may be otherwise in a moment, in words.
_PASSING = {
    "SQLITE_BUSY": "another program is writing it",
    "SQLITE_LOCKED": "another program is writing it",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_READONLY": "it must not be written any more",
    "SQLITE_PERM": "it must not be written any more",
    "SQLITE_CANTOPEN": "its files cannot be opened",
    "SQLITE_IOERR": "the disk reports an error",
}

Notify = Callable[[str], None]


class DatabaseReplacedError(DatabaseUnusableError):
    """The file that an engine has open has not this name any more: it was deleted, or another took its place."""


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
    sql = create_engine(url, poolclass=StaticPool, json_deserializer=_json_of(location))

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
    """An engine for a database that is known to be ours, or to be made.

    Its transactions raise DatabaseReplacedError where the file was deleted or replaced since the first of them.
    """
    if location.path is None:
        return server_engine(location)
    sql = create_engine(location.url, json_deserializer=_json_of(location))
    files = [location.path.with_name(f"{location.path.name}{suffix}") for suffix in ("", "-wal", "-shm")]
    opened: list[list[tuple[int, int] | None]] = []

    def prepare(connection: Any, _record: Any) -> None:
        # SQLAlchemy's recipe for transactions that hold changes of tables too: the driver begins none itself.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        _patiently(lambda: connection.execute("PRAGMA journal_mode=WAL"), location, notify)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    def begin(connection: Connection) -> None:
        def take_lock() -> object:
            return connection.exec_driver_sql("BEGIN IMMEDIATE")

        if connection.get_execution_options().get("patient", True):
            _patiently(take_lock, location, notify)
        else:
            take_lock()
        found = _identity(files)
        if found is not None and not opened:
            opened.append(found)
        elif found is not None and opened != [found]:
            raise DatabaseReplacedError(
                f"{location.name} was deleted or replaced by another program while it was written"
            )

    event.listen(sql, "connect", prepare)
    event.listen(sql, "begin", begin)
    event.listen(sql, "close", _fold)
    event.listen(sql, "engine_disposed", lambda _: opened.clear())
    event.listen(sql, "handle_error", _translation(location, _DAMAGED))
    return sql


def impatient(sql: Engine) -> Engine:
    """The same engine, with transactions that fail after a second where another program holds the write lock."""
    return sql.execution_options(patient=False)


def why_waiting_may_help(error: SQLAlchemyError) -> str | None:
    """The reason of a write that failed, in words, where it may succeed later; None where it will not."""
    cause = getattr(error, "orig", None)
    name = getattr(cause, "sqlite_errorname", "")
    for code, words in _PASSING.items():
        if name.startswith(code):
            return words
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return "its server does not answer" if lost else None


def _identity(files: Iterable[Path]) -> list[tuple[int, int] | None] | None:
    """Which files have these names now; None where that cannot be told."""
    found: list[tuple[int, int] | None] = []
    for file in files:
        try:
            at = file.stat()
            found.append((at.st_dev, at.st_ino))
        except (FileNotFoundError, NotADirectoryError):
            found.append(None)
        except OSError:
            return None
    return found


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


def _json_of(location: Location) -> Callable[[str], Any]:
    """What reads the JSON in a database's columns, and says where it is none."""

    def read(text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise unusable(location, error) from error

    return read


def _translation(location: Location, codes: tuple[str, ...]) -> Callable[[ExceptionContext], Exception | None]:
    """What SQLite reports of a file that cannot be used, as one of our own errors."""

    def translate(context: ExceptionContext) -> Exception | None:
        error = context.original_exception
        # Python's driver gives damaged text no code.
        damaged = isinstance(error, UnicodeDecodeError) or "Could not decode to UTF-8" in str(error)
        known = getattr(error, "sqlite_errorname", "").startswith(codes)
        return unusable(location, error) if damaged or known else None

    return translate
