"""The table of activations: what every entry keeps, and what becomes of one that is added."""

import dataclasses

import numpy as np
import pytest
from scipy.special import expit

from engine import training
from engine.activations import ACTIVATIONS, Activation
from engine.compiled import kernel
from engine.configuration import DOMAINS, Configuration
from engine.errors import ConfigurationError
from engine.kernels import launch as kernels
from engine.kernels.simd import LANES, elements, load, splat, store
from engine.kernels.vector_math import UNKNOWN, VECTOR_FORMS, activate, activation_derivative, code_of
from engine.optimizers import Sgd
from engine.training import initial_state, train


def _softplus(z, out=None):
    return np.logaddexp(0, z, out=out)


def _softplus_derivative(z, a, out=None):
    return expit(z, out=out)


@pytest.fixture
def softplus(monkeypatch):
    """An activation that somebody added to the table, whose derivative needs z."""
    added = Activation("softplus", _softplus, _softplus_derivative)
    monkeypatch.setitem(ACTIVATIONS, "softplus", added)
    domain = dataclasses.replace(DOMAINS["activation"], choices=tuple(ACTIVATIONS))
    monkeypatch.setitem(DOMAINS, "activation", domain)
    return added


@kernel
def _activate(code, z, values, slopes, one):
    a = activate(code, load(elements(z), 0))
    store(elements(values), 0, a)
    store(elements(slopes), 0, activation_derivative(code, a, splat(one)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", list(VECTOR_FORMS))
def test_vector_form_agrees_with_the_table(name, dtype):
    z = np.linspace(-4, 4, LANES).astype(dtype)
    z[5], z[6] = 0, np.nan
    values, slopes = np.empty_like(z), np.empty_like(z)
    _activate(code_of(ACTIVATIONS[name]), z, values, slopes, dtype(1))
    expected = ACTIVATIONS[name].function(z, None)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    known = ~np.isnan(z)
    np.testing.assert_allclose(slopes[known], ACTIVATIONS[name].derivative(z, expected, None)[known], atol=1e-6)


def test_every_vector_form_belongs_to_an_activation():
    assert set(VECTOR_FORMS) <= set(ACTIVATIONS)


@pytest.mark.parametrize("code", [UNKNOWN, len(VECTOR_FORMS)])
def test_a_code_of_no_activation_raises_in_the_kernel(code):
    z = np.zeros(LANES)
    with pytest.raises(ValueError, match="no activation has this code"):
        _activate(code, z, np.empty_like(z), np.empty_like(z), 1.0)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_a_unit_that_can_be_off_passes_no_gradient_at_output_zero(name):
    activation, z = ACTIVATIONS[name], np.linspace(-3, 3, 61)
    a = activation.function(z, None)
    slopes = activation.derivative(z, a, None)
    assert activation.can_be_off == (bool((a[z < 0] == 0).all()) and not slopes[a == 0].any())


def test_an_activation_without_vector_form_is_trained_by_the_components(softplus, tiny):
    options = {"hidden_layers": 2, "hidden_size": 9, "momentum": True, "epochs": 2}
    found = train(tiny, activation="softplus", **options)
    by_components = train(tiny, activation="softplus", implementation="components", **options)
    assert found.evaluations == by_components.evaluations
    assert found.evaluations != train(tiny, activation="relu", implementation="components", **options).evaluations


def test_a_linear_model_does_not_mind_an_activation_without_vector_form(softplus, tiny):
    assert train(tiny, activation="softplus", epochs=1).evaluations == train(tiny, epochs=1).evaluations


def test_the_kernels_refuse_an_activation_without_vector_form_by_name(softplus, tiny):
    state = initial_state(Configuration(hidden_layers=1, activation="softplus"), 1, tiny)
    split = training.train_split(state.configuration, tiny)
    with pytest.raises(ConfigurationError, match="'softplus' has no vector form"):
        kernels.evaluate_network(state.parameters, split.rows, split.y, activation=softplus)
    with pytest.raises(ConfigurationError, match="'softplus' has no vector form"):
        kernels.train_network(
            state.parameters, state.velocities, split.rows, split.y, np.arange(3),
            activation=softplus, optimizer=Sgd.of(state.configuration), learning_rate=0.1,
        )  # fmt: skip
