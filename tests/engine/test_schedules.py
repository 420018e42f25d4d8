"""The learning rate from segment to segment: each schedule worked by hand, and none without its rule."""

import math
from dataclasses import replace

import numpy as np
import pytest

from engine import schedules
from engine.configuration import DOMAINS, Configuration
from engine.errors import ConfigurationError
from engine.schedules import (
    ROUNDS,
    SCHEDULES,
    LearningRate,
    Planned,
    compares_rounds,
    first_learning_rate,
    next_learning_rate,
    waits_for_loss,
)


@pytest.mark.parametrize(
    ("decay", "losses", "expected"),
    [
        ("constant", [3, 2, 1, 2], [8, 8, 8, 8]),
        ("halve_on_decrease", [3, 2, 1, 2], [8, 4, 2, 2]),
        ("halve_on_increase", [3, 2, 1, 2], [8, 8, 8, 4]),
    ],
)
def test_halving_schedules_compare_with_the_round_before(decay, losses, expected):
    c = Configuration(learning_rate=8.0, decay=decay, decay_round="evaluation", epochs=4, evaluations_per_epoch=1)
    rate, seen = LearningRate(8.0), []
    for k, loss in enumerate(losses, start=1):
        rate = next_learning_rate(rate, c, k, float(loss))
        seen.append(rate.value)
    assert seen == expected


def test_a_round_of_an_epoch_ends_with_the_epoch():
    c = Configuration(learning_rate=8.0, decay="halve_on_decrease", epochs=2, evaluations_per_epoch=2)
    rate, seen = LearningRate(8.0), []
    for k, loss in enumerate([4.0, 3.0, 9.0, 2.0], start=1):
        rate = next_learning_rate(rate, c, k, loss)
        seen.append(rate.value)
    assert seen == [8, 8, 8, 4]


def test_cosine_falls_to_zero_at_the_end():
    c = Configuration(learning_rate=2.0, decay="cosine", epochs=1, evaluations_per_epoch=4)
    rates = [next_learning_rate(LearningRate(2.0), c, k, 1.0).value for k in range(5)]
    np.testing.assert_allclose(rates, [2, 1 + np.sqrt(0.5), 1, 1 - np.sqrt(0.5), 0], atol=1e-15)


@pytest.mark.parametrize(
    ("decay", "expected"),
    [
        ("linear_end", [8, 8, 8, 6, 4, 2]),
        ("step", [8, 8, 8, 0.8, 0.8, 0.08]),
        ("warm_up", [0.8, *[4 * (1 + math.cos(math.pi * (k / 6 - 0.1) / 0.9)) for k in range(1, 6)]]),
    ],
)
def test_planned_schedules_worked_by_hand(decay, expected):
    c = Configuration(learning_rate=8.0, decay=decay, epochs=3, evaluations_per_epoch=2)
    found = [
        first_learning_rate(c).value,
        *[next_learning_rate(LearningRate(1.0), c, k, 1.0).value for k in range(1, 6)],
    ]
    assert found == pytest.approx(expected)


def rates(decay, losses, **options):
    c = Configuration(learning_rate=8.0, decay=decay, epochs=3, evaluations_per_epoch=2, **options)
    rate, seen = LearningRate(8.0), []
    for k, loss in enumerate(losses, start=1):
        rate = next_learning_rate(rate, c, k, loss)
        seen.append(rate.value)
    return seen


def test_a_configuration_takes_the_names_that_have_a_rule():
    assert DOMAINS["decay"].choices == tuple(SCHEDULES)
    assert DOMAINS["decay_round"].choices == tuple(ROUNDS)


@pytest.mark.parametrize("decay_round", ROUNDS)
@pytest.mark.parametrize("decay", SCHEDULES)
def test_a_schedule_that_does_not_wait_needs_no_loss(decay, decay_round):
    # The learning rate of the segment that is begun before the evaluation is over (`engine.training.foreseen`).
    c = Configuration(decay=decay, decay_round=decay_round, epochs=3, evaluations_per_epoch=2)
    waiting = [k for k in range(1, 7) if waits_for_loss(c, k)]
    n = ROUNDS[decay_round](c)
    assert waiting == ([k for k in range(1, 7) if k % n == 0] if compares_rounds(decay) else [])
    before = LearningRate(0.01, 1.0)
    for k in set(range(1, 7)) - set(waiting):
        rate = next_learning_rate(before, c, k, math.nan)
        assert rate == next_learning_rate(before, c, k, 0.5)
        assert math.isfinite(rate.value)


@pytest.mark.parametrize("decay", SCHEDULES)
def test_schedules_differ_from_each_other(decay):
    losses = [3.0, 4.0, 2.0, 2.0, 5.0, 1.0]
    others = [rates(name, losses, decay_round="evaluation") for name in SCHEDULES if name != decay]
    assert rates(decay, losses, decay_round="evaluation") not in others


@pytest.mark.parametrize("decay", SCHEDULES)
def test_a_round_is_part_of_the_identity_where_the_schedule_compares_rounds(decay):
    one, other = (Configuration(decay=decay, decay_round=name).hash for name in ROUNDS)
    assert (one != other) == compares_rounds(decay)


def test_a_new_entry_is_a_whole_schedule(monkeypatch):
    monkeypatch.setitem(SCHEDULES, "steep", Planned(lambda share: 1.0 if share < 0.5 else 0.1))
    domain = replace(DOMAINS["decay"], choices=tuple(SCHEDULES))
    monkeypatch.setitem(DOMAINS, "decay", domain)
    assert rates("steep", [9, 1, 9, 1, 9, 1]) == pytest.approx([8, 8, 0.8, 0.8, 0.8, 0.8])


@pytest.mark.parametrize(("table", "parameter"), [("SCHEDULES", "decay"), ("ROUNDS", "decay_round")])
def test_a_name_without_a_rule_is_an_error_that_says_it(table, parameter, monkeypatch):
    c = Configuration(decay="halve_on_increase")
    monkeypatch.setattr(schedules, table, {"linear": None})
    with pytest.raises(ConfigurationError, match=f"{parameter} must be one of linear, but got") as caught:
        next_learning_rate(LearningRate(0.1), c, 1, 1.0)
    assert caught.value.parameter == parameter
