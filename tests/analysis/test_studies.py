"""The runs that answer a question."""

import dataclasses

import pandas as pd
import pytest

from analysis.studies import best_runs, one_factor_runs
from analysis.tables import StudyMissingError
from analysis.trials import selected_trial


def test_the_selected_mlp_is_judged_by_its_fresh_seeds(tables):
    runs = tables.complete("mlp-random")
    number = int(selected_trial(runs)["trial_number"])
    best = best_runs(tables, "mlp-random")
    assert set(best["study"]) == {"mlp-random-confirm"}
    assert {attributes["source_trial_number"] for attributes in best["attributes"]} == {number}
    unconfirmed = dataclasses.replace(tables, runs=tables.runs[tables.runs["study"] != "mlp-random-confirm"])
    assert set(best_runs(unconfirmed, "mlp-random")["trial_number"]) == {number}
    assert set(best_runs(unconfirmed, "nowhere", "mlp-optuna")["study"]) == {"mlp-optuna"}
    with pytest.raises(StudyMissingError, match="nowhere"):
        best_runs(tables, "nowhere")


def test_a_level_with_nuisance_settings_is_judged_at_its_best_on_validation(tables):
    runs = tables.complete("ofat-activation")
    worse = runs.assign(
        trial_number=runs["trial_number"] + 2,
        run_id=runs["run_id"] + 10_000,
        validation_accuracy=runs["validation_accuracy"] - 0.01,
        test_accuracy=1.0,
    )
    both = pd.concat([runs, worse], ignore_index=True)
    both["attributes"] = [
        {**attributes, "nuisance": {"learning_rate": 0.01 if number < 2 else 0.1}}
        for attributes, number in zip(both["attributes"], both["trial_number"], strict=True)
    ]
    found = one_factor_runs(dataclasses.replace(tables, runs=both), "ofat-activation")
    assert sorted(found["run_id"]) == sorted(runs["run_id"])
