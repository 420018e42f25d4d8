"""Selected values against fresh seeds."""

import pytest

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
