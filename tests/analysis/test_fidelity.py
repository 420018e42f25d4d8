"""Rungs: rankings on small training sets against larger ones."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.claims.evidence import Verdict
from analysis.claims.mlp import small_sets
from analysis.figures.drawing import module


def test_fidelity_agreement_is_kendalls_over_those_that_reached_both_rungs(tables):
    table = module("fidelity").table(tables)
    wide = table.pivot(index="candidate", columns="rung", values="accuracy")
    assert wide.notna().sum().tolist() == [27, 9, 3]
    both = wide[[0, 1]].dropna()
    row = table.iloc[0]
    assert (row["kendall_with"], row["kendall_candidates"]) == ("15,000 images for 5 epochs", 9)
    assert row["cost"] == pytest.approx((27 * 5_000 * 2 + 9 * 15_000 * 5 + 3 * 50_000 * 10) / (27 * 50_000 * 10))
    assert row["kendall"] == pytest.approx(stats.kendalltau(both[0], both[1]).statistic)
    assert row["place_of_winner"] == wide[0].rank(ascending=False)[wide[2].idxmax()]


def test_fidelity_compares_all_candidates_where_the_random_search_has_them_too(tables):
    fidelity = tables.complete("mlp-fidelity", full_fidelity=False)
    smallest = fidelity[fidelity["epochs"] == 2]
    twins = smallest.assign(
        study="mlp-random",
        run_id=smallest["run_id"] + 10**6,
        config=[{**config, "train_images": None, "epochs": 5} for config in smallest["config"]],
        train_images=None,
        epochs=5,
        full_fidelity=True,
        validation_accuracy=0.5 + smallest["validation_accuracy"].rank() / 100,
    )
    runs = pd.concat([tables.runs[tables.runs["study"] != "mlp-random"], twins], ignore_index=True)
    with_twins = dataclasses.replace(tables, runs=runs)
    table = module("fidelity").table(with_twins)
    row = table.iloc[0]
    assert (row["kendall_candidates"], row["kendall_with"]) == (27, "50,000 images for 5 epochs in mlp-random")
    assert row["kendall"] == pytest.approx(1)
    assert set(twins["run_id"]) <= set(table.attrs["run_ids"])
    assert "27 candidates trained on both" in module("fidelity").caption(table)
    assert small_sets(with_twins).verdict == Verdict.SUPPORTED
    flipped = runs.assign(
        validation_accuracy=np.where(
            runs["study"] == "mlp-random", 1 - runs["validation_accuracy"], runs["validation_accuracy"]
        )
    )
    assert small_sets(dataclasses.replace(tables, runs=flipped)).verdict == Verdict.CONTRADICTED
