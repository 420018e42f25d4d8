"""Verdicts over seeds and images together, on studies that know which images their runs got right."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.claims.evidence import Verdict
from analysis.claims.images import most_of_images
from analysis.statistics.two_way import two_way_accuracy, two_way_difference
from tests.analysis.claims.helpers import claim_of, evidence_of, study_of, verdict_of

N = 2_000
SPACE = {"learning_rate": [0.01, 0.02], "momentum": [False, True]}
MOMENTUM = {"compare": {"factor": "momentum", "level": True, "against": False}}


@dataclasses.dataclass(frozen=True)
class Known:
    """Which images the runs got right, by their number."""

    bits: dict

    def correct(self, runs, split):
        known = split == "test" and set(runs["run_id"]) <= self.bits.keys()
        return np.stack([np.packbits(self.bits[run_id]) for run_id in runs["run_id"]]) if known else None


def with_bits(right, replicates, *, name="mine", space=SPACE, lost=()):
    """A study whose runs get the images right that `right(params, replicate)` says."""
    study = study_of(space, lambda p, r: float(right(p, r).mean()), replicates=replicates, name=name)
    runs = study.all_runs.assign(n_test=N, n_validation=N)
    bits = {row.run_id: right(row.params, row.replicate) for row in runs.itertuples() if row.run_id not in lost}
    return dataclasses.replace(study, all_runs=runs, predictions=Known(bits))


def drawn(effect, of_images=0.004, of_runs=0.004):
    """Momentum gets `effect` more of the images right; each image and each run has its own luck."""
    hard = np.random.default_rng(1).uniform(size=N)

    def right(params, replicate):
        key = [int(1000 * params.get("learning_rate", 0)), params["momentum"], replicate]
        own = np.random.default_rng(key).uniform(-of_runs, of_runs, size=N)
        of_image = np.random.default_rng(2 + params["momentum"]).uniform(-of_images, of_images, size=N)
        return hard + own + of_image < 0.9 + effect * params["momentum"]

    return right


def test_compare_is_over_seeds_and_images_where_these_are_known():
    study = with_bits(drawn(0.01), 5)
    claim = claim_of(**MOMENTUM, expect="higher")
    found = evidence_of(claim, study)
    runs = study.complete
    sides = [runs[runs["momentum"] == on].sort_values(["learning_rate", "replicate"]) for on in (True, False)]
    cells = [study.correct(side, "test").reshape(2, 5, -1) for side in sides]
    expected = two_way_difference(*cells, n_images=N)
    assert (found.difference, found.low, found.high) == (
        expected.such.interval.estimate, expected.such.interval.low, expected.such.interval.high,
    )  # fmt: skip
    assert found.p == expected.such.p
    assert "on these examples" in found.sentence
    assert "on such examples (other seeds and examples) (5 replicates, 10 pairs)" in found.sentence
    # 0.7 points are one binomial standard error of 2,000 images: they no longer hide a half of it.
    assert verdict_of(claim, with_bits(drawn(0.004, 0.001, 0.001), 5)) == Verdict.SUPPORTED
    assert verdict_of(claim_of(**MOMENTUM, expect="higher", margin=0.006), study) == Verdict.SUPPORTED
    small = with_bits(drawn(0.004, 0.001, 0.001), 5)
    assert verdict_of(claim_of(**MOMENTUM, expect="higher", margin=0.006), small) == Verdict.UNDECIDED
    assert verdict_of(claim_of(**MOMENTUM, expect="same", margin=0.02), study) == Verdict.SUPPORTED
    assert verdict_of(claim_of(**MOMENTUM, expect="same"), with_bits(drawn(0.03), 5)) == Verdict.CONTRADICTED
    assert verdict_of(claim_of(**MOMENTUM, expect="lower"), study) == Verdict.CONTRADICTED


def test_seeds_that_agree_on_few_images_prove_nothing_of_other_images():
    """Every seed has momentum gain the same two images and lose one: certain here, and nothing elsewhere."""
    base = np.arange(N) % 10 > 0

    def right(params, replicate):
        found = base.copy()
        if params["momentum"]:
            found[[0, 10]], found[1] = True, False
        found[20 + replicate] = False
        return found

    study = with_bits(right, 6)
    found = evidence_of(claim_of(**MOMENTUM, expect="higher"), study)
    assert found.low < 0 < found.difference
    assert verdict_of(claim_of(**MOMENTUM, expect="higher"), study) == Verdict.UNDECIDED


@pytest.mark.parametrize(("replicates", "lost", "metric"), [(5, (3,), "test_accuracy"), (1, (), "test_accuracy")])
def test_without_all_bits_or_with_one_seed_compare_is_as_before(replicates, lost, metric):
    claim = claim_of(**MOMENTUM, expect="higher", metric=metric)
    study = with_bits(drawn(0.01), replicates, lost=lost)
    bare = dataclasses.replace(study, predictions=Known({}))
    found, before = (vars(evidence_of(claim, each)) for each in (study, bare))
    # One seed has no interval, but what other images may do to its pairs is known, and less than to unrelated runs.
    assert (found["margin"].size < before["margin"].size) == (replicates == 1)
    pd.testing.assert_series_equal(*(pd.Series(each).drop("margin") for each in (found, before)))
    assert "such examples" not in evidence_of(claim, study).sentence


def test_pairs_missing_in_different_replicates_leave_the_cells_that_are_whole():
    study = with_bits(drawn(0.01), 3)
    runs = study.all_runs
    gone = ((runs["learning_rate"] == 0.01) & (runs["replicate"] == 0) & runs["momentum"]) | (
        (runs["learning_rate"] == 0.01) & (runs["replicate"] == 1) & runs["momentum"]
    )
    study = dataclasses.replace(study, all_runs=runs.assign(state=runs["state"].mask(gone, "diverged")))
    # One replicate alone has all pairs: one seed.
    assert "such examples" not in evidence_of(claim_of(**MOMENTUM, expect="higher"), study).sentence


def test_selected_is_over_the_same_images_and_matches_seeds():
    one, two = ({"momentum": [value], "learning_rate": [0.01, 0.02]} for value in (True, False))
    mine = with_bits(drawn(0.004), 6, space=one)
    other = with_bits(drawn(0.004), 4, space=two, name="other")
    claim = claim_of(selected={"against": "other"}, expect="higher")
    found = evidence_of(claim, mine, other)
    shared = [s.selected_runs[s.selected_runs["replicate"] < 4] for s in (mine, other)]
    expected = two_way_difference(*(s.correct(runs, "test") for s, runs in zip((mine, other), shared, strict=True)),
                                  n_images=N)  # fmt: skip
    assert (found.low, found.p) == (expected.such.interval.low, expected.such.p)
    assert found.margin.size == 0
    assert found.difference == pytest.approx(expected.such.interval.estimate)
    assert "on such examples" in found.sentence
    # Seeds that are others are independent: as many as there are of both.
    moved = dataclasses.replace(other, all_runs=other.all_runs.assign(seed=other.all_runs["seed"] + 100))
    assert "(4 runs)" in evidence_of(claim, mine, moved).sentence
    bare = dataclasses.replace(other, predictions=Known({}))
    assert "from examples and seeds" in evidence_of(claim, mine, bare).sentence


def test_the_mean_is_supported_on_these_images_and_contradicted_on_such():
    study = with_bits(drawn(0.0, 0.001, 0.001), 5)
    mean = float(study.complete["test_accuracy"].mean())

    def verdict(at, **more):
        return verdict_of(claim_of(level={"of": "mean", "equals": at, "within": 0.0005}, **more), study)

    assert verdict(mean) == Verdict.SUPPORTED
    # 2,000 images measure 90 % to 1.3 points.
    assert (verdict(mean - 0.01), verdict(mean - 0.02)) == (Verdict.UNDECIDED, Verdict.CONTRADICTED)
    assert verdict(mean - 0.02, margin=0.03) == Verdict.UNDECIDED


def test_the_selected_configuration_has_its_interval_over_seeds_and_images():
    study = with_bits(drawn(0.0), 5)
    runs = study.selected_runs
    expected = two_way_accuracy(study.correct(runs, "test"), n_images=N).such.interval

    def verdict(**bound):
        return verdict_of(claim_of(level={"of": "selected", **bound}), study)

    assert verdict(above=expected.low - 1e-6) == Verdict.SUPPORTED
    assert verdict(above=expected.low + 1e-6) == Verdict.UNDECIDED
    assert verdict(at_least=expected.high - 1e-6) == Verdict.UNDECIDED
    assert verdict(at_least=expected.high + 1e-6) == Verdict.CONTRADICTED
    assert "on such examples" in evidence_of(claim_of(level={"of": "selected", "above": 0.8}), study).sentence


RATES = [0.01, 0.03, 0.09, 0.27]
TREND = {"trend": {"factor": "learning_rate"}}


def rising(effect, of_runs=0.004, of_images=0.004):
    """Each doubling of the rate gets `effect` more of the images right; each image, level and run has its own luck."""
    hard = np.random.default_rng(1).uniform(size=N)

    def right(params, replicate):
        level = RATES.index(params["learning_rate"])
        own = np.random.default_rng([5, level, replicate]).uniform(-of_runs, of_runs, size=N)
        of_level = np.random.default_rng([6, level]).uniform(-of_images, of_images, size=N)
        return hard + own + of_level < 0.9 + effect * level

    return right


def test_trend_is_over_seeds_and_images_where_these_are_known():
    study = with_bits(rising(0.004), 4, space={"learning_rate": RATES})
    trend = {"trend": {"factor": "learning_rate"}}
    found = evidence_of(claim_of(**trend, expect="rises"), study)
    runs = study.complete.sort_values(["learning_rate", "replicate"])
    bits = np.unpackbits(study.correct(runs, "test"), axis=1, count=N).reshape(4, 4, N)
    # On the logarithm the levels stand at 0, 1, 2 and 3.
    by_hand = np.tensordot(np.array([-1.5, -0.5, 0.5, 1.5]) * 3 / 5, bits.mean(axis=2), axes=1)
    assert found.difference == pytest.approx(by_hand.mean())
    assert "on such examples" in found.sentence
    assert verdict_of(claim_of(**trend, expect="rises"), study) == Verdict.SUPPORTED
    # 1.2 points over the range, which the images of one accuracy measure to 0.7 points.
    assert verdict_of(claim_of(**trend, expect="neither", margin=0.003), study) == Verdict.CONTRADICTED
    assert verdict_of(claim_of(**trend, expect="neither", margin=0.03), study) == Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("form", "of_none", "of_margin"),
    [
        ({"trend": {"factor": "learning_rate"}, "expect": "neither", "margin": 0.01}, "supported", "undecided"),
        ({"trend": {"factor": "learning_rate"}, "expect": "rises"}, "undecided", "supported"),
        ({"level": {"of": "every run", "at_least": 0.88}}, "supported", "supported"),
        ({"level": {"of": "every run", "at_least": 0.9}}, "undecided", "undecided"),
        ({"level": {"of": "mean", "at_most": 0.902}}, "supported", "supported"),
        ({"level": {"of": "selected", "at_least": 0.905}}, "undecided", "undecided"),
    ],
)
def test_a_verdict_settles_as_replicates_are_added(form, of_none, of_margin):
    """One by one to thirty: no verdict turns into its opposite, and one seed supports no level."""
    for effect, expected in ((0.0, of_none), (0.0033, of_margin)):
        whole, claim, seen = with_bits(rising(effect), 30, space={"learning_rate": RATES}), claim_of(**form), []
        for n in range(1, 31):
            runs = whole.all_runs[whole.all_runs["replicate"] < n]
            seen.append(verdict_of(claim, dataclasses.replace(whole, all_runs=runs)))
        assert not {Verdict.SUPPORTED, Verdict.CONTRADICTED} <= set(seen)
        assert "level" not in form or seen[0] == Verdict.UNDECIDED
        assert seen[-1] == expected


@pytest.mark.parametrize(("n_images", "n_seeds"), [(360, 2), (360, 5), (2_000, 5)])
def test_many_seeds_settle_no_difference_that_other_images_make(n_images, n_seeds):
    """Without any difference but that of the images at hand, which many seeds would find: seldom beyond the margin."""
    rng, beyond, n = np.random.default_rng(1), 0, 100
    for _ in range(n):
        right = np.where(rng.uniform(size=n_images) < 0.1, rng.uniform(0.2, 0.8, size=n_images), 0.99)
        of_images = rng.normal(0, 0.05, size=n_images) * (right < 0.9)
        chances = [np.clip(right + sign * of_images, 0, 1) for sign in (1, -1)]
        found = two_way_difference(*(rng.uniform(size=(n_seeds, n_images)) < chance for chance in chances))
        margin = stats.norm.ppf(0.975) * np.sqrt(most_of_images(found) / n_images)
        beyond += abs((chances[0] - chances[1]).mean()) > margin
    assert beyond <= stats.binom.ppf(0.999, n, 0.05)


@pytest.mark.parametrize("asked", [1, 3])
def test_decide_asks_for_what_other_images_may_do_in_place_of_the_binomial_error(asked):
    for form, expect, study in (
        (MOMENTUM, "higher", with_bits(drawn(0.01), asked)),
        (
            {"trend": {"factor": "learning_rate"}},
            "rises",
            with_bits(rising(0.004), asked, space={"learning_rate": RATES}),
        ),
    ):
        claim, bare = claim_of(**form, expect=expect), dataclasses.replace(study, predictions=Known({}))
        margins = [claim.form.contrast(claim, each).margin for each in (study, bare)]
        assert 0 < margins[0] < margins[1]
        stated = claim_of(**form, expect=expect, margin=0.002)
        assert stated.form.contrast(stated, study).margin == 0.002
