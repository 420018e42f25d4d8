"""What a study's file does not ask for is kept, takes part in nothing, and comes back when it is asked for again."""

import optuna
import pytest

from search import run_study
from search.execution.dry_run import dry_run
from search.execution.progress import SilentDisplay
from search.select import NothingToSelectError, select
from search.store.database import open_for_writing
from search.store.location import locate
from search.store.reading import status_rows
from tests.search.helpers import all_evaluations, make_spec, query

ONCE = {"epochs": 1, "evaluations_per_epoch": 2}


@pytest.fixture
def run(database, tiny):
    def run(**changes):
        display = SilentDisplay()
        spec = make_spec(**{"fixed": ONCE, **changes})
        planned = dry_run(spec, tiny, database=database, n_jobs=1)
        result = run_study(spec, tiny, database=database, n_jobs=1, display=display)
        assert (planned.n_left_aside, planned.n_runs_to_do) == (result.n_left_aside, result.n_trained)
        said = [line for line in display.messages if "does not ask for" in line]
        assert bool(said) == bool(result.n_left_aside)
        return result

    return run


def asked(database):
    rows = query(database, "SELECT trial_number, asked FROM sweep_trials ORDER BY 1")
    return [number for number, is_asked in rows if is_asked]


def test_a_value_removed_from_a_grid_is_left_aside_and_comes_back(run, database):
    run()
    before = all_evaluations(database)
    smaller = run(space={"learning_rate": [0.01], "momentum": [False, True]})
    assert (smaller.n_trials, smaller.n_left_aside, smaller.n_trained) == (2, 4, 0)
    assert all_evaluations(database) == before
    for view in ("v_runs", "v_curves", "v_selection_inputs"):
        assert query(database, f"SELECT DISTINCT trial_number FROM {view} ORDER BY 1") == [(0,), (1,)], view
    sql = open_for_writing(database, create=False)
    selected = select(sql, "tiny-grid@tiny")
    assert {candidate.trial_number for candidate in selected.choice.ranking} == {0, 1}
    assert (selected.left_aside, selected.unfinished) == (4, 0)
    with sql.connect() as connection:
        (row,) = status_rows(connection)
    assert (row["trial_states"], row["run_states"]) == ({"complete": 2}, {"complete": 2})
    sql.dispose()
    marked = optuna.load_study(study_name="tiny-grid@tiny", storage=locate(database).url.render_as_string()).trials
    assert ["left_aside" in trial.user_attrs for trial in marked] == [False, False, True, True, True, True]
    back = run()
    assert (back.n_trials, back.n_left_aside, back.n_trained) == (6, 0, 0)
    marked = optuna.load_study(study_name="tiny-grid@tiny", storage=locate(database).url.render_as_string()).trials
    assert not any("left_aside" in trial.user_attrs for trial in marked)


def test_another_space_under_the_same_name_does_not_compete(run, database):
    run()
    other = run(space={"weight_decay": [0.0, 0.001]})
    # The first of the old trials is one of the new space too, where its learning rate is the default.
    assert (other.n_trials, other.n_left_aside, other.n_trained) == (2, 5, 1)
    assert asked(database) == [0, 6]
    sql = open_for_writing(database, create=False)
    assert select(sql, "tiny-grid@tiny").params[1] == {"weight_decay": 0.0}
    sql.dispose()


def test_what_is_left_aside_is_not_trained_to_its_end(run, database):
    run()
    for change in ("UPDATE sweep_trials SET state = 'failed'", "UPDATE runs SET state = 'failed'"):
        sql = open_for_writing(database, create=False)
        with sql.begin() as connection:
            connection.exec_driver_sql(change)
        sql.dispose()
    assert run(space={"learning_rate": [0.01], "momentum": [False]}).n_trained == 1
    assert query(database, "SELECT state, COUNT(*) FROM runs GROUP BY 1") == [("complete", 1), ("failed", 5)]


def test_nothing_is_selected_from_what_is_left_aside(run, database):
    run()
    sql = open_for_writing(database, create=False)
    with sql.begin() as connection:
        connection.exec_driver_sql("UPDATE sweep_trials SET asked = FALSE")
    with pytest.raises(NothingToSelectError):
        select(sql, "tiny-grid@tiny")
    sql.dispose()


RANDOM = {"driver": "random", "trials": 6}
NARROW, WIDE = ({"learning_rate": {"low": 0.001, "high": high, "scale": "log"}} for high in (0.1, 0.2))


def test_a_random_study_has_the_trials_of_its_file_alone(run, database):
    run(**RANDOM, space=NARROW)
    other = run(**RANDOM, space=WIDE)
    assert (other.n_trials, other.n_left_aside) == (6, 6)
    assert asked(database) == [6, 7, 8, 9, 10, 11]
    fewer = run(**{**RANDOM, "trials": 2}, space=NARROW)
    assert (fewer.n_trials, fewer.n_left_aside, fewer.n_trained) == (2, 10, 0)
    assert asked(database) == [0, 1]


def test_an_adaptive_study_has_as_many_trials_as_its_file_asks_for(run, database):
    adaptive = {"driver": "optuna", "sampler": "qmc", "space": NARROW}
    run(**adaptive, trials=5)
    fewer = run(**adaptive, trials=3)
    assert (fewer.n_trials, fewer.n_left_aside, fewer.n_trained) == (3, 2, 0)
    assert asked(database) == [0, 1, 2]
    more = run(**adaptive, trials=6)
    assert (more.n_trials, more.n_left_aside, more.n_trained) == (6, 0, 1)


def test_a_rung_is_asked_for_again_once_its_candidates_are_known(run, database, tiny):
    halving = {
        "driver": "random", "space": NARROW, "fixed": {"evaluations_per_epoch": 1},
        "fidelity": {"train_images": [20, 40], "epochs": [1, 2], "keep": 0.5},
    }  # fmt: skip
    run(**halving, trials=4)
    assert query(database, "SELECT COUNT(*) FROM sweep_trials") == [(6,)]
    sql = open_for_writing(database, create=False)
    with sql.begin() as connection:  # as if the first rung had not ended yet
        connection.exec_driver_sql("UPDATE sweep_trials SET state = 'failed' WHERE trial_number = 0")
        connection.exec_driver_sql("UPDATE runs SET state = 'failed' WHERE trial_id = 1")
    sql.dispose()
    result = run_study(make_spec(**halving, trials=4), tiny, database=database, n_jobs=1)
    assert (result.n_trials, result.n_left_aside, result.n_trained) == (6, 0, 1)
