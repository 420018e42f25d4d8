"""What a claim may ask of a study, as far as its file tells: checked with the file, refused by its place."""

import pytest

from analysis.claims.claim import ClaimError, Stated, StatedAxis
from tests.analysis.claims.helpers import claim_of

STATED = Stated(
    study="mine",
    driver="grid",
    axes={
        "learning_rate": StatedAxis((0.01, 0.02, 0.04), None, None, is_number=True),
        "activation": StatedAxis(("relu", "tanh"), None, None, is_number=False),
        "dropout_hidden": StatedAxis(None, 0.0, 0.5, is_number=True),
    },
    is_paired=True,
    has_rungs=False,
)
DRAWN = Stated("mine", "random", STATED.axes, is_paired=False, has_rungs=False)
ADAPTIVE = Stated("mine", "optuna", STATED.axes, is_paired=False, has_rungs=False)
RATE_AXIS = {"factor": "learning_rate"}
AMONG = {"of": "selected", "above": 0.9}
RELU = {"factor": "activation", "level": "relu", "against": "tanh"}


@pytest.mark.parametrize(
    ("stated", "claim", "path", "message"),
    [
        (STATED, {"compare": {**RELU, "factor": "activatoin"}, "expect": "same"}, "compare.factor", "'activation'"),
        (STATED, {"compare": {**RELU, "against": "gelu"}, "expect": "higher"}, "compare.against", "relu, tanh"),
        (STATED, {"compare": {**RELU, "against": "relu"}, "expect": "higher"}, "compare.against", "must differ"),
        (DRAWN, {"compare": RELU, "expect": "higher"}, "compare", "use driver: grid or ofat"),
        (STATED, {"compare": RELU, "expect": "same", "metric": "seconds"}, "margin", "in seconds"),
        (STATED, {"trend": {"factor": "activation"}, "expect": "rises"}, "trend.factor", "compare serves"),
        (STATED, {"trend": {**RATE_AXIS, "over": [0.01, 0.02]}, "expect": "rises"}, "trend.over", "at least 3"),
        (STATED, {"trend": {**RATE_AXIS, "over": [0.02, 0.01]}, "expect": "rises"}, "trend.over", "lowest"),
        (ADAPTIVE, {"trend": {"factor": "learning_rate"}, "expect": "rises"}, "trend", "driver is optuna"),
        (STATED, {"level": {**AMONG, "among": {"activation": "rleu"}}}, "level.among.activation", "'relu'"),
        (STATED, {"level": {"of": "selected", "above": 0.9}, "margin": 0.1}, "margin", "its own error"),
        (STATED, {"level": {"of": "mean", "at_least": 91.8}}, "level.at_least", "0.918 for 91.8 %"),
        (STATED, {"level": {"of": "mean", "equals": 0.5, "within": 5}}, "level.within", "is a share"),
        (STATED, {"selected": {"against": "mine"}, "expect": "higher"}, "selected.against", "another study"),
        (STATED, {"agreement": {"at_least": 0.5}, "metric": "validation_accuracy"}, "agreement.against", "fidelity"),
        (STATED, {"agreement": {"against": "other", "at_least": 0.5}}, "metric", "must be validation_accuracy"),
    ],
)  # fmt: skip
def test_what_a_study_cannot_answer_is_refused_with_its_place(stated, claim, path, message):
    parsed = claim_of(**claim)
    with pytest.raises(ClaimError, match=message) as raised:
        parsed.form.check(parsed, stated)
    assert raised.value.path == path


@pytest.mark.parametrize(
    ("stated", "claim"),
    [
        (STATED, {"compare": RELU, "expect": "same"}),
        (STATED, {"compare": RELU, "expect": "same", "metric": "seconds", "margin": 1.0}),
        (DRAWN, {"trend": {"factor": "dropout_hidden", "over": [0.1, 0.5]}, "expect": "falls"}),
        (ADAPTIVE, {"level": {"of": "selected", "among": {"dropout_hidden": 0.2}, "above": 0.9}}),
        (ADAPTIVE, {"selected": {"against": "other"}, "expect": "higher"}),
    ],
)
def test_what_a_study_can_answer_passes(stated, claim):
    parsed = claim_of(**claim)
    parsed.form.check(parsed, stated)
    assert parsed.form.support(parsed).endswith(".")


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ({}, "one of compare, trend, level, selected, agreement, but got none"),
        ({"level": {"of": "mean", "above": 0.9}}, "for the selected configuration"),
        ({"level": {"of": "mean", "equals": 0.9}}, "belong together"),
        ({"level": {"of": "mean"}}, "but got none"),
        ({"compare": RELU, "expect": "better"}, "higher, lower, same for compare"),
        ({"compare": RELU, "expect": "same", "margin": 5}, "0.005 for half a point, but got 5"),
        ({"compare": RELU, "expect": "higher", "metric": "test_acuracy"}, "did you mean 'test_accuracy'"),
    ],
)
def test_a_claim_that_says_nothing_is_refused(claim, message):
    with pytest.raises(ValueError, match=message):
        claim_of(**claim)
