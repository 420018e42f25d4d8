"""Opening the database: to read, which changes nothing, and to write, which makes, finishes and migrates it.

open_for_reading   status, figures, report, export, dry run, … : any schema, also on read-only media
open_for_writing   run, confirm, select: under the database's lock, see `search.store.creation`
"""

from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from search.store import creation
from search.store.connections import Notify, protect, reading_engine, say_on_stderr, writing_engine
from search.store.location import DatabaseUnusableError, locate, unusable
from search.store.migrations import read_as_current
from search.store.ownership import found_version, is_settled
from search.store.schema import SCHEMA_VERSION


class NoStudiesError(DatabaseUnusableError):
    """There is no database at this place, or none of our studies is in it."""


def open_for_reading(database: str | Path) -> Engine:
    """The database as one of the present schema; neither the file nor what lies beside it is changed.

    Args:
        database: path of a SQLite file, or an SQLAlchemy URL.

    Raises:
        NoStudiesError: it does not exist, or holds none of our studies.
        DatabaseUnusableError: it is damaged, another program's, or of a newer schema.
    """
    location = locate(database)
    if not location.exists:
        raise NoStudiesError(
            f"no database at {location.name}; `make linear-grid` makes one, or name another with DB=… (--db)"
        )
    location.check_file()
    sql = reading_engine(location)
    try:
        with sql.connect() as connection:
            version = found_version(connection, location.name)
            if version == 0:
                raise NoStudiesError(f"{location.name} holds no digitsweep studies yet; `make linear-grid` makes some")
            if version < SCHEMA_VERSION or not is_settled(connection, version):
                read_as_current(connection, version)
                connection.commit()
            protect(connection)
        return sql
    except SQLAlchemyError as error:
        sql.dispose()
        raise unusable(location, error) from error
    except BaseException:
        sql.dispose()
        raise


def open_for_writing(
    database: str | Path, *, create: bool = True, study: str | None = None, notify: Notify = say_on_stderr
) -> Engine:
    """The database with its present schema in place, Optuna's tables included.

    When the engine is disposed of, the write-ahead log is folded into the file.

    Args:
        database: path of a SQLite file, or an SQLAlchemy URL.
        create: whether to make it where it does not exist.
        study: the one that is to be written; what Optuna has under its name must be ours.
        notify: told when a copy is kept before a change of schema, and when another program is waited for.

    Raises:
        NoStudiesError: there is none, and `create` is false.
        DatabaseUnusableError: it cannot be made or used, or belongs to another program; it is left as it is.
        ForeignStudyError: Optuna has a study of this name that is not ours; nothing is written.
    """
    location = locate(database)
    if not create:
        open_for_reading(database).dispose()
    location.check_folder()
    try:
        creation.prepare(location, notify, mirrored=create, study=study)
    except SQLAlchemyError as error:
        raise unusable(location, error) from error
    return writing_engine(location, notify)
