"""Databases as earlier programs left them: their tables, made by their own statements, with rows of real runs."""

import sqlite3
from contextlib import closing
from pathlib import Path

from optuna.storages import RDBStorage

FOLDER = Path(__file__).parent


def make_old(path, version, source=None):
    """A database of that schema in write-ahead mode; with the studies of `source`, a present one, and Optuna's."""
    with closing(sqlite3.connect(path)) as old:
        old.execute("PRAGMA journal_mode=WAL")
        for number in range(1, version + 1):
            old.executescript((FOLDER / f"schema_{number}.sql").read_text())
        if source is not None:
            old.execute("ATTACH ? AS source", (str(source),))
            tables = ["sweep_studies", "sweep_trials", "runs", "evaluations", "checkpoints", "selections"]
            for table in tables + ["predictions", "labels"] * (version >= 4):
                columns = ", ".join(row[1] for row in old.execute(f"PRAGMA main.table_info({table})"))
                old.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM source.{table}")
            old.commit()
    storage = RDBStorage(f"sqlite:///{path}")
    storage.remove_session()
    storage.engine.dispose()
    return str(path)


def rows(path, sql):
    """What is really in a file, asked without any of the project's code."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()
