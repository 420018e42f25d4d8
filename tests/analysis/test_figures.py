"""Figures: tables recomputed in another way; drawings are written, the same twice, or refused."""

import dataclasses
import inspect

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.evidence import CONTRADICTED, SUPPORTED
from analysis.figures import draw_all, one_factor
from analysis.figures.common import describe, one_factor_runs
from analysis.figures.component_chain import chain
from analysis.figures.drawing import FILE_NAMES, NAMES, compute, draw, module, svg
from analysis.figures.fidelity import kendall_interval
from analysis.figures.momentum_bowl import BETA, CURVATURE, descend
from analysis.figures.style import SPLITS, style
from analysis.mlp_evidence import small_sets
from analysis.tables import read_tables
from benchmarks import synthetic


@pytest.fixture(scope="module")
def drawn(synthetic_database, tmp_path_factory):
    return draw_all(synthetic_database, tmp_path_factory.mktemp("figures"))


def test_draw_all_writes_three_files_for_every_figure(drawn):
    assert [result.name for result in drawn if result.drawn] == list(NAMES)
    for result in drawn:
        assert [path.suffix for path in result.files] == [".svg", ".png", ".csv"]
        assert all(path.stat().st_size > 100 for path in result.files)
        assert result.caption.endswith(".")


def test_every_figure_but_the_computed_one_names_its_runs(drawn, tables):
    known = set(tables.runs["run_id"])
    for result in drawn:
        assert bool(result.run_ids) == (result.name != "momentum_bowl")
        assert set(result.run_ids) <= known


@pytest.mark.parametrize("name", ["linear_accuracy", "linear_against_mlp", "paired"])
def test_a_figure_computes_and_draws_apart(name):
    source = inspect.getsource(__import__(f"analysis.figures.{name}", fromlist=["x"]))
    assert "pyplot" not in source


def test_a_drawing_is_the_same_twice(tables):
    result = compute("decay_effect", tables)
    with style():
        assert svg(draw(result)) == svg(draw(result))


def test_from_one_study_the_others_are_left_out_with_their_command(digits_database, tmp_path):
    results = {result.name: result for result in draw_all(digits_database, tmp_path)}
    assert sorted(name for name, result in results.items() if result.drawn) == [
        "component_chain",
        "decay_effect",
        "grid_effects",
        "linear_accuracy",
        "linear_curves",
        "momentum_bowl",
        "momentum_effect",
    ]
    assert results["hidden_size"].command == "make ofat DATASET=digits"
    assert results["expected_best"].command == "make mlp-random N=50 DATASET=digits"
    assert not (tmp_path / f"{FILE_NAMES['hidden_size']}.svg").exists()


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


def test_a_configuration_is_described_with_what_the_report_did_not_have():
    config = pd.Series(synthetic.BASE)
    assert describe(config) == "2 × 100 relu, learning rate 0.01, momentum, halve on decrease"
    beyond = {
        "momentum_form": "heavy_ball",
        "epochs": 40,
        "batch_size": 64,
        "dropout_hidden": 0.3,
        "weight_decay": 1e-4,
    }
    assert describe(pd.Series(synthetic.BASE | beyond)) == (
        "2 × 100 relu, learning rate 0.01, heavy ball, halve on decrease, 40 epochs, batches of 64, "
        "dropout 0 (input) and 0.3 (hidden), weight decay 0.0001"
    )


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


def test_fidelity_agreement_is_kendalls_over_those_that_reached_both_rungs(tables):
    table = module("fidelity").table(tables)
    wide = table.pivot(index="candidate", columns="rung", values="accuracy")
    assert wide.notna().sum().tolist() == [27, 9, 3]
    both = wide[[0, 1]].dropna()
    row = table.iloc[0]
    assert (row["kendall_with"], row["kendall_candidates"]) == ("15,000 images for 5 epochs", 9)
    assert row["cost"] == pytest.approx((27 * 5_000 * 2 + 9 * 15_000 * 5 + 3 * 50_000 * 10) / (27 * 50_000 * 10))
    assert row["kendall"] == pytest.approx(stats.kendalltau(both[0], both[1]).statistic)
    assert row["place_of_winner"] == wide[0].rank(ascending=False)[wide[2].idxmax()]


@pytest.mark.parametrize("n", [12, 27])
def test_kendall_interval_is_scipys_tau_and_covers_it(n):
    rng = np.random.default_rng(n)
    tied = rng.integers(0, 4, (2, n))
    assert kendall_interval(*tied).estimate == pytest.approx(stats.kendalltau(*tied).statistic)
    rho, hits, n_simulations = 0.7, 0, 400
    for _ in range(n_simulations):
        z = rng.normal(size=(2, n))
        interval = kendall_interval(z[0], rho * z[0] + np.sqrt(1 - rho**2) * z[1])
        hits += interval.low <= 2 / np.pi * np.arcsin(rho) <= interval.high
    # Two binomial standard errors of 400 simulations (2.2 %) around 93 to 97 %.
    assert 0.93 - 0.022 <= hits / n_simulations <= 0.97 + 0.022


def test_fidelity_compares_all_candidates_where_the_random_search_has_them_too(tables):
    fidelity = tables.complete("mlp-fidelity", full_fidelity=False)
    smallest = fidelity[fidelity["epochs"] == 2]
    twins = smallest.assign(
        study="mlp-random",
        run_id=smallest["run_id"] + 10**6,
        config=[{**config, "train_images": None, "epochs": 5} for config in smallest["config"]],
        train_images=None,
        epochs=5,
        full_fidelity=True,
        validation_accuracy=0.5 + smallest["validation_accuracy"].rank() / 100,
    )
    runs = pd.concat([tables.runs[tables.runs["study"] != "mlp-random"], twins], ignore_index=True)
    with_twins = dataclasses.replace(tables, runs=runs)
    table = module("fidelity").table(with_twins)
    row = table.iloc[0]
    assert (row["kendall_candidates"], row["kendall_with"]) == (27, "50,000 images for 5 epochs in mlp-random")
    assert row["kendall"] == pytest.approx(1)
    assert set(twins["run_id"]) <= set(table.attrs["run_ids"])
    assert "27 candidates trained on both" in module("fidelity").caption(table)
    assert small_sets(with_twins).verdict == SUPPORTED
    flipped = runs.assign(
        validation_accuracy=np.where(
            runs["study"] == "mlp-random", 1 - runs["validation_accuracy"], runs["validation_accuracy"]
        )
    )
    assert small_sets(dataclasses.replace(tables, runs=flipped)).verdict == CONTRADICTED


def test_component_chain_alternates_projection_and_activation():
    kinds = [part["kind"] for part in chain(2, 100, "relu", "784")]
    assert kinds == ["input", "linear", "relu", "linear", "relu", "linear", "loss"]
    parameters = [part["parameters"] for part in chain(2, 100, "relu", "784") if part["parameters"]]
    assert parameters == ["W1: 100 × 784\nb1: 100", "W2: 100 × 100\nb2: 100", "W3: 10 × 100\nb3: 10"]
    assert [part["kind"] for part in chain(0, 0, "relu", "64")] == ["input", "linear", "loss"]


@pytest.mark.parametrize("name", ["linear_curves", "mlp_curves", "activation_curves"])
def test_curves_are_means_over_runs(tables, name):
    table = module(name).table(tables)
    curves = tables.curves[tables.curves["run_id"].isin(table.attrs["run_ids"])]
    row = table[(table["metric"] == "loss") & (table["split"] == "test") & (table["k"] == 5)].iloc[0]
    at = curves[curves["k"] == 5]["test_loss"]
    assert at.min() - 1e-12 <= row["mean"] <= at.max() + 1e-12


def test_figures_stay_drawable_with_one_run_per_level(tables, tmp_path):
    single = tables.runs[(tables.runs["replicate"] == 0)]
    for name in ("hidden_size", "one_factor", "activation_curves", "confirmation"):
        result = compute(name, dataclasses.replace(tables, runs=single))
        assert result.drawn
        with style():
            svg(draw(result))


def test_colours_differ_in_lightness():
    def lightness(color):
        r, g, b = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return 0.2126 * r**2.2 + 0.7152 * g**2.2 + 0.0722 * b**2.2

    values = sorted(lightness(look.color) for look in SPLITS.values())
    assert len({look.line for look in SPLITS.values()}) == len(SPLITS)
    assert values[-1] > 1.5 * values[0]


def test_mnist_marks_are_not_drawn_on_other_data(digits_database):
    table = module("linear_accuracy").table(read_tables(digits_database))
    with style():
        figure = module("linear_accuracy").draw(table)
    assert not [text for text in figure.axes[0].texts if "report" in text.get_text()]
