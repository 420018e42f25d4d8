"""How much of a selected value was luck: the selection against fresh seeds, and against the choice that is frozen."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics.intervals import share_interval
from analysis.studies import confirmed
from analysis.tables import StudyMissingError, Tables, known
from analysis.trials import n_candidates, selected_trial

SELECTS = {"grid": True, "random": True, "optuna": True, "ofat": False, "confirm": False}
"""The drivers, and whether the best of their trials is selected for use."""


def optimism(tables: Tables) -> pd.DataFrame:
    """How optimistic the selection was: selected value against validation on fresh seeds and against test.

    Returns:
        One row per study of more than one trial that selects: `study`, `trial_number`, `n_trials`,
        `validation` and `test` of the selected trial when it was selected, and where a confirmation is at
        hand `confirmed_validation`, `confirmed_test` (means over fresh seeds), `n_confirmations`,
        `optimism` = validation − confirmed validation with its interval over fresh seeds, `optimism_low` and
        `optimism_high`; `n_selectable` trials of full fidelity; of the newest frozen choice of the study
        `selection_id`, `frozen_trial`, `frozen_from` (trials) and `frozen_at`, missing where there is none.
    """
    rows = []
    frozen = {row["study"]: row for row in tables.selections.to_dict("records")}
    for study in tables.studies:
        try:
            runs = tables.complete(study)
        except StudyMissingError:
            continue
        selects = known(SELECTS, runs["driver"].iloc[0], "driver")
        n_trials = n_candidates(tables.complete(study, full_fidelity=False))
        if not selects or n_trials < 2:
            continue
        chosen = selected_trial(runs)
        row: dict[str, Any] = {
            "study": study,
            "trial_number": int(chosen["trial_number"]),
            "n_trials": n_trials,
            "validation": chosen["validation_accuracy"],
            "test": chosen["test_accuracy"],
            "confirmed_validation": np.nan,
            "confirmed_test": np.nan,
            "n_confirmations": 0,
            "optimism": np.nan,
            "optimism_low": np.nan,
            "optimism_high": np.nan,
            "selection_id": frozen[study]["selection_id"] if study in frozen else None,
            "frozen_trial": frozen[study]["trial_number"] if study in frozen else None,
            "frozen_from": frozen[study]["n_trials"] if study in frozen else None,
            "frozen_at": frozen[study]["selected_at"] if study in frozen else "",
            "n_selectable": int((runs["trial_state"] == "complete").groupby(runs["trial_number"]).first().sum()),
            "run_ids": list(chosen["run_ids"]),
        }
        again = confirmed(tables, study)
        if again is not None:
            fresh = again[again["source_trial_number"] == chosen["trial_number"]]
            if len(fresh):
                again_mean = share_interval(fresh["validation_accuracy"])
                row |= {
                    "optimism_low": chosen["validation_accuracy"] - again_mean.high,
                    "optimism_high": chosen["validation_accuracy"] - again_mean.low,
                    "confirmed_validation": fresh["validation_accuracy"].mean(),
                    "confirmed_test": fresh["test_accuracy"].mean(),
                    "n_confirmations": len(fresh),
                    "optimism": chosen["validation_accuracy"] - fresh["validation_accuracy"].mean(),
                    "run_ids": [*chosen["run_ids"], *fresh["run_id"].tolist()],
                }
        rows.append(row)
    whole = dict.fromkeys(("selection_id", "frozen_trial", "frozen_from"), "Int64")
    return pd.DataFrame(rows).astype(whole) if rows else pd.DataFrame()
