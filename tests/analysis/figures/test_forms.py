"""The table of each form, recomputed in another way; what is offered to which study; what is refused."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotApplicableError, NothingThereError
from analysis.figures import one_factor
from analysis.figures.component_chain import chain
from analysis.figures.drawing import FORMS
from analysis.figures.momentum_bowl import BETA, CURVATURE, descend
from analysis.figures.requests import REQUESTS, Response
from tests.analysis.figures.conftest import among, learned, study


def table_of(found, form, studies=None, **keys):
    return FORMS[form].table(found, studies or among(found), REQUESTS[form](**keys))


def offered(found, studies=None):
    return {
        name: [request.model_dump(exclude_defaults=True) for request in form.offers(found, studies or among(found))]
        for name, form in FORMS.items()
        if hasattr(form, "offers")
    }


def test_a_grid_is_offered_what_it_can_feed(grid):
    found = offered(grid)
    assert found["response"] == [
        {"axis": "hidden_size", "by": ["dropout_hidden"]},
        {"axis": "dropout_hidden", "by": ["hidden_size"]},
    ]
    assert [bool(found[name]) for name in ("interaction", "distribution", "curves", "pareto")] == [True] * 4
    assert not any(found[name] for name in ("paired", "one_factor", "expected_best", "importance", "confirmation"))


def test_two_levels_are_paired_and_words_are_lines(switched):
    found = offered(switched)
    assert sorted(request["factor"] for request in found["paired"]) == ["activation", "momentum"]
    assert found["response"] == [{"axis": "learning_rate", "by": ["momentum", "activation"]}]


def test_a_random_search_is_offered_what_needs_independent_draws(drawn, halved):
    found = offered(drawn)
    assert {request["axis"] for request in found["response"]} == {"hidden_size", "learning_rate"}
    assert found["expected_best"] == found["importance"] == [{}]
    assert not any(found[name] for name in ("paired", "interaction", "one_factor", "fidelity"))
    assert offered(halved)["fidelity"] == [{}]
    assert not offered(halved)["expected_best"]


def test_one_factor_at_a_time_is_offered_its_overview(one_by_one, grid, confirmed):
    assert offered(one_by_one)["one_factor"] == [{}]
    assert offered(grid, confirmed)["confirmation"] == [{}]


def test_response_averages_replicates_at_each_point(grid):
    found = table_of(grid, "response", axis="hidden_size", by=["dropout_hidden"])
    assert len(found) == 12
    row = found[(found["hidden_size"] == 40) & (found["dropout_hidden"] == 0.5)].iloc[0]
    config = {"hidden_size": 40, "dropout_hidden": 0.5}
    assert row["mean"] == pytest.approx(np.mean([learned(config, replicate) - 0.01 for replicate in range(3)]))
    assert (row["n_runs"], row["n_units"], row["method"]) == (3, 3, "Student's t")


def test_response_averages_what_it_does_not_draw_over_each_replicate(grid):
    found = table_of(grid, "response", axis="hidden_size", by=[])
    assert found["n_units"].tolist() == [3] * 4
    assert found["n_runs"].tolist() == [9] * 4


def test_response_counts_what_diverged(switched):
    found = table_of(switched, "response", axis="learning_rate", by=["momentum", "activation"])
    lost = found[found["mean"].isna()]
    assert lost["n_diverged"].tolist() == [1, 1]
    assert lost["learning_rate"].tolist() == [1.0, 1.0]
    assert "(2)" in FORMS["response"].caption(found)


def test_response_of_one_factor_stands_at_the_baseline_of_the_others():
    space = {"hidden_size": [10, 20, 40], "dropout_hidden": [0.0, 0.5]}
    found = study("both", "ofat", space, learned, fixed={"hidden_size": 20, "dropout_hidden": 0.0})
    points = table_of(found, "response", axis="hidden_size", by=[])
    assert points["mean"].tolist() == pytest.approx(
        [learned({"hidden_size": s, "dropout_hidden": 0.0}, 0) - 0.01 for s in (10, 20, 40)]
    )


def test_response_of_a_random_search_has_a_point_for_each_trial(drawn):
    found = table_of(drawn, "response", axis="hidden_size", by=["activation"])
    assert (len(found), found["drawn"].all(), found["low"].isna().all()) == (40, True, True)


def test_response_refuses_words_and_more_lines_than_can_be_told_apart(switched, grid):
    with pytest.raises(NotApplicableError, match="activation has words"):
        table_of(switched, "response", axis="activation")
    long = study("long", "grid", {"hidden_size": list(range(1, 9)), "dropout_hidden": [0.0, 0.1, 0.2]}, learned)
    with pytest.raises(NotApplicableError, match="at most 6 levels of hidden_size"):
        table_of(long, "response", axis="dropout_hidden", by=["hidden_size"])


def test_paired_is_the_mean_of_matched_differences(switched):
    found = table_of(switched, "paired", factor="momentum")
    runs = switched.complete.pivot(index=["learning_rate", "activation"], columns="momentum", values="test_accuracy")
    differences = (runs[True] - runs[False]).dropna()
    assert sorted(found["difference"]) == pytest.approx(sorted(differences))
    assert (found.attrs["level"], found.attrs["against"]) == (True, False)


def test_paired_takes_any_two_levels_in_either_order_and_any_metric(grid):
    request = {"factor": "dropout_hidden", "level": 0.0, "against": 0.5, "metric": "train_loss"}
    found = table_of(grid, "paired", **request)
    config = {"hidden_size": 80, "dropout_hidden": 0.0}
    expected = learned(config | {"dropout_hidden": 0.5}, 0) - learned(config, 0)
    assert found.loc[found["hidden_size"] == 80, "difference"].iloc[0] == pytest.approx(expected)
    assert (
        FORMS["paired"].title(grid, REQUESTS["paired"](**request)) == "Train loss by dropout of hidden units, 0 and 0.5"
    )
    with pytest.raises(NotApplicableError, match=r"dropout_hidden must be one of 0, 0.2, 0.5, but got 0.7"):
        table_of(grid, "paired", factor="dropout_hidden", level=0.7)


def test_a_lone_factor_has_its_replicates_as_units():
    space = {"learning_rate": [0.01, 0.1, 1.0], "activation": ["relu", "tanh"]}
    fixed = {"learning_rate": 0.1, "activation": "relu"}
    found = study("two", "ofat", space, lambda config, replicate: 0.9 - 0.01 * replicate, fixed=fixed, replicates=4)
    row = table_of(found, "paired", factor="activation").iloc[0]
    assert (row["unit"], row["n_units"]) == ("replicate", 4)


def test_interaction_adds_up_to_the_cells(grid):
    found = table_of(grid, "interaction")
    cells = found.dropna(subset=["mean"]).set_index("level")["mean"]
    effects = found.set_index(["term", "level"])["effect"]
    grand = cells.mean()
    assert cells["40, 0.2"] == pytest.approx(
        grand + effects["hidden_size", "40"] + effects["dropout_hidden", "0.2"]
        + effects["hidden_size × dropout_hidden", "40, 0.2"]
    )  # fmt: skip
    assert found.drop_duplicates("term")["share"].sum() == pytest.approx(1)


def test_curves_are_means_of_the_selected_and_the_median_configuration(grid):
    found = table_of(grid, "curves")
    for column, trial in (("selected", grid.ranked.iloc[0]), ("median", grid.ranked.iloc[6])):
        shown = found[(found["column"] == column) & (found["metric"] == "loss") & (found["split"] == "train")]
        runs = grid.complete[grid.complete["trial_number"] == trial["trial_number"]]
        expected = grid.curves_of(runs).groupby("k")["train_loss"].mean()
        assert shown["mean"].tolist() == pytest.approx(expected.tolist())


def test_curves_by_a_level_differ_in_it_alone(grid, one_by_one):
    found = table_of(grid, "curves", by="hidden_size")
    best = grid.selected
    for size in (10, 80):
        value = learned({"hidden_size": size, "dropout_hidden": best["dropout_hidden"]}, 1) - 0.01
        line = found[(found["line"] == size) & (found["metric"] == "accuracy")]
        assert line["mean"].iloc[-1] == pytest.approx(value)
    assert len(table_of(one_by_one, "curves", by="activation", of={"hidden_size": 10})["line"].unique()) == 2
    with pytest.raises(NotApplicableError, match="no complete run of study wide has hidden_size: 33"):
        table_of(grid, "curves", of={"hidden_size": 33})


def test_curves_have_the_range_of_all_configurations_behind_them(grid):
    found = table_of(grid, "curves", behind="all")
    row = found[(found["metric"] == "accuracy") & (found["split"] == "test") & (found["epoch"] == 1.0)].iloc[0]
    at = grid.all_curves.loc[grid.all_curves["epoch"] == 1.0, "test_accuracy"]
    assert (row["min"], row["max"]) == (at.min(), at.max())


def test_distribution_stands_beside_another_study(grid, drawn):
    found = table_of(grid, "distribution", among(grid, drawn), beside="drawn", marks={"elsewhere": 0.9})
    assert found.groupby("study").size().to_dict() == {"wide": 12, "drawn": 40}
    for each in (grid, drawn):
        (ringed,) = found.loc[found["selected"] & (found["study"] == each.name), "trial_number"]
        assert ringed == each.selected["trial_number"]
    assert found["resolution"].iloc[0] == pytest.approx(0.04, abs=0.02)
    with pytest.raises(NothingThereError, match="study elsewhere is not in the database"):
        table_of(grid, "distribution", beside="elsewhere")


def test_one_factor_is_the_paired_difference_to_the_baseline(one_by_one):
    found = table_of(one_by_one, "one_factor")
    assert found["level"].tolist() == ["hidden size 10", "hidden size 40"]
    assert found["difference"].tolist() == pytest.approx([-0.01, 0.02])
    assert found["n_pairs"].tolist() == [4, 4]


def test_one_factor_stands_beside_the_studies_that_are_there(one_by_one):
    rates = study("rates", "ofat", {"learning_rate": [0.01, 0.1]}, learned, fixed={"learning_rate": 0.01}, replicates=2)
    found = table_of(one_by_one, "one_factor", among(one_by_one, rates), beside=["rates", "not-there"])
    assert found["factor"].tolist() == ["hidden_size", "hidden_size", "learning_rate"]
    assert found["baseline"].tolist() == ["hidden size 20", "hidden size 20", "learning rate 0.01"]


@pytest.mark.parametrize(
    ("differences", "far"),
    [
        ([-0.6, 0.01, -0.02, 0.002], [0]),
        ([0.01, -0.6, 0.5, -0.02, 0.002, 0.004], [1, 2]),
        ([-0.6, 0.5, -0.02, 0.002], []),
        ([0.3], []),
    ],
)
def test_one_factor_sets_aside_what_would_hide_the_rest(differences, far):
    table = pd.DataFrame({"difference": differences, "low": np.nan, "high": np.nan})
    assert np.flatnonzero(one_factor.off_scale(table)).tolist() == far


def test_pareto_has_no_configuration_that_another_beats_in_both(drawn):
    seconds = np.random.default_rng(0).permutation(40) + 1.0
    drawn = dataclasses.replace(drawn, all_runs=drawn.all_runs.assign(train_seconds=seconds))
    for metric, sign in (("test_accuracy", 1), ("test_loss", -1)):
        found = table_of(drawn, "pareto", metric=metric)
        for row in found.to_dict("records"):
            quicker = found[found["seconds"] <= row["seconds"]]
            beaten = (sign * quicker["value"] > sign * row["value"]).any()
            assert row["on_front"] == (not beaten)
        assert 1 < found["on_front"].sum() < 40


def test_confirmation_compares_the_value_at_selection_with_fresh_seeds(confirmed):
    grid, again = confirmed
    row = table_of(grid, "confirmation", confirmed).iloc[0]
    assert row["selected"] == pytest.approx(grid.selected["validation_accuracy"])
    assert (row["mean"], row["n_runs"]) == (pytest.approx(again.complete["validation_accuracy"].mean()), 4)
    with pytest.raises(NothingThereError) as missing:
        table_of(grid, "confirmation")
    assert "confirm" in missing.value.command


def test_expected_best_counts_the_diverged_trials_at_guessing(drawn):
    runs = drawn.all_runs.assign(state=["diverged"] * 3 + ["complete"] * 37)
    found = table_of(dataclasses.replace(drawn, all_runs=runs), "expected_best")
    values = [0.25] * 3 + drawn.all_runs["validation_accuracy"].tolist()[3:]
    assert (found["n_diverged"].iloc[0], found["expected"].iloc[0]) == (3, pytest.approx(np.mean(values)))


def test_expected_best_is_refused_for_an_adaptive_sampler(drawn):
    with pytest.raises(NotApplicableError, match="independent draws"):
        table_of(dataclasses.replace(drawn, driver="optuna"), "expected_best")


def test_importance_is_refused_where_the_surrogate_predicts_nothing(drawn):
    noise = np.random.default_rng(0).uniform(size=40)
    runs = drawn.all_runs.assign(validation_accuracy=noise)
    with pytest.raises(NotApplicableError, match="R² is"):
        table_of(dataclasses.replace(drawn, all_runs=runs), "importance")


def test_fidelity_follows_the_candidates_over_the_rungs(halved):
    found = table_of(halved, "fidelity")
    assert found.groupby("rung").size().tolist() == [9, 3]
    assert found["place_of_winner"].iloc[0] == 1


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


def test_component_chain_alternates_projection_and_activation():
    kinds = [part["kind"] for part in chain([100, 100], "relu", "784", "10")]
    assert kinds == ["input", "linear", "relu", "linear", "relu", "linear", "loss"]
    parameters = [part["parameters"] for part in chain([100, 100], "relu", "784", "10") if part["parameters"]]
    assert parameters == ["W1: 100 × 784\nb1: 100", "W2: 100 × 100\nb2: 100", "W3: 10 × 100\nb3: 10"]
    assert [part["kind"] for part in chain([], "relu", "64", "10")] == ["input", "linear", "loss"]
    normalised = [part["parameters"] for part in chain([9, 7], "relu", "64", "10", batch_norm=True)]
    assert [text for text in normalised if text][:4] == ["W1: 9 × 64", "γ1: 9\nb1: 9", "W2: 7 × 9", "γ2: 7\nb2: 7"]


def test_two_requests_that_show_the_same_have_one_title(switched):
    form = FORMS["response"]
    either = (
        Response(axis="learning_rate", by=list(by)) for by in (("momentum", "activation"), ("activation", "momentum"))
    )
    assert {form.title(switched, request) for request in either} == {
        "Test accuracy against learning rate, by momentum and activation"
    }


def test_noise_is_taken_apart_where_streams_are_crossed_and_nowhere_else(grid):
    values = 0.9 + np.random.default_rng(0).normal(0, 0.01, (2, 3, 4)) + np.arange(3)[None, :, None] / 20

    def score(config, replicate):
        return 0.01 + values[config["hidden_layers"] - 1].ravel()[replicate]

    crossed = study("crossed", "grid", {"hidden_layers": [1, 2]}, score, replicates=12, vary={"split": 3, "order": 4})
    assert (offered(crossed)["noise"], offered(grid)["noise"]) == ([{}], [])
    found = table_of(crossed, "noise").set_index(["configuration", "source"])
    assert found["levels"].tolist() == [3, 4, 6, 3, 4, 6]
    for layers, each in zip((1, 2), values, strict=True):
        effects = each - each.mean(1, keepdims=True) - each.mean(0) + each.mean()
        rest = (effects**2).sum() / 6
        of = found.loc[f"hidden layers {layers}"]
        assert of.loc["rest", "deviation"] == pytest.approx(np.sqrt(rest))
        assert of.loc["split", "deviation"] == pytest.approx(np.sqrt(each.mean(1).var(ddof=1) - rest / 4))
        assert (of["low"] <= of["deviation"]).all()
    caption = FORMS["noise"].caption(table_of(crossed, "noise"))
    assert "12 runs of each configuration (levels: cut of the data 3 × order of examples 4)" in caption
    with pytest.raises(NotApplicableError, match="crosses two streams or more"):
        table_of(grid, "noise")


@pytest.mark.parametrize(
    ("form", "keys", "end"),
    [
        ("curves", {}, "low"),
        ("response", {"axis": "hidden_size"}, "low"),
        ("paired", {"factor": "dropout_hidden"}, "difference_low"),
    ],
)
def test_runs_that_share_what_they_draw_have_no_interval(form, keys, end):
    def score(config, replicate):
        return 0.9 + 0.01 * (7 * replicate % 5) * config["dropout_hidden"]

    space = {"hidden_size": [10, 20, 40], "dropout_hidden": [0.0, 0.5]}
    for vary in ({"initialisation": 2, "order": 3}, {}):
        table = table_of(study("mine", "grid", space, score, replicates=6, vary=vary), form, **keys)
        assert table[end].notna().any() != bool(vary)
        FORMS[form].draw(table)


def test_noise_leaves_out_a_configuration_of_which_a_run_is_missing():
    def score(config, replicate):
        return 0.9 + 0.01 * (7 * replicate % 5)

    space, vary = {"hidden_layers": [1, 2]}, {"initialisation": 2, "order": 3}
    crossed = study("crossed", "grid", space, score, replicates=6, vary=vary, diverged=(1,))
    found = table_of(crossed, "noise")
    assert found["trial_number"].unique().tolist() == [0]
    assert "1 configuration with runs that are not complete left out" in FORMS["noise"].caption(found)
