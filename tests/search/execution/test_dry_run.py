"""A dry run says what the command then does, and leaves no trace."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from engine.configuration import DOMAINS, Configuration
from engine.implementations import without_kernel
from search import run_study
from search.drivers import make_driver
from search.execution.dry_run import dry_run, wall_time
from search.execution.progress import SilentDisplay
from search.execution.speed import MOST_KINDS, NOT_SPEED, estimate, kind_of
from search.store.location import DatabaseUnusableError
from search.store.writing import StudyMismatchError
from tests.search.helpers import make_spec
from tests.search.simulation import ADAPTIVE, FIDELITY

SPECS = [
    pytest.param({}, id="grid"),
    pytest.param({"replicates": 3}, id="replicates"),
    pytest.param(FIDELITY, id="halving"),
    pytest.param({**ADAPTIVE, "trials": 5}, id="adaptive"),
]


class CtrlC(SilentDisplay):
    """Presses Ctrl-C once, when a number of evaluations has been made."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def update(self, counts):
        if self.at and counts.evaluations_done >= self.at:
            self.at = None
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("changes", SPECS)
def test_the_runs_foretold_are_those_that_are_trained(database, tiny, changes):
    spec = make_spec(**changes)
    before = dry_run(spec, tiny, database=database, n_jobs=2)
    assert not Path(database).exists()
    assert before.n_runs_done == 0
    result = run_study(spec, tiny, database=database, n_jobs=2)
    assert before.n_runs_to_do == result.n_trained
    assert len(before.trials) + before.n_to_come == result.n_trials
    assert before.seconds > 0
    after = dry_run(spec, tiny, database=database, n_jobs=2)
    assert (after.n_runs_done, after.n_runs_to_do, after.n_to_come, after.seconds) == (result.n_trained, 0, 0, 0)


def test_an_interrupted_study_is_foretold_from_where_it_stands(database, tiny):
    spec = make_spec(fixed={"hidden_layers": 1, "hidden_size": 4, "epochs": 2, "evaluations_per_epoch": 3})
    run_study(spec, tiny, database=database, n_jobs=1, display=CtrlC(at=8))
    found = dry_run(spec, tiny, database=database, n_jobs=1)
    assert (found.n_runs_done, found.n_runs_to_do, found.n_resumed) == (1, 5, 1)
    assert [trial.state for trial in found.trials].count("interrupted") == 1
    assert run_study(spec, tiny, database=database, n_jobs=1).n_trained == 5


def test_more_values_are_new_trials(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    wider = make_spec(space={"learning_rate": [0.01, 0.02, 0.05, 0.2], "momentum": [False, True]})
    found = dry_run(wider, tiny, database=database, n_jobs=1)
    assert [trial.state for trial in found.trials] == ["complete"] * 6 + ["new"] * 2
    assert {trial.params["learning_rate"] for trial in found.trials if trial.n_to_do} == {0.02}


def test_halving_foretells_each_rung_until_it_is_known():
    driver = make_driver(make_spec(**FIDELITY), 4)
    to_come = driver.outlook({}, 9)
    assert [p.attributes["rung"] for p in to_come] == [1, 1, 1, 2]
    assert [p.configuration.train_images for p in to_come] == [120, 120, 120, 240]


def test_another_study_under_the_same_name_is_refused_before_anything_runs(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    with pytest.raises(StudyMismatchError, match="epochs"):
        dry_run(make_spec(fixed={"epochs": 1, "evaluations_per_epoch": 3}), tiny, database=database, n_jobs=1)


def test_a_file_that_is_no_database_is_refused(tmp_path, tiny):
    file = tmp_path / "text.sqlite"
    file.write_text("no database, but long enough to be taken for one " * 30)
    with pytest.raises(DatabaseUnusableError, match="cannot be used"):
        dry_run(make_spec(), tiny, database=file, n_jobs=1)


def test_each_kind_of_run_is_measured_once_and_many_kinds_are_sampled(tiny):
    wide, narrow = Configuration(hidden_layers=1, hidden_size=30), Configuration(hidden_layers=1, hidden_size=3)
    found = estimate([([wide], 0), ([narrow], 0), ([Configuration(**{**wide.as_dict(), "epochs": 10})], 0)], tiny)
    assert (found.n_measured, found.n_kinds) == (2, 2)
    assert found.seconds[2] == pytest.approx(2 * found.seconds[0])
    half = estimate([([wide], 0), ([wide], wide.n_evaluations // 2)], tiny)
    assert half.seconds[1] == pytest.approx(half.seconds[0] * 13 / 25)
    many = [([Configuration(hidden_layers=1, hidden_size=size)], 0) for size in range(1, 2 * MOST_KINDS + 2)]
    sampled = estimate(many, tiny)
    assert sampled.n_measured <= MOST_KINDS < sampled.n_kinds
    assert len(sampled.seconds) == len(many)
    assert min(sampled.seconds) > 0
    one = [([Configuration(hidden_layers=1, hidden_size=3, batch_size=8, optimizer="adam")], 0)]
    assert [estimate(many[:n] + one + many[n:], tiny).without_kernel for n in (1, 2)] == [("optimizer",)] * 2


def test_what_no_kernel_trains_is_named_with_its_cost(tiny):
    by_components = Configuration(hidden_layers=1, hidden_size=9, batch_size=2, optimizer="adam", activation="gelu")
    smoothed = Configuration(label_smoothing=0.1)
    for runs in ([Configuration(), smoothed], [smoothed, Configuration()]):
        both = estimate([([run], 0) for run in runs], tiny)
        assert (both.n_kinds, both.without_kernel) == (2, ("label_smoothing",))
    found = estimate([([Configuration()], 0), ([by_components], 0)], tiny)
    assert found.without_kernel == ("optimizer", "activation")
    assert found.slower > 1
    assert estimate([([Configuration()], 0)], tiny).without_kernel == ()


def test_what_decides_speed_is_a_kind_and_nothing_else():
    base = Configuration(hidden_layers=2)
    same = Configuration(hidden_layers=2, learning_rate=0.5, epochs=9, decay="cosine")
    assert kind_of([base]) == kind_of([same])
    others = [{"hidden_size": 9}, {"batch_size": 8}, {"momentum": True}, {"dropout_input": 0.1}, {"dtype": "float64"}]
    assert len({kind_of([Configuration(**{"hidden_layers": 2, **other})]) for other in [{}, *others]}) == 6
    assert kind_of([Configuration()]) != kind_of([Configuration()] * 2)


def test_what_is_known_not_to_decide_speed_is_a_hyperparameter():
    assert DOMAINS.keys() >= NOT_SPEED


@pytest.mark.parametrize("name", DOMAINS)
def test_a_hyperparameter_decides_speed_unless_it_is_known_not_to(name):
    context = {
        "optimizer": {"momentum": False}, "adam_beta2": {"momentum": False, "optimizer": "adam"},
        "batch_norm": {"batch_size": 8}, "adversarial_norm": {"adversarial": 0.5}, "hidden_sizes": {"hidden_layers": 0},
    }  # fmt: skip
    base = Configuration(**{"hidden_layers": 2, "momentum": True, "decay": "halve_on_decrease"} | context.get(name, {}))
    domain, value = DOMAINS[name], getattr(base, name)
    others = [word for word in domain.choices if word != value]
    other = others[0] if others else {bool: not value, int: (value or 1) + 1, float: 0.25, str: [9, 7]}[domain.kind]
    changed = replace(base, **{name: other})
    assert (kind_of([base]) == kind_of([changed])) == (name in NOT_SPEED)
    assert name not in NOT_SPEED or without_kernel(base) == without_kernel(changed)


def test_wall_time_gives_each_unit_to_the_worker_that_is_free_first():
    assert wall_time([3, 1, 1, 1], 2) == 3
    assert wall_time([1, 1, 1, 3], 2) == 4
    assert wall_time([], 3) == 0
