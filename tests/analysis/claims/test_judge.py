"""Verdicts follow from the evidence, and the evidence from the runs."""

import dataclasses

import numpy as np
import pytest

from analysis.claims.catalogue import CLAIMS
from analysis.claims.evidence import Evidence, Verdict
from analysis.claims.judge import examine, judge
from analysis.tables import Tables, read_tables
from tests.analysis.claims.helpers import shifted


def evidence(difference, low, high, resolution=0.0):
    return Evidence("", (1,), difference=difference, low=low, high=high, p=0.01, resolution=resolution)


@pytest.mark.parametrize(
    ("given", "p_adjusted", "verdict"),
    [
        (evidence(0.5, 0.2, 0.8), 0.01, Verdict.SUPPORTED),
        (evidence(-0.5, -0.8, -0.2), 0.01, Verdict.CONTRADICTED),
        (evidence(0.5, -0.1, 1.1), 0.01, Verdict.UNDECIDED),
        (evidence(0.5, 0.2, 0.8), 0.06, Verdict.UNDECIDED),
        (evidence(0.5, 0.2, 0.8, resolution=0.6), 0.01, Verdict.UNDECIDED),
        (evidence(0.5, np.nan, np.nan), 0.01, Verdict.UNDECIDED),
        (evidence(0.5, 0.2, 0.8), np.nan, Verdict.UNDECIDED),
        (Evidence("", (1,), verdict=Verdict.SUPPORTED), np.nan, Verdict.SUPPORTED),
        (Evidence("", (1,), verdict=Verdict.CONTRADICTED, p=0.04), 0.08, Verdict.UNDECIDED),
        (Evidence("", (1,), verdict=Verdict.CONTRADICTED), np.nan, Verdict.CONTRADICTED),
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
        assert finding.verdict in (Verdict.SUPPORTED, Verdict.CONTRADICTED, Verdict.UNDECIDED)
        assert finding.run_ids
        assert set(finding.run_ids) <= known


def verdict(tables, key):
    return next(finding for finding in examine(tables) if finding.claim.key == key).verdict


def test_decay_is_supported_and_contradicted_as_the_data_are(tables):
    assert verdict(tables, "decay-accuracy") == Verdict.SUPPORTED
    worse = shifted(tables, lambda runs: runs["decay"] != "constant", "test_accuracy", -0.02)
    assert verdict(worse, "decay-accuracy") == Verdict.CONTRADICTED
    # Equal for all but noise below the standard error with which the images measure.
    same = tables.runs.assign(
        test_accuracy=0.92 + 1e-5 * (tables.runs["decay"] != "constant") + 1e-7 * tables.runs.index
    )
    assert verdict(dataclasses.replace(tables, runs=same), "decay-accuracy") == Verdict.UNDECIDED


def test_relu_above_tanh_turns_with_the_data(tables):
    assert verdict(tables, "relu-above-tanh") == Verdict.SUPPORTED
    swapped = tables.runs.assign(activation=tables.runs["activation"].map({"relu": "tanh", "tanh": "relu"}))
    assert verdict(dataclasses.replace(tables, runs=swapped), "relu-above-tanh") == Verdict.CONTRADICTED


def test_minimum_is_contradicted_by_one_bad_run(tables):
    bad = shifted(tables, lambda runs: runs["run_id"] == 3, "test_accuracy", -0.05)
    assert verdict(bad, "linear-minimum") == Verdict.CONTRADICTED
    good = tables.runs.assign(test_accuracy=tables.runs["test_accuracy"].clip(lower=0.92))
    assert verdict(dataclasses.replace(tables, runs=good), "linear-minimum") == Verdict.SUPPORTED


def test_one_seed_is_said_where_all_runs_have_one(tables):
    findings = {finding.claim.key: finding for finding in examine(tables)}
    for key, finding in findings.items():
        seeds = tables.runs.loc[tables.runs["run_id"].isin(finding.run_ids), "seed"].nunique()
        assert ("All runs share one seed" in finding.sentence) == (seeds == 1), key
    assert "All runs share one seed" in findings["decay-accuracy"].sentence
    assert "All runs share one seed" not in findings["relu-above-tanh"].sentence


def test_two_readings_of_two_updates(tables):
    curves = tables.curves.copy()
    curves["validation_accuracy"] = np.where(curves["k"] >= 3, 0.9, 0.5)
    late = dataclasses.replace(tables, curves=curves)
    assert (verdict(late, "two-evaluations"), verdict(late, "two-epochs")) == (Verdict.CONTRADICTED, Verdict.SUPPORTED)


def test_on_digits_claims_about_mnist_are_not_run(digits_database):
    findings = {finding.claim.key: finding for finding in examine(read_tables(digits_database))}
    assert findings["linear-minimum"].verdict == Verdict.NOT_RUN
    assert "digits" in findings["linear-minimum"].sentence
    assert findings["linear-minimum"].command == "make linear-grid"
    assert findings["mlp-beats-linear"].command == "make mlp-random N=50 DATASET=digits"
    assert findings["decay-accuracy"].verdict != Verdict.NOT_RUN


def test_claims_without_their_study_are_not_run_and_name_the_command(tables):
    kept = tables.runs[tables.runs["study"] == "linear-grid"]
    findings = {finding.claim.key: finding for finding in examine(Tables("mnist", kept, tables.curves))}
    assert (findings["relu-above-tanh"].verdict, findings["relu-above-tanh"].command) == (Verdict.NOT_RUN, "make ofat")


def test_p_values_are_corrected_over_all_claims_that_have_one(tables):
    findings = examine(tables)
    tested = sorted((finding.p, finding.p_adjusted) for finding in findings if np.isfinite(finding.p))
    # Holm: the smallest of m counts m times, the next m − 1 times, and none less than one before it.
    steps = [min(1.0, p * (len(tested) - i)) for i, (p, _) in enumerate(tested)]
    assert [adjusted for _, adjusted in tested] == pytest.approx(np.maximum.accumulate(steps), abs=0)
    assert all(np.isnan(finding.p_adjusted) for finding in findings if np.isnan(finding.p))
    assert len(tested) > 4
