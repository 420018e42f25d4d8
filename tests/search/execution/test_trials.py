"""The state of a trial follows from those of its runs, and no state is taken for another."""

from dataclasses import replace

import pytest

from engine.configuration import Configuration
from engine.data.dataset import SPLITS
from engine.state import Evaluation
from engine.training import initial_state
from search import run_study
from search.execution.trials import Run, Trial
from search.naming import study_name
from search.spec.replication import Replicate
from search.store.database import open_for_writing
from search.store.mirror import open_mirror
from search.store.schema import BROKEN, STATES
from tests.search.helpers import make_spec


def trial(*statuses):
    made = Trial(1, 0, Configuration(), {}, {}, "waiting")
    made.runs = [Run(made, Replicate(replicate, {}, 1), status=status) for replicate, status in enumerate(statuses)]
    return made


@pytest.mark.parametrize("state", STATES)
def test_a_trial_is_what_its_runs_are(state):
    assert trial(state, state).final_state() == state
    expected = state if state in (*BROKEN, "complete") else "running"
    assert trial(state, "complete").final_state() == expected


def test_the_worst_of_several_states_counts():
    assert trial("complete", "interrupted", "diverged").final_state() == "diverged"


def test_a_state_that_is_none_is_named():
    with pytest.raises(AssertionError, match="but got paused"):
        trial("complete", "paused").final_state()


def test_the_dashboard_has_a_word_for_every_state(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    sql = open_for_writing(database)
    mirror = open_mirror(sql, study_name(make_spec(), tiny), {}, note="", say=print)
    assert [state for state in STATES if not mirror.is_behind(0, state)] == ["complete"]
    with pytest.raises(KeyError, match="paused"):
        mirror.is_behind(0, "paused")
    sql.dispose()


@pytest.mark.parametrize(("at", "kept"), [("best", [None, None, 4]), ("last", [2, 3, 4])])
def test_a_resumed_run_keeps_predictions_of_what_is_better_than_before(tiny, at, kept):
    made = trial("waiting")
    (run,) = made.runs
    run.curve = {1: (0.5, 1.0), 2: (0.4, 1.0)}  # 2 was evaluated after the checkpoint, and is again
    run.start(1, replace(initial_state(Configuration(), 1, tiny), k=1))
    found = []
    for k, (accuracy, loss) in enumerate([(0.4, 1.0), (0.5, 1.1), (0.5, 0.9)], start=2):
        values = {"loss": dict.fromkeys(SPLITS, loss), "accuracy": dict.fromkeys(SPLITS, accuracy)}
        run.take(run.state, Evaluation(k, k / 5, 0.1, **values), (0.0, 0.0), at)
        found.append(run.read and run.read.k)
    assert found == kept
