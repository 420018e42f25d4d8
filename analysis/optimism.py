"""How much of a selected value was luck: the selection against fresh seeds, and against the choice that is frozen."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.errors import known
from analysis.statistics.intervals import clipped
from analysis.studies import Studies, Study
from analysis.trials import n_candidates

SELECTS = {"grid": True, "random": True, "optuna": True, "ofat": False, "confirm": False}
"""The drivers, and whether the best of their trials is selected for use."""


def selects(study: Study) -> bool:
    """Whether the best of the study's trials is selected for use."""
    return known(SELECTS, study.driver, "driver")


def optimism(study: Study, studies: Studies) -> Mapping[str, Any] | None:
    """How optimistic the selection was: selected value against validation on fresh seeds and against test.

    Returns:
        None for a study that selects nothing, or of one trial. Else `trial_number`, `n_trials`, `n_selectable` (those
        of full fidelity), `validation` and `test` of the selected trial when it was selected, `n_confirmations`, and
        with those `confirmed_validation`, `confirmed_test` (means over fresh seeds), `optimism` = validation −
        confirmed validation with its interval over fresh seeds, `optimism_low` and `optimism_high`, else NaN.
    """
    if not selects(study) or not study.has_results:
        return None
    runs = study.complete
    n_trials = n_candidates(study.complete_at_any_fidelity)
    if n_trials < 2:
        return None
    chosen = study.selected
    row: dict[str, Any] = {
        "trial_number": int(chosen["trial_number"]),
        "n_trials": n_trials,
        "n_selectable": int((runs["trial_state"] == "complete").groupby(runs["trial_number"]).first().sum()),
        "validation": chosen["validation_accuracy"],
        "test": chosen["test_accuracy"],
        "n_confirmations": 0,
        **dict.fromkeys(
            ("confirmed_validation", "confirmed_test", "optimism", "optimism_low", "optimism_high"), np.nan
        ),
    }
    confirms, again = studies.confirming(study), studies.confirmation(study)
    fresh = None if again is None else again[again["source_trial_number"] == chosen["trial_number"]]
    if confirms is None or fresh is None or fresh.empty:
        return row
    mean = clipped(confirms.replicated.interval(fresh["validation_accuracy"]), 0, 1)
    return row | {
        "n_confirmations": len(fresh),
        "confirmed_validation": mean.estimate,
        "confirmed_test": fresh["test_accuracy"].mean(),
        "optimism": chosen["validation_accuracy"] - mean.estimate,
        "optimism_low": chosen["validation_accuracy"] - mean.high,
        "optimism_high": chosen["validation_accuracy"] - mean.low,
    }
