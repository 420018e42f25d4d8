"""What each version of the schema changed, in order: a number and the function that brings a database there.

    1 ──2──> v_selections ──3──> names without suffix, numbers of classes, trials that the file asks for, v_studies
      ──4──> which images were right, labels, v_correct ──5──> what runs drew and their cuts ──> SCHEMA_VERSION

A migration changes tables. Views hold no data, so they are made anew from `search.store.schema` with each. The
change and its number in `sweep_schema` are one transaction; before the first a copy of the file is kept.

Who only reads changes nothing: the tables that migrations touch are copied into temporary ones of the same
names, and migrated there (`read_as_current`).
"""

import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from search.store.schema import SCHEMA_VERSION, create_views, record_version


@dataclass(frozen=True)
class Migration:
    """One step from a version to the next.

    Attributes:
        change: makes it; tables are named without their schema, so that temporary ones can stand in for them.
        tables: what it changes.
        new: the tables that it adds, with their columns; `{bytes}` is the database's type of them.
    """

    change: Callable[[Connection], None]
    tables: tuple[str, ...] = ()
    new: Mapping[str, str] = field(default_factory=dict)

    def make(self, connection: Connection, *, temporary: bool = False) -> None:
        """Take the step; with new tables that are this connection's alone where those that it changes are."""
        self.change(connection)
        kind = {"sqlite": "BLOB", "postgresql": "BYTEA"}[connection.dialect.name] if self.new else ""
        for name, columns in self.new.items():
            words = "TEMPORARY TABLE" if temporary else "TABLE"
            connection.execute(text(f"CREATE {words} {name} ({columns.format(bytes=kind)})"))


def _selections_view(connection: Connection) -> None:
    """Version 2 added the view `v_selections`; the tables stayed as they were."""


def _base_names_and_asked(connection: Connection) -> None:
    """Version 3 keeps a study's name without its suffixes, its number of classes, and which trials its file asks for.

    All of them are asked for until the study is run again.
    """
    connection.execute(text("ALTER TABLE sweep_trials ADD COLUMN asked BOOLEAN NOT NULL DEFAULT TRUE"))
    connection.execute(text("ALTER TABLE sweep_studies ADD COLUMN base_name VARCHAR(200) NOT NULL DEFAULT ''"))
    connection.execute(text("ALTER TABLE sweep_studies ADD COLUMN n_classes INTEGER"))
    query = text("SELECT study_id, name, dataset, spec FROM sweep_studies")
    for study_id, name, dataset, stored in connection.execute(query).all():
        spec = json.loads(stored) if isinstance(stored, str) else stored
        values = {
            "study_id": study_id,
            "base_name": spec.get("study", name.split("@")[0].split("#")[0]),
            "n_classes": 10 if dataset in ("mnist", "fashion-mnist", "digits") else None,
        }
        change = "UPDATE sweep_studies SET base_name = :base_name, n_classes = :n_classes WHERE study_id = :study_id"
        connection.execute(text(change), values)


def _predictions(connection: Connection) -> None:
    """Version 4 keeps which images each run got right, and their labels; of older runs that is not known."""


def _streams(connection: Connection) -> None:
    """Version 5 keeps what each run drew and the cut it was trained on; older ones drew it all by their replicate."""
    for column in ("streams", "cut"):
        connection.execute(text(f"ALTER TABLE runs ADD COLUMN {column} JSON"))


MIGRATIONS: Mapping[int, Migration] = {
    2: Migration(_selections_view),
    3: Migration(_base_names_and_asked, ("sweep_studies", "sweep_trials")),
    4: Migration(
        _predictions,
        new={
            "predictions": "run_id INTEGER NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE, "
            "split VARCHAR(10) NOT NULL, k INTEGER NOT NULL, n INTEGER NOT NULL, correct {bytes} NOT NULL, "
            "mistaken {bytes} NOT NULL, PRIMARY KEY (run_id, split)",
            "labels": "data_sha256 VARCHAR(64) NOT NULL, split VARCHAR(10) NOT NULL, n INTEGER NOT NULL, "
            "classes {bytes} NOT NULL, PRIMARY KEY (data_sha256, split)",
        },
    ),
    5: Migration(_streams, ("runs",)),
}


def migrate(sql: Engine, found: int) -> None:
    """Bring a database of version `found` to the present one, each step a transaction of its own."""
    for version in range(found + 1, SCHEMA_VERSION + 1):
        with sql.begin() as connection:
            MIGRATIONS[version].make(connection)
            if version == SCHEMA_VERSION:
                create_views(connection)
            record_version(connection, version)


def read_as_current(connection: Connection, found: int) -> None:
    """Let this connection see an older database as if it had been migrated; the database stays as it is."""
    steps = [MIGRATIONS[version] for version in range(found + 1, SCHEMA_VERSION + 1)]
    for table in sorted({table for step in steps for table in step.tables}):
        connection.execute(text(f"CREATE TEMPORARY TABLE {table} AS SELECT * FROM {table}"))
    for step in steps:
        step.make(connection, temporary=True)
    create_views(connection, temporary=True)


def keep_copy(path: Path, found: int) -> Path:
    """A copy of a SQLite file beside it, with what is in its log; returns where it is."""
    number, copy = 1, path.with_name(f"{path.name}.schema{found}.bak")
    while copy.exists():
        number += 1
        copy = path.with_name(f"{path.name}.schema{found}-{number}.bak")
    partial = copy.with_name(f"{copy.name}.partial")
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as target:
            source.backup(target)
            # A copy of a file in write-ahead mode would need a log of its own to be read.
            target.execute("PRAGMA journal_mode=DELETE")
        shutil.copymode(path, partial)
        partial.replace(copy)
    finally:
        partial.unlink(missing_ok=True)
    return copy
