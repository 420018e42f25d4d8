"""Verdicts follow from the evidence, and the evidence from the runs of the studies that are there."""

import dataclasses

import numpy as np
import pytest

from analysis.claims.evidence import Evidence, Margin, Verdict
from analysis.claims.judge import UnreadClaim, examine, judge
from analysis.studies import Studies, read_studies
from tests.analysis.claims.helpers import alone, found_in, study_of, with_claims

NOTHING = Margin(0.0, "")
HALF = Margin(0.6, "the 0.6 that matter")


def evidence(difference, low, high, margin=NOTHING, **more):
    return Evidence("", (1,), difference=difference, low=low, high=high, p=0.01, margin=margin, **more)


@pytest.mark.parametrize(
    ("given", "p_adjusted", "verdict"),
    [
        (evidence(0.5, 0.2, 0.8), 0.01, Verdict.SUPPORTED),
        (evidence(-0.5, -0.8, -0.2), 0.01, Verdict.CONTRADICTED),
        (evidence(0.5, -0.1, 1.1), 0.01, Verdict.UNDECIDED),
        (evidence(0.5, 0.2, 0.8), 0.06, Verdict.UNDECIDED),
        (evidence(0.5, 0.2, 0.8, HALF), 0.01, Verdict.UNDECIDED),
        (evidence(0.5, np.nan, np.nan), 0.01, Verdict.UNDECIDED),
        (evidence(0.5, 0.2, 0.8), np.nan, Verdict.UNDECIDED),
        (evidence(0.2, -0.1, 0.5, HALF, is_same=True), 0.01, Verdict.SUPPORTED),
        (evidence(0.2, -0.1, 0.5, HALF, is_same=True), 0.06, Verdict.UNDECIDED),
        (evidence(0.9, 0.7, 1.1, HALF, is_same=True), 0.01, Verdict.CONTRADICTED),
        (Evidence("", (1,), verdict=Verdict.SUPPORTED), np.nan, Verdict.SUPPORTED),
        (Evidence("", (1,), verdict=Verdict.CONTRADICTED, p=0.04), 0.08, Verdict.UNDECIDED),
        (Evidence("", (1,), verdict=Verdict.CONTRADICTED), np.nan, Verdict.CONTRADICTED),
    ],
)
def test_judge(given, p_adjusted, verdict):
    assert judge(given, p_adjusted)[0] == verdict


@pytest.fixture(scope="module")
def findings(studies):
    return examine(studies)


def test_every_claim_of_the_projects_files_is_tested_and_names_its_runs(studies, findings):
    known = {int(run_id) for study in studies.everything for run_id in study.all_runs["run_id"]}
    assert len([f for f in findings if f.claim.where]) == 16
    assert len({f.claim.anchor for f in findings}) == len(findings) > 20
    for finding in findings:
        assert finding.verdict in (Verdict.SUPPORTED, Verdict.CONTRADICTED, Verdict.UNDECIDED), finding
        assert finding.run_ids
        assert set(finding.run_ids) <= known
        assert finding.support.endswith(".")


def test_p_values_are_corrected_over_the_claims_of_a_page(studies, findings):
    titles = {study.name: study.spec.get("page") for study in studies}
    families = [[f for f in findings if titles[f.study] == "The report of 2022"]]
    families += [[f for f in findings if f.study == name] for name in titles if not titles[name]]
    for family in families:
        tested = sorted((f.p, f.p_adjusted) for f in family if np.isfinite(f.p))
        # Holm: the smallest of m counts m times, the next m − 1 times, and none less than one before it.
        steps = [min(1.0, p * (len(tested) - i)) for i, (p, _) in enumerate(tested)]
        assert [adjusted for _, adjusted in tested] == pytest.approx(np.maximum.accumulate(steps), abs=0)
    assert len(families[0]) == 16
    assert all(np.isnan(f.p_adjusted) for f in findings if np.isnan(f.p))


def test_a_verdict_is_the_same_whatever_else_is_shown(studies, findings):
    for study in [s for s in studies if s.name in ("linear-lr-wide", "ofat-decay")]:
        shown = examine(Studies((study,), studies.everything))
        assert [repr(f) for f in shown] == [repr(f) for f in findings if f.study == study.name]


def test_one_seed_is_said_where_all_runs_have_one(studies, findings):
    runs = {int(i): seed for s in studies.everything for i, seed in s.all_runs[["run_id", "seed"]].to_numpy()}
    said = [("All runs share one seed" in f.sentence, len({runs[i] for i in f.run_ids}) == 1) for f in findings]
    assert all(a == b for a, b in said)
    assert {a for a, _ in said} == {True, False}


SPACE = {"learning_rate": [0.01, 0.02], "dropout_hidden": [0.0, 0.5]}
BETTER = {
    "claim": "Dropout helps.",
    "compare": {"factor": "dropout_hidden", "level": 0.5, "against": 0.0},
    "expect": "higher",
}


def test_other_settings_are_named_and_get_no_verdict():
    study = study_of(SPACE, lambda params, r: 0.9, fixed={"epochs": 5})
    for needs, text in (
        ({"dataset": "mnist"}, "The claim needs dataset mnist, but the study has beans."),
        ({"epochs": 20}, "The claim needs epochs 20, but the study has 5."),
        ({"learning_rate": [0.01, 0.1]}, "The claim needs learning rate 0.01, 0.1, but the study has 0.01, 0.02."),
        ({"batch_size": 1}, "The claim needs batch size 1, but the study has nothing."),
    ):
        (finding,) = examine(alone(with_claims(study, {**BETTER, "needs": needs})))
        assert (finding.verdict, finding.sentence) == (Verdict.OTHER_SETTINGS, text)
    needs = {"epochs": 5, "train_images": None, "learning_rate": [0.02]}
    (finding,) = examine(alone(with_claims(study, {**BETTER, "needs": needs})))
    assert finding.verdict == Verdict.UNDECIDED


def test_too_few_units_are_told_how_to_get_more():
    (finding,) = examine(alone(with_claims(study_of({"dropout_hidden": [0.0, 0.5]}, lambda p, r: 0.9), BETTER)))
    assert finding.verdict == Verdict.UNDECIDED
    assert "Too few units for an interval." in finding.sentence
    assert finding.command == "make study SPEC=mine.yaml REPLICATES=5"


def test_a_claim_that_another_version_wrote_is_not_run():
    study = with_claims(study_of(SPACE, lambda p, r: 0.9), {"claim": "Old.", "contrast": {}}, BETTER, "what")
    findings = examine(alone(study))
    assert [f.verdict for f in findings] == [Verdict.NOT_RUN, Verdict.UNDECIDED, Verdict.NOT_RUN]
    assert isinstance(findings[0].claim, UnreadClaim)
    assert (findings[0].claim.claim, findings[0].command) == ("Old.", "make study SPEC=mine.yaml")
    assert examine(alone(dataclasses.replace(study, spec={}))) == []


def test_what_is_missing_is_not_run_and_says_so():
    lost = study_of(SPACE, lambda p, r: None if p["dropout_hidden"] else 0.9)
    (finding,) = examine(alone(with_claims(lost, BETTER)))
    assert finding.verdict == Verdict.NOT_RUN
    assert "mine must vary dropout_hidden, but its complete runs vary learning_rate" in finding.sentence
    assert finding.command == "make study SPEC=mine.yaml"
    against = {"claim": "It beats the other.", "selected": {"against": "other"}, "expect": "higher"}
    mine = with_claims(study_of(SPACE, lambda p, r: 0.9), against)
    elsewhere = dataclasses.replace(study_of(SPACE, lambda p, r: 0.9, name="other"), data_sha256="e" * 64)
    (finding,) = examine(Studies((mine,), (mine, elsewhere)))
    assert (finding.verdict, finding.command) == (Verdict.NOT_RUN, "")
    assert finding.sentence == "Study other is not in the database with the data of mine."


def test_studies_on_other_data_are_another_family(digits_database):
    studies = read_studies(digits_database)
    assert {found.verdict for key, found in found_in(studies).items() if key in ("linear-minimum", "linear-mean")} == {
        Verdict.OTHER_SETTINGS
    }
    assert found_in(studies)["decay-accuracy"].verdict != Verdict.NOT_RUN
