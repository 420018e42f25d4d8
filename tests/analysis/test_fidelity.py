"""Rungs: rankings on small training sets against larger ones."""

import dataclasses

import pytest
from scipy import stats

from analysis.claims.evidence import Verdict
from analysis.errors import NotApplicableError
from analysis.fidelity import agreement, cost, place_of_winner, rungs
from analysis.studies import Studies
from tests.analysis.claims.helpers import claim_of, verdict_of

CLAIM = claim_of(agreement={"against": "mlp-random", "at_least": 0.5}, metric="validation_accuracy")


@pytest.fixture(scope="module")
def study(studies):
    return next(s for s in studies if s.name == "mlp-fidelity")


def test_agreement_is_kendalls_over_those_that_reached_both_rungs(study):
    table, runs = rungs(study)
    wide = table.pivot(index="candidate", columns="rung", values="accuracy")
    assert wide.notna().sum().tolist() == [27, 9, 3]
    both = wide[[0, 1]].dropna()
    found = agreement(study, table, runs)
    assert (found.smaller, found.larger) == ("5,000 examples for 2 epochs", "15,000 examples for 5 epochs")
    assert (found.correlation.n, found.is_whole) == (9, False)
    assert found.correlation.estimate == pytest.approx(stats.kendalltau(both[0], both[1]).statistic)
    assert cost(table) == pytest.approx((27 * 5_000 * 2 + 9 * 15_000 * 5 + 3 * 50_000 * 10) / (27 * 50_000 * 10))
    assert place_of_winner(table)[0] == wide[0].rank(ascending=False)[wide[2].idxmax()]


def test_agreement_is_over_all_candidates_where_another_study_has_them_too(study, studies):
    smallest = study.complete_at_any_fidelity[study.complete_at_any_fidelity["epochs"] == 2]
    twins = smallest.assign(
        study="mlp-random",
        config=[{**config, "train_images": None, "epochs": 5} for config in smallest["config"]],
        train_images=None,
        epochs=5,
        full_fidelity=True,
        validation_accuracy=0.5 + smallest["validation_accuracy"].rank() / 100,
    )
    random = next(s for s in studies if s.name == "mlp-random")
    other = dataclasses.replace(random, all_runs=twins)
    found = agreement(study, *rungs(study), other)
    assert (found.correlation.n, found.larger) == (27, "50,000 examples for 5 epochs in mlp-random")
    assert found.correlation.estimate == pytest.approx(1)
    assert set(found.run_ids) == set(twins["run_id"])
    assert verdict_of(CLAIM, study, other) == Verdict.SUPPORTED
    flipped = dataclasses.replace(other, all_runs=twins.assign(validation_accuracy=1 - twins["validation_accuracy"]))
    assert verdict_of(CLAIM, study, flipped) == Verdict.CONTRADICTED


def test_a_fidelity_study_alone_compares_its_rungs(study):
    found = CLAIM.form.examine(CLAIM, study, Studies((study,), (study,)))
    assert "9 candidates of 27" in found.sentence
    first = dataclasses.replace(study, all_runs=study.all_runs[study.all_runs["epochs"] == 2])
    with pytest.raises(NotApplicableError, match="on at least two rungs"):
        rungs(first)
