"""An interrupted study whose checkpoints do not fit any more: what is said, and the bits that come out."""

import signal

import pytest

import search.execution.checkpoints
import search.execution.coordinator
import search.execution.saving
from engine.state import TrainingState
from search import run_study
from search.execution.dry_run import dry_run
from search.execution.progress import SilentDisplay
from search.reproduce import reproduce, stored_run
from search.store.database import open_for_writing
from tests.search.helpers import all_evaluations, make_spec, query

NETWORKS = {"fixed": {"hidden_layers": 1, "hidden_size": 4, "epochs": 2, "evaluations_per_epoch": 3}}
LINEAR = {"replicates": 2}


class CtrlC(SilentDisplay):
    """Presses Ctrl-C once, when a number of evaluations has been made."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def update(self, counts):
        if self.at and counts.evaluations_done >= self.at:
            self.at = None
            signal.raise_signal(signal.SIGINT)


def interrupted(spec, tiny, database):
    """A database in which a study was interrupted; its checkpoints, by trial and replicate."""
    result = run_study(spec, tiny, database=database, n_jobs=1, display=CtrlC(at=8))
    assert result.interrupted
    rows = query(
        database,
        "SELECT t.trial_number, r.replicate, r.run_id, c.state FROM checkpoints c JOIN runs r USING (run_id) "
        "JOIN sweep_trials t USING (trial_id) ORDER BY 1, 2",
    )
    assert rows
    return {row[:2]: row[2:] for row in rows}


def uninterrupted(spec, tiny, tmp_path):
    database = str(tmp_path / "whole.sqlite")
    run_study(spec, tiny, database=database, n_jobs=1)
    return all_evaluations(database)


def replace_checkpoint(database, run_id, state):
    engine = open_for_writing(database, create=False)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE checkpoints SET state = ? WHERE run_id = ?", (state, run_id))
    engine.dispose()


@pytest.mark.parametrize("changes", [NETWORKS, LINEAR], ids=["alone", "together"])
def test_a_run_begun_by_other_code_starts_again(database, tmp_path, tiny, changes, monkeypatch):
    spec = make_spec(**changes)
    whole = uninterrupted(spec, tiny, tmp_path)
    begun = interrupted(spec, tiny, database)
    for module in (search.execution.checkpoints, search.execution.coordinator, search.execution.saving):
        monkeypatch.setattr(module, "code_version", lambda: "9.9+engine.changed")
    started = {run_id for (run_id,) in query(database, "SELECT run_id FROM runs")}
    assert dry_run(spec, tiny, database=database, n_jobs=1).n_resumed == 0
    display = SilentDisplay()
    run_study(spec, tiny, database=database, n_jobs=1, display=display)
    assert all_evaluations(database) == whole
    lines = [line for line in display.messages if "checkpoint" in line]
    assert len(lines) == len(begun)
    for (trial, replicate), line in zip(begun, lines, strict=True):
        assert f"trial {trial}, replicate {replicate}: starts again from the first update" in line
        assert "and now there is 9.9+engine.changed" in line
    versions = dict(query(database, "SELECT run_id, code_version FROM runs"))
    assert {versions[run_id] for run_id, _ in begun.values()} == {"9.9+engine.changed"}
    assert started <= set(versions), "a run that starts again keeps its row"
    assert len(versions) == 6 * spec.replicates
    some_run, _ = next(iter(begun.values()))
    assert reproduce(stored_run(database, some_run), tiny).differences == []


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda state: state[:-1], "damaged"),
        (lambda state: state[:500] + bytes([state[500] ^ 1]) + state[501:], "damaged"),
        (lambda state: b"", "damaged"),
        (lambda state: state[state.index(b"PK") : -32], "format of an earlier version"),
    ],
)
def test_one_damaged_checkpoint_of_a_population_is_set_aside_and_the_others_go_on(
    database, tmp_path, tiny, damage, says
):
    spec = make_spec(**LINEAR)
    whole = uninterrupted(spec, tiny, tmp_path)
    begun = interrupted(spec, tiny, database)
    assert len(begun) > 1
    place, (run_id, state) = list(begun.items())[1]
    replace_checkpoint(database, run_id, damage(state))
    assert dry_run(spec, tiny, database=database, n_jobs=1).n_resumed == len(begun) - 1
    display = SilentDisplay()
    run_study(spec, tiny, database=database, n_jobs=1, display=display)
    assert all_evaluations(database) == whole
    (line,) = [line for line in display.messages if "checkpoint" in line]
    assert "trial {}, replicate {}: ".format(*place) in line
    assert says in line


def test_a_checkpoint_under_another_run_is_set_aside(database, tmp_path, tiny):
    spec = make_spec(**LINEAR)
    whole = uninterrupted(spec, tiny, tmp_path)
    begun = interrupted(spec, tiny, database)
    (_, state), (second, _) = list(begun.values())[:2]
    replace_checkpoint(database, second, state)
    display = SilentDisplay()
    run_study(spec, tiny, database=database, n_jobs=1, display=display)
    assert all_evaluations(database) == whole
    assert sum("another" in line or "seed" in line for line in display.messages) == 1


def test_a_checkpoint_that_fits_is_gone_on_from(database, tmp_path, tiny, monkeypatch):
    spec = make_spec(**NETWORKS)
    whole = uninterrupted(spec, tiny, tmp_path)
    begun = interrupted(spec, tiny, database)
    restored = []
    real = TrainingState.from_bytes.__func__

    def counting(cls, *arguments, **named):
        state = real(cls, *arguments, **named)
        restored.append(state.k)
        return state

    monkeypatch.setattr(TrainingState, "from_bytes", classmethod(counting))
    display = SilentDisplay()
    run_study(spec, tiny, database=database, n_jobs=1, display=display)
    assert all_evaluations(database) == whole
    assert len(set(restored)) == len(begun) == 1
    assert restored[0] > 0
    assert not any("checkpoint" in line for line in display.messages)
