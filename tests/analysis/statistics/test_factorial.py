"""Effects of a balanced grid against their construction and against least squares."""

import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotApplicableError
from analysis.statistics.factorial import grid_effects


def test_grid_effects_recover_the_construction(grid):
    effects = grid_effects(grid, ["a", "b"], "value")
    found = {(row.term, row.level): row.effect for row in effects.itertuples()}
    expected = {("a", "0"): -1, ("a", "1"): 1, ("b", "0"): -1, ("b", "1"): 0, ("b", "2"): 1}
    expected |= {("a × b", f"{a}, {b}"): 0.5 * (2 * a - 1) * (b - 1) for a in (0, 1) for b in (0, 1, 2)}
    assert found == pytest.approx(expected)
    assert effects.drop_duplicates("term")["share"].sum() == pytest.approx(1.0)


def test_grid_effects_equal_least_squares_with_sum_to_zero_coding(grid):
    grid = grid.assign(value=grid["value"] + np.random.default_rng(0).normal(size=len(grid)))
    a = np.where(grid["a"] == 1, 1.0, -1.0)
    b = np.array([[1, 0], [0, 1], [-1, -1]])[grid["b"]]
    X = np.column_stack([np.ones(len(grid)), a, b, a[:, None] * b])
    beta = np.linalg.lstsq(X, grid["value"], rcond=None)[0]
    effects = grid_effects(grid, ["a", "b"], "value").set_index(["term", "level"])["effect"]
    expected = [beta[1], beta[2], beta[3], -beta[2] - beta[3], beta[4]]
    assert effects.loc[[("a", "1"), ("b", "0"), ("b", "1"), ("b", "2"), ("a × b", "1, 0")]].tolist() == pytest.approx(
        expected
    )


def test_grid_effects_refuse_an_unbalanced_grid(grid):
    with pytest.raises(NotApplicableError, match="measured equally often"):
        grid_effects(grid.drop(index=3), ["a", "b"], "value")


def test_grid_effects_refuse_a_grid_without_factors(grid):
    with pytest.raises(NotApplicableError, match="two levels"):
        grid_effects(pd.DataFrame(grid[grid["a"] == 0]), ["a"], "value")
