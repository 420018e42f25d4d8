"""Which images each run got right, in the database: where the run is read, whatever happened on the way."""

import signal

import numpy as np
import pytest

from engine.training import train
from search import run_study
from search.reproduce import reproduce, stored_run
from search.store import schema
from search.store.database import open_for_writing
from tests.conftest import make_dataset
from tests.search.helpers import KilledError, StopsAt, checkpoint_always, kill, make_spec, query

NETWORKS = {"fixed": {"hidden_layers": 1, "hidden_size": 5, "epochs": 2, "evaluations_per_epoch": 3}}


def said(database):
    """What is kept of complete runs, by configuration, replicate and split."""
    return query(
        database,
        "SELECT t.config_hash, v.replicate, v.split, v.k, v.n, v.correct, v.mistaken FROM v_correct v "
        "JOIN runs r USING (run_id) JOIN sweep_trials t USING (trial_id) ORDER BY 1, 2, 3",
    )


@pytest.mark.parametrize("at", ["best", "last"])
@pytest.mark.parametrize("changes", [{}, NETWORKS], ids=["population", "network"])
def test_bits_are_of_the_evaluation_that_a_run_is_read_at(database, tiny, changes, at):
    run_study(make_spec(at=at, replicates=2, **changes), tiny, database=database, n_jobs=2)
    runs = query(database, "SELECT run_id, read_k, validation_accuracy, test_accuracy FROM v_runs")
    kept = {row[:2]: row[2:] for row in query(database, "SELECT run_id, split, k, n, correct FROM v_correct")}
    assert len(kept) == 2 * len(runs) == 24
    for run_id, read_k, *accuracies in runs:
        for split, accuracy in zip(("validation", "test"), accuracies, strict=True):
            k, n, correct = kept[run_id, split]
            right = np.unpackbits(np.frombuffer(correct, np.uint8), count=n)
            assert (k, n, right.sum() / n) == (read_k, len(tiny.split(split)), accuracy)
    places = {k for k, _, _ in kept.values()}
    assert len(places) == 1 if at == "last" else len(places) > 1


def test_labels_are_kept_once_for_each_content(database, tiny):
    other = make_dataset(seed=1, n=(240, 61, 67))
    for dataset, study in ((tiny, "a"), (tiny, "b"), (other, "c")):
        run_study(make_spec(study=study), dataset, database=database, n_jobs=1)
    rows = query(database, "SELECT data_sha256, split, n, classes FROM labels")
    assert sorted(rows) == sorted(
        (d.sha256, name, len(d.split(name)), d.split(name).y.astype(np.uint8).tobytes())
        for d in (tiny, other)
        for name in ("validation", "test")
    )


@pytest.mark.parametrize("changes", [{}, NETWORKS], ids=["population", "network"])
@pytest.mark.parametrize("at", [3, 8, 20])
@pytest.mark.parametrize("how", ["interrupted", "killed"])
def test_bits_are_the_same_after_a_study_was_broken_off(database, tmp_path, tiny, monkeypatch, changes, at, how):
    checkpoint_always(monkeypatch)
    spec = make_spec(replicates=2, **changes)
    whole = str(tmp_path / "whole.sqlite")
    run_study(spec, tiny, database=whole, n_jobs=1)
    if how == "killed":
        with pytest.raises(KilledError):
            run_study(spec, tiny, database=database, n_jobs=1, display=StopsAt(at, kill))
    else:
        display = StopsAt(at, lambda: signal.raise_signal(signal.SIGINT))
        assert run_study(spec, tiny, database=database, n_jobs=1, display=display).interrupted
    (beyond,) = query(
        database, "SELECT COUNT(*) FROM predictions p JOIN runs r USING (run_id) LEFT JOIN checkpoints c "
        "USING (run_id) WHERE r.state <> 'complete' AND (c.k IS NULL OR p.k > c.k)",
    )  # fmt: skip
    assert beyond == (0,), "kept of an evaluation that the checkpoint does not have"
    run_study(spec, tiny, database=database, n_jobs=1)
    assert said(database) == said(whole)


def test_pruned_diverged_and_unfinished_runs_have_none(database, tiny):
    pruned = make_spec(
        driver="optuna", trials=8, sampler="qmc", pruner="successive_halving", study="pruned",
        space={"learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"}}, **NETWORKS,
    )  # fmt: skip
    run_study(pruned, tiny, database=database, n_jobs=1)
    diverged = make_spec(study="diverged", space={"learning_rate": [0.01, 1e30]}, **NETWORKS)
    run_study(diverged, tiny, database=database, n_jobs=1)
    states = dict(query(database, "SELECT state, COUNT(*) FROM runs GROUP BY state"))
    assert {"complete", "pruned", "diverged"} <= set(states)
    assert query(database, "SELECT COUNT(*) FROM predictions") == [(2 * states["complete"],)]


def test_reproducing_a_run_compares_what_it_said(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    same = reproduce(stored_run(database, 1), tiny)
    assert same.is_identical
    assert same.n_images == len(tiny.validation) + len(tiny.test)
    engine = open_for_writing(database, create=False)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE predictions SET correct = ~correct WHERE run_id = 1 AND split = 'test'")
        connection.exec_driver_sql("DELETE FROM predictions WHERE run_id = 2")
    engine.dispose()
    other = reproduce(stored_run(database, 1), tiny)
    assert [split for _, split in other.other_predictions] == ["test"]
    assert not other.is_identical
    assert not other.differences
    without = reproduce(stored_run(database, 2), tiny)
    assert without.is_identical
    assert without.n_images == 0


def test_neither_selection_nor_optuna_sees_an_image(database, tiny):
    assert "predictions" not in schema.VIEWS["v_selection_inputs"]
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    ((correct,), *_) = query(database, "SELECT correct FROM predictions WHERE split = 'test'")
    tables = [name for (name,) in query(database, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    ours = set(schema.metadata.tables)
    for table in set(tables) - ours:
        assert correct not in [value for row in query(database, f"SELECT * FROM {table}") for value in row]


def test_training_alone_keeps_no_predictions(tiny):
    assert all(not evaluation.predictions for evaluation in train(tiny, epochs=1).evaluations)
