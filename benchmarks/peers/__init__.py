"""One module for each library that is measured; each does the same work in that library's usual way.

A peer runs in a process of its own, on one core (`benchmarks.session`). It imports NumPy, `benchmarks.workloads` and
its library, nothing else, so that its memory is its own.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

from benchmarks.workloads import Images, Training

# Name, module here, package it needs.
PEERS = {
    "digitsweep": ("benchmarks.peers.digitsweep", "numba"),
    "JAX": ("benchmarks.peers.jax", "jax"),
    "PyTorch": ("benchmarks.peers.pytorch", "torch"),
    "scikit-learn": ("benchmarks.peers.scikit_learn", "sklearn"),
}


class UnsupportedError(Exception):
    """The library cannot do this workload; the text says why."""


class Peer(Protocol):
    """A library that trains classifiers."""

    version: str
    compiles: bool  # whether the first call of each workload costs more than the others

    def __init__(self, images: Images, n_threads: int = 1) -> None:
        """Take the data; at most so many threads work on a model."""

    def start(self, training: Training) -> None:
        """Make new models at their first weights."""

    def segment(self) -> None:
        """Visit the next fifth of the training images, in the given order; returns when it is done."""

    def evaluate(self) -> float:
        """Measure loss and accuracy of every member over all images; the first member's accuracy."""


def is_installed(name: str) -> bool:
    """Whether the package that a peer needs can be imported."""
    return find_spec(PEERS[name][1]) is not None


def make(name: str, images: Images, n_threads: int = 1) -> Peer:
    """The peer of that name."""
    peer: Peer = import_module(PEERS[name][0]).Library(images, n_threads)
    return peer
