"""What a study offers, whatever it is called."""

import dataclasses
import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from analysis.errors import NotApplicableError, NothingThereError
from analysis.studies import read_studies
from benchmarks import synthetic
from tests.analysis.figures.conftest import among, learned, study


def named(studies, name):
    return next(each for each in studies if each.name == name)


def two_axes(**keys):
    space = {"hidden_size": [8, 16, 64], "dropout_hidden": [0.0, 0.2, 0.5]}
    return study("own", "grid", space, learned, replicates=2, **keys)


def test_axes_are_what_complete_runs_vary_in_with_their_kind():
    space = {"learning_rate": [0.1, 0.001], "activation": ["tanh", "relu"], "momentum": [False, True], "epochs": [5]}
    found = study("own", "grid", space, lambda config, replicate: 0.9).axes
    assert [(axis.name, axis.levels, axis.is_number, axis.is_log) for axis in found] == [
        ("learning_rate", (0.001, 0.1), True, True),
        ("activation", ("tanh", "relu"), False, False),
        ("momentum", (False, True), False, False),
    ]
    with pytest.raises(NotApplicableError, match="must vary hidden_size, but its complete runs vary learning_rate"):
        study("own", "grid", space, lambda config, replicate: 0.9).axis("hidden_size")


def test_pairs_agree_in_every_other_axis_and_in_the_seed():
    own = two_axes()
    pairs = own.pairs(own.complete, "dropout_hidden", (0.5, 0.0), "test_accuracy")
    assert len(pairs) == 3 * 2
    runs = own.complete.set_index("run_id")
    for pair in pairs.itertuples():
        high, low = runs.loc[pair.run_id_high], runs.loc[pair.run_id_low]
        assert (high["hidden_size"], high["seed"]) == (low["hidden_size"], low["seed"])
    with pytest.raises(NotApplicableError, match=r"no two complete runs of own differ in dropout_hidden"):
        own.pairs(own.complete, "dropout_hidden", (0.9, 0.0), "test_accuracy")


def test_a_level_with_nuisance_settings_is_judged_at_its_best_on_validation():
    own = study("own", "ofat", {"activation": ["relu", "tanh"]}, lambda config, replicate: 0.9,
                fixed={"activation": "relu"}, replicates=2)  # fmt: skip
    runs = own.all_runs
    worse = runs.assign(
        trial_number=runs["trial_number"] + 2,
        run_id=runs["run_id"] + 100,
        validation_accuracy=runs["validation_accuracy"] - 0.01,
        test_accuracy=1.0,
    )
    spec = {**own.spec, "nuisance": {"learning_rate": [0.01, 0.1]}}
    both = dataclasses.replace(own, all_runs=pd.concat([runs, worse], ignore_index=True), spec=spec)
    assert sorted(both.settled["run_id"]) == sorted(runs["run_id"])


def test_the_selected_configuration_is_judged_by_its_fresh_seeds(studies):
    search = named(studies, "mlp-random")
    number = int(search.selected["trial_number"])
    fresh = studies.chosen_runs(search)
    assert set(fresh["study"]) == {"mlp-random-confirm"}
    assert set(fresh["source_trial_number"]) == {number}
    without = dataclasses.replace(studies, everything=tuple(s for s in studies.everything if s.driver != "confirm"))
    assert set(without.chosen_runs(search)["trial_number"]) == {number}


def test_another_study_is_one_on_the_same_data(tmp_path):
    path = str(tmp_path / "seeds.sqlite")
    names = ("linear-grid", "mlp-random")
    for sample, seed in enumerate((9, 7)):
        synthetic.write(path, only=names, seed=seed, seed_suffix=True, sample=sample, n_random=3)
    synthetic.write(path, only=names, dataset="digits", n_random=3)
    studies = read_studies(path)
    for name in ("mlp-random#9", "mlp-random#7", "mlp-random@digits"):
        assert studies.beside(named(studies, name), "linear-grid").name == name.replace("mlp-random", "linear-grid")
    with pytest.raises(NothingThereError, match="nowhere is not in the database with the data of mlp-random#9"):
        studies.beside(named(studies, "mlp-random#9"), "nowhere")
    assert [s.name for s in read_studies(path, dataset="digits")] == ["linear-grid@digits", "mlp-random@digits"]
    assert [s.name for s in read_studies(path, study="mlp-random#7")] == ["mlp-random#7"]
    for wrong in ({"dataset": "svhn"}, {"study": "nowhere"}):
        with pytest.raises(LookupError, match=r"must be one of .* but got"):
            read_studies(path, **wrong)


def test_a_study_without_a_complete_run_says_what_to_type():
    own = two_axes()
    broken = dataclasses.replace(own, all_runs=own.all_runs.assign(state="failed"))
    assert not broken.has_results
    with pytest.raises(NothingThereError, match="study own has no complete run") as caught:
        _ = broken.complete
    assert caught.value.command == "digitsweep run own.yaml"
    assert among(broken).confirmation(broken) is None


def test_the_newest_frozen_choice_is_the_study_s(tmp_path):
    path = str(tmp_path / "one.sqlite")
    synthetic.write(path, only=("linear-grid",))
    with closing(sqlite3.connect(path)) as connection, connection:
        for trial in (3, 5):
            connection.execute(
                "INSERT INTO selections (study_id, trial_id, rule, validation_accuracy, validation_loss, n_trials, "
                "n_runs, inputs_sha256, selected_at) "
                f"SELECT study_id, trial_id, 'r', 0.9, 0.1, 32, 32, 'x', '2026-11-0{trial}' "
                f"FROM sweep_trials WHERE trial_number = {trial}"
            )
    (only,) = read_studies(path)
    assert (only.frozen["trial_number"], only.frozen["selected_at"]) == (5, "2026-11-05")
