"""Both ways of writing Optuna's tables, read back through Optuna and compared trial by trial."""

import sqlite3
from contextlib import closing

import optuna
import pytest
from optuna.storages import RDBStorage
from sqlalchemy import NullPool

from search import run_study
from search.execution import saving, workers
from search.execution.progress import SilentDisplay
from search.store import mirror
from search.store.database import open_for_writing
from search.store.location import DatabaseUnusableError, locate
from search.store.mirror import InterfaceMirror
from tests.search.helpers import all_evaluations, make_spec, query

WILD = {"learning_rate": [0.01, 0.05, 1e38], "momentum": [False]}
PRUNED = {
    "driver": "optuna",
    "trials": 8,
    "pruner": "successive_halving",
    "space": {
        "learning_rate": {"low": 0.001, "high": 1.0, "scale": "log"},
        "hidden_size": [4, 8, 12],
        "momentum": [False, True],
    },
}
OFAT = {
    "driver": "ofat",
    "fixed": {"hidden_layers": 1, "hidden_size": 8, "train_images": 200, "epochs": 1, "evaluations_per_epoch": 2},
    "space": {"hidden_size": [4, 8], "train_images": [100, 200]},
    "by": {"activation": ["relu", "tanh"]},
}
STUDIES = {
    "grid": {"replicates": 2},
    "diverging": {"space": WILD},
    "pruned": PRUNED,
    "ofat": OFAT,
}


@pytest.fixture
def other_layout(monkeypatch):
    """As if Optuna's tables were laid out in a way that this version does not know."""
    monkeypatch.setattr(mirror, "KNOWN_LAYOUT", "v1.0.0.a")


def read_back(database):
    """What Optuna says of each trial, and whether it knows when it began and ended."""
    # Without a pool nothing stays open that someone had to close.
    storage = RDBStorage(
        locate(database).url.render_as_string(hide_password=False), engine_kwargs={"poolclass": NullPool}
    )
    study = optuna.load_study(study_name="tiny-grid@tiny", storage=storage)
    trials = [
        {
            "number": t.number,
            "state": t.state.name,
            "values": t.values,
            "params": t.params,
            "distributions": t.distributions,
            "curve": t.intermediate_values,
            "attributes": t.user_attrs,
            "began": t.datetime_start is not None,
            "ended": t.datetime_complete is not None and t.datetime_complete >= t.datetime_start,
        }
        for t in study.get_trials()
    ]
    storage.remove_session()
    return study.metric_names, study.direction, trials


def run(database, dataset, display=None, **changes):
    display = display or SilentDisplay()
    run_study(make_spec(**changes), dataset, database=database, n_jobs=1, display=display)
    return [m for m in display.messages if "Optuna's tables" in m]


@pytest.mark.parametrize("name", STUDIES)
def test_optunas_interface_writes_what_the_rows_say(name, tmp_path, tiny, monkeypatch):
    rows, interface = str(tmp_path / "rows.sqlite"), str(tmp_path / "interface.sqlite")
    known = mirror.KNOWN_LAYOUT
    assert run(rows, tiny, **STUDIES[name]) == []
    with monkeypatch.context() as patched:
        patched.setattr(mirror, "KNOWN_LAYOUT", "v1.0.0.a")
        (line,) = run(interface, tiny, **STUDIES[name])
    assert f"laid out as {known}, where v1.0.0.a is known" in line
    assert "slower" in line
    written = read_back(interface)
    assert written == read_back(rows)
    states = {t["state"] for t in written[2]}
    ends = {"diverging": {"COMPLETE", "FAIL"}, "pruned": {"COMPLETE", "PRUNED"}}
    assert states == ends.get(name, {"COMPLETE"})


def test_a_study_begun_in_rows_goes_on_through_optunas_interface(tmp_path, tiny, monkeypatch):
    whole, turned = str(tmp_path / "whole.sqlite"), str(tmp_path / "turned.sqlite")
    run(whole, tiny, **PRUNED)
    run(turned, tiny, **{**PRUNED, "trials": 5})
    monkeypatch.setattr(mirror, "KNOWN_LAYOUT", "v1.0.0.a")
    run(turned, tiny, **PRUNED)
    assert read_back(turned) == read_back(whole)


def test_what_a_crash_left_out_is_made_good_by_the_next_command(tmp_path, tiny, monkeypatch, other_layout):
    whole, broken = str(tmp_path / "whole.sqlite"), str(tmp_path / "broken.sqlite")
    run(whole, tiny, **PRUNED)
    publish, calls = InterfaceMirror.publish, []

    def crash(self):
        calls.append(self)
        if len(calls) == 3:
            raise OSError("the power went")
        publish(self)

    with monkeypatch.context() as patched:
        patched.setattr(InterfaceMirror, "publish", crash)
        with pytest.raises(OSError, match="the power went"):
            run(broken, tiny, **PRUNED)
    (ours,) = query(broken, "SELECT COUNT(*) FROM sweep_trials WHERE state IN ('complete', 'pruned')")
    assert sum(t["ended"] for t in read_back(broken)[2]) < ours[0]
    run(broken, tiny, **PRUNED)
    assert read_back(broken) == read_back(whole)


def test_rows_follow_a_trial_that_gets_more_replicates(database, tiny):
    run(database, tiny)
    before = read_back(database)[2]
    assert run(database, tiny, replicates=2) == []
    after = read_back(database)[2]
    assert [t["attributes"]["replicates"] for t in after] == [2] * 6
    assert [t["values"] for t in after] != [t["values"] for t in before]


def test_optunas_interface_keeps_ended_trials_and_says_so_once(database, tiny, other_layout):
    run(database, tiny)
    before = read_back(database)
    lines = run(database, tiny, replicates=2)
    assert len([line for line in lines if "keep them as they first ended" in line]) == 1
    assert read_back(database) == before
    assert query(database, "SELECT COUNT(*) FROM runs WHERE state = 'complete'") == [(12,)]


def test_optunas_interface_shows_why_a_trial_failed(database, tiny, monkeypatch, other_layout):
    def fail(*_arguments, **_how):
        raise MemoryError("too large")

    monkeypatch.setattr(workers, "advance", fail)
    run(database, tiny, space={"learning_rate": [0.01]})
    (trial,) = read_back(database)[2]
    assert (trial["state"], trial["values"]) == ("FAIL", None)
    assert "too large" in trial["attributes"]["reason"]


def test_tables_of_another_version_of_optuna_are_refused_with_what_to_do(database, tiny):
    run(database, tiny, space={"learning_rate": [0.01]})
    sql = open_for_writing(database, create=False)
    with sql.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'v3.0.0.d'")
    sql.dispose()
    with pytest.raises(DatabaseUnusableError, match="optuna storage upgrade"):
        run(database, tiny, space={"learning_rate": [0.01]})


def storage_of(database):
    return RDBStorage(f"sqlite:///{database}", engine_kwargs={"poolclass": NullPool})


def delete_study(database):
    """What the dashboard does when it is asked to; somebody's own study then gets the number that ours had."""
    storage = storage_of(database)
    optuna.delete_study(study_name="tiny-grid@tiny", storage=storage)
    mine = optuna.create_study(study_name="mine", storage=storage)
    mine.add_trial(optuna.trial.create_trial(value=1.0))
    storage.remove_session()


def delete_first_trial(database):
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        number = connection.execute("SELECT trial_id FROM trials WHERE number = 0").fetchone()
        for table in ("trial_params", "trial_values", "trial_intermediate_values", "trial_user_attributes", "trials"):
            connection.execute(f"DELETE FROM {table} WHERE trial_id = ?", number)
        connection.commit()


class Disturb(SilentDisplay):
    """Does something to the database once so many evaluations are made, two of three trials being complete by then."""

    def __init__(self, database, action, at):
        super().__init__()
        self._database, self._action, self._at = database, action, at

    def update(self, counts):
        if self._action and counts.evaluations_done >= self._at:
            self._action, action = None, self._action
            action(self._database)


@pytest.mark.parametrize("layout", [mirror.KNOWN_LAYOUT, "v1.0.0.a"])
@pytest.mark.parametrize("changes", [{"space": {"learning_rate": [0.01, 0.05, 0.2]}}, PRUNED], ids=["grid", "pruned"])
def test_a_study_deleted_while_it_runs_is_made_anew_with_one_line(tmp_path, tiny, monkeypatch, layout, changes):
    whole, disturbed = str(tmp_path / "whole.sqlite"), str(tmp_path / "disturbed.sqlite")
    monkeypatch.setattr(mirror, "KNOWN_LAYOUT", layout)
    monkeypatch.setattr(saving, "SAVE_SECONDS", 0.0)
    run(whole, tiny, **changes)
    lines = run(disturbed, tiny, Disturb(disturbed, delete_study, at=14), **changes)
    assert len([line for line in lines if "The study was deleted from Optuna's tables" in line]) == 1
    assert read_back(disturbed) == read_back(whole)
    assert all_evaluations(disturbed) == all_evaluations(whole)
    storage = storage_of(disturbed)
    assert [t.value for t in optuna.load_study(study_name="mine", storage=storage).trials] == [1.0]
    storage.remove_session()


def test_a_trial_deleted_while_it_is_trained_is_made_anew(tmp_path, tiny, monkeypatch):
    whole, disturbed = str(tmp_path / "whole.sqlite"), str(tmp_path / "disturbed.sqlite")
    changes = {"space": {"learning_rate": [0.01, 0.05]}}
    monkeypatch.setattr(saving, "SAVE_SECONDS", 0.0)
    run(whole, tiny, **changes)
    lines = run(disturbed, tiny, Disturb(disturbed, delete_first_trial, at=4), **changes)
    assert len([line for line in lines if "Trials were deleted from Optuna's tables" in line]) == 1
    assert read_back(disturbed) == read_back(whole)


def test_optunas_interface_leaves_a_deleted_trial_out_and_says_so(database, tiny, monkeypatch, other_layout):
    monkeypatch.setattr(saving, "SAVE_SECONDS", 0.0)
    lines = run(database, tiny, Disturb(database, delete_first_trial, at=4), space={"learning_rate": [0.01, 0.05]})
    assert len([line for line in lines if "whose interface cannot make them anew" in line]) == 1
    assert query(database, "SELECT number, state FROM trials") == [(1, "COMPLETE")]
    assert query(database, "SELECT COUNT(*) FROM runs WHERE state = 'complete'") == [(2,)]


@pytest.mark.parametrize("delete", [delete_study, delete_first_trial])
def test_what_was_deleted_is_there_again_after_a_run_with_nothing_to_train(database, tiny, delete):
    run(database, tiny, **PRUNED)
    before = read_back(database)
    delete(database)
    run(database, tiny, **PRUNED)
    assert read_back(database) == before


def test_a_note_typed_in_the_dashboard_stays_and_ours_is_renewed(database, tiny):
    from optuna_dashboard import get_note, save_note

    run(database, tiny)
    storage = storage_of(database)
    shown = optuna.load_study(study_name="tiny-grid@tiny", storage=storage)
    ours = get_note(shown)
    above, below = "Look at trial 3!\n\n", "\n\nlong " + "and longer " * 400
    save_note(shown, above + ours + below)
    run(database, tiny)
    assert get_note(shown) == above + ours + below
    run(database, tiny, question="Something else?")
    note = get_note(shown)
    assert note == above + ours.replace("Does the search work?", "Something else?") + below
    save_note(shown, "Mine alone.")
    run(database, tiny)
    assert get_note(shown).endswith("Mine alone.")
    assert ours.strip() in get_note(shown)
    storage.remove_session()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"learning_rate": [0.01, 0.02]}, {"learning_rate": [0.01, 0.02, 0.2]}),
        ({"learning_rate": [0.01, 0.2]}, {"learning_rate": [0.01, 0.2, 0.02]}),
        ({"hidden_size": [4, 40]}, {"hidden_size": [2, 4, 40]}),
    ],
)
@pytest.mark.parametrize("layout", [mirror.KNOWN_LAYOUT, "v1.0.0.a"])
def test_an_axis_that_grows_stays_one_axis(database, tiny, monkeypatch, layout, first, second):
    monkeypatch.setattr(mirror, "KNOWN_LAYOUT", layout)
    fixed = {"hidden_layers": 1, "epochs": 1, "evaluations_per_epoch": 2}
    run(database, tiny, space=first, fixed=fixed)
    lines = run(database, tiny, space=second, fixed=fixed)
    assert not [line for line in lines if "left out" in line]
    (name,) = second
    trials = read_back(database)[2]
    assert {t["params"][name] for t in trials} == set(second[name])
    found = [t["distributions"][name] for t in trials]
    assert len({distribution.log for distribution in found}) == 1
    assert (found[-1].low, found[-1].high) == (min(second[name]), max(second[name]))
    if layout != "v1.0.0.a":  # its interface changes no trial that is there
        assert len(set(found)) == 1


def test_words_that_were_counted_otherwise_keep_their_meaning(database, tiny):
    """As if an earlier version had stored fewer choices, in another order."""
    space = {"activation": ["relu", "tanh"]}
    fixed = {"hidden_layers": 1, "hidden_size": 4, "epochs": 1, "evaluations_per_epoch": 2}
    run(database, tiny, space=space, fixed=fixed)
    old = optuna.distributions.CategoricalDistribution(["tanh", "relu"])
    sql = open_for_writing(database, create=False)
    with sql.begin() as connection:
        ((first,),) = connection.exec_driver_sql("SELECT trial_id FROM trials WHERE number = 0").all()
        connection.exec_driver_sql(
            "UPDATE trial_params SET param_value = 1, distribution_json = ? WHERE trial_id = ?",
            (optuna.distributions.distribution_to_json(old), first),
        )
    sql.dispose()
    run(database, tiny, space=space, fixed=fixed)
    trials = read_back(database)[2]
    assert [t["params"]["activation"] for t in trials] == ["relu", "tanh"]
    assert len({t["distributions"]["activation"] for t in trials}) == 1
