"""Files of others: their tables and their Optuna studies are left as they are, to the byte."""

import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from search import run_study
from search.execution.dry_run import dry_run
from search.store.database import open_for_reading, open_for_writing
from search.store.location import DatabaseUnusableError
from search.store.ownership import OPTUNA_TABLES, ForeignDatabaseError, ForeignStudyError
from tests.search.helpers import make_spec, query
from tests.search.store.old import rows


def state(database):
    """The file's bytes, and what lies beside it."""
    return Path(database).read_bytes(), sorted(file.name for file in Path(database).parent.iterdir())


def foreign(database, sql, mode="DELETE"):
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"PRAGMA journal_mode={mode}")
        connection.executescript(sql)


FOREIGN = {
    "an app": "CREATE TABLE customers (id); INSERT INTO customers VALUES (1)",
    "an app with our name": "CREATE TABLE runs (id, distance); INSERT INTO runs VALUES (1, 42.2)",
    "several names of ours": "CREATE TABLE customers (id); CREATE TABLE evaluations (id); CREATE TABLE selections (id)",
    "names of Optuna's": "CREATE TABLE studies (id); CREATE TABLE trials (id); INSERT INTO trials VALUES (1)",
    "another alembic": "CREATE TABLE alembic_version (version_num); CREATE TABLE accounts (id)",
    "an empty table": "CREATE TABLE customers (id)",
}


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
@pytest.mark.parametrize("sql", FOREIGN.values(), ids=FOREIGN)
def test_a_database_of_another_program_is_refused_and_untouched(database, tiny, sql, mode):
    foreign(database, sql, mode)
    before = state(database)
    actions = (
        lambda: open_for_reading(database),
        lambda: open_for_writing(database),
        lambda: open_for_writing(database, create=False),
        lambda: run_study(make_spec(), tiny, database=database, n_jobs=1),
        lambda: dry_run(make_spec(), tiny, database=database, n_jobs=1),
    )
    for action in actions:
        with pytest.raises(ForeignDatabaseError, match="left as it is"):
            action()
        assert state(database) == before


def test_tables_that_a_user_adds_to_ours_do_no_harm(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    foreign(database, "CREATE TABLE my_notes (text); INSERT INTO my_notes VALUES ('good')", "WAL")
    assert run_study(make_spec(replicates=2), tiny, database=database, n_jobs=1).n_trained == 6
    assert rows(database, "SELECT text FROM my_notes") == [("good",)]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_an_optuna_study_of_the_users_with_our_name_is_refused_and_untouched(database, tiny, direction):
    url = f"sqlite:///{database}"
    study = optuna.create_study(storage=url, study_name="tiny-grid@tiny", direction=direction)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    before = optuna.load_study(study_name="tiny-grid@tiny", storage=url).trials
    content = Path(database).read_bytes()
    with pytest.raises(ForeignStudyError, match="another name"):
        run_study(make_spec(), tiny, database=database, n_jobs=1)
    assert optuna.load_study(study_name="tiny-grid@tiny", storage=url).trials == before
    assert Path(database).read_bytes() == content
    run_study(make_spec(study="other"), tiny, database=database, n_jobs=1)
    with pytest.raises(ForeignStudyError, match="another name"):
        run_study(make_spec(), tiny, database=database, n_jobs=1)
    assert optuna.load_study(study_name="tiny-grid@tiny", storage=url).trials == before
    assert query(database, "SELECT study FROM v_studies") == [("other@tiny",)]


def test_a_study_of_ours_lives_beside_the_users_studies(database, tiny):
    url = f"sqlite:///{database}"
    study = optuna.create_study(storage=url, study_name="mine")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    before = study.trials
    with pytest.raises(DatabaseUnusableError, match="no digitsweep studies yet"):
        open_for_reading(database)
    assert "sweep_studies" not in [name for (name,) in rows(database, "SELECT name FROM sqlite_master")]
    for _ in range(2):  # made, and gone on with: ours is told from the user's by its row
        run_study(make_spec(), tiny, database=database, n_jobs=1)
    assert optuna.load_study(study_name="mine", storage=url).trials == before
    assert query(database, "SELECT study FROM v_studies") == [("tiny-grid@tiny",)]


def test_the_names_of_optunas_tables_are_known(database):
    optuna.create_study(storage=f"sqlite:///{database}")
    assert {name for (name,) in rows(database, "SELECT name FROM sqlite_master WHERE type = 'table'")} == OPTUNA_TABLES
