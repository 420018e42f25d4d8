"""What the machine would allow: nanoseconds of one vector multiply-add, by where its second operand lies.

A model's training and evaluation are counted in these. The count leaves out lists, softmax, loss and waiting, so no
program reaches the floor; how near one comes says how much there is left to gain.
"""

import time

import numpy as np

from benchmarks.workloads import Training
from engine.arrays import FloatArray
from engine.compiled import kernel
from engine.kernels.simd import LANES, add, aligned_zeros, elements, fma, load, splat, store, zero


@kernel
def _multiply_add(array: FloatArray, out: FloatArray, n_passes: int) -> None:
    """Eight running sums over all of `array`, `n_passes` times."""
    a = elements(array)
    s0, s1, s2, s3 = zero(a), zero(a), zero(a), zero(a)
    s4, s5, s6, s7 = zero(a), zero(a), zero(a), zero(a)
    x = splat(array.dtype.type(0.5))
    for _ in range(n_passes):
        for k in range(0, array.size, 8 * LANES):
            s0 = fma(x, load(a, k), s0)
            s1 = fma(x, load(a, k + LANES), s1)
            s2 = fma(x, load(a, k + 2 * LANES), s2)
            s3 = fma(x, load(a, k + 3 * LANES), s3)
            s4 = fma(x, load(a, k + 4 * LANES), s4)
            s5 = fma(x, load(a, k + 5 * LANES), s5)
            s6 = fma(x, load(a, k + 6 * LANES), s6)
            s7 = fma(x, load(a, k + 7 * LANES), s7)
    store(elements(out), 0, add(add(add(s0, s1), add(s2, s3)), add(add(s4, s5), add(s6, s7))))


@kernel
def _update(array: FloatArray, n_passes: int) -> None:
    """Read, multiply-add and write all of `array`, `n_passes` times."""
    a = elements(array)
    x = splat(array.dtype.type(0.5))
    for _ in range(n_passes):
        for k in range(0, array.size, LANES):
            store(a, k, fma(x, x, load(a, k)))


def _fastest(call: object, n_vectors: int) -> float:
    best = np.inf
    for _ in range(7):
        start = time.perf_counter()
        call()  # type: ignore[operator]
        best = min(best, time.perf_counter() - start)
    return 1e9 * best / n_vectors


def vector_nanoseconds() -> dict[str, float]:
    """Nanoseconds of one multiply-add of sixteen float32, read from the first or the second cache, or also written."""
    found = {}
    out = aligned_zeros(LANES, np.dtype(np.float32))
    for name, kib in (("first cache", 16), ("second cache", 512)):
        array = aligned_zeros(kib * 256, np.dtype(np.float32))
        n_passes = 4096 * 16 // kib
        n_vectors = array.size // LANES * n_passes
        _multiply_add(array, out, 1)
        _update(array, 1)
        found[f"read, {name}"] = _fastest(lambda a=array, n=n_passes: _multiply_add(a, out, n), n_vectors)
        found[f"read and written, {name}"] = _fastest(lambda a=array, n=n_passes: _update(a, n), n_vectors)
    return found


def floor_of(training: Training, n_pixels: float, share_on: float, costs: dict[str, float]) -> tuple[float, float]:
    """Least microseconds of one update, and of evaluating one image, for all members.

    Args:
        training: plain updates by single images; velocities double what is read and written.
        n_pixels: mean number of pixels of an image that are not zero.
        share_on: share of hidden units that are on.
        costs: from `vector_nanoseconds`.
    """
    sizes = (*training.hidden, 10)
    inputs = [n_pixels, *(share_on * n for n in training.hidden)]
    if training.members > 1:  # sixteen lanes are sixteen members
        vectors = n_pixels * 10 * -(-training.members // LANES)
        handed_back = 0.0
    else:
        per_layer = [n * -(-m // LANES) for n, m in zip(inputs, sizes, strict=True)]
        vectors, handed_back = sum(per_layer), sum(per_layer[1:])
    arrays = 2 if training.momentum else 1
    forward = vectors * costs["read, first cache"]
    update = forward * arrays + handed_back * costs["read, first cache"]
    update += vectors * arrays * costs["read and written, first cache"]
    return update / 1e3, forward / 1e3
