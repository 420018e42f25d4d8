"""Claims judged after each replicate: what is compared follows from the design, and rules of the form stay."""

import dataclasses

import numpy as np
import pytest

from analysis.claims.contrast import progress
from analysis.claims.forms import StatedClaim
from analysis.claims.judge import examine, n_tested
from analysis.studies import DECIDED, Studies
from tests.analysis.claims.helpers import alone, study_of, with_claims

SIDES = {"momentum": [False, True]}
HIGHER = {"claim": "With is higher.", "compare": {"factor": "momentum", "level": True, "against": False},
          "metric": "test_accuracy", "expect": "higher"}  # fmt: skip


def noise(replicate, scale=0.001):
    return scale * float(np.random.default_rng(replicate).normal())


def decided(study, asked=1):
    """The study as `decide` leaves it: of all its replicates only the first were asked for."""
    runs = study.all_runs.assign(evaluate_seconds=0.0)
    runs["attributes"] = [{**each, DECIDED: True} for each in runs["attributes"]]
    is_added = runs["replicate"] >= asked
    return dataclasses.replace(study, all_runs=runs[~is_added], added=runs[is_added])


def sides(effect, replicates=12, **keys):
    return study_of(SIDES, lambda p, r: 0.9 + (effect + noise(r)) * p["momentum"], replicates=replicates, **keys)


def broken(state):
    """The same, but for one run of the eighth replicate."""
    study = sides(0.02)
    runs = study.all_runs
    study.all_runs.loc[(runs["replicate"] == 7) & (runs["trial_number"] == 1), "state"] = state
    return study


def verdict(study, **claim):
    """The verdict on one claim of the study."""
    (found,) = examine(alone(with_claims(study, {**HIGHER, **claim})))
    return found.verdict


def test_a_difference_within_the_margin_is_none_that_matters_though_it_is_no_chance():
    assert verdict(decided(sides(0.005)), margin=0.05) == "no difference that matters"
    assert verdict(decided(sides(0.02)), margin=0.001) == "supported"
    assert verdict(decided(sides(-0.02)), margin=0.001) == "contradicted"


def test_added_replicates_are_in_no_selection_mean_or_fixed_test():
    study = decided(sides(0.02))
    assert len(study.complete) == 2
    assert study.selected["n_runs"] == 1
    assert len(study.every_run) == 24
    (found,) = examine(alone(with_claims(study, HIGHER)))
    assert len(found.run_ids) == 24
    assert "an interval that holds at every look" in found.sentence


def test_a_claim_with_added_replicates_is_not_told_that_it_has_one_seed():
    mean = {"claim": "The mean is 90 %.", "level": {"of": "mean", "equals": 0.9, "within": 0.0001}}
    (one,) = examine(alone(with_claims(sides(0.0, replicates=1), mean)))
    assert "One seed supports nothing." in one.sentence
    assert one.command
    (many,) = examine(alone(with_claims(decided(sides(0.0)), mean)))
    assert many.verdict == "undecided"
    assert "12 replicates" in many.sentence
    assert "One seed" not in many.sentence
    assert "share one seed" not in many.sentence
    assert not many.command


def test_asking_for_as_many_afterwards_does_not_make_them_a_fixed_number():
    raised = decided(sides(0.02), asked=12)
    assert raised.added.empty
    (found,) = examine(alone(with_claims(raised, HIGHER)))
    assert "an interval that holds at every look" in found.sentence


def test_a_verdict_that_was_reached_is_not_changed_by_what_comes_later():
    settled = progress(decided(sides(0.02)), StatedClaim.model_validate(HIGHER), n_claims=1).decision
    later = sides(0.02, replicates=13)
    later.all_runs.loc[later.all_runs["replicate"] == 12, "test_accuracy"] = 0.2
    again = progress(decided(later), StatedClaim.model_validate(HIGHER), n_claims=1).decision
    assert (again.outcome, again.settled_at) == (settled.outcome, settled.settled_at)


@pytest.mark.parametrize("gap", [7, 11])
def test_replicates_after_one_that_was_broken_off_wait_for_it(gap):
    """It is the next to train, also where the last that are allowed have ended."""
    study = sides(0.02)
    runs = study.all_runs
    runs.loc[(runs["replicate"] == gap) & (runs["trial_number"] == 1), "state"] = "interrupted"
    found = progress(decided(study), StatedClaim.model_validate(HIGHER), n_claims=1)
    assert (len(found.contrast.differences), found.n_tried) == (gap, gap)


def test_a_configuration_that_diverges_sometimes_is_not_judged_by_the_runs_that_did_not():
    found = progress(decided(broken("diverged")), StatedClaim.model_validate(HIGHER), n_claims=1)
    assert found.contrast is None
    assert "diverged or failed" in found.reason


@pytest.mark.parametrize(("apart", "outcome"), [(0.07, "contradicted"), (0.031, "undecided"), (0.01, "supported")])
def test_no_change_along_a_line_is_not_said_of_levels_that_lie_apart(apart, outcome):
    space = {"learning_rate": [0.1, 0.2, 0.3]}

    def value(p, r):
        return 0.9 - apart * (p["learning_rate"] == 0.2) + noise(r + round(1000 * p["learning_rate"]))

    bent = study_of(space, value, replicates=12)
    claim = {"claim": "No trend.", "trend": {"factor": "learning_rate"}, "metric": "test_accuracy", "expect": "neither",
             "margin": 0.03}  # fmt: skip
    found = progress(decided(bent), StatedClaim.model_validate(claim), n_claims=1)
    assert found.decision.outcome == outcome
    assert found.contrast.pairs.shape == (3, 12)


def no_trend(**keys):
    return {"claim": "No trend.", "trend": {"factor": "learning_rate"}, "metric": "test_accuracy", "expect": "neither",
            "margin": 0.03, **keys}  # fmt: skip


THREE = {"learning_rate": [0.1, 0.2, 0.3]}


def test_a_trend_with_one_factor_at_a_time_is_of_the_runs_that_vary_it():
    """The other factor costs 20 points, at the baseline of the rate alone."""
    trials = [{"learning_rate": rate, "momentum": False} for rate in THREE["learning_rate"]]
    trials.append({"learning_rate": 0.2, "momentum": True})
    study = study_of(
        {**THREE, "momentum": [False, True]}, driver="ofat", trials=trials, replicates=12,
        value=lambda p, r: 0.9 - 0.2 * p["momentum"] + noise(r + round(1000 * p["learning_rate"])),
    )  # fmt: skip
    found = progress(decided(study), StatedClaim.model_validate(no_trend()), n_claims=1)
    assert (found.contrast.trials, found.decision.outcome) == ((0, 1, 2), "supported")
    (fixed,) = examine(alone(with_claims(study, no_trend())))
    assert (fixed.verdict, len(fixed.run_ids)) == ("supported", 48)
    (best,) = [each.text for each in fixed.numbers if each.name == "best level on validation"]
    assert "90" in best


@pytest.mark.parametrize("is_decided", [False, True])
def test_a_level_that_a_series_lacks_does_not_stand_apart(is_decided):
    """With momentum 20 points less; of that series one run failed, in every replicate."""
    space = {"learning_rate": [*THREE["learning_rate"], 0.4], "momentum": [False, True]}
    study = study_of(
        space, replicates=12,
        value=lambda p, r: 0.9 - 0.2 * p["momentum"] + noise(r + round(1000 * p["learning_rate"])),
    )  # fmt: skip
    study.all_runs["state"] = study.all_runs["state"].mask(study.all_runs["trial_number"] == 7, "failed")
    study = decided(study) if is_decided else study
    (found,) = examine(alone(with_claims(study, no_trend())))
    assert found.verdict == "supported"


def test_what_is_said_at_every_look_replaces_what_a_fixed_number_said():
    """The first seed lies 9 points off, and the others do not; but a run that diverged contradicts for good."""
    four = {"learning_rate": [*THREE["learning_rate"], 0.4]}
    study = study_of(four, lambda p, r: 0.9 - 0.09 * (p["learning_rate"] == 0.2 and r == 0) + noise(r), replicates=40)
    one = dataclasses.replace(study, all_runs=study.all_runs[study.all_runs["replicate"] == 0])
    found = [examine(alone(with_claims(each, no_trend())))[0].verdict for each in (one, decided(study))]
    assert found == ["contradicted", "supported"]
    study.all_runs.loc[0, "state"] = "diverged"
    now = progress(decided(study), StatedClaim.model_validate(no_trend()), n_claims=1)
    assert now.reason.startswith("a run diverged")
    (found,) = examine(alone(with_claims(decided(study), no_trend())))
    assert found.verdict == "contradicted"


def test_nuisance_settings_are_chosen_by_the_replicates_that_were_asked_for():
    settings = [{"momentum": m, "learning_rate": rate} for m in (False, True) for rate in (0.1, 0.2)]
    study = study_of(
        {"momentum": [False, True], "learning_rate": [0.1, 0.2]}, driver="ofat", trials=settings, replicates=8,
        sections={"learning_rate": "nuisance"},
        value=lambda p, r: 0.9 + 0.01 * (p["learning_rate"] == 0.1) * (r == 0) + 0.02 * p["momentum"] + noise(r),
    )  # fmt: skip
    found = progress(decided(study), StatedClaim.model_validate(HIGHER), n_claims=1)
    assert found.contrast.trials == (0, 2)


def test_claims_judged_at_every_look_take_their_share_from_the_others():
    other = {**HIGHER, "claim": "Nothing else.", "key": "other"}
    page = {"page": "One page"}
    looked = with_claims(decided(sides(0.02, name="a")), HIGHER, **page)
    fixed = with_claims(sides(0.0006, replicates=6, name="b"), other, **page)
    alone_ = examine(Studies((fixed,), (fixed,)))[0]
    together = examine(Studies((fixed,), (fixed, looked)))[0]
    assert n_tested(fixed, Studies((fixed,), (fixed, looked))) == 2
    assert together.p_adjusted == pytest.approx(min(1.0, 2 * alone_.p_adjusted))
