"""Studies that hold, vary or cross what runs draw: each run is the engine's own, stored with what it drew."""

import json

import pytest

from engine.configuration import Configuration
from engine.cuts import Cut
from engine.seeds import Seeds, derive_seed
from engine.training import initial_state, train_segment
from search import run_study
from search.confirm import ConfirmDriver, confirmation, confirmation_spec
from search.execution.cuts import Cuts
from search.execution.dry_run import dry_run
from search.reproduce import reproduce, stored_run
from search.store.writing import StudyMismatchError
from search.train_best import selected_run, train_best
from tests.conftest import make_dataset
from tests.search.helpers import (
    KilledError,
    StopsAt,
    all_evaluations,
    checkpoint_always,
    kill,
    make_spec,
    query,
)

DATASET = make_dataset(n=(240, 61, 60))
S = [derive_seed(2022, level) for level in range(4)]
NETWORK = {"hidden_layers": 1, "hidden_size": 5, "dropout_hidden": 0.3, "epochs": 2, "evaluations_per_epoch": 3}
SPACE = {"learning_rate": [0.01, 0.05]}


def alone(configuration, seed, dataset):
    """All (loss, accuracy) of a run, by k and split, trained by itself."""
    state, found = initial_state(configuration, seed, dataset), {}
    while not state.finished:
        state, evaluation = train_segment(state, dataset)
        found |= {(evaluation.k, s): (evaluation.loss[s], evaluation.accuracy[s]) for s in evaluation.loss}
    return found


def stored(database):
    """The same of each run, by trial's configuration and replicate, with what its row says."""
    runs = query(
        database,
        "SELECT run_id, config, v.replicate, v.streams, v.cut, r.data_sha256 FROM v_runs v JOIN runs r USING (run_id)",
    )
    return [
        (Configuration(**json.loads(config)), replicate, json.loads(streams), cut and json.loads(cut), sha256, run_id,
         {(k, s): (loss, accuracy) for k, s, loss, accuracy in query(
             database, "SELECT k, split, loss, accuracy FROM evaluations WHERE run_id = :run_id", run_id=run_id)})
        for run_id, config, replicate, streams, cut, sha256 in runs
    ]  # fmt: skip


@pytest.mark.parametrize("fixed", [{"epochs": 2, "evaluations_per_epoch": 3}, NETWORK], ids=["linear", "network"])
def test_every_run_of_a_crossed_study_is_the_run_of_its_levels(database, fixed):
    spec = make_spec(fixed=fixed, space=SPACE, vary={"split": 2, "initialisation": 3, "order": 2})
    run_study(spec, DATASET, database=database, n_jobs=2)
    runs = stored(database)
    assert len(runs) == 2 * 12
    for configuration, replicate, streams, cut, sha256, run_id, found in runs:
        i, j, k = streams["split"], streams["initialisation"], streams["order"]
        assert (replicate, streams["dropout"]) == (6 * i + 2 * j + k, 0)
        images = Cut(S[i]).of(DATASET)
        assert (Cut(**cut), sha256) == (Cut(S[i]), images.sha256)
        assert found == alone(configuration, Seeds(S[j], S[k], S[0]), images)
        if replicate in (0, 7):
            assert reproduce(stored_run(database, run_id), DATASET).is_identical
    assert query(database, "SELECT COUNT(*) FROM labels") == [(4,)]
    assert len({tuple(sorted(found.items())) for *_, found in runs}) == len(runs), "every level makes a difference"


def test_a_held_stream_and_the_plain_study_share_their_first_replicate(database):
    fixed = {"fixed": NETWORK, "space": SPACE, "replicates": 2}
    for study, vary in (("plain", None), ("order", ["order"]), ("dropout", ["dropout"])):
        run_study(make_spec(study=study, vary=vary, **fixed), DATASET, database=database, n_jobs=1)
    first, second = (
        dict(query(database, f"SELECT study, GROUP_CONCAT(test_loss) FROM v_runs WHERE replicate = {r} GROUP BY study"))
        for r in (0, 1)
    )
    assert len(set(first.values())) == 1
    assert len(set(second.values())) == 3


@pytest.mark.parametrize("split", [{"folds": 3}, {"resample": 3}], ids=str)
def test_a_study_on_cuts_goes_on_where_it_was_killed_and_its_best_run_is_trained_again(
    database, tmp_path, monkeypatch, split
):
    checkpoint_always(monkeypatch)
    spec = make_spec(fixed=NETWORK, space=SPACE, split=split)
    planned = dry_run(spec, DATASET, database=database, n_jobs=1)
    assert planned.n_runs_to_do == 6
    with pytest.raises(KilledError):
        run_study(spec, DATASET, database=database, n_jobs=1, display=StopsAt(8, kill))
    assert dry_run(spec, DATASET, database=database, n_jobs=1).n_resumed == 1
    run_study(spec, DATASET, database=database, n_jobs=1)
    whole = str(tmp_path / "whole.sqlite")
    run_study(spec, DATASET, database=whole, n_jobs=2)
    assert all_evaluations(database) == all_evaluations(whole)
    n_validation = 101 if "folds" in split else 61
    sizes = query(database, "SELECT n_train, n_validation, n_test FROM v_studies")
    assert sizes == [(301 - n_validation, n_validation, 60)]
    trained = train_best(selected_run(database, "tiny-grid", replicate=1), DATASET)
    assert trained.comparison.is_identical
    assert Cut(**trained.model.origin["cut"]).of(DATASET).sha256 == trained.model.data_sha256 != DATASET.sha256
    other = make_spec(fixed=NETWORK, space=SPACE, split={"folds": 4})
    with pytest.raises(StudyMismatchError, match="split"):
        run_study(other, DATASET, database=database, n_jobs=1)


@pytest.mark.parametrize("changes", [{"split": {"folds": 3}}, {"vary": ["split"], "replicates": 2}], ids=str)
def test_a_confirmation_draws_cuts_anew(database, changes):
    run_study(make_spec(space=SPACE, **changes), DATASET, database=database, n_jobs=1)
    source = confirmation(database, "tiny-grid", 1)
    spec, driver = confirmation_spec(source, 4), ConfirmDriver(source.ranked)
    run_study(spec, DATASET, database=database, n_jobs=1, driver=driver, name=source.name)
    cuts = query(database, "SELECT study, cut FROM v_runs")
    before = {cut for study, cut in cuts if study != source.name}
    after = [cut for study, cut in cuts if study == source.name]
    assert len(after) == 4
    assert len(set(after)) == (3 if "split" in changes else 4)
    assert before.isdisjoint(after)


def test_no_more_cuts_are_kept_than_memory_bears_or_workers_need(monkeypatch):
    monkeypatch.setattr("search.execution.cuts.memory_bytes", lambda: 0)
    cuts = Cuts(DATASET, 2)
    made = [cuts.of(Cut(seed)) for seed in range(3)]
    assert cuts.of(None) is DATASET
    assert cuts.of(Cut(2)) is made[2]
    assert cuts.of(Cut(1)) is made[1]
    again = cuts.of(Cut(0))
    assert again is not made[0]
    assert again.sha256 == made[0].sha256
