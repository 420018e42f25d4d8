"""Single steps worked by hand."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from engine import implementations, optimizers, training
from engine.configuration import Configuration
from engine.errors import ConfigurationError
from engine.momentum import MOMENTUM_FORMS
from engine.network import Network
from engine.optimizers import Sgd
from engine.state import TrainingState
from engine.training import initial_state, train_segment


def two_pixels_two_classes():
    """One image (1, 2), class 0, W = 0, b = 0: softmax is (½, ½), so ∇z = (−½, ½) and ∇W = xᵀ∇z."""
    network = Network((np.zeros((2, 2)), np.zeros(2)))
    network.loss_and_gradients(np.array([[1.0, 2.0]]), np.array([0]))
    return network


def test_sgd_step_worked_by_hand():
    network = two_pixels_two_classes()
    velocities = [np.zeros((2, 2)), np.zeros(2)]
    Sgd.with_momentum("none").step(network.parameters, velocities, network.gradients, 0.1)
    W, b = network.parameters
    np.testing.assert_allclose(W, [[0.05, -0.05], [0.1, -0.1]], rtol=1e-15)
    np.testing.assert_allclose(b, [0.05, -0.05], rtol=1e-15)


@pytest.mark.parametrize(("form", "first"), [("average", 0.005), ("heavy_ball", 0.05)])
def test_momentum_step_worked_by_hand(form, first):
    network = two_pixels_two_classes()
    velocities = [np.full((2, 2), 1.0), np.zeros(2)]
    Sgd.with_momentum(form).step(network.parameters, velocities, network.gradients, 0.1)
    # v = 0.9 · 1 + (1 or 0.1) · g with g₁₁ = −½; w = −0.1 v. The bias starts at rest: w = first.
    v11 = 0.9 + (0.1 if form == "average" else 1.0) * -0.5
    assert network.parameters[0][0, 0] == pytest.approx(-0.1 * v11, rel=1e-14)
    assert network.parameters[1][0] == pytest.approx(first, rel=1e-14)


@pytest.mark.parametrize("form", MOMENTUM_FORMS)
def test_every_form_of_momentum_steps_by_its_equation(form):
    rule, (w, v, g) = MOMENTUM_FORMS[form], np.random.default_rng(0).normal(size=(3, 2, 3))
    v *= rule.has_velocity
    velocity = rule.beta(0.7) * v + rule.kappa(0.7) * (g + 0.01 * w)
    expected = w - 0.1 * velocity
    Sgd.with_momentum(form, 0.7, 0.01).step([w], [v], [g], 0.1)
    np.testing.assert_allclose(w, expected, rtol=1e-14)
    if rule.has_velocity:
        np.testing.assert_allclose(v, velocity, rtol=1e-14)


def test_an_unknown_form_of_momentum_is_refused_by_name():
    with pytest.raises(ConfigurationError, match="none, average, heavy_ball, but got 'nesterov'"):
        Sgd.with_momentum("nesterov")


def test_weight_decay_shrinks_weights_and_not_biases():
    W, b = np.full((1, 1), 2.0), np.array([2.0])
    optimizer = Sgd.with_momentum("none", weight_decay=0.5)
    optimizer.step((W, b), (np.zeros((1, 1)), np.zeros(1)), (np.zeros((1, 1)), np.zeros(1)), 0.1)
    assert (W[0, 0], b[0]) == (pytest.approx(1.9), 2.0)


@dataclass(frozen=True)
class Adam:
    """Kingma & Ba 2015, algorithm 1: an optimizer that keeps two memories and counts its updates."""

    memories: ClassVar[tuple[str, ...]] = ("mean", "square")

    def step(self, parameters, velocities, gradients, learning_rate, update):
        n, t = len(parameters), update + 1
        for w, m, s, g in zip(parameters, velocities[:n], velocities[n:], gradients, strict=True):
            m += 0.1 * (g - m)
            s += 0.001 * (g * g - s)
            w -= learning_rate * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)


def test_an_optimizer_that_is_added_is_taken_by_the_components_and_goes_on_from_a_checkpoint(monkeypatch, tiny):
    for module in (implementations, optimizers, training):
        monkeypatch.setattr(module, "optimizer_of", lambda _configuration: Adam())
    c = Configuration(hidden_layers=1, hidden_size=9, epochs=2, evaluations_per_epoch=2, learning_rate=0.01)
    start = initial_state(c, 1, tiny)
    assert implementations.chosen("update", [start], tiny.train) == "components"
    first, before = train_segment(start, tiny)
    stored = TrainingState.from_bytes(first.to_bytes("a"), configuration=c, seed=1, code_version="a")
    for w, kept in zip(first.velocities, stored.velocities, strict=True):
        np.testing.assert_array_equal(w, kept)
    _, after = train_segment(stored, tiny)
    assert after == train_segment(first, tiny)[1]
    assert after.loss["train"] < before.loss["train"]
    # Its first step has the size of the learning rate, whatever the gradient: worked out by hand.
    w, g = np.array([2.0]), np.array([0.3])
    Adam().step([w], [np.zeros(1), np.zeros(1)], [g], 0.01, 0)
    assert w[0] == pytest.approx(1.99)
