"""Views and functions are one rule: where a run is read, ties included; and a page that lists what there is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

from analysis.selection_rule import INPUTS, READ_AT, choose, order_by, read_run, sort_key
from search import run_study
from search.naming import study_name
from search.select import select
from search.store import reading, schema
from search.store.database import open_for_writing
from tests.search.helpers import make_spec

# Few different values, so that most curves have ties.
curves = st.lists(
    st.tuples(st.sampled_from([0.0, 0.5, 0.9]), st.sampled_from([0.1, 0.2, float("inf")])), min_size=1, max_size=6
)
studies = st.lists(st.lists(curves, min_size=1, max_size=3), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def empty():
    sql = create_engine("sqlite://", poolclass=StaticPool)
    with sql.connect() as connection:
        connection.connection.isolation_level = None
        schema.create_schema(connection)
        connection.commit()
        yield connection
    sql.dispose()


def fill(connection, read_at, trials):
    """A study whose trials have runs with these validation curves."""
    values = {"study_id": 1, "name": "s", "question": "?", "driver": "grid", "dataset": "d", "data_sha256": "0",
              "n_train": 1, "n_validation": 1, "n_test": 1, "seed": 1, "replicates": 9, "read_at": read_at, "spec": {},
              "command": "c", "created_at": ""}  # fmt: skip
    connection.execute(schema.studies.insert().values(values))
    run_id = 0
    for number, runs in enumerate(trials):
        trial = {"trial_id": number + 1, "study_id": 1, "trial_number": number, "config_hash": str(number),
                 "params": {}, "config": {}, "attributes": {}, "full_fidelity": True, "state": "complete"}  # fmt: skip
        connection.execute(schema.trials.insert().values(trial))
        for replicate, curve in enumerate(runs):
            run_id += 1
            run = {"run_id": run_id, "trial_id": number + 1, "replicate": replicate, "seed": 1, "state": "complete",
                   "dataset": "d", "data_sha256": "0", "epochs": 1, "updates": 1, "train_seconds": 0.0,
                   "evaluate_seconds": 0.0, "code_version": "", "environment": {}, "started_at": ""}  # fmt: skip
            connection.execute(schema.runs.insert().values(run))
            # The latest first: an order that the rule does not ask for must not help it.
            rows = [
                {"run_id": run_id, "k": k, "split": "validation", "epoch": 1.0, "loss": loss, "accuracy": accuracy,
                 "learning_rate": 0.1}
                for k, (accuracy, loss) in reversed(list(enumerate(curve, 1)))
            ]  # fmt: skip
            connection.execute(schema.evaluations.insert(), rows)


@given(read_at=st.sampled_from(sorted(READ_AT)), trials=studies)
def test_the_view_reads_a_run_where_the_function_does(empty, read_at, trials):
    connection = empty
    connection.exec_driver_sql("BEGIN")
    fill(connection, read_at, trials)
    query = text("SELECT read_k, validation_accuracy, validation_loss FROM v_runs ORDER BY run_id")
    view = [tuple(row) for row in connection.execute(query)]
    choice = choose(map(dict, reading.selection_inputs(connection, 1)))
    connection.rollback()
    runs = [dict(enumerate(curve, 1)) for trial in trials for curve in trial]
    assert view == [read_run(curve, read_at) for curve in runs]
    accuracies = [[read_run(dict(enumerate(curve, 1)), read_at)[1] for curve in trial] for trial in trials]
    assert choice.best.validation_accuracy == max(sum(trial) / len(trial) for trial in accuracies)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)), unique=True, max_size=12))
def test_sql_and_python_sort_alike(empty, rows):
    named = [dict(zip(("trial_number", "replicate", "k"), row, strict=True)) for row in rows]
    empty.exec_driver_sql("CREATE TEMPORARY TABLE sorted (trial_number, replicate, k)")
    for row in named:
        empty.execute(text("INSERT INTO sorted VALUES (:trial_number, :replicate, :k)"), row)
    for order in (INPUTS, tuple((column, -direction) for column, direction in INPUTS)):
        found = empty.execute(text(f"SELECT * FROM sorted ORDER BY {order_by(order)}")).mappings().all()
        assert [dict(row) for row in found] == sorted(named, key=lambda row: sort_key(order, row))
    empty.exec_driver_sql("DROP TABLE sorted")


def test_an_unknown_way_to_read_a_run_is_an_error():
    with pytest.raises(KeyError, match="middle"):
        read_run({1: (0.5, 0.5)}, "middle")


# What only some rows have: a number of classes that old files did not say, how a run failed or diverged.
SELDOM = {"diverged_at_update", "error"}


def test_every_column_is_written_and_every_column_of_a_run_is_in_its_view(database, tiny):
    run_study(make_spec(split={"folds": 2}), tiny, database=database, n_jobs=1)
    sql = open_for_writing(database)
    select(sql, study_name(make_spec(), tiny))
    with sql.connect() as connection:
        tables = (schema.studies, schema.trials, schema.runs, schema.evaluations, schema.selections, schema.labels,
                  schema.predictions)  # fmt: skip
        for table in tables:
            (row, *_) = connection.execute(table.select()).mappings()
            assert {name for name, value in row.items() if value is None} <= SELDOM, table.name
        views = {view: set(connection.execute(text(f"SELECT * FROM {view}")).keys()) for view in schema.VIEWS}
    sql.dispose()
    assert {column.name for column in schema.runs.columns} <= views["v_runs"]
    assert {column.name for column in schema.studies.columns} - {"name"} <= views["v_studies"]
    assert {column.name for column in schema.predictions.columns} <= views["v_correct"]
    assert {column.name for column in schema.selections.columns} <= views["v_selections"]


def test_the_page_about_the_database_names_every_table_view_and_column():
    page = (Path(__file__).parents[3] / "docs" / "schema.md").read_text()
    for view in schema.VIEWS:
        assert f"`{view}`" in page
    for table in schema.metadata.sorted_tables:
        assert f"`{table.name}`" in page
        for column in table.columns:
            assert f"`{column.name}`" in page, f"{table.name}.{column.name}"
