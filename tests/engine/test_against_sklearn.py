"""The perceptron against scikit-learn's, from the same start and in the same order of images."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from engine.configuration import Configuration
from engine.seeds import epoch_order
from engine.training import advance, initial_state
from tests.conftest import make_dataset


@pytest.mark.parametrize("implementation", ["auto", "components"])
@pytest.mark.parametrize("momentum", [False, True])
@pytest.mark.parametrize(("depth", "activation"), [(1, "relu"), (2, "relu"), (2, "tanh")])
def test_an_epoch_agrees_with_mlpclassifier(depth, activation, momentum, implementation):
    dataset = make_dataset()
    c = Configuration(
        hidden_layers=depth,
        hidden_size=11,
        activation=activation,
        learning_rate=0.01,
        momentum=momentum,
        momentum_form="heavy_ball",
        epochs=1,
        evaluations_per_epoch=1,
        dtype="float64",
    )
    state = initial_state(c, 5, dataset)
    theirs = MLPClassifier(
        [11] * depth,
        activation=activation,
        solver="sgd",
        alpha=0,
        batch_size=1,
        learning_rate_init=0.01,
        momentum=0.9 if momentum else 0.0,
        nesterovs_momentum=False,
        shuffle=False,
    )
    order = epoch_order(5, 0, len(dataset.train))
    X, y = dataset.train.X.astype(np.float64)[order], dataset.train.y[order]
    # A first call makes its arrays; then both stand at the same place, at rest.
    theirs.partial_fit(X[:1], y[:1], classes=np.arange(4))
    for i in range(depth + 1):
        theirs.coefs_[i][...] = state.parameters[2 * i]
        theirs.intercepts_[i][...] = state.parameters[2 * i + 1]
    for velocity in theirs._optimizer.velocities:
        velocity[...] = 0
    theirs.partial_fit(X, y)
    (ours,) = advance([state], dataset, implementation=implementation)
    for i in range(depth + 1):
        np.testing.assert_allclose(ours.parameters[2 * i], theirs.coefs_[i], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ours.parameters[2 * i + 1], theirs.intercepts_[i], rtol=1e-9, atol=1e-12)
