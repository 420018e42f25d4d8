"""Each form turns with the data, on studies of any kind."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from analysis.claims.evidence import Verdict
from analysis.errors import NotApplicableError, NothingThereError
from tests.analysis.claims.helpers import alone, claim_of, evidence_of, study_of, verdict_of

SUPPORTED, CONTRADICTED, UNDECIDED = Verdict.SUPPORTED, Verdict.CONTRADICTED, Verdict.UNDECIDED
WORDS = {"activation": ["relu", "tanh"], "dropout_hidden": [0.0, 0.5]}


def noise(*key):
    """A tenth of a point, the same for the same key."""
    return 0.001 * np.random.default_rng([int(1e6 * k) for k in key]).uniform()


def dropout(expect, **more):
    return claim_of(compare={"factor": "dropout_hidden", "level": 0.5, "against": 0.0}, expect=expect, **more)


@pytest.mark.parametrize("n_replicates", [2, 5, 12])
@pytest.mark.parametrize(
    ("effect", "expect", "expected"),
    [
        (0.01, "higher", SUPPORTED),
        (0.01, "lower", CONTRADICTED),
        (0.01, "same", CONTRADICTED),
        (-0.01, "lower", SUPPORTED),
        (0.0, "same", SUPPORTED),
        (0.0, "higher", UNDECIDED),
        (0.001, "higher", UNDECIDED),  # below what the images can tell
    ],
)
def test_compare_turns_with_the_data(n_replicates, effect, expect, expected):
    study = study_of(
        WORDS,
        lambda p, r: 0.95 + effect * (p["dropout_hidden"] > 0) + 0.0002 * np.cos(7 * r + 3 * (p["dropout_hidden"] > 0)),
        replicates=n_replicates,
    )
    found = evidence_of(dropout(expect), study)
    assert f"{n_replicates} replicates, {2 * n_replicates} pairs" in found.sentence
    if n_replicates > 2:
        assert verdict_of(dropout(expect), study) == expected
    assert len(found.run_ids) == 4 * n_replicates


def on_cuts(study):
    """Its replicates on cuts of their own, each with a fifth of the 60,000 examples for validation."""
    cuts = study.all_runs["replicate"].map(lambda r: {"seed": 1, "folds": 5, "fold": r})
    return dataclasses.replace(study, all_runs=study.all_runs.assign(cut=cuts, n_train=48_000, n_validation=12_000))


def test_what_replicates_on_cuts_that_share_examples_say_has_the_corrected_t():
    steps = np.array([0.0, 4, 1, 3, 2]) / 1000
    study = study_of(WORDS, lambda p, r: 0.95 + (p["dropout_hidden"] > 0) * steps[r] + noise(r), replicates=5)
    cut = on_cuts(study)
    error = np.std(steps, ddof=1) * np.sqrt(1 / 5 + 1 / 4)
    found = evidence_of(dropout("higher", margin=1e-4), cut)
    assert found.high == pytest.approx(0.002 + stats.t.ppf(0.975, 4) * error)
    assert found.p == pytest.approx(2 * stats.t.sf(0.002 / error, 4))
    assert "interval over cuts that share examples (corrected t)" in found.sentence
    same = evidence_of(dropout("same", margin=0.003), cut)
    assert same.p == pytest.approx(stats.t.sf(0.001 / error, 4))
    assert (verdict_of(dropout("higher", margin=1e-4), study), verdict_of(dropout("higher", margin=1e-4), cut)) == (
        SUPPORTED,
        UNDECIDED,
    )
    level = claim_of(level={"of": "mean", "at_least": 0.9})
    for claim, of in ((level, cut), (claim_of(level={"of": "selected", "at_least": 0.9}), cut)):
        assert "over cuts that share examples (corrected t)" in evidence_of(claim, of).sentence
        assert "over seeds" in evidence_of(claim, study).sentence


def test_a_trend_over_two_cuts_or_more_counts_cuts_and_not_levels():
    steps = np.array([0.0, 4, 1]) / 1000
    cut = on_cuts(
        study_of({"learning_rate": RATES}, lambda p, r: 0.9 + steps[r] * (p["learning_rate"] - 0.01), replicates=3)
    )
    found = evidence_of(rate("rises"), cut)
    error = 0.07 * np.std(steps, ddof=1) * np.sqrt(1 / 3 + 1 / 4)
    assert found.high == pytest.approx(0.07 * steps.mean() + stats.t.ppf(0.975, 2) * error)


def test_runs_that_share_what_they_draw_are_not_taken_for_independent_ones():
    claim = claim_of(selected={"against": "other"}, expect="higher")
    mine = study_of({"a": [1]}, lambda p, r: 0.9 + noise(1, r), replicates=4)
    for vary, is_refused in (({"initialisation": 2, "order": 2}, True), (["order"], False)):
        other = study_of({"a": [1]}, lambda p, r: 0.8 + noise(2, r), replicates=4, name="other", vary=vary)
        assert other.replicated.interval(other.complete["test_accuracy"]).known != is_refused
        if is_refused:
            with pytest.raises(NotApplicableError, match="the runs of other share what they draw"):
                evidence_of(claim, mine, other)
        else:
            assert evidence_of(claim, mine, other).low > 0


def test_selected_widens_the_error_of_each_side_by_what_its_training_sets_share():
    claim = claim_of(selected={"against": "other"}, expect="higher", metric="test_loss")
    values = np.array([0.0, 4, 1, 3, 2]) / 1000
    mine, other = (
        study_of({"a": [1]}, lambda p, r, at=at: {"test_loss": at + values[r]}, replicates=5, name=name)
        for name, at in (("mine", 0.2), ("other", 0.1))
    )
    n, shared = 1 / 5, 1 / 5 + 1 / 4
    for ours, size in ((mine, n), (on_cuts(mine), shared)):
        found = evidence_of(claim, ours, other)
        variance, s2 = size + n, values.var(ddof=1)
        freedom = variance**2 / (size**2 / 4 + n**2 / 4)
        assert found.high - 0.1 == pytest.approx(stats.t.ppf(0.975, freedom) * np.sqrt(variance * s2))
    assert "from cuts that share examples (corrected t) and seeds" in evidence_of(claim, on_cuts(mine), other).sentence


def test_compare_with_few_replicates_counts_the_levels_of_the_longest_number():
    space = {"learning_rate": [0.01, 0.02, 0.04, 0.08], **WORDS}
    study = study_of(space, lambda p, r: 0.95 + 0.01 * (p["dropout_hidden"] > 0) + noise(p["learning_rate"], 0.5))
    assert "(4 learning rates, 8 pairs)" in evidence_of(dropout("higher"), study).sentence
    # Without a number to count there is one unit, from which nothing follows.
    alone_at_one = study_of(WORDS, lambda p, r: 0.95 + 0.01 * (p["dropout_hidden"] > 0))
    assert verdict_of(dropout("higher"), alone_at_one) == UNDECIDED


def test_compare_in_a_one_factor_study_takes_each_level_at_its_own_best_nuisance():
    def value(p, r):
        at_best = p["learning_rate"] == (0.1 if p["activation"] == "relu" else 0.01)
        accuracy = 0.97 if at_best else 0.9 - 0.02 * (p["activation"] == "relu")
        return accuracy - 0.01 * (p["activation"] == "tanh") + 1e-4 * r + 5e-5 * np.sin(r) * (p["activation"] == "tanh")

    space = {"activation": ["relu", "tanh"], "hidden_layers": [1, 2], "learning_rate": [0.01, 0.1]}
    study = study_of(
        space, value, driver="ofat", replicates=5, sections={"hidden_layers": "by", "learning_rate": "nuisance"}
    )
    rows = study.all_runs
    rows["attributes"] = [
        {"factor": "activation", "level": p["activation"], "by": {"hidden_layers": p["hidden_layers"]}}
        for p in rows["params"]
    ]
    claim = claim_of(compare={"factor": "activation", "level": "relu", "against": "tanh"}, expect="higher")
    found = evidence_of(claim, study)
    assert found.difference == pytest.approx(0.01, abs=1e-4)
    assert ("by hidden layers", "1 +1.00 points; 2 +1.00 points") in {(n.name, n.text) for n in found.numbers}


def test_compare_says_which_runs_are_missing():
    study = study_of(
        {"learning_rate": [0.01, 0.02, 0.04], **WORDS},
        lambda p, r: None if p["learning_rate"] == 0.04 and p["dropout_hidden"] and r == 1 else 0.9 + noise(r, 0.5),
        replicates=6,
    )
    found = evidence_of(dropout("higher"), study)
    # A replicate without all of its pairs would pose as an effect of its seed.
    assert "(5 replicates, 30 pairs). 2 runs at these levels diverged" in found.sentence


def test_compare_takes_any_metric():
    study = study_of(
        WORDS,
        lambda p, r: {"train_seconds": 1 + (p["dropout_hidden"] > 0) + 0.01 * r * (p["activation"] == "relu")
                      + 0.001 * np.sin(5 * r) * (p["dropout_hidden"] > 0)},
        replicates=5,
    )  # fmt: skip
    assert verdict_of(dropout("higher", metric="seconds"), study) == SUPPORTED
    assert "+1.00 seconds" in evidence_of(dropout("higher", metric="seconds"), study).sentence
    assert verdict_of(dropout("same", metric="seconds", margin=2.0), study) == SUPPORTED
    assert verdict_of(dropout("same", metric="seconds", margin=0.5), study) == CONTRADICTED


RATES = [0.01, 0.02, 0.04, 0.08]


def rate(expect, **more):
    over = more.pop("over", None)
    return claim_of(trend={"factor": "learning_rate", "over": over}, expect=expect, **more)


@pytest.mark.parametrize("n_replicates", [1, 5])
@pytest.mark.parametrize("space", [{"learning_rate": RATES}, {"learning_rate": RATES, **WORDS}])
def test_trend_turns_with_the_data(space, n_replicates):
    def study(slope):
        return study_of(
            space,
            lambda p, r: 0.95 + slope * RATES.index(p["learning_rate"]) + 0.2 * noise(p["learning_rate"], r),
            replicates=n_replicates,
        )

    assert verdict_of(rate("rises"), study(0.01)) == SUPPORTED
    assert verdict_of(rate("falls"), study(0.01)) == CONTRADICTED
    assert verdict_of(rate("neither"), study(0.01)) == CONTRADICTED
    assert verdict_of(rate("rises"), study(0.0)) == UNDECIDED
    # One seed cannot show that there is nothing.
    assert verdict_of(rate("neither"), study(0.0)) == (SUPPORTED if n_replicates == 5 else UNDECIDED)


@pytest.mark.parametrize(
    ("accuracy", "n_replicates", "expected", "has_p"),
    [
        (lambda k, r: 0.92 + 0.0003 * k + noise(k, r) / 10, 5, SUPPORTED, True),
        (lambda k, r: 0.92 + 0.0015 * k + noise(k, r) / 10, 5, CONTRADICTED, True),
        (lambda k, r: 0.92 + 0.0015 * k, 1, UNDECIDED, False),
        # One rate is better, but accuracy does not go with the rate.
        (lambda k, r: 0.92 + 0.004 * (k == 1) + noise(k, r) / 10, 5, UNDECIDED, True),
        # 9 points: no sample of images gives that. Nor may a run diverge.
        (lambda k, r: 0.92 + 0.03 * k, 1, CONTRADICTED, True),
        (lambda k, r: None if k == 3 else 0.92, 5, CONTRADICTED, False),
    ],
)
def test_neither_asks_for_the_change_and_for_the_range(accuracy, n_replicates, expected, has_p):
    study = study_of(
        {"learning_rate": RATES, **WORDS},
        lambda p, r: accuracy(RATES.index(p["learning_rate"]), r),
        replicates=n_replicates,
    )
    found = evidence_of(rate("neither"), study)
    assert (verdict_of(rate("neither"), study), np.isfinite(found.p)) == (expected, has_p)
    wants = n_replicates == 1 and expected == UNDECIDED
    assert found.wants_seeds == wants


def test_trend_over_a_part_looks_at_that_part_alone():
    study = study_of(
        {"learning_rate": [*RATES, 0.16]},
        lambda p, r: 0.95 - abs(p["learning_rate"] - 0.04) + noise(p["learning_rate"], r) / 10,
        replicates=5,
    )
    assert verdict_of(rate("rises", over=[0.01, 0.04]), study) == SUPPORTED
    assert verdict_of(rate("falls", over=[0.04, 0.16]), study) == SUPPORTED
    assert len(evidence_of(rate("rises", over=[0.01, 0.04]), study).run_ids) == 15


def test_trend_in_a_random_study_counts_trials():
    drawn = np.random.default_rng(1).uniform(0.001, 0.1, (30, 2))
    trials = [{"learning_rate": float(a), "dropout_hidden": float(b)} for a, b in drawn]
    space = {"learning_rate": {"low": 0.001, "high": 0.1, "scale": "log"}, "dropout_hidden": {"low": 0.0, "high": 0.1}}
    study = study_of(
        space, lambda p, r: 0.9 + p["learning_rate"] + p["dropout_hidden"] / 10, driver="random", trials=trials
    )
    found = evidence_of(rate("rises"), study)
    line = stats.linregress(np.log(drawn[:, 0]), 0.9 + drawn[:, 0] + drawn[:, 1] / 10)
    assert found.difference == pytest.approx(line.slope * np.ptp(np.log(drawn[:, 0])))
    assert found.p == pytest.approx(line.pvalue)
    assert verdict_of(rate("rises"), study) == SUPPORTED
    adaptive = study_of(space, lambda p, r: 0.9, driver="optuna", trials=trials)
    with pytest.raises(NotApplicableError, match="grid, ofat, random, but got optuna"):
        evidence_of(rate("rises"), adaptive)


@pytest.mark.parametrize(
    ("stated", "values", "expected"),
    [
        ({"of": "every run", "at_least": 0.9}, [0.91, 0.9], SUPPORTED),
        ({"of": "every run", "at_least": 0.9}, [0.91, 0.899], UNDECIDED),
        ({"of": "every run", "at_least": 0.9}, [0.91, 0.89], CONTRADICTED),
        ({"of": "every run", "at_least": 0.9}, [0.91, None], CONTRADICTED),
        ({"of": "every run", "at_most": 0.9}, [0.91, 0.89], CONTRADICTED),
        ({"of": "every run", "equals": 0.9, "within": 0.02}, [0.91, 0.89], SUPPORTED),
        ({"of": "mean", "equals": 0.9, "within": 0.0005}, [0.9, 0.9001], SUPPORTED),
        ({"of": "mean", "equals": 0.9, "within": 0.0005}, [0.901, 0.902], UNDECIDED),
        ({"of": "mean", "at_least": 0.9}, [0.88, 0.88], CONTRADICTED),
        ({"of": "mean", "at_most": 0.9}, [0.88, 0.9], SUPPORTED),
        ({"of": "selected", "at_least": 0.9}, [0.91, 0.8], SUPPORTED),
        ({"of": "selected", "at_least": 0.9}, [0.898, 0.8], UNDECIDED),
        ({"of": "selected", "at_least": 0.9}, [0.85, 0.8], CONTRADICTED),
        ({"of": "selected", "above": 0.9}, [0.907, 0.8], SUPPORTED),
        ({"of": "selected", "above": 0.9}, [0.903, 0.8], UNDECIDED),
        ({"of": "selected", "below": 0.9}, [0.91, 0.8], CONTRADICTED),
        ({"of": "selected", "among": {"dropout_hidden": 0.5}, "at_most": 0.85}, [0.91, 0.8], SUPPORTED),
    ],
)
def test_level_turns_with_the_data(stated, values, expected):
    def value(p, r):
        found = values[WORDS["dropout_hidden"].index(p["dropout_hidden"])]
        return None if found is None else found + 1e-5 * r

    study = study_of({"dropout_hidden": [0.0, 0.5]}, value, replicates=5)
    assert verdict_of(claim_of(level=stated), study) == expected


@pytest.mark.parametrize("of", ["every run", "mean", "selected"])
def test_one_seed_supports_nothing_and_can_miss(of):
    claim = claim_of(level={"of": of, "equals": 0.9, "within": 0.0005})
    found = {mean: evidence_of(claim, study_of(WORDS, lambda p, r, mean=mean: mean)) for mean in (0.9, 0.89)}
    assert [each.verdict for each in found.values()] == [UNDECIDED, CONTRADICTED]
    assert "One seed supports nothing" in found[0.9].sentence + found[0.9].caution


def test_one_seed_says_nothing_of_a_mean_without_a_margin():
    claim = claim_of(level={"of": "mean", "at_most": 0.1}, metric="test_loss")
    seen = [
        verdict_of(claim, study_of(WORDS, lambda p, r: {"test_loss": 0.11 + noise(r)}, replicates=n)) for n in (1, 2)
    ]
    assert seen == [UNDECIDED, CONTRADICTED]
    stated = claim_of(level={"of": "mean", "at_most": 0.1}, metric="test_loss", margin=0.005)
    assert verdict_of(stated, study_of(WORDS, lambda p, r: {"test_loss": 0.11})) == CONTRADICTED


def verdicts_as_replicates_come(rare, n=30):
    """Of `every run at least 0.9`: in each replicate the last of four runs is outside, by far, with chance `rare`."""
    outside = np.random.default_rng(7).uniform(size=n) < rare
    runs = lambda p, r: 0.8 if outside[r] and p["activation"] == "tanh" and p["dropout_hidden"] else 0.92  # noqa: E731
    claim = claim_of(level={"of": "every run", "at_least": 0.9})
    return outside, [evidence_of(claim, study_of(WORDS, runs, replicates=k)) for k in range(1, n + 1)]


@pytest.mark.parametrize(
    ("rare", "n_outside", "last"), [(0.1, 3, SUPPORTED), (0.5, 13, UNDECIDED), (0.9, 27, CONTRADICTED)]
)
def test_every_run_settles_on_what_most_replicates_say(rare, n_outside, last):
    outside, found = verdicts_as_replicates_come(rare)
    assert int(outside.sum()) == n_outside
    verdicts = [each.verdict for each in found]
    assert verdicts[-1] == last
    assert {SUPPORTED, CONTRADICTED} - set(verdicts[4:])  # never both, nor one after the other
    assert SUPPORTED not in verdicts[:4]
    assert f"in {30 - n_outside} of 30 replicates" in found[-1].sentence


def test_a_replicate_that_has_not_ended_is_not_judged():
    study = study_of(WORDS, lambda p, r: 0.92, replicates=6)
    waiting = (study.all_runs["replicate"] == 5) & (study.all_runs["trial_number"] > 0)
    study.all_runs["state"] = study.all_runs["state"].mask(waiting, "running")
    found = evidence_of(claim_of(level={"of": "every run", "at_least": 0.9}), study)
    assert "in 5 of 5 replicates" in found.sentence


def test_a_run_that_is_a_few_images_late_decides_nothing():
    def late(until):
        curves = [
            {"run_id": run_id, "k": k, "epoch": k / 5, "validation_accuracy": 0.92 if k > 10 else until}
            for run_id in range(1, 21)
            for k in range(1, 16)
        ]
        return study_of(WORDS, lambda p, r: 0.92, curves=curves, replicates=5)

    claim = claim_of(level={"of": "every run", "at_most": 10}, metric="convergence")
    assert verdict_of(claim, late(0.9099)) == UNDECIDED
    assert verdict_of(claim, late(0.9)) == CONTRADICTED
    assert verdict_of(claim_of(level={"of": "every run", "at_most": 11}, metric="convergence"), late(0.9)) == SUPPORTED
    assert "11 evaluations" in evidence_of(claim, late(0.9)).sentence


def test_selected_adds_images_and_seeds():
    mine = study_of(WORDS, lambda p, r: 0.97 - 0.01 * p["dropout_hidden"] + 0.0001 * r * r, replicates=5)
    other = study_of(WORDS, lambda p, r: 0.95 - 0.01 * p["dropout_hidden"] + 0.0002 * r, replicates=3, name="other")
    better = claim_of(selected={"against": "other"}, expect="higher")
    found = evidence_of(better, mine, other)
    a, b = (s.selected_runs["test_accuracy"] for s in (mine, other))
    images = sum(x.mean() * (1 - x.mean()) / 10_000 for x in (a, b))
    error = np.sqrt(images + stats.sem(a) ** 2 + stats.sem(b) ** 2)
    freedom = error**4 / (stats.sem(a) ** 4 / 4 + stats.sem(b) ** 4 / 2)
    assert found.high - found.low == pytest.approx(2 * stats.t.ppf(0.975, freedom) * error)
    assert found.p == pytest.approx(2 * stats.t.sf((a.mean() - b.mean()) / error, freedom))
    assert found.margin.size == pytest.approx(np.sqrt(images))
    assert verdict_of(better, mine, other) == SUPPORTED
    assert verdict_of(claim_of(selected={"against": "mine"}, expect="higher"), other, mine) == CONTRADICTED
    assert verdict_of(claim_of(selected={"against": "other"}, expect="same"), mine, other) == CONTRADICTED
    assert verdict_of(claim_of(selected={"against": "other"}, expect="same", margin=0.04), mine, other) == SUPPORTED
    # Nothing but one run each measures a time.
    once = [study_of(WORDS, lambda p, r: 0.9, name=name) for name in ("mine", "other")]
    assert verdict_of(claim_of(selected={"against": "other"}, expect="higher", metric="seconds"), *once) == UNDECIDED
    with pytest.raises(NothingThereError, match="study other is not in the database with the data of mine"):
        better.form.examine(better, mine, alone(mine))


def test_agreement_of_two_studies_ranks_the_same_configurations():
    space = {"learning_rate": [0.001 * k for k in range(1, 11)]}
    rising = study_of(space, lambda p, r: 0.9 + p["learning_rate"], name="other")
    cheap = study_of(space, lambda p, r: 0.8 + p["learning_rate"])
    reverse = study_of(space, lambda p, r: 0.8 - p["learning_rate"])
    claim = claim_of(agreement={"against": "other", "at_least": 0.5}, metric="validation_accuracy")
    assert (verdict_of(claim, cheap, rising), verdict_of(claim, reverse, rising)) == (SUPPORTED, CONTRADICTED)
    with pytest.raises(NothingThereError):
        evidence_of(claim, cheap)
