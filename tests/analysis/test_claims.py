"""Verdicts follow from the evidence, and the evidence from the runs."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.claims import CLAIMS, examine, judge
from analysis.evidence import (
    CONTRADICTED,
    NOT_RUN,
    SUPPORTED,
    UNDECIDED,
    Evidence,
)
from analysis.linear_evidence import convergence_within, mean_linear, momentum, rate_and_accuracy
from analysis.mlp_evidence import best_runs, beyond, level_reached, mlp_against_linear, width
from analysis.tables import StudyMissingError, Tables, read_tables, selected_trial


def evidence(difference, low, high, resolution=0.0):
    return Evidence("", (1,), difference=difference, low=low, high=high, p=0.01, resolution=resolution)


@pytest.mark.parametrize(
    ("given", "p_adjusted", "verdict"),
    [
        (evidence(0.5, 0.2, 0.8), 0.01, SUPPORTED),
        (evidence(-0.5, -0.8, -0.2), 0.01, CONTRADICTED),
        (evidence(0.5, -0.1, 1.1), 0.01, UNDECIDED),
        (evidence(0.5, 0.2, 0.8), 0.06, UNDECIDED),
        (evidence(0.5, 0.2, 0.8, resolution=0.6), 0.01, UNDECIDED),
        (evidence(0.5, np.nan, np.nan), 0.01, UNDECIDED),
        (evidence(0.5, 0.2, 0.8), np.nan, UNDECIDED),
        (Evidence("", (1,), verdict=SUPPORTED), np.nan, SUPPORTED),
        (Evidence("", (1,), verdict=CONTRADICTED, p=0.04), 0.08, UNDECIDED),
        (Evidence("", (1,), verdict=CONTRADICTED), np.nan, CONTRADICTED),
    ],
)
def test_judge(given, p_adjusted, verdict):
    assert judge(given, p_adjusted)[0] == verdict


def test_claims_have_distinct_keys_and_say_where_they_stand():
    assert len({claim.key for claim in CLAIMS}) == len(CLAIMS)
    assert all(claim.where and claim.support and claim.statement.endswith(".") for claim in CLAIMS)


def test_every_tested_claim_names_its_runs(tables):
    known = set(tables.runs["run_id"])
    for finding in examine(tables):
        assert finding.verdict in (SUPPORTED, CONTRADICTED, UNDECIDED)
        assert finding.run_ids
        assert set(finding.run_ids) <= known


def shifted(tables, mask, column, amount):
    runs = tables.runs.copy()
    runs.loc[mask(runs), column] += amount
    return dataclasses.replace(tables, runs=runs)


def verdict(tables, key):
    return next(finding for finding in examine(tables) if finding.claim.key == key).verdict


def test_decay_is_supported_and_contradicted_as_the_data_are(tables):
    assert verdict(tables, "decay-accuracy") == SUPPORTED
    worse = shifted(tables, lambda runs: runs["decay"] != "constant", "test_accuracy", -0.02)
    assert verdict(worse, "decay-accuracy") == CONTRADICTED
    # Equal for all but noise below the standard error with which the images measure.
    same = tables.runs.assign(
        test_accuracy=0.92 + 1e-5 * (tables.runs["decay"] != "constant") + 1e-7 * tables.runs.index
    )
    assert verdict(dataclasses.replace(tables, runs=same), "decay-accuracy") == UNDECIDED


def test_relu_above_tanh_turns_with_the_data(tables):
    assert verdict(tables, "relu-above-tanh") == SUPPORTED
    swapped = tables.runs.assign(activation=tables.runs["activation"].map({"relu": "tanh", "tanh": "relu"}))
    assert verdict(dataclasses.replace(tables, runs=swapped), "relu-above-tanh") == CONTRADICTED


def test_minimum_is_contradicted_by_one_bad_run(tables):
    bad = shifted(tables, lambda runs: runs["run_id"] == 3, "test_accuracy", -0.05)
    assert verdict(bad, "linear-minimum") == CONTRADICTED
    good = tables.runs.assign(test_accuracy=tables.runs["test_accuracy"].clip(lower=0.92))
    assert verdict(dataclasses.replace(tables, runs=good), "linear-minimum") == SUPPORTED


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


def test_one_seed_is_said_where_all_runs_have_one(tables):
    findings = {finding.claim.key: finding for finding in examine(tables)}
    for key, finding in findings.items():
        seeds = tables.runs.loc[tables.runs["run_id"].isin(finding.run_ids), "seed"].nunique()
        assert ("All runs share one seed" in finding.sentence) == (seeds == 1), key
    assert "All runs share one seed" in findings["decay-accuracy"].sentence
    assert "All runs share one seed" not in findings["relu-above-tanh"].sentence


def replicated(tables, accuracy, n_replicates):
    """The linear grid in several replicates, its accuracies a function of (rank of the rate, replicate)."""
    grid = tables.complete("linear-grid")
    ranks = grid["learning_rate"].rank(method="dense") - 1
    parts = [
        grid.assign(
            replicate=r, seed=r, run_id=10**6 * r + grid["run_id"], test_accuracy=[accuracy(k, r) for k in ranks]
        )
        for r in range(n_replicates)
    ]
    rest = tables.runs[tables.runs["study"] != "linear-grid"]
    return dataclasses.replace(tables, runs=pd.concat([rest, *parts], ignore_index=True))


def bump(k, r):
    """Noise of a tenth of a point that differs from seed to seed."""
    return 0.001 * np.random.default_rng([int(k), r]).uniform()


@pytest.mark.parametrize(
    ("accuracy", "n_replicates", "expected", "has_p"),
    [
        # 0.21 points: below one standard error.
        (lambda k, r: 0.92 + 0.0003 * k + 0.0001 * r, 5, SUPPORTED, True),
        # 0.42 points in every seed, and in one.
        (lambda k, r: 0.92 + 0.0006 * k + bump(k, r), 5, CONTRADICTED, True),
        (lambda k, r: 0.92 + 0.0006 * k, 1, UNDECIDED, False),
        # One rate is better, but accuracy does not go with the rate.
        (lambda k, r: 0.92 + 0.004 * (k == 3) + bump(k, r), 5, UNDECIDED, True),
        # 7 points: no sample of images gives that.
        (lambda k, r: 0.92 + 0.01 * k, 1, CONTRADICTED, False),
    ],
)
def test_rates_are_judged_by_their_range_and_by_what_seeds_agree_on(tables, accuracy, n_replicates, expected, has_p):
    found = rate_and_accuracy(replicated(tables, accuracy, n_replicates), "linear-grid")
    assert (found.verdict, np.isfinite(found.p)) == (expected, has_p)
    if has_p and expected != SUPPORTED:
        assert (found.p < 0.05) == (expected == CONTRADICTED)


@pytest.mark.parametrize(("mean", "expected"), [(0.9219, SUPPORTED), (0.9209, UNDECIDED), (0.9161, CONTRADICTED)])
def test_the_mean_of_the_grid_is_compared_as_it_was_printed(tables, mean, expected):
    found = mean_linear(replicated(tables, lambda k, r: mean + 1e-6 * (r - 2), 5))
    assert found.verdict == expected
    assert f"{100 * mean:.2f} %" in found.sentence
    assert ("does not round" in found.sentence) == (expected == UNDECIDED)


def test_a_mean_that_seeds_leave_open_is_not_said_to_miss(tables):
    found = mean_linear(replicated(tables, lambda k, r: 0.922 + 0.001 * (r - 2), 5))
    assert found.verdict == UNDECIDED
    assert "does not surely round" in found.sentence


def test_momentum_is_credited_with_fewer_evaluations(tables):
    grid = tables.complete("linear-grid").set_index("run_id")
    with_momentum = grid.index[grid["momentum"]]
    curves = tables.curves[tables.curves["run_id"].isin(grid.index)].copy()
    rates = curves["run_id"].map(grid["learning_rate"].rank(method="dense")).to_numpy()
    for mask, expected in (
        (curves["run_id"].isin(with_momentum), SUPPORTED),
        (~curves["run_id"].isin(with_momentum), CONTRADICTED),
    ):
        reached = np.where(mask, 3, 6 + rates % 3)
        changed = curves.assign(validation_accuracy=np.where(curves["k"] >= reached, 0.9, 0.5))
        found = momentum(dataclasses.replace(tables, curves=changed))
        assert judge(found, found.p)[0] == expected
        assert found.difference == pytest.approx(
            (1 if expected == SUPPORTED else -1) * np.mean(3 + np.arange(1, 9) % 3)
        )


def test_a_run_that_is_a_few_images_late_decides_nothing(tables):
    curves = tables.curves.copy()
    curves["validation_accuracy"] = np.where(curves["k"] > 10, 0.92, 0.9099)
    late = convergence_within(dataclasses.replace(tables, curves=curves), 10, "two epochs")
    assert late.verdict == UNDECIDED
    curves["validation_accuracy"] = np.where(curves["k"] > 10, 0.92, 0.90)
    assert convergence_within(dataclasses.replace(tables, curves=curves), 10, "two epochs").verdict == CONTRADICTED


@pytest.mark.parametrize(
    ("value", "above", "expected"),
    [
        (0.9805, False, SUPPORTED),
        (0.979, False, UNDECIDED),
        (0.975, False, CONTRADICTED),
        (0.984, True, SUPPORTED),
        (0.982, True, UNDECIDED),
        (0.976, True, CONTRADICTED),
    ],
)
def test_a_level_is_reached_or_surpassed_as_far_as_images_can_tell(tables, value, above, expected):
    runs = tables.complete("mlp-random-confirm").head(8).assign(test_accuracy=value + 1e-5 * np.arange(8))
    found = level_reached(runs, 0.98, above=above)
    assert found.verdict == expected
    assert f"{100 * np.mean(runs['test_accuracy']):.2f} %" in found.sentence


def test_mlp_against_linear_adds_images_and_seeds(tables):
    best, linear = best_runs(tables, "mlp-random"), best_runs(tables, "linear-grid")
    a, b = best["test_accuracy"], linear["test_accuracy"]
    variance = sum(x.mean() * (1 - x.mean()) / 10_000 + stats.sem(x) ** 2 for x in (a, b))
    found = mlp_against_linear(tables)
    assert found.difference == pytest.approx(a.mean() - b.mean())
    assert found.high - found.low == pytest.approx(2 * stats.norm.ppf(0.975) * np.sqrt(variance))
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(a.mean() - b.mean()) / np.sqrt(variance)))
    worse = shifted(tables, lambda runs: runs["study"] == "mlp-random-confirm", "test_accuracy", -0.2)
    assert judge(mlp_against_linear(worse), 0.001)[0] == CONTRADICTED


def test_beyond_98_rests_on_width_alone_and_shows_the_best_beside_it(tables):
    found = beyond(tables)
    widest = tables.complete("ofat-hidden-size")
    assert f"2 × {widest['hidden_size'].max()} relu" in found.sentence
    assert "With dropout, batches and a cosine as well" in found.sentence
    for amount, expected in ((0.005, SUPPORTED), (-0.05, CONTRADICTED)):
        changed = shifted(tables, lambda runs: runs["study"] == "ofat-hidden-size", "test_accuracy", amount)
        assert beyond(changed).verdict == expected


def test_width_turns_with_the_data_and_tells_the_activations_apart(tables):
    wider = shifted(tables, lambda runs: runs["hidden_size"] == 800, "test_accuracy", 0.05)
    assert judge(width(wider, 0, 100), 0.001)[0] == SUPPORTED
    narrower = shifted(tables, lambda runs: runs["hidden_size"] == 800, "test_accuracy", -0.05)
    assert judge(width(narrower, 0, 100), 0.001)[0] == CONTRADICTED
    assert "tanh" in width(tables, 0, 100).sentence


def test_two_readings_of_two_updates(tables):
    curves = tables.curves.copy()
    curves["validation_accuracy"] = np.where(curves["k"] >= 3, 0.9, 0.5)
    late = dataclasses.replace(tables, curves=curves)
    assert (verdict(late, "two-evaluations"), verdict(late, "two-epochs")) == (CONTRADICTED, SUPPORTED)


def test_on_digits_claims_about_mnist_are_not_run(digits_database):
    findings = {finding.claim.key: finding for finding in examine(read_tables(digits_database))}
    assert findings["linear-minimum"].verdict == NOT_RUN
    assert "digits" in findings["linear-minimum"].sentence
    assert findings["linear-minimum"].command == "make linear-grid"
    assert findings["mlp-beats-linear"].command == "make mlp-random N=50 DATASET=digits"
    assert findings["decay-accuracy"].verdict != NOT_RUN


def test_claims_without_their_study_are_not_run_and_name_the_command(tables):
    kept = tables.runs[tables.runs["study"] == "linear-grid"]
    findings = {finding.claim.key: finding for finding in examine(Tables("mnist", kept, tables.curves))}
    assert (findings["relu-above-tanh"].verdict, findings["relu-above-tanh"].command) == (
        NOT_RUN,
        "make ofat",
    )
