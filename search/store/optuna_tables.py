"""Optuna's own tables in our database: made by Optuna, and checked by it."""

from typing import TYPE_CHECKING

from sqlalchemy import URL, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from search.store.location import DatabaseUnusableError

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

_LOCKED_SECONDS = 60.0


def optuna_storage(url: URL, name: str) -> "RDBStorage":
    """Optuna's storage of a database; its tables are made where they are missing or were made half way.

    To be closed with `close_storage`.

    Args:
        url: of the database, as in `Location.url` or the `url` of an engine for writing.
        name: of the database, for messages.

    Raises:
        DatabaseUnusableError: Optuna's tables are of an older or newer Optuna, and are left as they are; or the
            database cannot be written.
    """
    import optuna
    from optuna.storages import RDBStorage

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    text_url = url.render_as_string(hide_password=False)
    options = {"connect_args": {"timeout": _LOCKED_SECONDS}} if url.get_backend_name() == "sqlite" else {}
    try:
        return RDBStorage(text_url, engine_kwargs=options, skip_table_creation=_are_whole(url))
    except RuntimeError as error:
        raise DatabaseUnusableError(f"{name}: {str(error).replace('$STORAGE_URL', url.render_as_string())}") from error
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise DatabaseUnusableError(f"{name} cannot hold Optuna's tables: {reason}") from error


def close_storage(storage: "RDBStorage") -> None:
    """Close its connections."""
    storage.remove_session()
    storage.engine.dispose()


def _are_whole(url: URL) -> bool:
    """Whether Optuna's tables have their versions in them, which Optuna writes last."""
    sql = create_engine(url, poolclass=NullPool)
    with sql.connect() as connection:
        inspector = inspect(connection)
        return all(
            inspector.has_table(table) and connection.execute(text(f"SELECT 1 FROM {table}")).first() is not None
            for table in ("version_info", "alembic_version")
        )
