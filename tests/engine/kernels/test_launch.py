"""The kernels against the components, and what must hold whatever the numbers."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.activations import ACTIVATIONS
from engine.configuration import Configuration
from engine.data.dataset import Dataset, SparseRows, Split
from engine.kernels import launch as kernels
from engine.kernels.vector_math import VECTOR_FORMS
from engine.momentum import MOMENTUM_FORMS
from engine.optimizers import Sgd
from engine.schedules import SCHEDULES
from engine.seeds import derive_seed
from engine.training import advance, evaluate, initial_state, train, train_population_segment, train_segment
from tests.conftest import make_dataset

MOMENTA = [
    {"momentum": True, "momentum_form": name} if form.has_velocity else {} for name, form in MOMENTUM_FORMS.items()
]


def assert_states_close(a, b, rtol):
    for x, y in zip(a.parameters + a.velocities, b.parameters + b.velocities, strict=True):
        # Entries near zero are compared on the scale of their array.
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol * float(np.abs(y).max(initial=1e-3)))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("depth", [0, 1, *(pytest.param(depth, marks=pytest.mark.slow) for depth in (2, 3))])
def test_kernels_agree_with_components_after_2000_updates(depth, schedule):
    # A heavy ball multiplies the step by ten; above 0.1 in all, training here is chaotic and amplifies one
    # rounding error to any size, in either engine.
    dataset = make_dataset(n=(250, 40, 40))
    for activation, momentum, decay in product(VECTOR_FORMS, MOMENTA, [0.0, 1e-3]):
        c = Configuration(
            learning_rate=0.005,
            hidden_layers=depth,
            hidden_size=19,
            activation=activation,
            weight_decay=decay,
            decay=schedule,
            epochs=8,
            evaluations_per_epoch=2,
            dtype="float64",
            **momentum,
        )
        fast, slow = train(dataset, **c.as_dict()), train(dataset, implementation="components", **c.as_dict())
        assert fast.state.updates == 2000
        assert_states_close(fast.state, slow.state, 1e-10)
        for a, b in zip(fast.evaluations, slow.evaluations, strict=True):
            assert a.accuracy == b.accuracy
            for split, loss in a.loss.items():
                assert loss == pytest.approx(b.loss[split], rel=1e-10)


@pytest.mark.parametrize("rates", [{"dropout_hidden": 0.4}, {"dropout_input": 0.2, "dropout_hidden": 0.4}])
@pytest.mark.parametrize("activation", list(VECTOR_FORMS))
def test_dropout_drops_the_same_units_in_both_engines(rates, activation):
    dataset = make_dataset(n=(250, 40, 40))
    options = {"hidden_layers": 2, "hidden_size": 19, "activation": activation, "dtype": "float64", **rates}
    options |= {"epochs": 4, "momentum": True, "learning_rate": 0.02}
    fast, slow = train(dataset, **options), train(dataset, implementation="components", **options)
    assert_states_close(fast.state, slow.state, 1e-10)


def members(n, dataset, **options):
    configurations = [
        Configuration(
            learning_rate=0.01 * (1 + m),
            momentum=m % 3 > 0,
            momentum_form=("average", "heavy_ball")[m % 2],
            weight_decay=0.001 * (m % 4),
            decay=("constant", "halve_on_decrease")[m % 2],
            epochs=2,
            **options,
        )
        for m in range(n)
    ]
    return [initial_state(c, derive_seed(1, 0), dataset) for c in configurations]


def run_to_end(states, dataset):
    found = [[] for _ in states]
    while not all(s.finished for s in states):
        states, evaluations = train_population_segment(states, dataset)
        for kept, e in zip(found, evaluations, strict=True):
            kept.append(e)
    return states, found


@pytest.mark.parametrize("company", [1, 3, 16, 32])
def test_a_member_has_the_same_bits_alone_and_in_company(company, tiny):
    states = members(32, tiny)
    together, evaluations = run_to_end(states[:company], tiny)
    for i in {0, company // 2, company - 1}:
        alone, alone_evaluations = run_to_end([states[i]], tiny)
        assert alone_evaluations[0] == evaluations[i]
        for a, b in zip(
            alone[0].parameters + alone[0].velocities,
            together[i].parameters + together[i].velocities,
            strict=True,
        ):
            assert a.tobytes() == b.tobytes()


def test_a_linear_model_has_the_same_bits_in_both_kernels(tiny):
    (state,) = members(2, tiny)[1:]
    c = state.configuration
    order = np.arange(len(tiny.train))
    optimizer = Sgd.of(c)
    one = kernels.train_network(
        state.parameters,
        state.velocities,
        tiny.train.rows,
        tiny.train.y,
        order,
        activation=ACTIVATIONS["relu"],
        optimizer=optimizer,
        learning_rate=0.05,
    )
    many = kernels.train_population(
        [state.parameters],
        [state.velocities],
        tiny.train.rows,
        tiny.train.y,
        order,
        optimizers=[optimizer],
        learning_rates=[0.05],
    )
    for a, b in zip(one[0] + one[1], many[0][0] + many[1][0], strict=True):
        assert a.tobytes() == b.tobytes()
    network = kernels.evaluate_network(one[0], tiny.test.rows, tiny.test.y, activation=ACTIVATIONS["relu"])
    assert kernels.evaluate_population([one[0]], tiny.test.rows, tiny.test.y) == [network]


def test_inputs_are_not_changed(tiny):
    for options in ({}, {"hidden_layers": 2, "hidden_size": 5}):
        state = initial_state(Configuration(momentum=True, **options), 1, tiny)
        before = state.to_bytes("this")
        train_segment(state, tiny)
        assert state.to_bytes("this") == before


@pytest.mark.parametrize("momentum", MOMENTA)
def test_divergence_is_recorded_and_disturbs_nobody(momentum, tiny):
    # A linear model's gradients are bounded, so only steps near the end of float32 make its loss overflow.
    calm = Configuration(learning_rate=0.01, epochs=2)
    wild = Configuration(learning_rate=1e38, epochs=2, **momentum)
    company = [initial_state(c, 1, tiny) for c in (calm, wild, calm)]
    states, found = run_to_end(company, tiny)
    assert states[1].diverged_at is not None
    assert 1 <= states[1].diverged_at <= len(tiny.train)
    assert found[1][-1] is None
    _, alone = run_to_end(company[:1], tiny)
    assert found[0] == found[2] == alone[0]


@pytest.mark.parametrize("batch_size", [1, 8])
def test_a_diverging_network_ends_without_an_evaluation(batch_size, tiny):
    result = train(tiny, hidden_layers=2, learning_rate=1e30, batch_size=batch_size)
    assert result.state.diverged_at is not None
    assert result.evaluations == ()


def dataset_of(X, y, n_classes):
    split = Split(SparseRows.from_dense(np.asarray(X, np.float32)), np.asarray(y))
    return Dataset("given", "0" * 64, n_classes, split, split, split)


SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 40), st.integers(2, 18))


@given(
    shape=SHAPES,
    depth=st.integers(0, 3),
    width=st.sampled_from([1, 2, 15, 16, 17, 31, 33]),
    kind=st.sampled_from(["zero", "dense", "single pixel", "mixed"]),
    activation=st.sampled_from(sorted(VECTOR_FORMS)),
    momentum=st.sampled_from(MOMENTA),
    decay=st.sampled_from([0.0, 0.01]),
    seed=st.integers(0, 1000),
)
@settings(deadline=None, max_examples=60)
def test_kernels_agree_with_components_for_any_shape(shape, depth, width, kind, activation, momentum, decay, seed):
    n, n_features, n_classes = shape
    random = np.random.default_rng(seed)
    X = random.random((n, n_features))
    if kind == "zero":
        X[:] = 0
    elif kind == "single pixel":
        X[:, 1:] = 0
    elif kind == "mixed":
        X *= random.random(X.shape) < 0.3
        X[0] = 0
    # The last class never occurs.
    dataset = dataset_of(X, random.integers(0, n_classes - 1, n), n_classes)
    options = {
        "hidden_layers": depth,
        "hidden_size": width,
        "activation": activation,
        "weight_decay": decay,
        "epochs": 3,
        "evaluations_per_epoch": 1,
        "dtype": "float64",
        "learning_rate": 0.1,
        **momentum,
    }
    fast, slow = train(dataset, **options), train(dataset, implementation="components", **options)
    assert_states_close(fast.state, slow.state, 1e-10)
    assert [e.accuracy for e in fast.evaluations] == [e.accuracy for e in slow.evaluations]


@pytest.mark.slow
@pytest.mark.mnist
def test_float32_agrees_with_components_after_an_epoch_of_mnist(mnist):
    # Smooth networks: where a ReLU switches, one rounding in float32 can send a unit another way, and the
    # components in float32 are then up to 4e-3 away from themselves in float64.
    for options in ({}, {"hidden_layers": 1, "hidden_size": 20, "activation": "tanh", "momentum": True}):
        c = Configuration(epochs=1, evaluations_per_epoch=1, **options)
        state = initial_state(c, derive_seed(2022, 0), mnist)
        results = [
            evaluate(advance([state], mnist, implementation=implementation), mnist, implementation=implementation)[1][0]
            for implementation in ("auto", "components")
        ]
        for split in ("train", "validation", "test"):
            assert results[0].loss[split] == pytest.approx(results[1].loss[split], abs=1e-3)
