"""Claims about perceptrons turn with the data."""

import numpy as np
import pytest
from scipy import stats

from analysis.claims.evidence import Verdict
from analysis.claims.judge import judge
from analysis.claims.mlp import beyond, level_reached, mlp_against_linear, width
from analysis.studies import best_runs
from tests.analysis.claims.helpers import shifted


@pytest.mark.parametrize(
    ("value", "above", "expected"),
    [
        (0.9805, False, Verdict.SUPPORTED),
        (0.979, False, Verdict.UNDECIDED),
        (0.975, False, Verdict.CONTRADICTED),
        (0.984, True, Verdict.SUPPORTED),
        (0.982, True, Verdict.UNDECIDED),
        (0.976, True, Verdict.CONTRADICTED),
    ],
)
def test_a_level_is_reached_or_surpassed_as_far_as_images_can_tell(tables, value, above, expected):
    runs = tables.complete("mlp-random-confirm").head(8).assign(test_accuracy=value + 1e-5 * np.arange(8))
    found = level_reached(runs, 0.98, above=above)
    assert found.verdict == expected
    assert f"{100 * np.mean(runs['test_accuracy']):.2f} %" in found.sentence


def test_mlp_against_linear_adds_images_and_seeds(tables):
    best, linear = best_runs(tables, "mlp-random"), best_runs(tables, "linear-grid")
    a, b = best["test_accuracy"], linear["test_accuracy"]
    variance = sum(x.mean() * (1 - x.mean()) / 10_000 + stats.sem(x) ** 2 for x in (a, b))
    found = mlp_against_linear(tables)
    assert found.difference == pytest.approx(a.mean() - b.mean())
    assert found.high - found.low == pytest.approx(2 * stats.norm.ppf(0.975) * np.sqrt(variance))
    images = sum(x.mean() * (1 - x.mean()) / 10_000 for x in (a, b))
    assert found.resolution == pytest.approx(np.sqrt(images))
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(a.mean() - b.mean()) / np.sqrt(variance)))
    worse = shifted(tables, lambda runs: runs["study"] == "mlp-random-confirm", "test_accuracy", -0.2)
    assert judge(mlp_against_linear(worse), 0.001)[0] == Verdict.CONTRADICTED


def test_beyond_98_rests_on_width_alone_and_shows_the_best_beside_it(tables):
    found = beyond(tables)
    widest = tables.complete("ofat-hidden-size")
    assert f"2 × {widest['hidden_size'].max()} relu" in found.sentence
    assert "With dropout, batches and a cosine as well" in found.sentence
    for amount, expected in ((0.005, Verdict.SUPPORTED), (-0.05, Verdict.CONTRADICTED)):
        changed = shifted(tables, lambda runs: runs["study"] == "ofat-hidden-size", "test_accuracy", amount)
        assert beyond(changed).verdict == expected


def test_width_turns_with_the_data_and_tells_the_activations_apart(tables):
    wider = shifted(tables, lambda runs: runs["hidden_size"] == 800, "test_accuracy", 0.05)
    assert judge(width(wider, 0, 100), 0.001)[0] == Verdict.SUPPORTED
    narrower = shifted(tables, lambda runs: runs["hidden_size"] == 800, "test_accuracy", -0.05)
    assert judge(width(narrower, 0, 100), 0.001)[0] == Verdict.CONTRADICTED
    assert "tanh" in width(tables, 0, 100).sentence
