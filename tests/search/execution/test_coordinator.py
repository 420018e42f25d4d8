"""Whole studies on tiny data, in real SQLite files and with real threads, processes and signals."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import optuna
import pytest

from engine.configuration import Configuration
from engine.state import TrainingState
from search import run_study
from search.execution import coordinator, saving, workers
from search.execution.progress import SilentDisplay
from search.naming import study_name
from search.reproduce import reproduce, stored_run
from search.store.database import open_for_writing
from search.store.lock import StudyBusyError, study_lock
from search.store.writing import StudyMismatchError
from tests.conftest import make_dataset
from tests.search.helpers import all_evaluations, make_spec, query


def test_run_study_stores_every_evaluation(database, tiny):
    result = run_study(make_spec(), tiny, database=database, n_jobs=2)
    assert (result.n_trials, result.n_complete, result.n_trained, result.n_failed) == (6, 6, 6, 0)
    assert query(database, "SELECT COUNT(*), MIN(k), MAX(k) FROM evaluations") == [(6 * 6 * 3, 1, 6)]
    assert query(database, "SELECT COUNT(*) FROM checkpoints") == [(0,)]
    assert query(database, "SELECT DISTINCT state FROM runs") == [("complete",)]


@pytest.mark.parametrize("fixed", [{}, {"hidden_layers": 1, "hidden_size": 40, "batch_size": 8}])
def test_results_do_not_depend_on_the_number_of_workers(tmp_path, tiny, fixed):
    """In batches, one run that is left alone at the end is worked on by all of them."""
    spec = make_spec(replicates=2, **({"fixed": make_spec().fixed | fixed} if fixed else {}))
    found = []
    for jobs in (1, 2, 5):
        database = str(tmp_path / f"{jobs}.sqlite")
        run_study(spec, tiny, database=database, n_jobs=jobs)
        found.append(all_evaluations(database))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 6 * 2 * 6 * 3


def test_running_again_does_nothing_and_a_ninth_value_runs_the_difference(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    before = all_evaluations(database)
    assert run_study(make_spec(), tiny, database=database, n_jobs=1).n_trained == 0
    assert all_evaluations(database) == before
    wider = make_spec(space={"learning_rate": [0.01, 0.02, 0.05, 0.2], "momentum": [False, True]})
    assert run_study(wider, tiny, database=database, n_jobs=1).n_trained == 2
    assert set(before) < set(all_evaluations(database))
    assert [n for (n,) in query(database, "SELECT trial_number FROM sweep_trials ORDER BY 1")] == list(range(8))


def test_a_claim_that_is_added_to_a_finished_study_is_kept_and_trains_nothing(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    compare = {"factor": "momentum", "level": True, "against": False}
    asked = {
        "claims": [{"claim": "Momentum helps.", "expect": "higher", "compare": compare}],
        "figures": [{"figure": "paired", "factor": "momentum"}],
        "page": "Momentum",
    }
    for added in (asked, {"claims": [], "figures": [], "page": ""}):
        assert run_study(make_spec(**added), tiny, database=database, n_jobs=1).n_trained == 0
        ((stored,),) = query(database, "SELECT spec FROM sweep_studies")
        assert {key: json.loads(stored)[key] for key in added} == added


def test_more_replicates_run_the_difference(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    result = run_study(make_spec(replicates=3), tiny, database=database, n_jobs=2)
    assert result.n_trained == 12
    seeds = query(database, "SELECT replicate, COUNT(DISTINCT seed), COUNT(*) FROM runs GROUP BY 1 ORDER BY 1")
    assert seeds == [(0, 1, 6), (1, 1, 6), (2, 1, 6)]


def test_another_identity_under_the_same_name_is_refused(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    with pytest.raises(StudyMismatchError, match="epochs"):
        run_study(make_spec(fixed={"epochs": 1, "evaluations_per_epoch": 3}), tiny, database=database, n_jobs=1)
    with pytest.raises(StudyMismatchError, match=r"with data of content '\w{12}…', but now"):
        run_study(make_spec(), make_dataset(seed=1), database=database, n_jobs=1)


def test_study_name_says_what_sets_it_apart(tiny):
    assert study_name(make_spec(), make_dataset(name="mnist")) == "tiny-grid"
    assert study_name(make_spec(seed=7), tiny) == "tiny-grid@tiny#7"


def test_a_run_that_fails_is_recorded_and_tried_again(database, tiny, monkeypatch):
    spec = make_spec(fixed={"hidden_layers": 1, "hidden_size": 4, "epochs": 1, "evaluations_per_epoch": 2})

    def advance(states, dataset, **how):
        if states[0].configuration.learning_rate == 0.05:
            raise MemoryError("no room")
        return real(states, dataset, **how)

    real = workers.advance
    monkeypatch.setattr(workers, "advance", advance)
    result = run_study(spec, tiny, database=database, n_jobs=2)
    assert (result.n_trained, result.n_failed, result.n_complete) == (4, 2, 4)
    errors = query(database, "SELECT error FROM runs WHERE state = 'failed'")
    assert len(errors) == 2
    assert all("MemoryError: no room" in error for (error,) in errors)
    monkeypatch.setattr(workers, "advance", real)
    again = run_study(spec, tiny, database=database, n_jobs=2)
    assert (again.n_trained, again.n_complete) == (2, 6)


@pytest.mark.parametrize("kind", [{}, {"hidden_layers": 1, "hidden_size": 4}])
def test_a_run_that_cannot_start_fails_alone_and_is_tried_again(database, tiny, monkeypatch, kind):
    spec = make_spec(fixed={"epochs": 1, "evaluations_per_epoch": 2, **kind})

    def initial_state(configuration, seed, dataset):
        if configuration.learning_rate == 0.05:
            raise MemoryError("no room for it")
        return real(configuration, seed, dataset)

    real = coordinator.initial_state
    monkeypatch.setattr(coordinator, "initial_state", initial_state)
    for trained in (4, 0):  # a second command does not die of it either
        display = SilentDisplay()
        result = run_study(spec, tiny, database=database, n_jobs=1, display=display)
        assert (result.n_trained, result.n_failed, result.n_complete) == (trained, 2, 4)
        assert any("failed with MemoryError: no room for it" in message for message in display.messages)
    errors = query(database, "SELECT error FROM runs WHERE state = 'failed'")
    assert len(errors) == 2
    assert all("MemoryError: no room for it" in error for (error,) in errors)
    monkeypatch.setattr(coordinator, "initial_state", real)
    assert run_study(spec, tiny, database=database, n_jobs=1).n_complete == 6
    assert query(database, "SELECT COUNT(*) FROM runs WHERE error IS NOT NULL") == [(0,)]


def test_large_states_are_checkpointed_as_often_as_their_cost_allows(database, tiny, monkeypatch):
    """With a checkpoint that takes a quarter of a second, the next comes five seconds later and not before."""
    moments = []

    def to_bytes(state, code_version):
        moments.append(time.monotonic())
        time.sleep(0.25)
        return real(state, code_version)

    real = TrainingState.to_bytes
    monkeypatch.setattr(TrainingState, "to_bytes", to_bytes)
    monkeypatch.setattr(saving, "CHECKPOINT_SECONDS", 0.0)
    spec = make_spec(space={"learning_rate": [0.01]}, fixed={"hidden_layers": 1, "epochs": 60})
    result = run_study(spec, make_dataset(n=(2000, 60, 60)), database=database, n_jobs=1)
    assert moments, "the study is long enough for one"
    gaps = [after - before for before, after in pairwise(moments)]
    assert min(gaps, default=5.0) >= 5.0
    assert result.n_complete == 1


def test_divergence_is_a_state_and_leaves_the_others_alone(tmp_path, tiny):
    calm = {"learning_rate": [0.01, 0.05], "momentum": [False]}
    wild = {"learning_rate": [0.01, 0.05, 1e38], "momentum": [False]}
    found = []
    for name, space in (("calm", calm), ("wild", wild)):
        database = str(tmp_path / f"{name}.sqlite")
        run_study(make_spec(space=space), tiny, database=database, n_jobs=1)
        found.append(all_evaluations(database))
    assert set(found[0]) <= set(found[1])
    rows = query(database, "SELECT diverged_at_update, error FROM runs WHERE state = 'diverged'")
    assert len(rows) == 1
    assert rows[0][0] >= 1
    assert str(rows[0][0]) in rows[0][1]
    assert run_study(make_spec(space=wild), tiny, database=database, n_jobs=1).n_trained == 0


def test_every_trial_stands_in_optunas_tables(database, tiny):
    run_study(make_spec(replicates=2), tiny, database=database, n_jobs=2)
    study = optuna.load_study(study_name="tiny-grid@tiny", storage=f"sqlite:///{database}")
    assert len(study.trials) == 6
    ours = dict(query(database, "SELECT trial_number, AVG(validation_accuracy) FROM v_runs GROUP BY trial_number"))
    params = dict(query(database, "SELECT trial_number, params FROM sweep_trials"))
    for trial in study.trials:
        assert trial.state == optuna.trial.TrialState.COMPLETE
        assert sorted(trial.intermediate_values) == [1, 2, 3, 4, 5, 6]
        assert trial.value == pytest.approx(ours[trial.number], rel=1e-12)
        assert trial.params == json.loads(params[trial.number])
        assert trial.datetime_complete >= trial.datetime_start
    from optuna_dashboard import get_note

    assert "Does the search work?" in get_note(study)


def test_a_study_runs_once_at_a_time(database, tiny):
    with (
        study_lock(database, "tiny-grid@tiny"),
        pytest.raises(StudyBusyError, match=str(os.getpid())),
    ):
        run_study(make_spec(), tiny, database=database, n_jobs=1)
    assert run_study(make_spec(), tiny, database=database, n_jobs=1).n_trained == 6


def test_no_run_starts_after_the_time_budget(database, tiny):
    spec = make_spec(fixed={"hidden_layers": 1, "hidden_size": 4, "epochs": 1, "evaluations_per_epoch": 2})
    result = run_study(spec, tiny, database=database, n_jobs=1, max_seconds=1e-9)
    assert result.out_of_time
    assert result.n_trained == 0
    assert run_study(spec, tiny, database=database, n_jobs=1).n_trained == 6


def test_reproduce_compares_to_the_last_bit(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=2)
    comparison = reproduce(stored_run(database, 3), tiny)
    assert (comparison.n_values, comparison.differences, comparison.same_code) == (18, [], True)
    engine = open_for_writing(database, create=False)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE evaluations SET loss = loss + 1e-9 WHERE run_id = 3 AND k = 4 AND split = 'test'"
        )
    engine.dispose()
    assert [d[:2] for d in reproduce(stored_run(database, 3), tiny).differences] == [(4, "test")]


CHILD = """
import sys
from search.execution.coordinator import run_study
import search.execution.saving as saving
from tests.conftest import make_dataset
from tests.search.helpers import make_spec
saving.CHECKPOINT_SECONDS = saving.SAVE_SECONDS = 0.0
saving.CHECKPOINT_SHARE = 1e9
spec = make_spec(space={"learning_rate": [0.01, 0.02, 0.05]}, fixed={"hidden_layers": 2, "hidden_size": 32,
                 "epochs": 10, "evaluations_per_epoch": 5})
data = make_dataset(n=(4000, 60, 60))
print("start", flush=True)
result = run_study(spec, data, database=sys.argv[1], n_jobs=int(sys.argv[2]))
sys.exit(130 if result.interrupted else 0)
"""


def start_child(database, jobs):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, database, str(jobs)],
        cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for_checkpoint(database, child):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert child.poll() is None, child.communicate()
        try:
            if query(database, "SELECT COUNT(*) FROM checkpoints WHERE k >= 3")[0][0]:
                return
        except Exception:
            time.sleep(0.01)
    pytest.fail("no checkpoint within a minute")


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGKILL])
def test_an_interrupted_study_goes_on_to_the_same_bits(tmp_path, number):
    whole, broken = str(tmp_path / "whole.sqlite"), str(tmp_path / "broken.sqlite")
    child = start_child(broken, 2)
    wait_for_checkpoint(broken, child)
    child.send_signal(number)
    child.communicate(timeout=60)
    assert child.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    states = {state for (state,) in query(broken, "SELECT state FROM runs")}
    assert states & {"interrupted", "running"}
    for database in (broken, whole):
        child = start_child(database, 2)
        _, errors = child.communicate(timeout=120)
        assert child.returncode == 0, errors
    assert all_evaluations(broken) == all_evaluations(whole)
    assert query(broken, "SELECT COUNT(*) FROM checkpoints") == [(0,)]


def test_configurations_that_train_the_same_have_one_hash():
    assert Configuration(hidden_layers=0, hidden_size=10).hash == Configuration().hash
    assert Configuration(momentum_beta=0.5).hash == Configuration().hash
    assert Configuration(momentum=True, momentum_beta=0.5).hash != Configuration(momentum=True).hash
