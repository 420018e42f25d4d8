"""One contract for every driver: inside the space, seeded, the same in another process, exhausted, extended."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.seeds import derive_seed
from search import run_study
from search.confirm import confirmation, confirmation_driver, confirmation_spec, confirmed_trials
from search.drivers import make_driver
from search.drivers.confirm import confirmation_seed
from search.space import Choices, SpecError
from search.spec import load_spec
from tests.search.helpers import make_spec, query

RANDOM = {
    "driver": "random",
    "trials": 12,
    "space": {
        "hidden_layers": [1, 2, 3],
        "hidden_size": {"low": 10, "high": 200, "scale": "log"},
        "learning_rate": {"low": 0.002, "high": 0.1, "scale": "log"},
        "activation": ["relu", "tanh"],
    },
}
OFAT = {
    "driver": "ofat",
    "fixed": {"hidden_layers": 1, "hidden_size": 8, "learning_rate": 0.01, "epochs": 1, "evaluations_per_epoch": 2},
    "space": {"hidden_size": [4, 8, 16], "learning_rate": [0.01, 0.1]},
    "by": {"activation": ["relu", "tanh"]},
}
SPECS = {"grid": {}, "random": RANDOM, "ofat": OFAT}


def plan(**changes):
    return list(make_driver(make_spec(**changes)).proposals({}, 0, 1))


@pytest.mark.parametrize("name", SPECS)
def test_driver_proposes_distinct_configurations_inside_the_space(name):
    spec = make_spec(**SPECS[name])
    proposals = plan(**SPECS[name])
    assert len({p.configuration.hash for p in proposals}) == len(proposals) > 0
    axes = spec.axes | spec.by_axes
    for proposal in proposals:
        for key, value in proposal.params.items():
            axis = axes[key]
            assert value in axis.values if isinstance(axis, Choices) else axis.low <= value <= axis.high
            assert getattr(proposal.configuration, key) == value


@pytest.mark.parametrize("name", SPECS)
def test_driver_plans_the_same_in_another_process(name):
    code = (
        "import json, sys; from search.drivers import make_driver; from tests.search.helpers import make_spec;"
        "ps = make_driver(make_spec(**json.loads(sys.argv[1]))).proposals({}, 0, 1);"
        "print(json.dumps([p.configuration.hash for p in ps]))"
    )
    command = [sys.executable, "-c", code, json.dumps(SPECS[name])]
    other = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert json.loads(other.stdout) == [p.configuration.hash for p in plan(**SPECS[name])]


@pytest.mark.parametrize("name", SPECS)
def test_driver_exhausts_and_its_study_runs_once(name, database, tiny):
    changes = dict(SPECS[name])
    if name == "random":
        changes |= {"trials": 3, "fixed": {"epochs": 1, "evaluations_per_epoch": 2}}
    spec = make_spec(**changes)
    first = run_study(spec, tiny, database=database, n_jobs=2)
    assert first.n_trained == first.n_trials == len(plan(**changes))
    assert run_study(spec, tiny, database=database, n_jobs=2).n_trained == 0


def test_random_plan_extends_without_changing_its_beginning():
    short, long = plan(**RANDOM), plan(**{**RANDOM, "trials": 30})
    assert [p.params for p in long[:12]] == [p.params for p in short]
    assert [p.params for p in plan(**{**RANDOM, "seed": 1})] != [p.params for p in short]


def test_random_ends_where_a_finite_space_is_used_up():
    finite = {"driver": "random", "trials": 50, "space": {"learning_rate": [0.1, 0.2], "momentum": [False, True]}}
    assert len(plan(**finite)) == 4


def test_random_draws_cover_a_log_range_evenly():
    drawn = [p.params["learning_rate"] for p in plan(**{**RANDOM, "trials": 2000})]
    share = np.mean(np.array(drawn) < np.sqrt(0.002 * 0.1))
    # Four standard errors of a fair coin thrown 2,000 times are 0.045.
    assert share == pytest.approx(0.5, abs=0.045)


def test_ofat_changes_one_factor_at_a_time():
    baseline = OFAT["fixed"]
    for proposal in plan(**OFAT):
        changed = [k for k in ("hidden_size", "learning_rate") if getattr(proposal.configuration, k) != baseline[k]]
        assert changed in ([], [proposal.attributes["factor"]])
    assert len(plan(**OFAT)) == 2 * (3 + 1)


def test_ofat_tries_nuisances_at_every_level():
    tuned = {**OFAT, "space": {"hidden_size": [4, 8]}, "by": {}, "nuisance": {"learning_rate": [0.01, 0.1]}}
    assert [(p.params["hidden_size"], p.params["learning_rate"]) for p in plan(**tuned)] == [
        (4, 0.01), (4, 0.1), (8, 0.01), (8, 0.1),
    ]  # fmt: skip


def test_ofat_needs_a_baseline():
    with pytest.raises(SpecError, match="baseline"):
        make_spec(driver="ofat", space={"hidden_size": [4, 8]})


def test_the_reports_random_search_draws_from_its_ranges(experiments):
    spec = load_spec(experiments / "mlp_random.yaml")
    proposals = list(make_driver(spec).proposals({}, 0, 1))
    assert len(proposals) == 50
    assert {p.configuration.hidden_layers for p in proposals} == {1, 2, 3}
    assert all(10 <= p.configuration.hidden_size <= 200 for p in proposals)


def test_confirmation_trains_the_best_again_with_fresh_seeds(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=2)
    source = confirmation(database, "tiny-grid", 2)
    assert source.name == "tiny-grid-confirm@tiny"
    spec = confirmation_spec(source, 3)
    result = run_study(spec, tiny, database=database, n_jobs=2, driver=confirmation_driver(source), name=source.name)
    assert (result.n_trials, result.n_trained) == (2, 6)
    seeds = dict(query(database, "SELECT seed, COUNT(*) FROM runs GROUP BY seed"))
    assert derive_seed(2022, 0) in seeds
    fresh = {derive_seed(confirmation_seed(2022), r) for r in range(3)}
    assert set(seeds) == fresh | {derive_seed(2022, 0)}
    rows = confirmed_trials(database, source.study, source.name)
    assert [r.source_trial_number for r in rows] == [t.trial_number for t in source.ranked]
    for row in rows:
        assert row.n_runs == 3
        assert row.test_interval[0] <= row.test <= row.test_interval[1]
    by_hand = query(
        database,
        "SELECT AVG(test_accuracy) FROM v_runs WHERE study = 'tiny-grid-confirm@tiny' AND trial_number = 0",
    )
    assert rows[0].test == pytest.approx(by_hand[0][0])
    again = confirmation(database, "tiny-grid", 2)
    assert run_study(
        confirmation_spec(again, 3), tiny, database=database, n_jobs=1,
        driver=confirmation_driver(again), name=again.name,
    ).n_trained == 0  # fmt: skip


FIDELITY = {
    "driver": "random",
    "trials": 9,
    "fixed": {"evaluations_per_epoch": 2},
    "space": {"learning_rate": {"low": 0.001, "high": 1.0, "scale": "log"}, "momentum": [False, True]},
    "fidelity": {"train_images": [40, 120, 240], "epochs": [1, 1, 2], "keep": "1/3"},
}


@pytest.mark.parametrize("jobs", [1, 2])
def test_halving_keeps_the_best_third_of_each_rung(database, tiny, jobs):
    run_study(make_spec(**FIDELITY), tiny, database=database, n_jobs=jobs)
    rows = query(
        database,
        "SELECT attributes, config, full_fidelity, validation_accuracy, validation_loss FROM v_runs ORDER BY run_id",
    )
    rungs = {0: [], 1: [], 2: []}
    for attributes, config, full, accuracy, loss in rows:
        attributes, config = json.loads(attributes), json.loads(config)
        rung = attributes["rung"]
        assert config["train_images"] == FIDELITY["fidelity"]["train_images"][rung]
        assert config["epochs"] == FIDELITY["fidelity"]["epochs"][rung]
        assert bool(full) == (rung == 2)
        rungs[rung].append((-accuracy, loss, attributes["candidate"]))
    assert [len(rungs[r]) for r in range(3)] == [9, 3, 1]
    for rung in (0, 1):
        best = {candidate for _, _, candidate in sorted(rungs[rung])[: len(rungs[rung + 1])]}
        assert {candidate for _, _, candidate in rungs[rung + 1]} == best
    assert query(database, "SELECT COUNT(DISTINCT trial_id) FROM v_selection_inputs") == [(1,)]
    assert run_study(make_spec(**FIDELITY), tiny, database=database, n_jobs=jobs).n_trained == 0


def test_halving_does_not_set_the_same_thing_twice():
    with pytest.raises(SpecError, match="set by fidelity"):
        make_spec(**{**FIDELITY, "fixed": {"epochs": 3}})
    with pytest.raises(SpecError, match="must not fall"):
        make_spec(**{**FIDELITY, "fidelity": {"train_images": [40, 20], "epochs": [1, 1]}})
