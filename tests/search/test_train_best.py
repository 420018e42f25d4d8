"""The selected run trained again as a model: the same bits, from the evaluation at which it is read."""

import numpy as np
import pytest

from engine import load_model
from engine.model_file import save_model
from engine.training import initial_state, train_segment
from search import run_study
from search.reproduce import NoSuchRunError
from search.store.database import open_for_writing
from search.train_best import selected_run, train_best
from tests.search.helpers import make_spec, query

SMALL = {
    "fixed": {"hidden_layers": 1, "hidden_size": 6, "epochs": 2, "evaluations_per_epoch": 3},
    "space": {"learning_rate": [0.01, 0.1], "dropout_hidden": [0.0, 0.3]},
    "replicates": 2,
}


@pytest.mark.parametrize("at", ["best", "last"])
def test_the_model_is_the_selected_run_where_it_is_read(tmp_path, database, tiny, at):
    run_study(make_spec(**SMALL, at=at), tiny, database=database, n_jobs=2)
    selected = selected_run(database, "tiny-grid", replicate=1)
    ((validation, test, k, run_id),) = query(
        database,
        "SELECT r.validation_accuracy, r.test_accuracy, r.read_k, r.run_id FROM v_runs r "
        "JOIN selections s ON s.trial_id = r.trial_id WHERE r.replicate = 1",
    )
    assert (selected.run.run_id, selected.read_k) == (run_id, k)
    assert at == "best" or k == 6
    trained = train_best(selected, tiny)
    assert trained.comparison.differences == []
    assert trained.comparison.n_values == 3 * k
    assert (trained.validation_accuracy, trained.test_accuracy) == (validation, test)
    save_model(tmp_path / "model.npz", trained.model)
    model = load_model(tmp_path / "model.npz")
    assert np.mean(model.network.predict(tiny.test.X) == tiny.test.y) == test
    assert (model.origin["run_id"], model.origin["k"], model.origin["identical_to_stored_run"]) == (run_id, k, True)
    assert (model.data_sha256, model.configuration) == (tiny.sha256, selected.run.configuration)
    state = initial_state(selected.run.configuration, selected.run.seed, tiny)
    for _ in range(k):
        state, _ = train_segment(state, tiny)
    for ours, theirs in zip(model.parameters, state.parameters, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_stored_run_that_comes_out_differently_is_noticed(database, tiny):
    run_study(make_spec(**SMALL), tiny, database=database, n_jobs=1)
    engine = open_for_writing(database, create=False)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE evaluations SET loss = loss + 1e-9 WHERE k = 1 AND split = 'train'")
    engine.dispose()
    trained = train_best(selected_run(database, "tiny-grid"), tiny)
    assert [d[:2] for d in trained.comparison.differences] == [(1, "train")]
    assert trained.model.origin["identical_to_stored_run"] is False


def test_a_replicate_that_is_not_there_is_named(database, tiny):
    run_study(make_spec(**SMALL), tiny, database=database, n_jobs=1)
    with pytest.raises(NoSuchRunError, match="replicate 0 to 1, but got --replicate 2"):
        selected_run(database, "tiny-grid", replicate=2)
