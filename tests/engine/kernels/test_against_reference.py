"""The kernels against dense NumPy, alone and in company, at the edges of shapes and of numbers."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.activations import ACTIVATIONS
from engine.data.dataset import SparseRows
from engine.kernels import evaluation as kernels_evaluation
from engine.kernels import launch as kernels
from engine.kernels import network as kernels_network
from engine.kernels import population as kernels_population
from engine.kernels.vector_math import VECTOR_FORMS
from engine.momentum import MOMENTUM_FORMS
from engine.optimizers import Sgd
from tests.engine.kernels import reference

FORMS = list(MOMENTUM_FORMS)
NAMES = list(VECTOR_FORMS)


def sparse(X, dtype=np.float64):
    rows = SparseRows.from_dense(X.astype(np.float32))
    return rows.astype(np.dtype(dtype))


def images(rng, n, d, n_classes, *, density=0.3):
    X = rng.random((n, d)).astype(np.float32) * (rng.random((n, d)) < density)
    return X.astype(np.float64), rng.integers(n_classes, size=n)


def network(rng, sizes, dtype=np.float64):
    parameters = []
    for n_in, n_out in pairwise(sizes):
        parameters.append((rng.standard_normal((n_in, n_out)) / np.sqrt(n_in)).astype(dtype))
        parameters.append(rng.standard_normal(n_out).astype(dtype) / 10)
    return tuple(parameters)


def zeros(parameters):
    return tuple(np.zeros_like(p) for p in parameters)


def optimizer(options):
    """The optimizer of the reference's options, which are taken out of them."""
    form, beta = options.pop("momentum_form", "none"), options.pop("momentum_beta", 0.9)
    return Sgd.with_momentum(form, beta, options.pop("weight_decay", 0.0))


def train(parameters, velocities, X, y, order, *, activation="relu", **options):
    return kernels.train_network(
        parameters,
        velocities,
        sparse(X, parameters[0].dtype),
        y,
        order,
        activation=ACTIVATIONS[activation],
        optimizer=optimizer(options),
        **options,
    )


def assert_close(found, expected, relative=1e-10):
    for f, e in zip(found, expected, strict=True):
        scale = max(np.abs(e).max(initial=0), 1e-3)
        np.testing.assert_allclose(f, e, rtol=relative, atol=relative * scale)


def assert_same_bits(found, expected):
    for f, e in zip(found, expected, strict=True):
        assert f.dtype == e.dtype
        assert f.tobytes() == e.tobytes()


@pytest.mark.parametrize("weight_decay", [0.0, 1e-3])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", NAMES)
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_network_agrees_with_reference_after_2000_updates(depth, activation, form, weight_decay):
    rng = np.random.default_rng([depth, len(activation), len(form)])
    X, y = images(rng, 60, 40, 7)
    X[:, 3] = 0
    # A pixel that lights up once in two thousand updates: a gap longer than the table of propagators.
    order = rng.integers(59, size=2_000)
    X[:59, 5] = 0
    X[59, 5] = 0.75
    order[[40, 1_500]] = 59
    parameters = network(rng, (40, *[19, 33, 9][:depth], 7))
    # A heavy ball moves ten times as far; at 0.02 it is chaotic, and no two orders of summation agree for long.
    learning_rate = 0.002 if form == "heavy_ball" else 0.02
    options = {"learning_rate": learning_rate, "momentum_form": form, "weight_decay": weight_decay}
    found = train(parameters, zeros(parameters), X, y, order, activation=activation, **options)
    expected = reference.train(parameters, zeros(parameters), X, y, order, activation=activation, **options)
    assert found[2] is None
    assert_close(found[0], expected[0])
    if form != "none":
        assert_close(found[1], expected[1])
    loss, accuracy = kernels.evaluate_network(found[0], sparse(X), y, activation=ACTIVATIONS[activation])
    expected_loss, expected_accuracy = reference.evaluate(expected[0], X, y, activation=activation)
    assert loss == pytest.approx(expected_loss, rel=1e-10)
    assert accuracy == expected_accuracy


@pytest.mark.parametrize("activation", NAMES)
@pytest.mark.parametrize("rates", [(0.2, 0.0), (0.0, 0.5), (0.2, 0.5)])
def test_network_with_dropout_agrees_with_reference(activation, rates):
    rng = np.random.default_rng(5)
    X, y = images(rng, 50, 30, 4)
    order = rng.integers(50, size=700)
    parameters = network(rng, (30, 20, 17, 4))
    options = {
        "activation": activation, "learning_rate": 0.05, "momentum_form": "average", "weight_decay": 1e-4,
        "dropout_input": rates[0], "dropout_hidden": rates[1], "dropout_seed": 2**62 + 1, "first_update": 12_345,
    }  # fmt: skip
    found = train(parameters, zeros(parameters), X, y, order, **options)
    expected = reference.train(parameters, zeros(parameters), X, y, order, **options)
    assert_close(found[0], expected[0])
    assert_close(found[1], expected[1])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    widths=st.lists(st.sampled_from([1, 2, 15, 16, 17, 31, 32, 33]), max_size=3),
    n_features=st.sampled_from([1, 2, 3, 4, 5, 15, 16, 17, 70]),
    n_classes=st.sampled_from([2, 3, 10, 15, 16, 17, 40]),
    n_images=st.sampled_from([1, 2, 15, 16, 17, 40, 130]),
    density=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
    form=st.sampled_from(FORMS),
    activation=st.sampled_from(NAMES),
    weight_decay=st.sampled_from([0.0, 0.01]),
    never=st.booleans(),
)
def test_network_agrees_with_reference_whatever_the_shapes(
    seed, widths, n_features, n_classes, n_images, density, form, activation, weight_decay, never
):
    rng = np.random.default_rng(seed)
    X, y = images(rng, n_images, n_features, n_classes, density=density)
    X[0] = 0
    X[-1] = 1 - rng.random(n_features).astype(np.float32) / 2  # no zero at all
    if n_images > 2:
        X[1] = 0
        X[1, rng.integers(n_features)] = 1
    if never:
        y[y == n_classes - 1] = 0
    order = rng.integers(n_images, size=60)
    parameters = network(rng, (n_features, *widths, n_classes))
    options = {
        "activation": activation, "learning_rate": 0.03, "momentum_form": form, "weight_decay": weight_decay
    }  # fmt: skip
    found = train(parameters, zeros(parameters), X, y, order, **options)
    expected = reference.train(parameters, zeros(parameters), X, y, order, **options)
    assert_close(found[0], expected[0])
    if form != "none":
        assert_close(found[1], expected[1])
    loss, accuracy = kernels.evaluate_network(found[0], sparse(X), y, activation=ACTIVATIONS[activation])
    expected_loss, expected_accuracy = reference.evaluate(found[0], X, y, activation=activation)
    assert loss == pytest.approx(expected_loss, rel=1e-11)
    assert accuracy == pytest.approx(expected_accuracy)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, 10, 20])
def test_linear_run_has_the_same_bits_in_any_company(dtype, n_classes):
    rng = np.random.default_rng(11)
    X, y = images(rng, 80, 50, n_classes)
    order = rng.integers(80, size=400)
    rows = sparse(X, dtype)
    members = [network(rng, (50, n_classes), dtype) for _ in range(32)]
    options = [
        {
            "learning_rate": rate,
            "momentum_form": FORMS[m % len(FORMS)],
            "momentum_beta": [0.9, 0.5][m % 2],
            "weight_decay": [0.0, 0.0, 1e-3, 1e-2][m // 4 % 4],
        }
        for m, rate in enumerate(np.geomspace(0.002, 0.1, 32))
    ]
    alone = []
    for parameters, option in zip(members, options, strict=True):
        result = train(parameters, zeros(parameters), X, y, order, **option)
        measured = kernels.evaluate_network(result[0], rows, y, activation=ACTIVATIONS["relu"])
        alone.append((*result, measured))
    for size in (1, 3, 16, 17, 32):
        chosen = rng.permutation(32)[:size]
        found, velocities, diverged = kernels.train_population(
            [members[m] for m in chosen],
            [zeros(members[m]) for m in chosen],
            rows,
            y,
            order,
            optimizers=[optimizer(dict(options[m])) for m in chosen],
            learning_rates=[options[m]["learning_rate"] for m in chosen],
        )
        measured = kernels.evaluate_population(found, rows, y)
        for i, m in enumerate(chosen):
            assert_same_bits(found[i], alone[m][0])
            assert_same_bits(velocities[i], alone[m][1])
            assert diverged[i] is None
            assert measured[i] == alone[m][3]


@pytest.mark.parametrize("hidden", [(), (17, 9)])
def test_inputs_are_not_changed(hidden):
    rng = np.random.default_rng(3)
    X, y = images(rng, 20, 12, 5)
    order = rng.integers(20, size=50)
    parameters = network(rng, (12, *hidden, 5))
    velocities = network(rng, (12, *hidden, 5))
    copies = [a.copy() for a in (*parameters, *velocities, y, order)]
    train(parameters, velocities, X, y, order, learning_rate=0.1, momentum_form="average", weight_decay=0.1)
    for a, copy in zip((*parameters, *velocities, y, order), copies, strict=True):
        assert a.tobytes() == copy.tobytes()


@pytest.mark.parametrize("hidden", [(), (21,)])
def test_two_calls_agree_with_one_to_rounding(hidden):
    # Not to the bit: between the calls every row is brought up to date, which rounds once more.
    rng = np.random.default_rng(4)
    X, y = images(rng, 50, 30, 5)
    order = rng.integers(50, size=600)
    parameters = network(rng, (30, *hidden, 5))
    options = {"learning_rate": 0.02, "momentum_form": "average", "weight_decay": 1e-3}
    whole = train(parameters, zeros(parameters), X, y, order, **options)
    first = train(parameters, zeros(parameters), X, y, order[:251], **options)
    second = train(first[0], first[1], X, y, order[251:], **options)
    assert_close(second[0], whole[0], 1e-12)
    assert_close(second[1], whole[1], 1e-10)


def test_dropout_continues_where_the_call_before_ended():
    rng = np.random.default_rng(6)
    X, y = images(rng, 50, 30, 5)
    order = rng.integers(50, size=300)
    parameters = network(rng, (30, 20, 5))
    options = {"learning_rate": 0.02, "momentum_form": "none", "dropout_input": 0.2, "dropout_hidden": 0.5}
    whole = train(parameters, zeros(parameters), X, y, order, dropout_seed=9, first_update=70, **options)
    first = train(parameters, zeros(parameters), X, y, order[:100], dropout_seed=9, first_update=70, **options)
    second = train(first[0], first[1], X, y, order[100:], dropout_seed=9, first_update=170, **options)
    # Without momentum and weight decay nothing is deferred, and two calls are one to the bit.
    assert_same_bits(second[0], whole[0])


@pytest.mark.parametrize("hidden", [(), (20,), (20, 20)])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", NAMES)
def test_divergence_is_reported_with_its_position(activation, form, hidden):
    rng = np.random.default_rng(8)
    X, y = images(rng, 50, 30, 5)
    order = rng.integers(50, size=300)
    parameters = network(rng, (30, *hidden, 5), np.float32)
    _, _, at = train(
        parameters, zeros(parameters), X, y, order, activation=activation, learning_rate=3e38, momentum_form=form
    )
    assert 0 < at < 300


def test_a_loss_that_is_not_finite_at_once_is_position_zero():
    rng = np.random.default_rng(8)
    X, y = images(rng, 5, 30, 5, density=1.0)
    for hidden in ((), (20,), (20, 7)):
        for value in (np.nan, np.inf):
            parameters = network(rng, (30, *hidden, 5), np.float32)
            parameters[0][:] = value
            result = train(
                parameters, zeros(parameters), X, y, np.arange(5), learning_rate=0.1, momentum_form="average"
            )
            assert result[2] == 0
            loss, _ = kernels.evaluate_network(parameters, sparse(X, np.float32), y, activation=ACTIVATIONS["relu"])
            assert not np.isfinite(loss)


def test_a_member_that_diverges_late_leaves_the_others_bits_alone():
    rng = np.random.default_rng(12)
    X, y = images(rng, 40, 30, 6)
    order = rng.integers(40, size=200)
    members = [network(rng, (30, 6), np.float32) for _ in range(20)]
    rates = [0.01 if m % 3 else 1e38 for m in range(20)]
    forms = [FORMS[m % 2] for m in range(20)]
    found = kernels.train_population(
        members, [zeros(p) for p in members], sparse(X, np.float32), y, order,
        optimizers=[Sgd.with_momentum(form) for form in forms], learning_rates=rates,
    )  # fmt: skip
    for m in range(20):
        alone = train(members[m], zeros(members[m]), X, y, order, learning_rate=rates[m], momentum_form=forms[m])
        assert found[2][m] == alone[2]
        assert (alone[2] is None) == (m % 3 > 0)
        assert_same_bits(found[0][m], alone[0])
        assert_same_bits(found[1][m], alone[1])


def test_of_equal_logits_the_first_counts():
    rows = sparse(np.ones((40, 3)))
    parameters = (np.zeros((3, 4)), np.array([0.0, 1.0, 1.0, 0.0]))
    for label, accuracy in ((0, 0.0), (1, 1.0), (2, 0.0)):
        y = np.full(40, label)
        assert kernels.evaluate_network(parameters, rows, y, activation=ACTIVATIONS["relu"])[1] == accuracy
        assert kernels.evaluate_population([parameters], rows, y)[0][1] == accuracy


def test_read_only_arrays_are_not_compiled_for_again():
    rng = np.random.default_rng(2)
    X, y = images(rng, 9, 12, 3)
    rows = sparse(X, np.float32)
    order = np.arange(9)
    parameters = network(rng, (12, 3), np.float32)
    average = Sgd.with_momentum("average")
    compiled = (
        kernels_network.train_one,
        kernels_population.train_sixteen,
        kernels_evaluation.evaluate_one,
        kernels_evaluation.sum_up,
        kernels_evaluation.evaluate_sixteen,
    )

    def run():
        kernels.train_network(
            parameters, zeros(parameters), rows, y, order,
            activation=ACTIVATIONS["relu"], optimizer=average, learning_rate=0.1,
        )  # fmt: skip
        kernels.train_population(
            [parameters], [zeros(parameters)], rows, y, order,
            optimizers=[Sgd.with_momentum("none")], learning_rates=[0.1],
        )  # fmt: skip
        kernels.evaluate_network(parameters, rows, y, activation=ACTIVATIONS["relu"])
        kernels.evaluate_population([parameters], rows, y)
        return [len(function.signatures) for function in compiled]

    kernels.compile_kernels()
    before = run()
    for array in (rows.indptr, rows.indices, rows.values, y, order, *parameters):
        array.flags.writeable = False
    assert run() == before
