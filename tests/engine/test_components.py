"""Every gradient against central differences, and the loss against its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.activations import ACTIVATIONS
from engine.components import BatchNorm, LinearProjection, NegativeLogLikelihood, Nonlinearity
from engine.configuration import Configuration
from engine.network import Network

STEP = 1e-6


def central_differences(f, array):
    """∂f/∂array by (f(x + h) − f(x − h)) / 2h, entry by entry; `array` is changed and put back."""
    gradient = np.zeros_like(array)
    for i in np.ndindex(array.shape):
        kept = array[i]
        array[i] = kept + STEP
        up = f()
        array[i] = kept - STEP
        down = f()
        array[i] = kept
        gradient[i] = (up - down) / (2 * STEP)
    return gradient


def assert_gradient(analytic, numeric, what):
    # The differences' own error is about 1e-10 (rounding) + 1e-12 (h²): 1e-7 leaves room and no bug.
    np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-7, err_msg=what)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_network_gradients_agree_with_central_differences(depth, activation):
    random = np.random.default_rng(depth)
    c = Configuration(hidden_layers=depth, hidden_size=7, activation=activation, dtype="float64")
    network = Network.initialized(c, n_features=6, n_classes=4, seed=3)
    for b in network.parameters[1::2]:
        b += random.normal(0, 0.3, b.shape)
    X, y = random.normal(size=(5, 6)), random.integers(0, 4, 5)
    network.loss_and_gradients(X, y)
    found = [g.copy() for g in network.gradients]
    for i, (parameter, gradient) in enumerate(zip(network.parameters, found, strict=True)):
        assert_gradient(gradient, central_differences(lambda: network.loss(X, y), parameter), f"parameter {i}")


@pytest.mark.parametrize(
    "options",
    [
        {"batch_norm": True},
        {"label_smoothing": 0.1},
        {"dropout_input": 0.3, "dropout_hidden": 0.4},
        {"noise_input": 0.3, "noise_hidden": 0.5},
        {"batch_norm": True, "noise_hidden": 0.5, "dropout_hidden": 0.2, "label_smoothing": 0.2, "noise_input": 0.1},
    ],
    ids="-".join,
)
@pytest.mark.parametrize("widths", [[4], [7, 5, 6]])
def test_gradients_of_what_is_trained_agree_with_central_differences(widths, options):
    """Of every parameter and every pixel, with the masks and the noise of one update."""
    random = np.random.default_rng(0)
    c = Configuration(hidden_sizes=widths, activation="tanh", dtype="float64", batch_size=8, **options)
    network = Network.initialized(c, n_features=6, n_classes=4, seed=3)
    for value in network.parameters:
        value += random.normal(0, 0.3, value.shape)
    X, y = random.normal(size=(8, 6)), random.integers(0, 4, 8)
    network.draw(8, dropout_seed=1, noise_seed=2, update=5)
    loss = network.loss_and_gradients(X, y, to_pixels=True)
    found = [*(g.copy() for g in network.gradients), network.pixel_gradient.copy()]
    for i, (array, gradient) in enumerate(zip((*network.parameters, X), found, strict=True)):
        assert_gradient(gradient, central_differences(lambda: network.loss(X, y), array), f"array {i}")
    network.rest()
    is_drawn = any(name.startswith(("dropout", "noise")) for name in options)
    assert (network.loss(X, y) == loss) is not is_drawn


def test_batch_norm_makes_mean_b_and_standard_deviation_gamma():
    random = np.random.default_rng(0)
    b, gamma = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    found = BatchNorm(b, gamma).forward(random.normal(5, 7, (50, 2)))
    np.testing.assert_allclose(found.mean(axis=0), b, atol=1e-12)
    np.testing.assert_allclose(found.std(axis=0), gamma, rtol=1e-6)


def test_a_normalised_batch_of_one_image_moves_the_last_biases_alone():
    c = Configuration(hidden_sizes=[7, 5], batch_norm=True, batch_size=8)
    network = Network.initialized(c, n_features=6, n_classes=4, seed=3)
    X = np.random.default_rng(0).normal(size=(9, 6)).astype(np.float32)
    loss = network.loss_and_gradients(X[8:], np.array([1]), to_pixels=True)
    *others, _, last_b, last_gamma = network.gradients
    assert loss == pytest.approx(np.log(4))
    np.testing.assert_allclose(last_b, [0.25, -0.75, 0.25, 0.25], rtol=1e-6)
    assert not any(gradient.any() for gradient in (*others[:-1], network.gradients[-3], last_gamma))
    assert not network.pixel_gradient.any()


def test_smoothed_targets_are_a_mixture_of_the_label_and_all_classes():
    Z, y, epsilon = np.random.default_rng(0).normal(size=(3, 4)), np.array([0, 3, 1]), 0.2
    target = (1 - epsilon) * np.eye(4)[y] + epsilon / 4
    cross_entropy = -np.sum(target * (Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))), axis=1).mean()
    assert NegativeLogLikelihood(epsilon).forward(Z, y) == pytest.approx(cross_entropy, rel=1e-12)


@pytest.mark.parametrize(
    "component",
    [
        LinearProjection(np.random.default_rng(0).normal(size=(3, 2)), np.array([0.1, -0.2])),
        *[Nonlinearity(activation) for activation in ACTIVATIONS.values()],
    ],
    ids=["projection", *ACTIVATIONS],
)
def test_component_input_gradient_agrees_with_central_differences(component):
    random = np.random.default_rng(1)
    X = random.normal(size=(4, 3))
    G = random.normal(size=component.forward(X).shape)
    component.forward(X)
    found = component.backward(G).copy()
    assert_gradient(found, central_differences(lambda: float(np.sum(component.forward(X) * G)), X), "X")


def test_negative_log_likelihood_gradient_agrees_with_central_differences():
    random = np.random.default_rng(2)
    loss = NegativeLogLikelihood()
    Z, y = random.normal(size=(4, 5)), np.array([0, 4, 2, 2])
    loss.forward(Z, y)
    found = loss.backward().copy()
    assert_gradient(found, central_differences(lambda: loss.forward(Z, y), Z), "Z")


def test_negative_log_likelihood_is_finite_for_huge_logits():
    loss = NegativeLogLikelihood()
    assert loss.forward(np.array([[1e4, 0.0]]), np.array([1])) == 1e4
    assert loss.forward(np.array([[1e4, 0.0]]), np.array([0])) == 0.0


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=8), st.floats(-100, 100))
@settings(deadline=None)
def test_negative_log_likelihood_ignores_a_common_shift(logits, shift):
    Z, y = np.array([logits]), np.array([0])
    before = NegativeLogLikelihood().forward(Z, y)
    assert NegativeLogLikelihood().forward(Z + shift, y) == pytest.approx(before, rel=1e-9, abs=1e-9)
    assert before == pytest.approx(np.log(np.sum(np.exp(Z - Z.max()))) - (Z[0, 0] - Z.max()), abs=1e-12)


def test_relu_passes_no_gradient_at_zero_and_below():
    relu = Nonlinearity(ACTIVATIONS["relu"])
    relu.forward(np.array([[-1.0, 0.0, 2.0]]))
    assert relu.backward(np.ones((1, 3))).tolist() == [[0, 0, 1]]
