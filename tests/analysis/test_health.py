"""Search health: each remark appears when its condition is made, and not otherwise."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.health import at_edge, health
from analysis.optimism import optimism
from analysis.trials import n_candidates, selected_trial


def remark(tables, study, topic):
    return [r for r in health(tables) if (r.study, r.topic) == (study, topic)]


@pytest.mark.parametrize(("chosen", "expected"), [(1, "lowest"), (2, ""), (4, "highest")])
def test_at_edge_of_few_values(chosen, expected):
    assert at_edge(pd.Series([1, 2, 3, 4]), chosen) == expected


def test_at_edge_of_many_values_is_their_outer_five_percent():
    values = pd.Series(np.arange(100.0))
    assert (at_edge(values, 97.0), at_edge(values, 90.0), at_edge(values, 3.0)) == ("highest", "", "lowest")


def test_divergence_names_the_runs(tables):
    runs = tables.runs.copy()
    mask = (runs["study"] == "linear-grid") & (runs["learning_rate"] > 0.01)
    runs.loc[mask, "state"] = "diverged"
    (found,) = remark(dataclasses.replace(tables, runs=runs), "linear-grid", "divergence")
    assert found.concern
    assert found.run_ids == tuple(runs.loc[mask, "run_id"])
    assert f"{mask.sum()} of 32 runs" in found.sentence


def test_still_improving_compares_the_last_two_epochs(tables):
    curves = tables.curves.copy()
    curves["validation_accuracy"] = 0.5 + 0.01 * curves["epoch"]
    (found,) = remark(dataclasses.replace(tables, curves=curves), "linear-grid", "still improving")
    assert found.concern
    assert len(found.run_ids) == 32
    flat = dataclasses.replace(tables, curves=tables.curves.assign(validation_accuracy=0.9))
    assert not remark(flat, "linear-grid", "still improving")[0].concern


def test_seed_noise_is_unknown_without_replicates(tables):
    assert remark(tables, "linear-grid", "seed noise")[0].sentence.startswith("One run per configuration")
    assert "degrees of freedom" in remark(tables, "ofat-hidden-size", "seed noise")[0].sentence


def test_runs_that_learned_nothing_are_named(tables):
    assert not remark(tables, "linear-grid", "learned nothing")
    mask = (tables.runs["study"] == "linear-grid") & (tables.runs["learning_rate"] > 0.01)
    lost = tables.runs.assign(validation_accuracy=tables.runs["validation_accuracy"].mask(mask, 0.11))
    (found,) = remark(dataclasses.replace(tables, runs=lost), "linear-grid", "learned nothing")
    assert found.run_ids == tuple(tables.runs.loc[mask, "run_id"])
    assert f"learning rate {tables.runs.loc[mask, 'learning_rate'].iloc[0]:.3g}." in found.sentence


def test_a_fidelity_study_is_as_wide_as_all_its_candidates(tables):
    assert n_candidates(tables.complete("mlp-fidelity", full_fidelity=False)) == 27
    assert optimism(tables).set_index("study").loc["mlp-fidelity", "n_trials"] == 27
    # The chosen rate is the highest of the last rung, yet far from the ends of what was tried on the first.
    runs = tables.runs.copy()
    fidelity = runs["study"] == "mlp-fidelity"
    chosen = selected_trial(tables.complete("mlp-fidelity"))["trial_number"]
    runs.loc[fidelity & runs["full_fidelity"], "learning_rate"] = [0.01, 0.02, 0.03]
    runs.loc[fidelity & (runs["trial_number"] == chosen), "learning_rate"] = 0.04
    runs.loc[runs[fidelity & ~runs["full_fidelity"]].index, "learning_rate"] = np.geomspace(1e-4, 1, 36)
    edges = remark(dataclasses.replace(tables, runs=runs), "mlp-fidelity", "edge")
    assert not [r for r in edges if "learning_rate" in r.sentence]
    last = runs[~fidelity | runs["full_fidelity"]]
    edges = remark(dataclasses.replace(tables, runs=last), "mlp-fidelity", "edge")
    assert [r for r in edges if "learning_rate" in r.sentence]
