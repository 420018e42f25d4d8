import numpy as np
import pytest
from scipy import integrate, stats

from analysis.statistics.sequences import (
    Decision,
    decide,
    half_widths,
    mean_sequence,
    rate_sequence,
    replicates_needed,
    settled,
    verdicts,
)
from benchmarks.simulations import DIFFERENCES, false_verdicts, fixed_design, replicates_to_verdict


@pytest.mark.parametrize(("n", "alpha"), [(5, 0.05), (12, 0.05), (64, 0.05 / 15)])
def test_interval_ends_where_the_mixture_of_noncentral_t_is_1_over_alpha_times_the_null(n, alpha):
    t = float(half_widths(n, alpha)) * np.sqrt(n)
    mixture, _ = integrate.quad(
        lambda effect: stats.nct.pdf(t, n - 1, np.sqrt(n) * effect) * stats.norm.pdf(effect), -8, 8, limit=400
    )
    assert mixture / stats.t.pdf(t, n - 1) == pytest.approx(1 / alpha, rel=1e-6)


def test_half_widths_are_infinite_before_there_are_enough():
    assert np.isinf(half_widths([1, 2, 3, 4], 0.05)).all()
    assert np.isfinite(half_widths([5, 6], 0.05)).all()
    assert np.isfinite(half_widths([5, 6, 7], 0.05 / 15)).tolist() == [False, False, True]


def test_sequence_is_a_running_intersection_and_does_not_depend_on_where_one_stopped():
    d = np.random.default_rng(1).normal(0.5, 1, 30)
    whole = mean_sequence(d)
    lower = [d[:n].mean() - float(half_widths(n, 0.05)) * d[:n].std(ddof=1) for n in range(5, 31)]
    np.testing.assert_allclose(whole.lower[4:], np.maximum.accumulate(lower))
    assert np.isneginf(whole.lower[:4]).all()
    for n in (7, 20):
        part = mean_sequence(d[:n])
        assert (part.lower.tolist(), part.upper.tolist()) == (whole.lower[:n].tolist(), whole.upper[:n].tolist())
    many = mean_sequence(np.stack([d, -d]))
    np.testing.assert_array_equal(many.lower[1], -whole.upper)


def test_verdict_stays_what_it_first_was():
    d = np.random.default_rng(2).normal(0.04, 0.02, 64)
    counted = [decide(d[:n], "higher", margin=0.1) for n in range(5, 65)]
    words = [decision.outcome for decision in counted]
    first = next(decision for decision in counted if decision.settled_at)
    assert set(words[: first.settled_at - 5]) <= {"undecided"}
    assert {(decision.outcome, decision.settled_at) for decision in counted[first.settled_at - 5 :]} == {
        (first.outcome, first.settled_at)
    }


@pytest.mark.parametrize(
    ("mean", "expect", "margin", "outcome"),
    [
        (1.0, "higher", 0.1, "supported"),
        (1.0, "lower", 0.1, "contradicted"),
        (-1.0, "lower", 0.0, "supported"),
        (-1.0, "higher", 0.1, "contradicted"),
        (0.0, "higher", 0.1, "no difference that matters"),
        (0.0, "same", 0.1, "supported"),
        (1.0, "same", 0.1, "contradicted"),
        (0.1, "same", 0.1, "undecided"),
        (0.0, "higher", 0.0, "undecided"),
    ],
)
def test_decide_says_what_the_interval_shows(mean, expect, margin, outcome):
    d = mean + 0.1 * np.tile([1, -1], 20)
    assert decide(d, expect, margin=margin).outcome == outcome
    assert decide(d + 3, expect, margin=margin, than=3.0).outcome == outcome
    assert decide(d[:4], expect, margin=margin).outcome == "undecided"


def test_decide_forecasts_what_is_needed_from_the_mean_and_the_spread():
    d = np.tile([1.3, -0.7], 5)  # mean 0.3
    decision = decide(d, "higher")
    needed = replicates_needed(0.3, d.std(ddof=1), "higher")
    assert decision == Decision("undecided", None, pytest.approx(0.3), decision.low, decision.high, 10, needed - 10)
    n = np.arange(5, 1000)
    assert needed == n[d.std(ddof=1) * half_widths(n, 0.05) < 0.3][0]
    assert decide(d, "higher", maximum=50).more is None
    assert decide(d, "same", margin=0.3 + 1e-9).more is None


def test_equal_differences_are_known_as_well_as_they_are_rounded():
    d = np.zeros(20)
    assert np.isinf(mean_sequence(d).upper).all()
    rounded = mean_sequence(d, step=0.01)
    assert rounded.upper[-1] == pytest.approx(0.01 / np.sqrt(12) * float(half_widths(20, 0.05)))
    assert decide(d, "same", margin=0.01, step=0.01).outcome == "supported"


def test_rate_sequence_ends_where_the_mixture_of_likelihood_ratios_does():
    outcomes = np.random.default_rng(0).random(40) < 0.2
    found = rate_sequence(outcomes)
    n, k = 40, int(outcomes.sum())
    p = np.linspace(1e-6, 1 - 1e-6, 200_001)
    mixture, _ = integrate.quad(lambda q: q**k * (1 - q) ** (n - k), 0, 1, epsabs=0, epsrel=1e-10)
    inside = p[mixture < 20 * p**k * (1 - p) ** (n - k)]
    assert found.lower[-1] >= inside[0] - 1e-5
    assert found.upper[-1] <= inside[-1] + 1e-5
    assert (found.lower <= found.estimate + 1e-12).all()
    none = rate_sequence(np.zeros(40))
    assert none.lower[-1] == 0
    assert none.upper[-1] == pytest.approx(1 - (1 / (41 * 20)) ** (1 / 40))
    assert settled(none, "lower", than=0.5).outcome == "supported"


def test_rate_sequence_holds_the_rate_at_every_look_also_of_shares():
    rng = np.random.default_rng(4)
    single = rng.random((1000, 64)) < 0.1
    shares = rng.beta(0.2, 1.8, (1000, 64))  # mean 0.1
    for outcomes in (single, shares):
        found = rate_sequence(outcomes)
        assert ((found.lower > 0.1) | (found.upper < 0.1)).any(axis=1).mean() <= 0.05


def test_false_verdicts_are_rare_however_often_one_looks():
    here, peeking = false_verdicts(DIFFERENCES["normal"], 5, 400)
    # A share of 0.05 of 400 has a standard error of 0.011.
    assert here <= 0.05
    assert peeking > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["normal", "heavy tails (t with 3)", "accuracies on 40 images"])
@pytest.mark.parametrize("n_claims", [1, 5, 15])
def test_false_verdicts_are_at_most_5_percent_for_a_page(name, n_claims):
    assert false_verdicts(DIFFERENCES[name], n_claims, 2000)[0] <= 0.05


def test_larger_effects_take_fewer_replicates_and_never_fewer_than_five():
    half = [float(np.median(replicates_to_verdict(effect, 1, 500))) for effect in (0.7, 1.0, 1.5, 2.5)]
    # docs/statistics.md: 20, 12, 8, 6; a median of 500 is within one or two of these.
    assert half == [pytest.approx(expected, abs=2) for expected in (20, 12, 8, 6)]
    assert fixed_design(1.0, 1, 0.8) == 10  # Cohen's table for a paired t test


def test_sequences_refuse_what_they_cannot_judge():
    with pytest.raises(ValueError, match="expect must be one of higher, lower, same, but got 'highest'"):
        verdicts(mean_sequence(np.arange(6.0)), "highest")
    with pytest.raises(ValueError, match="margin must be above 0 for `same`"):
        decide(np.arange(6.0), "same")
    with pytest.raises(ValueError, match="every value must be finite"):
        mean_sequence([0.1, np.nan])
    with pytest.raises(ValueError, match="at least one replicate"):
        mean_sequence([])
    with pytest.raises(ValueError, match=r"between 0 and 1, but got 0\.0 to 2\.0"):
        rate_sequence([0, 2])
