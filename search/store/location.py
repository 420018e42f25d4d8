"""What `--db` names: a SQLite file by its path, or a database by its URL."""

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from engine.errors import DigitsweepError

_HEADER = b"SQLite format 3\0"
_PASSWORD = re.compile(r"(://[^:/@]*:).*(?=@)|([?&]password=)[^&]*")

_HINTS = {
    "file": "; a path stands by itself, without file://",
    "postgres": "; PostgreSQL's begin with postgresql://",
    "postgresql": "; PostgreSQL's begin with postgresql://",
    "sqlite": "; SQLite's begin with sqlite:///",
}
"""By what stands before a URL's colon, in small letters."""


class DatabaseUnusableError(DigitsweepError, OSError):
    """A database that is missing, damaged, not ours, or of a version this program does not know."""


@dataclass(frozen=True)
class Location:
    """A place for a database.

    Attributes:
        name: as it was typed, for messages; a password in it is hidden.
        url: for SQLAlchemy.
        path: of the SQLite file, the same for every spelling; None for a database server.
    """

    name: str
    url: URL
    path: Path | None

    @property
    def log(self) -> Path | None:
        """The write-ahead log of a SQLite file: what was saved and is not yet folded into the file."""
        return None if self.path is None else self.path.with_name(f"{self.path.name}-wal")

    @property
    def exists(self) -> bool:
        """Whether the file is there; of a server that is known only once it has been asked."""
        return self.path is None or self.path.exists()

    def check_file(self) -> None:
        """Look at the file's first bytes, so that what is no database is never opened as one.

        Raises:
            DatabaseUnusableError: it is something else, or cannot be read.
        """
        if self.path is None:
            return
        if not self.path.is_file():
            raise DatabaseUnusableError(f"{self.name} is not a file; name a SQLite file with DB=… (--db)")
        try:
            with self.path.open("rb") as file:
                start = file.read(len(_HEADER))
        except OSError as error:
            raise DatabaseUnusableError(f"{self.name} cannot be read: {error.strerror}") from error
        if start and start != _HEADER:
            raise DatabaseUnusableError(f"{self.name} cannot be used as a database: it is not a SQLite file")

    def check_folder(self) -> None:
        """DatabaseUnusableError where there is no folder to make the file in."""
        if self.path is not None and not self.path.parent.is_dir():
            raise DatabaseUnusableError(f"{self.path.parent} is not a folder, so {self.name} cannot be made there")

    def check(self) -> None:
        """Look whether a database is or can be here, without opening it; DatabaseUnusableError where it cannot."""
        if self.exists:
            self.check_file()
        else:
            self.check_folder()


def locate(database: str | Path) -> Location:
    """The place that a path or a URL names; nothing is opened.

    Every character of a path stands for itself, except `~` at its start, which is the home folder.

    Raises:
        DatabaseUnusableError: it names no place that studies can be kept in.
    """
    typed = str(database)
    name = _PASSWORD.sub(r"\1\2***", typed)
    if "://" in typed:
        url = _checked_url(typed, name)
        if url.get_backend_name() != "sqlite":
            return Location(name, url, None)
        database = url.database or ""
    if str(database) in ("", ":memory:"):
        raise DatabaseUnusableError(
            f"a database must be a file, so that results outlive the command, but got {name!r}; "
            "name one with DB=… (--db)"
        )
    try:
        path = Path(database).expanduser().resolve()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise DatabaseUnusableError(f"{name!r} is not a path that can be used: {error}") from error
    return Location(name, URL.create("sqlite", database=str(path)), path)


def _checked_url(typed: str, name: str) -> URL:
    """The URL of a SQLite file or of a PostgreSQL database; DatabaseUnusableError for all others."""
    try:
        url = make_url(typed)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise DatabaseUnusableError(f"{name!r} is not a database URL: {error}") from error
    if backend not in ("sqlite", "postgresql"):
        hint = _HINTS.get(backend.lower(), "")
        raise DatabaseUnusableError(f"a database must be a SQLite file or a postgresql:// URL, but got {name}{hint}")
    if url.drivername not in ("sqlite", "sqlite+pysqlite") and backend == "sqlite":
        raise DatabaseUnusableError(f"{name} asks for another driver; name the SQLite file by its path alone")
    if backend == "sqlite" and (url.host or url.username or url.port):
        raise DatabaseUnusableError(f"{name} names a computer before its path, which begins after sqlite:///")
    if backend == "sqlite" and (url.query or (url.database or "").startswith("file:")):
        raise DatabaseUnusableError(f"{name} has options after its path; name the SQLite file by its path alone")
    return url


def unusable(location: Location, error: BaseException) -> DatabaseUnusableError:
    """One message for what a driver raised."""
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    return DatabaseUnusableError(f"{location.name} cannot be used as a database: {reason}")
