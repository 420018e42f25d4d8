"""What is left of a database whose file was deleted or replaced while it was open.

The operating system keeps a deleted file for those who have it open, its log too, so everything that was saved can
still be read through the connection, and is copied into a file of another name.
"""

import sqlite3
import tempfile
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from search.store.location import DatabaseUnusableError, Location


def copy_open_database(sql: Engine, location: Location) -> Path:
    """Copy what an engine has open into a new file beside the place where it was; the copy appears whole.

    Where that folder is gone too, or cannot be written, the file is made in the present folder, or else in that for
    temporary files.

    Raises:
        DatabaseUnusableError: it can be made in none of them.
    """
    assert location.path is not None
    reason = ""
    for folder in (location.path.parent, Path.cwd(), Path(tempfile.gettempdir())):
        path = _unused(folder, location.path.stem)
        making = path.with_name(f"{path.name}.making")
        try:
            with closing(sql.raw_connection()) as source, closing(sqlite3.connect(making)) as copy:
                source.driver_connection.backup(copy)  # type: ignore[union-attr]
            making.rename(path)
        except (OSError, sqlite3.Error) as error:
            reason = str(error)
            with suppress(OSError):
                making.unlink(missing_ok=True)
        else:
            return path
    raise DatabaseUnusableError(
        f"{location.name} was deleted or replaced by another program, and what was in it could not be copied: {reason}"
    )


def _unused(folder: Path, stem: str) -> Path:
    """A name in this folder that says when it was made."""
    name = f"{stem}-recovered-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    n, path = 1, folder / f"{name}.sqlite"
    while path.exists():
        n += 1
        path = folder / f"{name}-{n}.sqlite"
    return path
