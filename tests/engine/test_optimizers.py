"""Single steps worked by hand."""

import numpy as np
import pytest

from engine.adversarial import moved
from engine.configuration import DOMAINS, Configuration
from engine.errors import ConfigurationError
from engine.momentum import MOMENTUM_FORMS, OPTIMIZERS
from engine.network import Network
from engine.optimizers import Adam, Nesterov, Sgd, follow, limit_norms, optimizer_of


def two_pixels_two_classes():
    """One image (1, 2), class 0, W = 0, b = 0: softmax is (½, ½), so ∇z = (−½, ½) and ∇W = xᵀ∇z."""
    network = Network((np.zeros((2, 2)), np.zeros(2)))
    network.loss_and_gradients(np.array([[1.0, 2.0]]), np.array([0]))
    return network


def test_sgd_step_worked_by_hand():
    network = two_pixels_two_classes()
    velocities = [np.zeros((2, 2)), np.zeros(2)]
    Sgd.with_momentum("none").step(network.parameters, velocities, network.gradients, 0.1, 0)
    W, b = network.parameters
    np.testing.assert_allclose(W, [[0.05, -0.05], [0.1, -0.1]], rtol=1e-15)
    np.testing.assert_allclose(b, [0.05, -0.05], rtol=1e-15)


@pytest.mark.parametrize(("form", "first"), [("average", 0.005), ("heavy_ball", 0.05)])
def test_momentum_step_worked_by_hand(form, first):
    network = two_pixels_two_classes()
    velocities = [np.full((2, 2), 1.0), np.zeros(2)]
    Sgd.with_momentum(form).step(network.parameters, velocities, network.gradients, 0.1, 0)
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
    Sgd.with_momentum(form, 0.7, 0.01).step([w], [v], [g], 0.1, 0)
    np.testing.assert_allclose(w, expected, rtol=1e-14)
    if rule.has_velocity:
        np.testing.assert_allclose(v, velocity, rtol=1e-14)


def test_an_unknown_form_of_momentum_is_refused_by_name():
    with pytest.raises(ConfigurationError, match="none, average, heavy_ball, but got 'nesterov'"):
        Sgd.with_momentum("nesterov")


def test_weight_decay_shrinks_weights_and_not_biases():
    W, b = np.full((1, 1), 2.0), np.array([2.0])
    optimizer = Sgd.with_momentum("none", weight_decay=0.5)
    optimizer.step((W, b), (np.zeros((1, 1)), np.zeros(1)), (np.zeros((1, 1)), np.zeros(1)), 0.1, 0)
    assert (W[0, 0], b[0]) == (pytest.approx(1.9), 2.0)


def test_nesterov_steps_by_its_equation():
    (w, v, g) = np.random.default_rng(0).normal(size=(3, 2, 3))
    gradient = g + 0.01 * w
    velocity = 0.7 * v + gradient
    expected = w - 0.1 * (gradient + 0.7 * velocity)
    Nesterov(0.7, 0.01).step([w], [v], [g], 0.1, 0)
    np.testing.assert_allclose((w, v), (expected, velocity), rtol=1e-14)


def test_nesterov_is_the_gradient_at_the_point_ahead():
    """Sutskever's form on ½x², whose point ahead x + βv moves as the parameter here does."""
    x, v, w, memory = 1.0, 0.0, np.array([1.0]), np.zeros(1)
    for _ in range(5):
        v = 0.9 * v - 0.1 * (x + 0.9 * v)
        x += v
        Nesterov(0.9).step([w], [memory], [w.copy()], 0.1, 0)
        assert w[0] == pytest.approx(x + 0.9 * v, rel=1e-12)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_adam_steps_by_its_equation(name):
    random = np.random.default_rng(0)
    W, g = random.normal(size=(2, 3)), random.normal(size=(4, 2, 3))
    c = Configuration(optimizer=name, momentum_beta=0.8, adam_beta2=0.95, weight_decay=0.1)
    found, memories = W.copy(), [np.zeros_like(W), np.zeros_like(W)]
    mean, square = np.zeros_like(W), np.zeros_like(W)
    for t, gradient in enumerate(g, start=1):
        G = gradient + 0.1 * W * (name == "adam")
        mean, square = 0.8 * mean + 0.2 * G, 0.95 * square + 0.05 * G * G
        shrunk = W * (1 - 0.01 * 0.1) if name == "adamw" else W
        W = shrunk - 0.01 * (mean / (1 - 0.8**t)) / (np.sqrt(square / (1 - 0.95**t)) + 1e-8)
        optimizer_of(c).step([found], memories, [gradient], 0.01, t - 1)
        np.testing.assert_allclose(found, W, rtol=1e-12)


def test_every_optimizer_has_a_name_that_a_configuration_takes():
    assert DOMAINS["optimizer"].choices == OPTIMIZERS
    assert [type(optimizer_of(Configuration(optimizer=name))) for name in OPTIMIZERS] == [Sgd, Nesterov, Adam, Adam]


def test_norms_are_limited_unit_by_unit():
    W = np.array([[3.0, 0.3, 0.0], [4.0, 0.4, 0.0]])
    limit_norms([W], 1.0)
    np.testing.assert_allclose(W, [[0.6, 0.3, 0], [0.8, 0.4, 0]], rtol=1e-14)


def test_an_average_forgets_its_first_values_soon():
    average = [np.array([5.0])]
    follow(average, [np.array([1.0])], 0.999, 0)
    assert average[0][0] == pytest.approx(0.1 * 5 + 0.9)
    follow(average, [np.array([2.0])], 0.999, 10**6)
    assert average[0][0] == pytest.approx(0.999 * 1.4 + 0.001 * 2)


@pytest.mark.parametrize(("norm", "expected"), [("l2", [[1.2, 2.6]]), ("linf", [[1.5, 2.5]])])
def test_an_image_is_moved_along_its_gradient(norm, expected):
    X, G = np.array([[1.0, 2.0]]), np.array([[0.03, 0.09]])
    G = np.array([[0.3, 0.9]]) if norm == "l2" else G
    there = moved(X, G, norm, 0.2 * np.sqrt(10) if norm == "l2" else 0.5)
    np.testing.assert_allclose(there, expected, rtol=1e-14)
    np.testing.assert_array_equal(moved(X, np.zeros((1, 2)), norm, 0.5), X)
