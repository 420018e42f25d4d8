"""Values in words."""

import pandas as pd

from analysis.wording import describe, ranges
from benchmarks import synthetic


def test_a_configuration_is_described_with_what_the_report_did_not_have():
    config = pd.Series(synthetic.BASE)
    assert describe(config) == "2 × 100 relu, learning rate 0.01, momentum, halve on decrease"
    beyond = {
        "momentum_form": "heavy_ball",
        "epochs": 40,
        "batch_size": 64,
        "dropout_hidden": 0.3,
        "weight_decay": 1e-4,
    }
    assert describe(pd.Series(synthetic.BASE | beyond)) == (
        "2 × 100 relu, learning rate 0.01, heavy ball, halve on decrease, 40 epochs, batches of 64, "
        "dropout 0 (input) and 0.3 (hidden), weight decay 0.0001"
    )


def test_ranges_join_neighbours():
    assert ranges([3, 1, 2, 7, 9, 10, 2]) == "1–3, 7, 9–10"
    assert ranges([]) == ""
