"""Figures: tables recomputed in another way; drawings are written, the same twice, or refused."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.figures import one_factor
from analysis.figures.component_chain import chain
from analysis.figures.drawing import compute, draw, module, svg
from analysis.figures.momentum_bowl import BETA, CURVATURE, descend
from analysis.figures.style import style
from analysis.tables import read_tables


def test_expected_best_is_refused_for_an_adaptive_sampler(tables):
    adaptive = dataclasses.replace(tables, runs=tables.runs.assign(driver="optuna"))
    result = compute("expected_best", adaptive)
    assert (result.drawn, result.command) == (False, "")
    assert "independent draws" in result.reason


def test_momentum_bowl_follows_the_closed_form():
    # Plain descent on a quadratic: w_t = (1 − γ λ)^t w_0 in each direction.
    path = descend(0.01, 0.0, 20)
    t = np.arange(21)
    assert path[:, 0] == pytest.approx(path[0, 0] * (1 - 0.01) ** t)
    assert path[:, 1] == pytest.approx(path[0, 1] * (1 - 0.01 * CURVATURE) ** t)
    # With the average, the matrix of (w, v) has the eigenvalues that bound the decay.
    gain = 0.19 * CURVATURE
    radius = max(abs(np.linalg.eigvals([[1 - gain * (1 - BETA), -0.19 * BETA], [CURVATURE * (1 - BETA), BETA]])))
    assert radius == pytest.approx(np.sqrt(BETA))
    assert abs(descend(0.19, BETA, 400)[-1, 1]) < 1e-3 < abs(descend(0.021, 0.0, 400)[-1, 1])


def test_linear_accuracy_lists_every_configuration(tables):
    table = module("linear_accuracy").table(tables)
    runs = tables.complete("linear-grid")
    assert sorted(table["test_accuracy"]) == sorted(runs["test_accuracy"])
    assert table["binomial_error"].iloc[0] == pytest.approx(
        np.sqrt(table["test_accuracy"].iloc[0] * (1 - table["test_accuracy"].iloc[0]) / 10_000)
    )


def test_hidden_size_averages_replicates(tables):
    table = module("hidden_size").table(tables)
    runs = tables.complete("ofat-hidden-size")
    one = runs[(runs["activation"] == "tanh") & (runs["hidden_size"] == 40)]["test_accuracy"]
    row = table[(table["activation"] == "tanh") & (table["hidden_size"] == 40)].iloc[0]
    assert (row["mean"], row["n_runs"]) == (pytest.approx(one.mean()), 3)
    assert len(table) == 26


def test_momentum_effect_counts_evaluations(tables):
    table = module("momentum_effect").table(tables)
    curves = tables.curves.set_index(["run_id", "k"])["validation_accuracy"]
    for row in table.to_dict("records")[:4]:
        for run_id, k in ((row["run_id_high"], row["high"]), (row["run_id_low"], row["low"])):
            own = curves[run_id]
            assert own[own >= own.max() - 0.01 - 1e-12].index[0] == k


def test_learning_rate_response_counts_divergences(tables):
    runs = tables.runs.copy()
    mask = (runs["study"] == "linear-lr-wide") & (runs["learning_rate"] == 0.1)
    runs.loc[mask, "state"] = "diverged"
    result = compute("learning_rate_response", dataclasses.replace(tables, runs=runs))
    assert result.table.loc[result.table["learning_rate"] == 0.1, "n_diverged"].tolist() == [1, 1, 1, 1]
    with style():
        svg(draw(result))


def test_one_factor_is_the_paired_difference_to_the_baseline(tables):
    table = module("one_factor").table(tables)
    runs = tables.complete("ofat-activation").pivot(index="replicate", columns="activation", values="test_accuracy")
    row = table[table["study"] == "ofat-activation"].iloc[0]
    assert row["difference"] == pytest.approx((runs["tanh"] - runs["relu"]).mean())
    assert (row["level"], row["baseline"], row["n_pairs"]) == ("activation tanh", "activation relu", 8)


@pytest.mark.parametrize(
    ("differences", "far"),
    [
        ([-0.6, 0.01, -0.02, 0.002], [0]),
        ([0.01, -0.6, 0.5, -0.02, 0.002, 0.004], [1, 2]),
        ([-0.6, 0.5, -0.02, 0.002], []),
        ([-0.02, 0.01, 0.006], []),
        ([0.3], []),
    ],
)
def test_one_factor_sets_aside_what_would_hide_the_rest(differences, far):
    table = pd.DataFrame({"difference": differences, "low": np.nan, "high": np.nan})
    assert np.flatnonzero(one_factor.off_scale(table)).tolist() == far


def test_one_factor_draws_an_arrow_with_the_value(tables):
    table = one_factor.table(tables)
    columns = ["difference", "low", "high"]
    table.loc[2, columns] = -40 * table[columns].abs().max().max()
    figure = one_factor.draw(table)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert f"{100 * table.loc[2, 'difference']:+.1f} points".replace("-", "−") in words
    assert figure.axes[0].get_xlim()[0] > 100 * table.loc[2, "difference"] / 2
    assert "arrow" in one_factor.caption(table)


def test_component_chain_alternates_projection_and_activation():
    kinds = [part["kind"] for part in chain(2, 100, "relu", "784", "10")]
    assert kinds == ["input", "linear", "relu", "linear", "relu", "linear", "loss"]
    parameters = [part["parameters"] for part in chain(2, 100, "relu", "784", "10") if part["parameters"]]
    assert parameters == ["W1: 100 × 784\nb1: 100", "W2: 100 × 100\nb2: 100", "W3: 10 × 100\nb3: 10"]
    assert [part["kind"] for part in chain(0, 0, "relu", "64", "10")] == ["input", "linear", "loss"]


@pytest.mark.parametrize("name", ["linear_curves", "mlp_curves", "activation_curves"])
def test_curves_are_means_over_runs(tables, name):
    table = module(name).table(tables)
    curves = tables.curves[tables.curves["run_id"].isin(table.attrs["run_ids"])]
    row = table[(table["metric"] == "loss") & (table["split"] == "test") & (table["k"] == 5)].iloc[0]
    at = curves[curves["k"] == 5]["test_loss"]
    assert at.min() - 1e-12 <= row["mean"] <= at.max() + 1e-12


def test_mnist_marks_are_not_drawn_on_other_data(digits_database):
    table = module("linear_accuracy").table(read_tables(digits_database))
    with style():
        figure = module("linear_accuracy").draw(table)
    assert not [text for text in figure.axes[0].texts if "report" in text.get_text()]
