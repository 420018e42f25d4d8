"""Per-sample training in a dozen lines of dense NumPy, float64: what the kernels must agree with."""

import numpy as np

from engine.activations import ACTIVATIONS
from engine.dropout import dropout_mask


def train(
    parameters,
    velocities,
    X,
    y,
    order,
    *,
    activation="relu",
    learning_rate,
    momentum_form="none",
    momentum_beta=0.9,
    weight_decay=0.0,
    dropout_input=0.0,
    dropout_hidden=0.0,
    dropout_seed=0,
    first_update=0,
):
    """The updates of `order`, written as the equations are."""
    P, V = [p.copy() for p in parameters], [v.copy() for v in velocities]
    sigma = ACTIVATIONS[activation]
    n_layers = len(P) // 2
    for t, image in enumerate(order):
        inputs, zs, outputs, masks = [], [], [], []
        a = X[image]
        for layer in range(n_layers):
            rate = dropout_hidden if layer else dropout_input
            mask = dropout_mask(dropout_seed, first_update + t, layer, 1, len(a), rate)[0] / (1 - rate)
            inputs.append(a * mask)
            masks.append(mask)
            z = inputs[-1] @ P[2 * layer] + P[2 * layer + 1]
            a = sigma.function(z, None) if layer < n_layers - 1 else z
            zs.append(z)
            outputs.append(a)
        delta = np.exp(a - a.max())
        delta /= delta.sum()
        delta[y[image]] -= 1
        gradients = [None] * len(P)
        for layer in reversed(range(n_layers)):
            gradients[2 * layer] = np.outer(inputs[layer], delta) + weight_decay * P[2 * layer]
            gradients[2 * layer + 1] = delta
            if layer:
                delta = P[2 * layer] @ delta * masks[layer] * sigma.derivative(zs[layer - 1], outputs[layer - 1], None)
        for w, v, g in zip(P, V, gradients, strict=True):
            if momentum_form == "none":
                w -= learning_rate * g
            else:
                v *= momentum_beta
                v += {"average": 1 - momentum_beta, "heavy_ball": 1}[momentum_form] * g
                w -= learning_rate * v
    return tuple(P), tuple(V)


def evaluate(parameters, X, y, *, activation="relu"):
    """(mean loss in nats, accuracy); of equal logits the first counts."""
    a = X
    for layer in range(len(parameters) // 2):
        z = a @ parameters[2 * layer] + parameters[2 * layer + 1]
        a = ACTIVATIONS[activation].function(z, None) if 2 * layer + 2 < len(parameters) else z
    m = a.max(axis=1)
    losses = np.log(np.exp(a - m[:, None]).sum(axis=1)) - (a[np.arange(len(y)), y] - m)
    return losses.mean(), np.mean(a.argmax(axis=1) == y)
