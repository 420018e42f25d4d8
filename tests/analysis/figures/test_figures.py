"""Figures: tables recomputed in another way; drawings are written, the same twice, or refused."""

import dataclasses
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.figures import drawing, one_factor
from analysis.figures.component_chain import chain
from analysis.figures.drawing import NAMES, compute, draw, module, svg
from analysis.figures.momentum_bowl import BETA, CURVATURE, descend
from analysis.figures.style import SPLITS, style
from analysis.studies import selected_runs
from analysis.tables import read_tables


def test_every_module_that_draws_is_on_the_list():
    folder = Path(drawing.__file__).parent
    modules = {file.stem: import_module(f"analysis.figures.{file.stem}") for file in folder.glob("[!_]*.py")}
    assert sorted(NAMES) == sorted(name for name, found in modules.items() if hasattr(found, "TITLE"))


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_offers_what_the_page_asks_for(name):
    figure = module(name)
    offered = [figure.TITLE, figure.REPORT, figure.table.__doc__, figure.draw.__doc__, figure.caption.__doc__]
    assert all(isinstance(text, str) for text in offered)


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


def expected_curve(tables, runs, metric, split):
    """Means over runs at each evaluation that all of them have."""
    wide = tables.curves_of(runs).pivot(index="k", columns="run_id", values=f"{split}_{metric}").dropna()
    return wide.mean(axis=1).to_numpy()


def shown_curve(table, metric, split):
    return table[(table["metric"] == metric) & (table["split"] == split)].sort_values("k")["mean"].to_numpy()


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
def test_curves_are_means_over_runs(tables, metric):
    linear, mlp, both = (module(name).table(tables) for name in ("linear_curves", "mlp_curves", "activation_curves"))
    sizes = tables.complete("ofat-hidden-size")
    reported = sizes[sizes["hidden_size"] == 100]
    relu, tanh = (reported[reported["activation"] == activation] for activation in ("relu", "tanh"))
    assert len(relu) == len(tanh) == 3
    for split in SPLITS:
        chosen = selected_runs(tables, "linear-grid")
        assert shown_curve(linear, metric, split) == pytest.approx(expected_curve(tables, chosen, metric, split))
        assert shown_curve(mlp, metric, split) == pytest.approx(expected_curve(tables, relu, metric, split))
    for activation, runs in (("relu", relu), ("tanh", tanh)):
        shown = shown_curve(both[both["activation"] == activation], metric, "test")
        assert shown == pytest.approx(expected_curve(tables, runs, metric, "test"))


def test_linear_curves_have_the_range_of_the_whole_grid_behind_them(tables):
    table = module("linear_curves").table(tables)
    curves = tables.curves_of(tables.complete("linear-grid"))
    row = table[(table["metric"] == "accuracy") & (table["split"] == "test") & (table["k"] == 5)].iloc[0]
    at = curves.loc[curves["k"] == 5, "test_accuracy"]
    assert (row["min"], row["max"]) == (at.min(), at.max())


def marks_of_the_report(tables):
    with style():
        figure = module("linear_accuracy").draw(module("linear_accuracy").table(tables))
    return [text.get_text() for text in figure.axes[0].texts if "report" in text.get_text()]


def test_marks_of_the_report_are_drawn_on_its_data_alone(tables, digits_database):
    assert marks_of_the_report(tables) == ["report:\nlowest 91.8 %", "report:\nmean 92.2 %"]
    assert marks_of_the_report(read_tables(digits_database)) == []


def test_expected_best_counts_the_diverged_trials_at_guessing(tables):
    runs = tables.runs.assign(state=tables.runs["state"].mask(tables.runs["study"] == "mlp-random", "complete"))
    lost = (runs["study"] == "mlp-random") & (runs["trial_number"] < 3)
    result = compute(
        "expected_best", dataclasses.replace(tables, runs=runs.assign(state=runs["state"].mask(lost, "diverged")))
    )
    values = np.where(lost, 0.1, runs["validation_accuracy"])[runs["study"] == "mlp-random"]
    first = result.table.iloc[0]
    assert (first["n_trials"], first["n_diverged"]) == (36, 3)
    assert first["expected"] == pytest.approx(values.mean())
    assert "3 diverged and counted at 10 %" in result.caption


def test_importance_is_refused_where_the_surrogate_predicts_nothing(tables):
    noise = np.random.default_rng(0).uniform(size=len(tables.runs))
    result = compute("importance", dataclasses.replace(tables, runs=tables.runs.assign(validation_accuracy=noise)))
    assert not result.drawn
    assert "R² is" in result.reason


def test_grid_effects_are_averages_of_test_accuracy_over_the_grid(tables):
    table = module("grid_effects").table(tables)
    runs = tables.complete("linear-grid")
    row = table[(table["term"] == "momentum") & (table["level"] == "True")].iloc[0]
    accuracy = runs["test_accuracy"]
    assert row["effect"] == pytest.approx(accuracy[runs["momentum"]].mean() - accuracy.mean())


def test_linear_against_mlp_rings_the_configuration_selected_on_validation(tables):
    table = module("linear_against_mlp").table(tables)
    for model, study in (("linear", "linear-grid"), ("MLP", "mlp-random")):
        (ringed,) = table.loc[table["selected"] & (table["model"] == model), "trial_number"]
        runs = tables.complete(study)
        assert ringed == runs.loc[runs["validation_accuracy"].idxmax(), "trial_number"]


def test_confirmation_compares_the_value_at_selection_with_fresh_seeds(tables):
    row = module("confirmation").table(tables).query("study == 'mlp-random' and rank == 1").iloc[0]
    runs = tables.complete("mlp-random")
    selected = runs.loc[runs["trial_number"] == row["trial_number"], "validation_accuracy"]
    again = tables.complete("mlp-random-confirm")
    fresh = again.loc[[attributes["rank"] == 1 for attributes in again["attributes"]], "validation_accuracy"]
    assert (row["selected"], row["mean"], row["n_runs"]) == (selected.mean(), pytest.approx(fresh.mean()), 8)
