"""The contract of every driver: inside the space, seeded, the same in another process, used up, not put off by
failures, extended without changing what there is, and resumed as if never interrupted."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from search.drivers import DRIVERS
from search.spec.space import Choices
from tests.search.helpers import make_spec
from tests.search.simulation import ADAPTIVE, FIDELITY, FINITE, OFAT, RANDOM, Study, simulate


def sampler(name, package=None, **changes):
    missing = package is not None and importlib.util.find_spec(package) is None
    marks = [pytest.mark.skipif(missing, reason=f"{package} is not installed")]
    if package == "torch":  # whose import takes seconds
        marks.append(pytest.mark.slow)
    spec = {**ADAPTIVE, "sampler": name, **changes}
    return pytest.param(spec, id="-".join([name, *([changes["pruner"]] if "pruner" in changes else [])]), marks=marks)


PLANNED = [
    pytest.param({}, id="grid"),
    pytest.param(RANDOM, id="random"),
    pytest.param(FIDELITY, id="halving"),
    pytest.param(OFAT, id="ofat"),
    pytest.param({"driver": "confirm"}, id="confirm"),
]
SAMPLERS = [
    sampler("tpe"),
    sampler("gp", "torch", trials=14),
    sampler("cmaes", "cmaes"),
    sampler("qmc"),
    sampler("nsgaii"),
]
PRUNED = [
    sampler("tpe", pruner="successive_halving"),
    sampler("cmaes", "cmaes", pruner="hyperband"),
    sampler("nsgaii", pruner="hyperband"),
]
every_driver = pytest.mark.parametrize("spec", PLANNED + SAMPLERS + PRUNED)
every_sampler = pytest.mark.parametrize("spec", SAMPLERS + PRUNED)


def test_every_driver_is_held_to_the_contract():
    held = {param.values[0].get("driver", "grid") for param in PLANNED + SAMPLERS + PRUNED}
    assert held == {*DRIVERS, "confirm"}


STATES = {1: "failed", 4: "diverged", 6: "failed", 11: "diverged"}


@every_driver
def test_driver_proposes_distinct_configurations_inside_the_space(spec):
    study = simulate(spec)
    assert len(set(study.plan)) == len(study.plan) > 0
    if spec.get("driver") == "confirm":
        return
    checked = make_spec(**spec)
    axes = checked.axes | checked.by_axes
    for proposal in study.trials:
        for name, value in proposal.params.items():
            axis = axes[name]
            assert value in axis.values if isinstance(axis, Choices) else axis.low <= value <= axis.high
            assert getattr(proposal.configuration, name) == value
        assert set(proposal.params) <= set(axes)
        json.dumps(proposal.attributes)


@every_driver
def test_driver_is_seeded(spec):
    assert simulate(spec).plan == simulate(spec).plan
    if spec.get("driver") in ("random", "optuna"):
        assert simulate({**spec, "seed": 1}).plan != simulate(spec).plan


@pytest.mark.slow
@every_driver
def test_driver_plans_the_same_in_another_process(spec):
    code = (
        "import json, sys; from tests.search.simulation import simulate;"
        "print(json.dumps(simulate(json.loads(sys.argv[1])).plan))"
    )
    command = [sys.executable, "-c", code, json.dumps(spec)]
    other = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True)
    assert json.loads(other.stdout) == simulate(spec).plan


@every_driver
def test_driver_survives_failed_and_diverged_trials(spec):
    study = simulate(spec, STATES)
    assert all(study.outcomes[n].state == state for n, state in STATES.items() if n < len(study.trials))
    if "fidelity" not in spec:
        assert len(study.trials) == len(simulate(spec).trials)


@pytest.mark.parametrize("spec", [pytest.param({"driver": "random"}, id="random"), *SAMPLERS])
def test_driver_ends_where_a_finite_space_is_used_up_and_says_so(spec):
    study = simulate({**spec, "space": FINITE, "trials": 50})
    assert len(study.trials) == 6
    assert [m for m in study.driver.messages(1) if "6 trials instead of 50" in m]
    assert study.driver.messages(1) == []
    assert len(study.run().trials) == 6


@pytest.mark.parametrize("spec", [pytest.param(RANDOM, id="random"), *SAMPLERS, *PRUNED])
def test_driver_extends_without_changing_what_there_is(spec):
    short = simulate({**spec, "trials": 12}, STATES)
    long = simulate({**spec, "trials": 14}, STATES)
    assert len(short.plan) == 12
    extended = Study({**spec, "trials": 14}, short.stored()).run()
    assert extended.plan == long.plan
    assert long.plan[:12] == short.plan


def test_grid_and_ofat_extend_by_levels():
    for spec, axis in (({}, "momentum"), (OFAT, "hidden_size")):
        space = make_spec(**spec).space
        fewer = {**spec, "space": {**space, axis: space[axis][:1]}}
        assert set(simulate(fewer).plan) < set(simulate(spec).plan)


@every_driver
def test_an_interrupted_study_goes_on_as_if_it_had_not_been(spec):
    whole = simulate(spec, STATES)
    for cut in {1, 5, 12, 13, 21} & set(range(len(whole.trials))):
        resumed = Study(spec, whole.stored(cut)).run(states=STATES)
        assert resumed.plan == whole.plan, cut
        assert [resumed.outcomes[n] for n in range(len(whole.plan))] == list(whole.outcomes.values()), cut


@every_sampler
def test_a_trial_interrupted_in_training_ends_before_the_next_is_proposed(spec):
    whole = simulate(spec, STATES)
    stored = whole.stored(13)
    stored[12] = (stored[12][0], None)
    resumed = Study(spec, stored)
    resumed.outcomes[12] = whole.outcomes[12]
    assert resumed.run(states=STATES).plan == whole.plan


@every_sampler
def test_workers_do_not_get_twins_and_their_study_resumes(spec):
    whole = Study(spec).run_three_workers(14)
    assert len(set(whole.plan)) == 14
    assert whole.trials[5].attributes["pending"] == [3, 4]
    resumed = Study(spec, whole.stored(12)[:10] + [(p, None) for p, _ in whole.stored(12)[10:]])
    assert resumed.run_three_workers(14).plan == whole.plan
