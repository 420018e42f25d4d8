"""Search health: each remark appears when its condition is made, and not otherwise."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.health import at_edge, health
from analysis.optimism import optimism
from analysis.trials import n_candidates


def named(studies, name):
    return next(study for study in studies if study.name == name)


def remarks(study, topic):
    return [r for r in health(study) if r.topic == topic]


@pytest.fixture
def grid_study(studies):
    return named(studies, "linear-grid")


@pytest.mark.parametrize(("chosen", "expected"), [(1, "lowest"), (2, ""), (4, "highest")])
def test_at_edge_of_few_values(chosen, expected):
    assert at_edge(pd.Series([1, 2, 3, 4]), chosen) == expected


def test_at_edge_of_many_values_is_their_outer_five_percent():
    values = pd.Series(np.arange(100.0))
    assert (at_edge(values, 97.0), at_edge(values, 90.0), at_edge(values, 3.0)) == ("highest", "", "lowest")


def test_divergence_names_the_runs(grid_study):
    mask = grid_study.all_runs["learning_rate"] > 0.01
    runs = grid_study.all_runs.assign(state=grid_study.all_runs["state"].mask(mask, "diverged"))
    (found,) = remarks(dataclasses.replace(grid_study, all_runs=runs), "divergence")
    assert found.concern
    assert found.run_ids == tuple(runs.loc[mask, "run_id"])
    assert f"{mask.sum()} of 32 runs" in found.sentence


def test_still_improving_compares_the_last_two_epochs(grid_study):
    rising = grid_study.all_curves.assign(validation_accuracy=0.5 + 0.01 * grid_study.all_curves["epoch"])
    (found,) = remarks(dataclasses.replace(grid_study, all_curves=rising), "still improving")
    assert found.concern
    assert len(found.run_ids) == 32
    flat = dataclasses.replace(grid_study, all_curves=rising.assign(validation_accuracy=0.9))
    assert not remarks(flat, "still improving")[0].concern


def test_seed_noise_is_unknown_without_replicates(studies, grid_study):
    assert remarks(grid_study, "seed noise")[0].sentence.startswith("One run per configuration")
    assert "degrees of freedom" in remarks(named(studies, "ofat-hidden-size"), "seed noise")[0].sentence


def test_runs_that_learned_nothing_are_named(grid_study):
    assert not remarks(grid_study, "learned nothing")
    runs = grid_study.all_runs
    mask = runs["learning_rate"] > 0.01
    lost = runs.assign(validation_accuracy=runs["validation_accuracy"].mask(mask, 0.11))
    (found,) = remarks(dataclasses.replace(grid_study, all_runs=lost), "learned nothing")
    assert found.run_ids == tuple(runs.loc[mask, "run_id"])
    assert f"learning rate {runs.loc[mask, 'learning_rate'].iloc[0]:.3g}." in found.sentence


def test_a_fidelity_study_is_as_wide_as_all_its_candidates(studies):
    study = named(studies, "mlp-fidelity")
    assert n_candidates(study.complete_at_any_fidelity) == 27
    assert optimism(study, studies)["n_trials"] == 27
    # The chosen rate is the highest of the last rung, yet far from the ends of what was tried on the first.
    runs = study.all_runs.copy()
    runs.loc[runs["full_fidelity"], "learning_rate"] = [0.01, 0.02, 0.03]
    runs.loc[runs["trial_number"] == study.selected["trial_number"], "learning_rate"] = 0.04
    runs.loc[~runs["full_fidelity"], "learning_rate"] = np.geomspace(1e-4, 1, 36)
    edges = remarks(dataclasses.replace(study, all_runs=runs), "edge")
    assert not [r for r in edges if "learning rate" in r.sentence]
    last = runs[runs["full_fidelity"]]
    edges = remarks(dataclasses.replace(study, all_runs=last), "edge")
    assert [r for r in edges if "learning rate" in r.sentence]
