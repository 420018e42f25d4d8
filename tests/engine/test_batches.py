"""Training in batches: what a step may allocate."""

import tracemalloc

import numpy as np

from engine.configuration import Configuration
from engine.network import Network
from engine.optimizers import Optimizer

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
    optimizer = Optimizer.of(configuration)

    def step(update):
        network.loss_and_gradients(X, y, dropout_seed=1, update=update)
        optimizer.step(network.parameters, velocities, network.gradients, 0.01)

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
