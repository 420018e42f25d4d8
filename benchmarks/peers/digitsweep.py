"""This project's engine, through the functions that its workers call; nothing is stored."""

import platform

import numba
import numpy as np

from benchmarks.workloads import BETA, N_SEGMENTS, PER_EPOCH, Images, Training
from engine.configuration import Configuration
from engine.data.dataset import SPLITS, Dataset, SparseRows, Split
from engine.kernels.launch import compile_kernels
from engine.training import advance, evaluate, initial_state


class Library:
    """A data set of three splits, as `engine.load_dataset` returns it."""

    version = f"Numba {numba.__version__}, NumPy {np.__version__}, Python {platform.python_version()}"
    compiles = False

    def __init__(self, images: Images, n_threads: int = 1) -> None:
        self.n_threads = n_threads
        compile_kernels()
        held_out = (len(images.y) - images.n_train) // 2
        ends = [0, images.n_train, images.n_train + held_out, len(images.y)]
        splits = [
            Split(SparseRows.from_dense(images.X[start:stop]), images.y[start:stop])
            for start, stop in zip(ends[:-1], ends[1:], strict=True)
        ]
        self.dataset = Dataset("benchmark", "0" * 64, 10, *splits)

    def start(self, training: Training) -> None:
        if len(set(training.hidden)) > 1:
            raise ValueError("hidden layers must have one size")
        self.states = [
            initial_state(
                Configuration.from_mapping(
                    {
                        "hidden_layers": len(training.hidden),
                        "hidden_size": training.hidden[0] if training.hidden else 1,
                        "activation": training.activation,
                        "learning_rate": rate,
                        "momentum": training.momentum,
                        "momentum_beta": BETA,
                        "batch_size": training.batch_size,
                        "epochs": N_SEGMENTS // PER_EPOCH * 100,
                        "evaluations_per_epoch": PER_EPOCH,
                    }
                ),
                2022,
                self.dataset,
            )
            for rate in training.learning_rates()
        ]

    def segment(self) -> None:
        self.states = advance(self.states, self.dataset, n_threads=self.n_threads)

    def evaluate(self) -> float:
        _, evaluations = evaluate(self.states, self.dataset, n_threads=self.n_threads)
        assert evaluations[0] is not None
        sizes = {name: len(self.dataset.split(name)) for name in SPLITS}
        return sum(evaluations[0].accuracy[name] * n for name, n in sizes.items()) / sum(sizes.values())
