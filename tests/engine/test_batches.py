"""Training in batches: what a step may allocate, and that its bits do not depend on the number of BLAS threads."""

import tracemalloc

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from engine.blas import one_blas_thread
from engine.configuration import Configuration
from engine.network import Network
from engine.optimizers import Sgd
from engine.training import train
from tests.conftest import make_dataset

BATCH, FEATURES, HIDDEN = 64, 400, 200


def test_a_step_allocates_no_array_of_a_batch():
    configuration = Configuration.from_mapping(
        {
            "hidden_layers": 2,
            "hidden_size": HIDDEN,
            "momentum": True,
            "batch_size": BATCH,
            "dropout_input": 0.1,
            "dropout_hidden": 0.4,
            "weight_decay": 1e-4,
        }
    )
    random = np.random.default_rng(0)
    X = random.random((BATCH, FEATURES), dtype=np.float32)
    y = random.integers(10, size=BATCH)
    network = Network.initialized(configuration, FEATURES, 10, 1)
    velocities = tuple(np.zeros_like(w) for w in network.parameters)
    optimizer = Sgd.of(configuration)

    def step(update):
        network.draw(len(X), dropout_seed=1, noise_seed=1, update=update)
        network.loss_and_gradients(X, y)
        optimizer.step(network.parameters, velocities, network.gradients, 0.01, update)

    for update in range(3):
        step(update)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for update in range(3, 8):
            step(update)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # NumPy's casting buffer (32 KiB) and a few numbers an image, but not its units, their mask or a gradient.
    assert peak - before < BATCH * HIDDEN * 4


def n_blas_threads():
    return max(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")


def test_bits_do_not_depend_on_the_number_of_blas_threads():
    dataset = make_dataset(n=(1000, 100, 100), n_features=784, n_classes=10)
    hyperparameters = {"epochs": 1, "hidden_layers": 2, "hidden_size": 300, "batch_size": 64}
    curves = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            curves.append(train(dataset, implementation="components", **hyperparameters).evaluations)
    assert curves[0] == curves[1]


def test_blas_has_its_threads_again_when_the_last_one_leaves():
    with threadpool_limits(2, user_api="blas"):
        with one_blas_thread():
            with one_blas_thread():
                assert n_blas_threads() == 1
            assert n_blas_threads() == 1
        assert n_blas_threads() == 2
