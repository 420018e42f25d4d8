"""Claims about linear models turn with the data."""

import dataclasses

import numpy as np
import pytest

from analysis.claims.evidence import Verdict
from analysis.claims.judge import judge
from analysis.claims.linear import convergence_within, mean_linear, momentum, rate_and_accuracy
from tests.analysis.claims.helpers import bump, replicated


@pytest.mark.parametrize(
    ("accuracy", "n_replicates", "expected", "has_p"),
    [
        # 0.21 points: below one standard error.
        (lambda k, r: 0.92 + 0.0003 * k + 0.0001 * r, 5, Verdict.SUPPORTED, True),
        # 0.42 points in every seed, and in one.
        (lambda k, r: 0.92 + 0.0006 * k + bump(k, r), 5, Verdict.CONTRADICTED, True),
        (lambda k, r: 0.92 + 0.0006 * k, 1, Verdict.UNDECIDED, False),
        # One rate is better, but accuracy does not go with the rate.
        (lambda k, r: 0.92 + 0.004 * (k == 3) + bump(k, r), 5, Verdict.UNDECIDED, True),
        # 7 points: no sample of images gives that.
        (lambda k, r: 0.92 + 0.01 * k, 1, Verdict.CONTRADICTED, False),
    ],
)
def test_rates_are_judged_by_their_range_and_by_what_seeds_agree_on(tables, accuracy, n_replicates, expected, has_p):
    found = rate_and_accuracy(replicated(tables, accuracy, n_replicates), "linear-grid")
    assert (found.verdict, np.isfinite(found.p)) == (expected, has_p)
    if has_p and expected != Verdict.SUPPORTED:
        assert (found.p < 0.05) == (expected == Verdict.CONTRADICTED)


@pytest.mark.parametrize(
    ("mean", "expected"), [(0.9219, Verdict.SUPPORTED), (0.9209, Verdict.UNDECIDED), (0.9161, Verdict.CONTRADICTED)]
)
def test_the_mean_of_the_grid_is_compared_as_it_was_printed(tables, mean, expected):
    found = mean_linear(replicated(tables, lambda k, r: mean + 1e-6 * (r - 2), 5))
    assert found.verdict == expected
    assert f"{100 * mean:.2f} %" in found.sentence
    assert ("does not round" in found.sentence) == (expected == Verdict.UNDECIDED)


def test_a_mean_that_seeds_leave_open_is_not_said_to_miss(tables):
    found = mean_linear(replicated(tables, lambda k, r: 0.922 + 0.001 * (r - 2), 5))
    assert found.verdict == Verdict.UNDECIDED
    assert "does not surely round" in found.sentence


def test_momentum_is_credited_with_fewer_evaluations(tables):
    grid = tables.complete("linear-grid").set_index("run_id")
    with_momentum = grid.index[grid["momentum"]]
    curves = tables.curves[tables.curves["run_id"].isin(grid.index)].copy()
    rates = curves["run_id"].map(grid["learning_rate"].rank(method="dense")).to_numpy()
    for mask, expected in (
        (curves["run_id"].isin(with_momentum), Verdict.SUPPORTED),
        (~curves["run_id"].isin(with_momentum), Verdict.CONTRADICTED),
    ):
        reached = np.where(mask, 3, 6 + rates % 3)
        changed = curves.assign(validation_accuracy=np.where(curves["k"] >= reached, 0.9, 0.5))
        found = momentum(dataclasses.replace(tables, curves=changed))
        assert judge(found, found.p)[0] == expected
        assert found.difference == pytest.approx(
            (1 if expected == Verdict.SUPPORTED else -1) * np.mean(3 + np.arange(1, 9) % 3)
        )


def test_a_run_that_is_a_few_images_late_decides_nothing(tables):
    curves = tables.curves.copy()
    curves["validation_accuracy"] = np.where(curves["k"] > 10, 0.92, 0.9099)
    late = convergence_within(dataclasses.replace(tables, curves=curves), 10, "two epochs")
    assert late.verdict == Verdict.UNDECIDED
    curves["validation_accuracy"] = np.where(curves["k"] > 10, 0.92, 0.90)
    assert (
        convergence_within(dataclasses.replace(tables, curves=curves), 10, "two epochs").verdict == Verdict.CONTRADICTED
    )
