"""Our evaluation of sixteen linear models against the same loop written by hand in C with AVX-512 intrinsics.

    python -m benchmarks.avx512 [--rounds 15]

Compiles `avx512_evaluation.c`, checks that both find the same, and times them in turns on the images of MNIST's three
splits. Of each the fastest round counts, because other work on a machine only ever adds time. Wanted: 70 % of the
speed of C.
"""

import argparse
import ctypes
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.data.dataset import Split
from engine.data.load import load_dataset
from engine.kernels import launch as kernels
from engine.kernels.simd import LANES, aligned_zeros

SOURCE = Path(__file__).with_name("avx512_evaluation.c")
WANTED = 0.7


def has_avx512() -> bool:
    cpu = Path("/proc/cpuinfo")
    return cpu.exists() and "avx512dq" in cpu.read_text()


def compiler_path() -> str | None:
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def compile_source(folder: str) -> ctypes.CDLL:
    compiler = compiler_path()
    if compiler is None:
        raise SystemExit("no C compiler (cc, gcc or clang) is installed")
    library = str(Path(folder) / "avx512_evaluation.so")
    options = ["-O3", "-march=native", "-shared", "-fPIC", "-Wall", "-Wextra"]
    subprocess.run([compiler, *options, "-o", library, str(SOURCE), "-lm"], check=True)
    return ctypes.CDLL(library)


def address(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def evaluate_in_c(library: ctypes.CDLL, members: list[kernels.Parameters], split: Split) -> list[tuple[float, float]]:
    n_features, n_classes = members[0][0].shape
    w = aligned_zeros(n_classes * n_features * LANES, np.dtype(np.float32))
    b = aligned_zeros(n_classes * LANES, np.dtype(np.float32))
    for m, (weights, bias) in enumerate(members):
        w.reshape(n_classes, n_features, LANES)[:, :, m] = weights.T
        b.reshape(n_classes, LANES)[:, m] = bias
    loss, n_correct = np.zeros(LANES), np.zeros(LANES)
    images = [split.rows.indptr, split.rows.indices, split.rows.values, split.y]
    sizes = [ctypes.c_int64(n) for n in (len(split), n_features, n_classes, 256)]
    failed = library.evaluate_sixteen(
        address(w), address(b), *map(address, images), *sizes, address(loss), address(n_correct)
    )
    if failed:
        raise MemoryError
    return [(loss[m] / len(split), n_correct[m] / len(split)) for m in range(LANES)]


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def compare(rounds: int) -> tuple[float, float, int]:
    """Fastest seconds of ours and of C's, and the number of images of one evaluation."""
    dataset = load_dataset("mnist")
    splits = [dataset.train, dataset.validation, dataset.test]
    random = np.random.default_rng(0)
    shape = (dataset.n_features, dataset.n_classes)
    members = [
        ((random.standard_normal(shape) / 10).astype(np.float32), random.standard_normal(shape[1]).astype(np.float32))
        for _ in range(LANES)
    ]
    with tempfile.TemporaryDirectory() as folder:
        library = compile_source(folder)

        def ours() -> list[list[tuple[float, float]]]:
            return [kernels.evaluate_population(members, split.rows, split.y) for split in splits]

        def by_hand() -> list[list[tuple[float, float]]]:
            return [evaluate_in_c(library, members, split) for split in splits]

        np.testing.assert_allclose(np.array(ours()), np.array(by_hand()), rtol=1e-5)
        times = [(seconds(ours), seconds(by_hand)) for _ in range(rounds)]
    best_ours, best_by_hand = (min(column) for column in zip(*times, strict=True))
    return best_ours, best_by_hand, sum(map(len, splits))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    if not has_avx512():
        raise SystemExit("this machine has no AVX-512: nothing to compare with")
    best_ours, best_by_hand, n_images = compare(rounds)
    share = best_by_hand / best_ours
    print(f"sixteen linear models over {n_images:,} images, one thread, fastest of {rounds} rounds")
    print(f"  C, AVX-512 intrinsics   {1e3 * best_by_hand:7.1f} ms")
    print(
        f"  engine.kernels.launch          {1e3 * best_ours:7.1f} ms   {share:.0%} of its speed (wanted: {WANTED:.0%})"
    )
    sys.exit(0 if share >= WANTED else 1)


if __name__ == "__main__":
    main()
