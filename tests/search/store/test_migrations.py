"""Databases of every schema: read as they are, migrated by who writes, and carried on with to the same bits."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from analysis.export import runs_table
from analysis.tables import read_runs, read_stored, read_tables
from search import run_study
from search.select import select
from search.store.database import open_for_reading, open_for_writing
from search.store.location import DatabaseUnusableError
from search.store.migrations import MIGRATIONS
from search.store.schema import SCHEMA_VERSION, VIEWS, metadata
from tests.search.helpers import all_evaluations, make_spec, query
from tests.search.store.old import make_old, rows

OLD = range(1, SCHEMA_VERSION)


@pytest.fixture
def half_run(tmp_path, tiny):
    """A study of which four of six runs are done, and a choice frozen."""
    database = str(tmp_path / "half.sqlite")
    spec = make_spec(space={"learning_rate": [0.01, 0.05], "momentum": [False, True]})
    run_study(spec, tiny, database=database, n_jobs=1)
    sql = open_for_writing(database, create=False)
    select(sql, "tiny-grid")
    sql.dispose()
    return database


def added(versions):
    """The columns that these versions added, each with its table."""
    return [(t, c) for t in metadata.sorted_tables for c in t.columns if c.info.get("added_in") in versions]


def new_tables(versions):
    return sorted(table.name for table in metadata.sorted_tables if table.info.get("added_in") in versions)


def everything(path):
    return {file.name: file.read_bytes() for file in Path(path).parent.iterdir()}


def test_every_version_has_its_migration_and_every_added_column_its_version():
    assert set(MIGRATIONS) == set(range(2, SCHEMA_VERSION + 1))
    found = {(table.name, column.info["added_in"]) for table, column in added(MIGRATIONS)}
    assert found == {(table, version) for version, step in MIGRATIONS.items() for table in step.tables}
    assert new_tables(MIGRATIONS) == [name for step in MIGRATIONS.values() for name in sorted(step.new)]


@pytest.mark.parametrize("version", OLD)
def test_an_old_database_goes_on_to_the_same_bits(tmp_path, tiny, half_run, version):
    whole = str(tmp_path / "whole.sqlite")
    run_study(make_spec(), tiny, database=whole, n_jobs=1)
    database = make_old(tmp_path / "old.sqlite", version, half_run)
    said = []
    sql = open_for_writing(database, notify=said.append)
    sql.dispose()
    assert run_study(make_spec(), tiny, database=database, n_jobs=1).n_trained == 2
    assert all_evaluations(database) == all_evaluations(whole)
    assert rows(database, "SELECT version FROM sweep_schema") == [(SCHEMA_VERSION,)]
    # 4 is filled in by the run; of old rows it is not known.
    assert rows(database, "SELECT study, base_name, n_classes FROM v_studies") == [("tiny-grid@tiny", "tiny-grid", 4)]
    assert query(database, "SELECT study, n_trials FROM v_selections") == [("tiny-grid@tiny", 4)]
    copy = Path(f"{database}.schema{version}.bak")
    assert said == [f"{database}: schema {version} is now {SCHEMA_VERSION}; a copy is kept as {copy}"]
    assert rows(copy, "SELECT version FROM sweep_schema") == [(version,)]
    evaluations = "SELECT * FROM evaluations ORDER BY run_id, k, split"
    assert rows(copy, evaluations) == rows(half_run, evaluations)


@pytest.mark.parametrize("version", OLD)
def test_an_old_database_is_read_as_a_present_one_and_stays_as_it_is(tmp_path, half_run, version):
    folder = tmp_path / "old"
    folder.mkdir()
    database = make_old(folder / "old.sqlite", version, half_run)
    before = everything(database)
    with closing(sqlite3.connect(half_run)) as present:
        for table, column in added(range(version + 1, SCHEMA_VERSION + 1)):
            if column.nullable:  # which an old database does not say
                present.execute(f"UPDATE {table.name} SET {column.name} = NULL")
        for table in new_tables(range(version + 1, SCHEMA_VERSION + 1)):
            present.execute(f"DELETE FROM {table}")
        present.commit()
    for view in VIEWS:
        expected = query(half_run, f"SELECT * FROM {view}")
        assert sorted(map(repr, query(database, f"SELECT * FROM {view}"))) == sorted(map(repr, expected))
    sql = open_for_reading(database)
    assert len(read_tables(sql).runs) == 4
    with sql.connect() as connection:
        assert len(runs_table(read_runs(connection), read_stored(connection))) == 4
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM sweep_studies WHERE base_name = 'tiny-grid'").scalar()
    sql.dispose()
    assert everything(database) == before


def test_a_copy_holds_what_was_in_the_log(tmp_path, half_run):
    database = make_old(tmp_path / "old.sqlite", 2, half_run)
    with closing(sqlite3.connect(database)) as other:  # holds the log open, so that closing does not fold it
        other.execute("UPDATE sweep_studies SET question = 'in the log'")
        other.commit()
        assert Path(f"{database}-wal").stat().st_size > 0
        open_for_writing(database, notify=lambda message: None).dispose()
    assert rows(f"{database}.schema2.bak", "SELECT question FROM sweep_studies") == [("in the log",)]


def test_a_second_copy_does_not_replace_the_first(tmp_path, half_run):
    database = make_old(tmp_path / "old.sqlite", 2, half_run)
    first = Path(f"{database}.schema2.bak")
    first.write_text("mine")
    open_for_writing(database, notify=lambda message: None).dispose()
    assert first.read_text() == "mine"
    assert rows(f"{database}.schema2-2.bak", "SELECT version FROM sweep_schema") == [(2,)]


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path, half_run, monkeypatch):
    database = make_old(tmp_path / "old.sqlite", 1, half_run)
    monkeypatch.setattr("search.store.migrations.create_views", lambda connection: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        open_for_writing(database, notify=lambda message: None)
    # The steps before are whole; the last one had changed its tables before it failed.
    assert rows(database, "SELECT version FROM sweep_schema") == [(SCHEMA_VERSION - 1,)]
    assert added([SCHEMA_VERSION]) or new_tables([SCHEMA_VERSION])
    there = {name for (name,) in rows(database, "SELECT name FROM sqlite_master")}
    assert there.isdisjoint(new_tables([SCHEMA_VERSION]))
    for table, column in added([SCHEMA_VERSION]):
        assert column.name not in [row[1] for row in rows(database, f"PRAGMA table_info({table.name})")]
    monkeypatch.undo()
    open_for_writing(database, notify=lambda message: None).dispose()
    assert rows(database, "SELECT base_name FROM v_studies") == [("tiny-grid",)]


def test_a_newer_schema_is_refused_by_its_number(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE sweep_schema SET version = 99")
        connection.commit()
    before = everything(database)
    for opener in (open_for_reading, open_for_writing):
        with pytest.raises(DatabaseUnusableError, match="version that knows schema 99"):
            opener(database)
    assert everything(database) == before


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM sweep_schema",
        "INSERT INTO sweep_schema VALUES (0)",
        "INSERT INTO sweep_schema VALUES (3) ON CONFLICT DO UPDATE SET version = 1",
        "UPDATE sweep_schema SET version = 3",
        "DROP TABLE sweep_schema",
    ],
)
def test_a_schema_table_that_is_wrong_is_read_past_and_repaired(tmp_path, tiny, half_run, damage, old):
    database = make_old(tmp_path / "old.sqlite", 2, half_run) if old else half_run
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(damage)
        connection.commit()
    evaluations = all_evaluations(database)
    assert len(evaluations) == 4 * 6 * 3
    assert query(database, "SELECT base_name FROM v_studies") == [("tiny-grid",)]
    open_for_writing(database, notify=lambda message: None).dispose()
    assert rows(database, "SELECT version FROM sweep_schema") == [(SCHEMA_VERSION,)]
    assert all_evaluations(database) == evaluations
    assert run_study(make_spec(), tiny, database=database, n_jobs=1).n_trained == 2


def test_a_view_that_is_missing_is_made_again(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP VIEW v_runs")
    assert query(database, "SELECT COUNT(*) FROM v_runs") == [(6,)]
    said = []
    open_for_writing(database, notify=said.append).dispose()
    assert len(said) == 1
    assert rows(database, "SELECT COUNT(*) FROM v_runs") == [(6,)]


def test_a_view_of_an_earlier_program_is_not_read_and_made_anew(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    (here,) = rows(database, "SELECT sql FROM sqlite_master WHERE name = 'v_runs'")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP VIEW v_runs")
        connection.execute("CREATE VIEW v_runs AS SELECT * FROM runs LIMIT 1")
    assert query(database, "SELECT COUNT(*) FROM v_runs") == [(6,)]
    open_for_writing(database, notify=lambda message: None).dispose()
    assert rows(database, "SELECT sql FROM sqlite_master WHERE name = 'v_runs'") == [here]
    said = []
    open_for_writing(database, notify=said.append).dispose()
    assert said == []


def test_reading_cannot_write(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    sql = open_for_reading(database)
    with sql.connect() as connection, pytest.raises(DatabaseUnusableError, match="readonly"):
        connection.exec_driver_sql("DELETE FROM runs")
    sql.dispose()
