"""What the replicates of a study draw: held, varied together, crossed, and on which cut."""

import pytest

from engine.configuration import Configuration
from engine.cuts import Cut
from engine.seeds import Seeds, derive_seed
from engine.training import initial_state, train_segment
from search.spec.replication import draws_of
from search.spec.space import SpecError
from tests.conftest import make_dataset
from tests.search.helpers import make_spec

DROPOUT = {"fixed": {"epochs": 1, "dropout_input": 0.1}}
SEED = 2022
CLAIM = {"claim": "It learns.", "level": {"of": "every run", "at_least": 0.1}}


def s(level):
    return derive_seed(SEED, level)


def test_without_a_word_a_replicate_has_the_one_seed_it_always_had():
    found = draws_of(make_spec(replicates=3))
    assert [(r.number, r.seed, r.cut) for r in found] == [(0, s(0), None), (1, s(1), None), (2, s(2), None)]
    assert found[2].levels == {"initialisation": 2, "order": 2, "dropout": 2}


def test_what_is_not_varied_is_held_at_the_first_replicates():
    found = draws_of(make_spec(replicates=3, vary=["order"]))
    assert [r.seed for r in found] == [s(0), Seeds(s(0), s(1), s(0)), Seeds(s(0), s(2), s(0))]
    assert found[2].levels == {"initialisation": 0, "order": 2, "dropout": 0}
    everything = draws_of(make_spec(replicates=3, vary=["dropout", "order", "initialisation"]))
    assert everything == draws_of(make_spec(replicates=3))


def test_a_crossed_study_has_every_level_with_every_other_numbered_from_0():
    spec = make_spec(vary={"order": 2, "split": 3})
    assert spec.replicates == 6
    found = draws_of(spec)
    assert [r.number for r in found] == list(range(6))
    assert [(r.levels["split"], r.levels["order"]) for r in found] == [(i, j) for i in range(3) for j in range(2)]
    assert {r.levels["initialisation"] for r in found} == {0}
    assert [r.cut for r in found] == [Cut(s(i)) for i in (0, 0, 1, 1, 2, 2)]
    assert found[3].seed == Seeds(s(0), s(1), s(0))
    assert spec.revised(trials=None) == spec


def test_replicate_r_is_trained_on_cut_r_and_begins_again_after_the_last():
    folds = draws_of(make_spec(split={"folds": 3}, replicates=4))
    assert [r.cut for r in folds] == [Cut(s(0), 3, i) for i in (0, 1, 2, 0)]
    assert [r.seed for r in folds] == [s(0), s(1), s(2), s(3)]
    assert make_spec(split={"folds": 3}).replicates == make_spec(split={"resample": 3}).replicates == 3
    resampled = draws_of(make_spec(split={"resample": 2}, replicates=3))
    assert [(r.cut, r.levels["split"]) for r in resampled] == [(Cut(s(0)), 0), (Cut(s(1)), 1), (Cut(s(0)), 0)]
    varied = draws_of(make_spec(vary=["split"], replicates=3))
    assert [(r.cut, r.seed) for r in varied] == [(Cut(s(i)), s(0)) for i in range(3)]
    held = draws_of(make_spec(vary=["order"], split={"folds": 3}, replicates=2))
    assert [r.cut.fold for r in held] == [0, 0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"vary": ["weather"]}, "vary: the streams are split, initialisation, order, dropout, each once.*'weather'"),
        ({"vary": ["order", "order"]}, "each once, but got 'order'"),
        ({"vary": []}, r"vary: must be a list of streams, as in \[order\]"),
        ({"vary": "order"}, "vary: must be a list of streams"),
        ({"vary": {"order": 0}}, "vary: order: levels >= 1 and <= 10,000 must hold, but got 0"),
        ({"vary": {"order": True}}, "levels >= 1"),
        ({"vary": {"order": 4, "split": 4}, "replicates": 5}, "replicates: follow from vary .4 of order × 4 of split"),
        ({"vary": {"order": 1000, "split": 1000}}, "at most 10,000 runs"),
        ({"vary": {"dropout": 2}}, "drops anything or adds noise.*one of dropout_input, .*noise_hidden, or leave"),
        ({"vary": ["dropout"], "replicates": 2}, "no trial drops anything"),
        ({"vary": {"split": 4}, "split": {"folds": 3}}, "4 cuts are to be crossed, but split has folds: 3.*vary.split"),
        ({"vary": {"split": 4}, "claims": [CLAIM]}, "a crossed study says whose the noise is.*claims"),
        ({"split": {"folds": 1}}, "split: folds >= 2 and <= 10,000 must hold, but got 1"),
        ({"split": {"folds": 5, "resample": 5}}, r"split: must be \{folds: 5\} or \{resample: 5\}"),
        ({"split": 5}, r"split: must be \{folds: 5\}"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said(changes, says):
    with pytest.raises(SpecError, match=says):
        make_spec(**changes)


def test_dropout_is_varied_where_something_is_dropped():
    assert len(draws_of(make_spec(vary={"dropout": 2}, **DROPOUT))) == 2
    spec = make_spec(vary=["dropout"], replicates=2, space={"dropout_input": [0.0, 0.1]})
    assert [r.levels["dropout"] for r in draws_of(spec)] == [0, 1]


@pytest.mark.parametrize("name", ["noise_input", "noise_hidden"])
def test_noise_is_varied_with_dropout(name, tiny):
    fixed = {"epochs": 1, "evaluations_per_epoch": 1, "hidden_layers": 1, "hidden_size": 5, name: 0.3}
    draws = draws_of(make_spec(vary=["dropout"], replicates=2, fixed=fixed))
    starts = [initial_state(Configuration(**fixed), draw.seed, tiny) for draw in draws]
    assert starts[0].parameters[0].tobytes() == starts[1].parameters[0].tobytes()
    ends = [train_segment(start, tiny)[1] for start in starts]
    assert ends[0].loss != ends[1].loss


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"split": {"folds": 302}}, "folds <= 300 must hold for this data set, but got 302.*split"),
        ({"split": {"folds": 2}, "fixed": {"train_images": 200}}, "train_images <= 150 must hold for this data set"),
    ],
)
def test_a_cut_that_the_data_cannot_give_is_found_before_training(database, changes, says):
    from search import run_study

    with pytest.raises(SpecError, match=says):
        run_study(make_spec(**changes), make_dataset(), database=database, n_jobs=1)
