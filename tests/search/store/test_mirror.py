"""Both ways of writing Optuna's tables, read back through Optuna and compared trial by trial."""

import optuna
import pytest
from optuna.storages import RDBStorage
from sqlalchemy import NullPool

from search import run_study
from search.execution import workers
from search.execution.progress import SilentDisplay
from search.store import mirror
from search.store.database import open_for_writing
from search.store.location import DatabaseUnusableError, locate
from search.store.mirror import InterfaceMirror
from tests.search.helpers import make_spec, query

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


def run(database, dataset, **changes):
    display = SilentDisplay()
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
    def fail(*_arguments):
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
