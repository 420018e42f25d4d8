"""What each driver does of its own; what all of them must do is in test_driver_contract.py."""

import json
from typing import get_args

import numpy as np
import pytest

from search import run_study
from search.drivers import DRIVERS, make_driver
from search.drivers.pruning import PRUNERS, make_pruner
from search.drivers.samplers import SAMPLERS, find_sampler
from search.spec import meaning
from search.spec.fits import corners
from search.spec.space import SpecError
from search.spec.study import StudySpec, load_spec
from tests.search.helpers import make_spec, query
from tests.search.simulation import FIDELITY, OFAT, RANDOM

SPECS = {"grid": {}, "random": RANDOM, "ofat": OFAT}


def plan(**changes):
    return list(make_driver(make_spec(**changes), 10).proposals({}, 0, 1))


@pytest.mark.parametrize("name", SPECS)
def test_driver_exhausts_and_its_study_runs_once(name, database, tiny):
    changes = dict(SPECS[name])
    if name == "random":
        changes |= {"trials": 3, "fixed": {"epochs": 1, "evaluations_per_epoch": 2}}
    spec = make_spec(**changes)
    first = run_study(spec, tiny, database=database, n_jobs=2)
    assert first.n_trained == first.n_trials == len(plan(**changes))
    assert run_study(spec, tiny, database=database, n_jobs=2).n_trained == 0


def test_every_name_that_a_study_file_can_have_has_an_entry():
    def named(field):
        types = get_args(StudySpec.model_fields[field].annotation)
        return {name for part in types for name in (get_args(part) or [part]) if isinstance(name, str)}

    assert named("driver") == set(DRIVERS) == set(meaning.DRIVERS)
    assert named("sampler") == set(SAMPLERS)
    assert named("pruner") == set(PRUNERS)


def test_a_name_without_an_entry_is_refused_by_name():
    """A driver, sampler or pruner that the spec learns of, and its table does not, is never taken for another."""
    unknown = StudySpec.model_construct(driver="annealing", sampler="annealing", pruner="annealing")
    with pytest.raises(SpecError, match="no driver 'annealing'; known are grid, "):
        make_driver(unknown, 10)
    with pytest.raises(SpecError, match="no driver 'annealing'; known are grid, "):
        meaning.n_planned(unknown)
    with pytest.raises(SpecError, match="no driver 'annealing'"):
        corners(unknown)
    with pytest.raises(SpecError, match="no sampler 'annealing'; known are tpe"):
        find_sampler(unknown.sampler)
    with pytest.raises(SpecError, match="no pruner 'annealing'; known are none"):
        make_pruner(unknown)


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
    proposals = list(make_driver(spec, 10).proposals({}, 0, 1))
    assert len(proposals) == 50
    assert {p.configuration.hidden_layers for p in proposals} == {1, 2, 3}
    assert all(10 <= p.configuration.hidden_size <= 200 for p in proposals)


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
