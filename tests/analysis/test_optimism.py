"""Selected values against fresh seeds."""

import dataclasses

import pytest
from scipy import stats

from analysis.optimism import optimism
from analysis.studies import Studies


def named(studies, name):
    return next(study for study in studies if study.name == name)


def test_optimism_is_selected_minus_confirmed(studies):
    study = named(studies, "mlp-random")
    row = optimism(study, studies)
    fresh = studies.confirmation(study)
    fresh = fresh[fresh["source_trial_number"] == study.selected["trial_number"]]
    assert row["optimism"] == pytest.approx(study.selected["validation_accuracy"] - fresh["validation_accuracy"].mean())
    assert row["n_confirmations"] == len(fresh) == 8
    assert studies.confirmation(named(studies, "mlp-optuna")) is None


def test_the_interval_of_the_optimism_is_that_of_the_fresh_seeds_turned_round(studies):
    study, confirmation = named(studies, "mlp-random"), named(studies, "mlp-random-confirm")
    # Four seeds: Student's t, which SciPy has too.
    four = dataclasses.replace(confirmation, all_runs=confirmation.all_runs[confirmation.all_runs["replicate"] < 4])
    fewer = Studies((study,), (study, four))
    row = optimism(study, fewer)
    again = fewer.confirmation(study)
    again = again.loc[again["source_trial_number"] == study.selected["trial_number"], "validation_accuracy"]
    ends = stats.ttest_1samp(study.selected["validation_accuracy"] - again, 0).confidence_interval()
    assert (row["optimism_low"], row["optimism_high"]) == (pytest.approx(ends.low), pytest.approx(ends.high))
