"""Selected values against fresh seeds."""

import dataclasses

import pytest
from scipy import stats

from analysis.optimism import optimism
from analysis.studies import confirmed
from analysis.trials import selected_trial


def test_optimism_is_selected_minus_confirmed(tables):
    row = optimism(tables).set_index("study").loc["mlp-random"]
    chosen = selected_trial(tables.complete("mlp-random"))
    fresh = confirmed(tables, "mlp-random")
    fresh = fresh[fresh["source_trial_number"] == chosen["trial_number"]]
    assert row["optimism"] == pytest.approx(chosen["validation_accuracy"] - fresh["validation_accuracy"].mean())
    assert row["n_confirmations"] == len(fresh) == 8
    assert confirmed(tables, "mlp-optuna") is None


def test_the_interval_of_the_optimism_is_that_of_the_fresh_seeds_turned_round(tables):
    fresh = tables.runs["study"] == "mlp-random-confirm"
    # Four seeds: Student's t, which SciPy has too.
    runs = tables.runs[~fresh | (tables.runs["replicate"] < 4)]
    row = optimism(dataclasses.replace(tables, runs=runs)).set_index("study").loc["mlp-random"]
    chosen = selected_trial(tables.complete("mlp-random"))
    again = confirmed(dataclasses.replace(tables, runs=runs), "mlp-random")
    again = again.loc[again["source_trial_number"] == chosen["trial_number"], "validation_accuracy"]
    ends = stats.ttest_1samp(chosen["validation_accuracy"] - again, 0).confidence_interval()
    assert (row["optimism_low"], row["optimism_high"]) == (pytest.approx(ends.low), pytest.approx(ends.high))
