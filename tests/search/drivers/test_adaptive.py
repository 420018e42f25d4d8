"""Adaptive studies whole: on tiny data, in real SQLite files, interrupted, extended, pruned, with several workers."""

import importlib.util
import json
import signal
import warnings

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import CmaEsSampler, NSGAIISampler, TPESampler
from optuna.samplers._tpe import _truncnorm
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator
from optuna.trial import TrialState
from scipy.special import log_ndtr

from search import run_study
from search.drivers import samplers
from search.drivers.optuna import OptunaDriver
from search.drivers.parzen import ParzenEstimator
from search.drivers.samplers import MissingPackageError, require_packages
from search.execution.progress import SilentDisplay
from search.naming import study_name
from search.space import SpecError
from search.store.writing import StudyMismatchError
from tests.search.helpers import all_evaluations, make_spec, query
from tests.search.simulation import ADAPTIVE, Study, ends

SMALL = {
    "driver": "optuna",
    "trials": 14,
    "fixed": {"epochs": 3, "evaluations_per_epoch": 3},
    "space": {
        "hidden_layers": [0, 1, 2],
        "hidden_size": {"low": 4, "high": 16},
        "learning_rate": {"low": 0.001, "high": 1.0, "scale": "log"},
        "momentum": [False, True],
    },
}


def adaptive(**changes):
    return make_spec(**{**SMALL, **changes})


def trials(database):
    rows = query(database, "SELECT params, attributes, state FROM sweep_trials ORDER BY trial_number")
    return [(json.loads(params), json.loads(attributes), state) for params, attributes, state in rows]


class CtrlC(SilentDisplay):
    """Presses Ctrl-C once, when a number of evaluations has been made."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def update(self, counts):
        if counts.evaluations_done == self.at:
            self.at = None
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("sampler", ["tpe", "qmc", "nsgaii"])
@pytest.mark.parametrize("pruner", ["none", "hyperband"])
def test_an_interrupted_search_ends_as_an_uninterrupted_one(tmp_path, tiny, sampler, pruner):
    spec = adaptive(sampler=sampler, pruner=pruner)
    whole, broken = str(tmp_path / "whole.sqlite"), str(tmp_path / "broken.sqlite")
    run_study(spec, tiny, database=whole, n_jobs=1)
    interrupted = run_study(spec, tiny, database=broken, n_jobs=1, display=CtrlC(at=57 if pruner == "none" else 31))
    assert interrupted.interrupted
    assert "interrupted" in {state for _, _, state in trials(broken)}
    run_study(spec, tiny, database=broken, n_jobs=1)
    assert trials(broken) == trials(whole)
    assert len(trials(whole)) == 14
    assert all_evaluations(broken) == all_evaluations(whole)


def test_more_trials_go_on_as_if_asked_for_at_once(tmp_path, tiny):
    once, twice = str(tmp_path / "once.sqlite"), str(tmp_path / "twice.sqlite")
    run_study(adaptive(trials=15), tiny, database=once, n_jobs=1)
    assert run_study(adaptive(trials=11), tiny, database=twice, n_jobs=1).n_trials == 11
    assert run_study(adaptive(trials=15), tiny, database=twice, n_jobs=1).n_trained == 4
    assert trials(twice) == trials(once)
    assert run_study(adaptive(trials=15), tiny, database=twice, n_jobs=1).n_trained == 0


def test_several_jobs_make_n_trials_and_say_that_timing_matters(database, tiny):
    display = SilentDisplay()
    result = run_study(adaptive(), tiny, database=database, n_jobs=3, display=display)
    assert result.n_complete == 14
    assert [m for m in display.messages if "depend on timing" in m and "--jobs 1" in m]
    assert any(attributes.get("pending") for _, attributes, _ in trials(database))
    alone = SilentDisplay()
    run_study(adaptive(trials=15), tiny, database=database, n_jobs=1, display=alone)
    assert alone.messages == []


def test_a_study_stands_in_optunas_tables_as_it_was_searched(database, tiny):
    run_study(adaptive(pruner="successive_halving"), tiny, database=database, n_jobs=1)
    mirror = optuna.load_study(study_name="tiny-grid@tiny", storage=f"sqlite:///{database}")
    ours = dict(query(database, "SELECT trial_number, state FROM sweep_trials"))
    names = {"complete": "COMPLETE", "pruned": "PRUNED"}
    assert [t.state.name for t in mirror.trials] == [names[ours[t.number]] for t in mirror.trials]
    pruned = [t for t in mirror.trials if t.state.name == "PRUNED"]
    assert pruned
    assert all(t.value == t.intermediate_values[t.last_step] for t in pruned)
    learning_rate = mirror.trials[0].distributions["learning_rate"]
    assert learning_rate == optuna.distributions.FloatDistribution(0.001, 1.0, log=True)
    assert mirror.trials[0].distributions["hidden_size"] == optuna.distributions.IntDistribution(4, 16)
    for trial, (params, _, _) in zip(mirror.trials, trials(database), strict=True):
        assert trial.params == params


def test_pruned_trials_are_never_selected_nor_trained_again(database, tiny):
    spec = adaptive(pruner="successive_halving")
    result = run_study(spec, tiny, database=database, n_jobs=1)
    assert result.n_pruned >= 2
    assert result.n_pruned + result.n_complete == 14
    pruned = query(
        database,
        "SELECT r.state, COUNT(*), MAX(e.k) FROM sweep_trials t JOIN runs r ON r.trial_id = t.trial_id "
        "JOIN evaluations e ON e.run_id = r.run_id WHERE t.state = 'pruned' GROUP BY r.run_id",
    )
    # Rungs are at k = 1 and 3 (three splits each); k = 9 is the end.
    assert {(state, n, k) for state, n, k in pruned} <= {("pruned", 3, 1), ("pruned", 9, 3)}
    selectable = query(database, "SELECT COUNT(DISTINCT trial_id) FROM v_selection_inputs")
    assert selectable == [(result.n_complete,)]
    assert run_study(spec, tiny, database=database, n_jobs=1).n_trained == 0
    assert query(database, "SELECT COUNT(*) FROM checkpoints") == [(0,)]


@pytest.mark.parametrize("jobs", [1, 3])
def test_replicates_are_pruned_together_by_their_mean(database, tiny, jobs):
    spec = adaptive(pruner="successive_halving", replicates=3)
    result = run_study(spec, tiny, database=database, n_jobs=jobs)
    assert result.n_pruned >= 2
    states = query(
        database,
        "SELECT t.state, r.state, COUNT(*) FROM sweep_trials t JOIN runs r ON r.trial_id = t.trial_id GROUP BY 1, 2",
    )
    assert {(t, r) for t, r, _ in states} <= {("complete", "complete"), ("pruned", "complete"), ("pruned", "pruned")}
    assert {("pruned", "pruned"), ("complete", "complete")} <= {(t, r) for t, r, _ in states}
    again = run_study(spec, tiny, database=database, n_jobs=jobs)
    assert (again.n_trained, again.n_pruned) == (0, result.n_pruned)


def test_a_finite_space_ends_the_study_and_says_so(database, tiny):
    display = SilentDisplay()
    space = {"learning_rate": [0.01, 0.1], "momentum": [False, True]}
    result = run_study(adaptive(space=space), tiny, database=database, n_jobs=2, display=display)
    assert result.n_complete == 4
    assert [m for m in display.messages if "4 trials instead of 14" in m]


def test_failed_trials_are_tried_again_and_diverged_ones_are_not():
    study = Study(ADAPTIVE).run(states={3: "failed", 5: "diverged"}, stop_at=12)
    memory = study.driver._memory
    list(study.driver.proposals(study.outcomes, 12, 1))
    told = {t.number: (t.state.name, t.value) for t in memory.trials}
    assert told[3] == ("FAIL", None)
    assert told[5] == ("COMPLETE", 0.1)
    assert told[4] == ("COMPLETE", study.outcomes[4].value)
    assert memory.trials[4].intermediate_values == study.outcomes[4].curve
    # The next process trains trial 3 again: until then it is in training for the sampler, then complete.
    stored = study.stored()
    stored[3] = (stored[3][0], None)
    resumed = Study(ADAPTIVE, stored)
    list(resumed.driver.proposals(resumed.outcomes, 12, 1))
    assert resumed.driver._memory.trials[3].state.name == "RUNNING"
    resumed = Study(ADAPTIVE, stored)
    resumed.outcomes[3] = ends(resumed.driver, 3, stored[3][0])
    list(resumed.driver.proposals(resumed.outcomes, 12, 1))
    assert resumed.driver._memory.trials[3].value == resumed.outcomes[3].value


def test_a_repeated_configuration_is_told_what_is_known_of_it():
    finite = {**ADAPTIVE, "space": {"learning_rate": [0.01, 0.05, 0.2], "momentum": [False, True]}, "trials": 6}
    study = Study(finite).run(states={2: "diverged"})
    repeats = [repeat for trial in study.trials for repeat in trial.attributes.get("repeats", ())]
    assert repeats
    values = {number: outcome.value or 0.1 for number, outcome in study.outcomes.items()}
    told = [t.value for t in study.driver._memory.trials if t.value is not None]
    assert {values[repeat["trial_number"]] for repeat in repeats} <= set(told)
    assert len(study.driver._memory.trials) == 6 + len(repeats)


def test_a_proposal_that_was_not_taken_is_made_again():
    driver = OptunaDriver(make_spec(**ADAPTIVE))
    first, second = (list(driver.proposals({}, 0, 1)) for _ in range(2))
    assert first == second
    assert list(OptunaDriver(make_spec(**ADAPTIVE)).proposals({}, 0, 0)) == []


OPTUNAS = {"tpe": "TPESampler", "nsgaii": "NSGAIISampler", "cmaes": "CmaEsSampler"}
OPTIONS = {"nsgaii": {"population_size": 10}, "cmaes": {"warn_independent_sampling": False}}


def optunas(sampler, seed, **options):
    """Optuna's sampler as Optuna makes it."""
    if sampler == "cmaes":
        pytest.importorskip("cmaes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return getattr(optuna.samplers, OPTUNAS[sampler])(seed=seed, **OPTIONS.get(sampler, {}), **options)


def proposed(plain, study):
    """What Optuna proposes next, to be compared with ours."""
    asked = plain.ask(study.driver._code.distributions)
    params = study.driver._code.decode(asked.params)
    return asked, {k: pytest.approx(v) if isinstance(v, float) else v for k, v in params.items()}


@pytest.mark.parametrize(
    ("sampler", "pruner", "trials", "states"),
    [
        ("tpe", "none", 40, {2: "pruned", 5: "failed", 14: "pruned", 17: "diverged", 20: "pruned"}),
        ("tpe", "hyperband", 100, {5: "failed", 17: "diverged"}),
        ("nsgaii", "none", 90, {5: "failed", 17: "diverged", 30: "failed"}),
        ("nsgaii", "successive_halving", 90, {5: "failed", 17: "diverged"}),
        ("cmaes", "none", 60, {0: "failed", 5: "failed", 17: "diverged", 30: "failed"}),
        ("cmaes", "hyperband", 60, {5: "failed", 17: "diverged", 30: "failed"}),
    ],
)
def test_the_shortcuts_propose_what_optuna_proposes(sampler, pruner, trials, states, monkeypatch):
    """The driver's proposals against those of the samplers as Optuna makes them, without this project's shortcuts."""
    options = {"consider_pruned_trials": True} if sampler == "cmaes" and pruner != "none" else {}
    optunas(sampler, 0, **options)
    study = Study({**ADAPTIVE, "sampler": sampler, "pruner": pruner, "trials": trials}).run(states=states)
    if pruner != "none":
        assert "pruned" in {outcome.state for outcome in study.outcomes.values()}
    single = np.frompyfunc(_truncnorm._log_ndtr_single, 1, 1)
    monkeypatch.setattr(_truncnorm, "_log_ndtr", lambda a: single(a).astype(float))
    plain = optuna.create_study(direction="maximize")
    for number, trial in enumerate(study.trials):
        repeats = trial.attributes.get("repeats", ())
        known = [(repeat["params"], repeat["trial_number"]) for repeat in repeats]
        for attempt, (params, told_as) in enumerate([*known, (trial.params, number)]):
            plain.sampler = optunas(sampler, study.driver._seed(number, attempt), **options)
            asked, expected = proposed(plain, study)
            assert params == expected
            outcome = study.outcomes[told_as]
            for k, accuracy in outcome.curve.items():
                asked.report(accuracy, k)
            if outcome.state in ("pruned", "failed"):
                state = {"pruned": TrialState.PRUNED, "failed": TrialState.FAIL}[outcome.state]
                plain.tell(asked, state=state)
            else:
                plain.tell(asked, 0.1 if outcome.state == "diverged" else outcome.value)


@pytest.mark.parametrize("sampler", ["tpe", "nsgaii", "cmaes"])
def test_with_trials_in_training_too_the_shortcuts_propose_what_optuna_proposes(sampler):
    optunas(sampler, 0)
    study = Study({**ADAPTIVE, "sampler": sampler, "trials": 60}).run_three_workers(60 if sampler != "tpe" else 26)
    plain = optuna.create_study(direction="maximize")
    places, told = {}, 0
    for number, trial in enumerate(study.trials):
        pending = trial.attributes.get("pending", [])
        assert pending == list(range(max(0, number - 2), number))
        for earlier in range(told, number - len(pending)):
            plain.tell(places[earlier], study.outcomes[earlier].value)
            told += 1
        for attempt, repeat in enumerate(trial.attributes.get("repeats", ())):
            plain.sampler = optunas(sampler, study.driver._seed(number, attempt))
            asked, expected = proposed(plain, study)
            assert repeat["params"] == expected
            known = repeat["trial_number"]
            if known < told:
                plain.tell(asked, study.outcomes[known].value)
            else:
                plain.tell(asked, state=TrialState.FAIL)
        plain.sampler = optunas(sampler, study.driver._seed(number, len(trial.attributes.get("repeats", ()))))
        asked, expected = proposed(plain, study)
        assert trial.params == expected
        places[number] = asked


@pytest.mark.parametrize("n", [0, 5, 300])
@pytest.mark.parametrize("names", ["abcdef", "bd", "ac", "e"])
def test_the_density_of_the_estimator_is_optunas(n, names, monkeypatch):
    """Equal and not close: where no trial is near, the best candidates are equally good but for rounding."""
    monkeypatch.setattr(_truncnorm, "_log_ndtr", log_ndtr)
    everything = {
        "a": FloatDistribution(0.002, 0.1, log=True),
        "b": IntDistribution(10, 200, log=True),
        "c": FloatDistribution(0.0, 0.5),
        "d": IntDistribution(0, 2),
        "e": CategoricalDistribution(["x", "y", "z"]),
        "f": FloatDistribution(0.0, 1.0, step=0.25),
    }
    space = {name: everything[name] for name in names}
    random = np.random.RandomState(n)
    drawn = {
        "a": np.exp(random.uniform(np.log(0.002), np.log(0.1), n)),
        "b": random.randint(10, 200, n).astype(float),
        "c": random.uniform(0, 0.5, n),
        "d": random.randint(0, 3, n).astype(float),
        "e": random.randint(0, 3, n).astype(float),
        "f": random.randint(0, 5, n) / 4,
    }
    seen = {name: drawn[name] for name in names}
    parameters = optuna.samplers.TPESampler()._parzen_estimator_parameters
    ours, theirs = (made(seen, space, parameters) for made in (ParzenEstimator, _ParzenEstimator))
    candidates = theirs.sample(np.random.RandomState(1), 24)
    if "a" in names:  # on the edge, and outside it by rounding and by more
        candidates["a"][:4] = [0.002, np.nextafter(0.002, 0), 0.1, 0.11]
    np.testing.assert_array_equal(ours.log_pdf(candidates), theirs.log_pdf(candidates))


def test_what_the_shortcuts_replace_is_still_there():
    replaced = {
        CmaEsSampler: ["_get_trials", "_attr_key_generation", "_attr_key_optimizer"],
        NSGAIISampler: ["get_trial_generation", "get_population", "get_parent_population", "select_parent"],
        TPESampler: ["_sample_relative", "_compute_acquisition_func", "_compare"],
        _ParzenEstimator: ["log_pdf"],
    }
    assert all(hasattr(owner, name) for owner, names in replaced.items() for name in names)


def test_trials_outside_the_space_are_refused_by_name():
    study = Study(ADAPTIVE).run(stop_at=5)
    narrow = {**ADAPTIVE, "space": {**ADAPTIVE["space"], "activation": ["relu"]}}
    with pytest.raises(SpecError, match=r"trial \d is outside the space .* activation is 'tanh'"):
        Study(narrow, study.stored())


def test_an_axis_that_is_added_takes_the_value_that_was_used():
    study = Study(ADAPTIVE).run(stop_at=5)
    wider = {**ADAPTIVE, "space": {**ADAPTIVE["space"], "momentum": [False, True]}}
    resumed = Study(wider, study.stored())
    assert {t.params["momentum"] for t in resumed.driver._memory.trials} == {False}


def test_another_sampler_is_another_study(database, tiny):
    spec = adaptive(trials=2)
    assert study_name(spec.revised(sampler="qmc"), tiny) == "tiny-grid-qmc@tiny"
    assert study_name(spec.revised(sampler="tpe"), tiny) == "tiny-grid@tiny"
    run_study(spec, tiny, database=database, n_jobs=1)
    for change in ({"sampler": "qmc"}, {"pruner": "hyperband"}):
        with pytest.raises(StudyMismatchError, match=next(iter(change))):
            run_study(adaptive(trials=2, **change), tiny, database=database, n_jobs=1)


def test_a_missing_package_is_named_before_anything_is_written(tmp_path, tiny, monkeypatch):
    monkeypatch.setitem(samplers.PACKAGES, "gp", "no_such_package")
    with pytest.raises(MissingPackageError, match=r"sampler gp needs the package no_such_package.*pip install no_such"):
        run_study(adaptive(sampler="gp"), tiny, database=tmp_path / "runs.sqlite", n_jobs=1)
    assert list(tmp_path.iterdir()) == []
    require_packages("tpe")


def test_a_space_that_asks_for_too_much_data_leaves_no_study(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    space = {**SMALL["space"], "train_images": {"low": 10, "high": 1000}}
    with pytest.raises(SpecError, match="train_images <= 240"):
        run_study(adaptive(study="greedy", space=space), tiny, database=database, n_jobs=1)
    assert query(database, "SELECT name FROM sweep_studies") == [("tiny-grid@tiny",)]


@pytest.mark.skipif(importlib.util.find_spec("cmaes") is None, reason="cmaes is not installed")
def test_cmaes_says_what_it_draws_at_random(database, tiny):
    display = SilentDisplay()
    run_study(adaptive(sampler="cmaes", trials=3), tiny, database=database, n_jobs=1, display=display)
    assert [m for m in display.messages if "draws at random: momentum" in m]
