"""Batches by the kernel against the components, and what must hold whatever the number of threads."""

import threading
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine.kernels.launch_batches
import engine.kernels.threads
from engine.configuration import Configuration
from engine.data.dataset import Dataset, SparseRows, Split
from engine.kernels.vector_math import VECTOR_FORMS
from engine.momentum import MOMENTUM_FORMS
from engine.state import TrainingState
from engine.training import advance, initial_state, train, train_segment
from tests.conftest import make_dataset

MOMENTA = [
    {"momentum": True, "momentum_form": name} if form.has_velocity else {} for name, form in MOMENTUM_FORMS.items()
]
DROPOUTS = [{}, {"dropout_input": 0.2}, {"dropout_input": 0.1, "dropout_hidden": 0.4}]


def configuration(**options):
    # Small steps: where training is chaotic, one rounding grows to any size in either engine.
    return Configuration(**{"learning_rate": 0.02, "epochs": 2, "evaluations_per_epoch": 1, **options})


def differences(a, b):
    """Of two states: the largest difference of each array, on the scale of the array."""
    return [
        float(np.abs(x - y).max() / max(1e-3, np.abs(y).max()))
        for x, y in zip(a.parameters + a.velocities, b.parameters + b.velocities, strict=True)
    ]


def bits(state):
    return [array.tobytes() for array in state.parameters + state.velocities]


@pytest.mark.parametrize("activation", VECTOR_FORMS)
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_batches_agree_with_components(depth, activation):
    dataset = make_dataset(n=(101, 40, 40))  # the last batch is short
    for momentum, decay, dropout, batch_size in product(MOMENTA, [0.0, 1e-2], DROPOUTS, [2, 25]):
        c = configuration(
            hidden_layers=depth, hidden_size=19, activation=activation, weight_decay=decay, batch_size=batch_size,
            dtype="float64", train_images=90 if batch_size == 2 else None, **momentum, **dropout,
        )  # fmt: skip
        found, oracle = (train(dataset, implementation=name, **c.as_dict()) for name in ("auto", "components"))
        assert max(differences(found.state, oracle.state)) < 1e-10, c
        for a, b in zip(found.evaluations, oracle.evaluations, strict=True):
            assert a.accuracy == b.accuracy
            assert a.loss == pytest.approx(b.loss, rel=1e-10)


def test_batches_of_float32_agree_with_components():
    dataset = make_dataset()
    for depth, momentum, dropout in product([0, 2], MOMENTA, DROPOUTS):
        options = {"hidden_layers": depth, "hidden_size": 40, "activation": "tanh", "batch_size": 16}
        state = initial_state(configuration(**options, **momentum, **dropout), 1, dataset)
        (found,), (oracle,) = (advance([state], dataset, implementation=name) for name in ("auto", "components"))
        assert max(differences(found, oracle)) < 2e-5


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(1, 40),
    n_features=st.sampled_from([1, 2, 5, 16, 17, 70]),
    n_classes=st.sampled_from([2, 3, 16, 17, 40]),
    depth=st.integers(0, 3),
    width=st.sampled_from([1, 2, 15, 16, 17, 31, 33, 70]),
    density=st.sampled_from([0.0, 0.02, 0.5]),
    options=st.sampled_from([{**m, **d} for m, d in product(MOMENTA, DROPOUTS)]),
    activation=st.sampled_from(sorted(VECTOR_FORMS)),
    decay=st.sampled_from([0.0, 0.01]),
    batch_size=st.integers(2, 45),
    n_threads=st.integers(1, 3),
)
def test_batches_agree_with_components_for_any_shape(
    seed, n, n_features, n_classes, depth, width, density, options, activation, decay, batch_size, n_threads
):
    random = np.random.default_rng(seed)
    X = random.random((n, n_features)) * (random.random((n, n_features)) < density)
    X[0] = 0
    # The last class never occurs.
    split = Split(SparseRows.from_dense(X.astype(np.float32)), random.integers(0, n_classes - 1, n))
    dataset = Dataset("given", "0" * 64, n_classes, split, split, split)
    c = configuration(
        hidden_layers=depth, hidden_size=width, activation=activation, weight_decay=decay, batch_size=batch_size,
        dtype="float64", **options,
    )  # fmt: skip
    state = initial_state(c, seed, dataset)
    (found,) = advance([state], dataset, n_threads=n_threads)
    (oracle,) = advance([state], dataset, implementation="components")
    assert max(differences(found, oracle)) < 1e-10
    assert (found.updates, found.diverged_at) == (oracle.updates, oracle.diverged_at)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", [{}, {"hidden_layers": 1}, {"hidden_layers": 3, "dropout_hidden": 0.3}])
def test_bits_do_not_depend_on_the_number_of_threads(options, dtype):
    dataset = make_dataset(n=(240, 10, 10), n_features=100, n_classes=40)
    c = configuration(batch_size=32, hidden_size=83, momentum=True, weight_decay=1e-3, dtype=dtype, **options)
    state = initial_state(c, 1, dataset)
    before = bits(state)
    one, *others = (advance([state], dataset, n_threads=n)[0] for n in (1, 2, 3, 7))
    assert all(bits(other) == bits(one) for other in others)
    assert bits(state) == before, "what was given is not changed"


def test_bits_do_not_depend_on_where_a_run_is_cut():
    dataset = make_dataset()
    options = {"hidden_layers": 2, "hidden_size": 20, "batch_size": 16, "momentum": True, "dropout_hidden": 0.3}
    whole = train(dataset, **configuration(**options).as_dict()).state
    state = initial_state(configuration(**options, evaluations_per_epoch=5), 2022, dataset)
    while not state.finished:
        state, _ = train_segment(state, dataset)
        stored = state.to_bytes("this")
        state = TrainingState.from_bytes(stored, configuration=state.configuration, seed=2022, code_version="this")
    assert bits(state) == bits(whole)


def test_threads_that_the_system_does_not_give_are_done_without(monkeypatch):
    class NoThread:
        def __init__(self, **_):
            pass

        def start(self):
            raise RuntimeError("can't start new thread")

    dataset = make_dataset()
    state = initial_state(configuration(batch_size=16, hidden_layers=1), 1, dataset)
    (expected,) = advance([state], dataset)
    monkeypatch.setattr(engine.kernels.threads.threading, "Thread", NoThread)
    (found,) = advance([state], dataset, n_threads=4)
    assert bits(found) == bits(expected)


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_what_ends_one_thread_ends_all_and_is_raised(monkeypatch, lost):
    kernel = engine.kernels.launch_batches.kernels_batches.train_batches

    def work(*arguments):
        if arguments[-1].number == lost:
            raise MemoryError
        return kernel(*arguments)

    dataset = make_dataset()
    state = initial_state(configuration(batch_size=16, hidden_layers=1), 1, dataset)
    monkeypatch.setattr(engine.kernels.launch_batches.kernels_batches, "train_batches", work)
    before = threading.active_count()
    with pytest.raises(MemoryError):
        advance([state], dataset, n_threads=3)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.daemon:
            thread.join(30)
    assert threading.active_count() <= before


@pytest.mark.parametrize("n_threads", [1, 3])
def test_divergence_ends_a_run_in_the_same_batch_as_by_components(n_threads):
    dataset = make_dataset()
    state = initial_state(configuration(batch_size=16, hidden_layers=2, learning_rate=1e25), 1, dataset)
    (found,) = advance([state], dataset, n_threads=n_threads)
    (oracle,) = advance([state], dataset, implementation="components")
    assert found.diverged_at == oracle.diverged_at is not None
    assert bits(found) == bits(state)
