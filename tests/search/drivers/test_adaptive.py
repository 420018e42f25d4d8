"""Adaptive studies whole: on tiny data, in real SQLite files, interrupted, extended, pruned, with several workers."""

import importlib.util
import json
import signal
from dataclasses import replace

import optuna
import pytest

from search import run_study
from search.drivers.optuna import OptunaDriver
from search.drivers.samplers import SAMPLERS, MissingPackageError, require_packages
from search.execution.progress import SilentDisplay
from search.naming import study_name
from search.spec.space import SpecError
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
    assert len(all_evaluations(broken)) < len(all_evaluations(whole))
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


SHAPED = {
    "space": {"hidden_layers": [0, 1, 2], "hidden_size": {"low": 4, "high": 64, "scale": "log"}},
    "zip": [{"learning_rate": [0.01, 0.05, 0.2], "momentum": [True, False, False]}],
    "when": {"hidden_size": {"hidden_layers": [1, 2]}},
    "constraints": ["hidden_size * hidden_layers <= 48"],
}


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_zip_when_and_constraints_hold_and_an_extended_study_is_the_one_in_a_go(database, tmp_path, tiny, sampler):
    whole = str(tmp_path / "whole.sqlite")
    spec = adaptive(**SHAPED, sampler=sampler, trials=12)
    run_study(spec, tiny, database=whole, n_jobs=1)
    for n in (5, 12):
        run_study(spec.revised(trials=n), tiny, database=database, n_jobs=1)
    assert trials(database) == trials(whole)
    rows = set(zip(*SHAPED["zip"][0].values(), strict=True))
    for params, _, _ in trials(whole):
        assert (params["learning_rate"], params["momentum"]) in rows
        assert ("hidden_size" in params) == (params["hidden_layers"] > 0)
        assert params.get("hidden_size", 0) * params["hidden_layers"] <= 48
    mirror = optuna.load_study(study_name="tiny-grid@tiny", storage=f"sqlite:///{whole}")
    assert [trial.params for trial in mirror.trials] == [params for params, _, _ in trials(whole)]


class Witness(optuna.samplers.RandomSampler):
    """Draws at random, and notes what Optuna's study says of its trials when it is asked."""

    def __init__(self, seed, seen):
        super().__init__(seed=seed)
        self.seen = seen

    def infer_relative_search_space(self, study, trial):
        return trial.distributions

    def sample_relative(self, study, trial, search_space):
        self.seen[:] = study.get_trials()[: trial.number]
        return {}


@pytest.fixture
def told(monkeypatch):
    """What the sampler `tpe` was shown when it was last asked."""
    seen = []
    witness = replace(SAMPLERS["tpe"], make=lambda asking: Witness(asking.seed, seen))
    monkeypatch.setitem(SAMPLERS, "tpe", witness)
    return seen


def test_a_diverged_trial_is_told_as_guessing_and_a_failed_one_as_failed(told):
    study = Study(ADAPTIVE).run(states={3: "failed", 5: "diverged", 6: "pruned"}, stop_at=12)
    assert [t.state.name for t in told[3:7]] == ["FAIL", "COMPLETE", "COMPLETE", "PRUNED"]
    assert told[3].value is None
    assert told[5].value == 0.1  # ten classes
    assert told[4].value == study.outcomes[4].value
    for number in (4, 5, 6):
        assert told[number].intermediate_values == study.outcomes[number].curve
    for trial in told:
        assert trial.params.keys() == ADAPTIVE["space"].keys()


def test_a_diverged_trial_is_worth_what_guessing_among_its_classes_is(told):
    driver = OptunaDriver(make_spec(**ADAPTIVE), n_classes=4)
    (proposal,) = driver.proposals({}, 0, 1)
    driver.added(0, proposal, None)
    (second,) = driver.proposals({0: ends(driver, 0, proposal, "diverged")}, 1, 1)
    assert second != proposal
    assert [t.value for t in told] == [0.25]


def test_a_failed_trial_is_told_again_by_the_next_process(told):
    stored = Study(ADAPTIVE).run(states={3: "failed"}, stop_at=12).stored()
    stored[3] = (stored[3][0], None)
    in_training = Study(ADAPTIVE, stored)
    list(in_training.driver.proposals(in_training.outcomes, 12, 1))
    assert told[3].state.name == "RUNNING"
    ended = Study(ADAPTIVE, stored)
    ended.outcomes[3] = ends(ended.driver, 3, stored[3][0])
    list(ended.driver.proposals(ended.outcomes, 12, 1))
    assert told[3].value == ended.outcomes[3].value


def test_an_outcome_of_an_unknown_state_is_refused_by_name():
    study = Study(ADAPTIVE).run(stop_at=2)
    study.outcomes[1] = replace(study.outcomes[1], state="vanished")
    with pytest.raises(ValueError, match="trial 1: a trial cannot end as 'vanished'"):
        study.run(stop_at=3)


def test_a_repeated_configuration_is_told_what_is_known_of_it(told):
    finite = {**ADAPTIVE, "space": {"learning_rate": [0.01, 0.05, 0.2], "momentum": [False, True]}, "trials": 6}
    study = Study(finite).run(states={2: "diverged"})
    repeats = [repeat for trial in study.trials for repeat in trial.attributes.get("repeats", ())]
    assert repeats
    # Optuna's study has the trials and before each its repeats, in the order in which the sampler was asked.
    expected = []
    for number, trial in enumerate(study.trials):
        expected += [repeat["trial_number"] for repeat in trial.attributes.get("repeats", ())] + [number]
    values = {number: 0.1 if outcome.value is None else outcome.value for number, outcome in study.outcomes.items()}
    assert [t.value for t in told] == [values[number] for number in expected[: len(told)]]
    assert len(told) == len(expected) - 1


def test_a_sampler_learns_from_all_brackets_of_hyperband(told):
    study = Study({**ADAPTIVE, "pruner": "hyperband"}).run()
    assert len(told) == len(study.trials) - 1
    assert {"PRUNED", "COMPLETE"} == {t.state.name for t in told}


def reversed_outcome(outcome):
    """The outcome of a trial whose accuracies were the other way round."""
    value = None if outcome.value is None else 1 - outcome.value
    return replace(outcome, value=value, curve={k: 1 - v for k, v in outcome.curve.items()})


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
@pytest.mark.parametrize("state", ["complete", "pruned"])
def test_a_sampler_learns_from_the_trials_that_its_entry_says(sampler, state):
    """Two studies with opposite results propose the same, unless the sampler looks at these."""
    kind = SAMPLERS[sampler]
    if kind.package and importlib.util.find_spec(kind.package) is None:
        pytest.skip(f"{kind.package} is not installed")
    plans = []
    for seen in (lambda outcome: outcome, reversed_outcome):
        study = Study({**ADAPTIVE, "sampler": sampler, "pruner": "successive_halving"}).run(stop_at=2)
        while len(study.trials) < 16:
            number = len(study.trials)
            study.run(stop_at=number + 1, states={number: state})
            study.outcomes[number] = seen(study.outcomes[number])
        plans.append(study.plan)
    assert (plans[0] != plans[1]) == (state in kind.learns_from)


def test_a_proposal_that_was_not_taken_is_made_again():
    driver = OptunaDriver(make_spec(**ADAPTIVE), 10)
    first, second = (list(driver.proposals({}, 0, 1)) for _ in range(2))
    assert first == second
    assert list(OptunaDriver(make_spec(**ADAPTIVE), 10).proposals({}, 0, 0)) == []


def test_trials_outside_the_space_are_refused_by_name():
    study = Study(ADAPTIVE).run(stop_at=5)
    narrow = {**ADAPTIVE, "space": {**ADAPTIVE["space"], "activation": ["relu"]}}
    with pytest.raises(SpecError, match=r"trial \d is outside the space .* activation is 'tanh'"):
        Study(narrow, study.stored())


def test_an_axis_that_is_added_takes_the_value_that_was_used(told):
    stored = Study(ADAPTIVE).run(stop_at=5).stored()
    wider = {**ADAPTIVE, "space": {**ADAPTIVE["space"], "momentum": [False, True]}}
    Study(wider, stored).run(stop_at=6)
    assert [t.params["momentum"] for t in told] == [False] * 5


def test_another_sampler_is_another_study(database, tiny):
    spec = adaptive(trials=2)
    assert study_name(spec.revised(sampler="qmc"), tiny) == "tiny-grid-qmc@tiny"
    assert study_name(spec.revised(sampler="tpe"), tiny) == "tiny-grid@tiny"
    run_study(spec, tiny, database=database, n_jobs=1)
    for change in ({"sampler": "qmc"}, {"pruner": "hyperband"}):
        with pytest.raises(StudyMismatchError, match=next(iter(change))):
            run_study(adaptive(trials=2, **change), tiny, database=database, n_jobs=1)


def test_a_missing_package_is_named_before_anything_is_written(tmp_path, tiny, monkeypatch):
    monkeypatch.setitem(SAMPLERS, "gp", replace(SAMPLERS["gp"], package="no_such_package"))
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
