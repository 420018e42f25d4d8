"""A database is made whole or not at all: by several processes at once, and killed at any moment of it."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from search import run_study
from search.store.database import NoStudiesError, open_for_reading, open_for_writing
from search.store.location import DatabaseUnusableError
from search.store.ownership import OPTUNA_TABLES, found_version
from search.store.schema import SCHEMA_VERSION, create_schema, metadata
from tests.search.helpers import make_spec, query
from tests.search.store.old import FOLDER, rows

ROOT = Path(__file__).parents[3]
# One child makes the database and opens a study in it, when the pipe that all of them read is closed.
CHILD = """
import sys
from search.store.database import open_for_writing
from search.store import writing
import optuna
print("ready", flush=True)
sys.stdin.read()
sql = open_for_writing(sys.argv[1])
from search.store.mirror import open_mirror
with sql.begin() as connection:
    writing.open_study(connection, writing.StudyRecord(
        sys.argv[2], sys.argv[2], "?", "grid", "tiny", "0" * 64, 1, 1, 1, 2, 2022, 1, "best", {}, "again"
    ))
open_mirror(sql, sys.argv[2], {}, note="", say=print)
sql.dispose()
"""


def child(database, study, **options):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(database), study],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, **options,
    )  # fmt: skip


def tables(database):
    return {name for (name,) in rows(database, "SELECT name FROM sqlite_master WHERE type = 'table'")}


def beside(database):
    return {file.name for file in Path(database).parent.iterdir()}


def test_a_new_database_has_our_tables_and_optunas_and_nothing_lies_beside_it(database):
    open_for_writing(database).dispose()
    assert tables(database) == set(metadata.tables) | OPTUNA_TABLES
    assert beside(database) == {"runs.sqlite"}


@pytest.mark.parametrize("attempt", range(2))
def test_studies_at_once_on_a_fresh_path_all_find_their_place(database, attempt):
    names = [f"study-{i}" for i in range(4)]
    children = [child(database, name) for name in names]
    for process in children:
        assert process.stdout.readline() == "ready\n"
    for process in children:
        process.stdin.close()
    for process in children:
        assert process.wait(120) == 0, process.stderr.read()
        process.stdout.close()
        process.stderr.close()
    assert sorted(rows(database, "SELECT name FROM sweep_studies")) == [(name,) for name in names]
    assert beside(database) == {"runs.sqlite"}
    assert sorted(optuna.get_all_study_names(f"sqlite:///{database}")) == names


def test_a_process_killed_while_it_makes_the_database_leaves_nothing_half_made(tmp_path, tiny):
    moment = random.Random(2022)
    for i in range(4):
        folder = tmp_path / str(i)
        folder.mkdir()
        database = folder / "runs.sqlite"
        process = child(database, "killed")
        assert process.stdout.readline() == "ready\n"
        process.stdin.close()
        deadline = time.monotonic() + 60
        while not beside(database) and time.monotonic() < deadline:
            os.sched_yield()
        time.sleep(moment.uniform(0, 0.1))  # the moment is the thing tested
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stderr.close()
        if database.exists():
            assert tables(database) == set(metadata.tables) | OPTUNA_TABLES
        assert run_study(make_spec(), tiny, database=str(database), n_jobs=1).n_trained == 6
        assert beside(database) == {"runs.sqlite"}


def cut_short(database, keep):
    """What an earlier version left behind when it was killed after so many statements."""
    statements = [s for s in (FOLDER / "schema_1.sql").read_text().split(";\n") if s.strip()]
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        for statement in statements[:keep]:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize("keep", [1, 4, 8, 11])
def test_a_database_that_was_left_half_made_is_finished(database, tiny, keep):
    cut_short(database, keep)
    with pytest.raises(NoStudiesError, match="no digitsweep studies yet"):
        open_for_reading(database)
    assert run_study(make_spec(), tiny, database=database, n_jobs=1).n_trained == 6
    assert rows(database, "SELECT version FROM sweep_schema") == [(SCHEMA_VERSION,)]
    assert tables(database) == set(metadata.tables) | OPTUNA_TABLES


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM version_info",
        "DROP TABLE version_info",
        "DELETE FROM alembic_version",
        "DROP TABLE alembic_version",
        "DROP TABLE trial_values",
    ],
)
def test_optunas_tables_left_half_made_are_finished(tmp_path, database, tiny, damage):
    optuna.create_study(storage=f"sqlite:///{database}", study_name="x")
    optuna.delete_study(storage=f"sqlite:///{database}", study_name="x")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(damage)
        if "trial_values" in damage:
            connection.execute("DELETE FROM version_info")
        connection.commit()
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    study = optuna.load_study(study_name="tiny-grid@tiny", storage=f"sqlite:///{database}")
    assert len(study.trials) == 6


def test_an_empty_file_becomes_a_database(database, tiny):
    Path(database).touch()
    with pytest.raises(NoStudiesError):
        open_for_reading(database)
    assert Path(database).stat().st_size == 0
    assert run_study(make_spec(), tiny, database=database, n_jobs=1).n_trained == 6


def test_making_the_tables_is_one_transaction(database):
    open_for_writing(database).dispose()
    sql = open_for_writing(database)
    with sql.connect() as connection:
        metadata.drop_all(connection)
        create_schema(connection)
        connection.exec_driver_sql("DROP TABLE evaluations")
        connection.rollback()
        assert found_version(connection, database) == SCHEMA_VERSION
    sql.dispose()


@pytest.mark.parametrize("version", ["v3.0.0.d", "v99.0.0.a"])
def test_tables_of_another_optuna_are_refused_and_left_alone(database, tiny, version):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        connection.commit()
    before = Path(database).read_bytes()
    with pytest.raises(DatabaseUnusableError, match=r"optuna storage upgrade|install -U optuna"):
        run_study(make_spec(), tiny, database=database, n_jobs=1)
    assert Path(database).read_bytes() == before
    assert query(database, "SELECT COUNT(*) FROM v_runs") == [(6,)]


def test_the_log_is_folded_into_the_file_when_a_study_ends_and_when_one_starts(database, tiny):
    open_for_writing(database).dispose()
    log = Path(f"{database}-wal")
    with closing(sqlite3.connect(database)) as reader:  # keeps the log's files where they are
        reader.execute("SELECT * FROM sweep_schema").fetchall()
        run_study(make_spec(), tiny, database=database, n_jobs=1)
        assert log.stat().st_size == 0
        reader.execute("UPDATE sweep_studies SET question = 'left in the log'")
        reader.commit()
        assert log.stat().st_size > 0
        open_for_writing(database).dispose()
        assert log.stat().st_size == 0
