"""A database server in the place of a SQLite file: reaching it, and its locks, which end with their connection."""

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from engine.errors import DigitsweepError
from search.store.location import DatabaseUnusableError, Location, unusable


class LockHeldError(DigitsweepError, RuntimeError):
    """Another process holds the lock; the message names it."""


def server_engine(location: Location) -> Engine:
    """An engine for a database server that has answered.

    Raises:
        DatabaseUnusableError: its driver is not installed, or it does not answer.
    """
    try:
        sql = create_engine(location.url)
        with sql.connect():
            return sql
    except ModuleNotFoundError as error:
        package = "psycopg[binary]" if error.name == "psycopg" else error.name
        raise DatabaseUnusableError(
            f"{location.name} needs the Python package {error.name}, which is not installed; "
            f"install it with: {sys.executable} -m pip install '{package}'"
        ) from error
    except (NoSuchModuleError, DBAPIError) as error:
        raise unusable(location, error) from error


@contextmanager
def server_lock(location: Location, what: str, *, wait: bool) -> Iterator[None]:
    """Hold PostgreSQL's advisory lock for `what` while the block runs.

    Raises:
        LockHeldError: another process holds it, and `wait` is false.
        DatabaseUnusableError: the server cannot be used.
    """
    key = {"key": int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)}
    server_engine(location).dispose()
    sql = create_engine(location.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with sql.connect() as connection:
        if wait:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), key)
        elif not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar_one():
            raise LockHeldError("another process")
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)
