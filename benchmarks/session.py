"""A peer in a process of its own, on one core or more, asked over a pipe: one JSON line for each question and answer.

Parent and child are this module: `Session` starts `python -m benchmarks.session NAME IMAGES CORES`. All processes stay
alive, so that peers can be measured in turns: what disturbs the machine disturbs all of them.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Before a library is imported: each makes as many threads as it finds cores.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}


class PeerError(Exception):
    """The peer's process failed or refused."""


class Session:
    """The parent's end."""

    def __init__(self, name: str, images: Path, cores: Sequence[int]) -> None:
        self.name = name
        started = time.perf_counter()
        threads = {**ONE_THREAD, **({"OMP_NUM_THREADS": str(len(cores))} if len(cores) > 1 else {})}
        root = Path(__file__).parents[1]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.session", name, str(images), ",".join(map(str, cores))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **threads, "PYTHONPATH": str(root)},
            cwd=root,
        )
        self.version = str(self._read()["version"])
        self.seconds = time.perf_counter() - started  # until it has its library and the images

    def ask(self, **question: Any) -> dict[str, Any]:
        """The answer to one question; `UnsupportedError`'s text comes back as `unsupported`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PeerError(f"{self.name} ended with exit code {self._process.wait()}; its error is above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _megabytes() -> float:
    """Peak resident memory of this process; Linux counts in KiB, macOS in bytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _serve(name: str, images: Path, cores: Sequence[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(cores))
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not stand between the answers

    from benchmarks.peers import UnsupportedError, make
    from benchmarks.workloads import Images, Training

    peer = make(name, Images.read(images), len(cores))
    print(json.dumps({"version": peer.version}), file=out)
    warm: set[Training] = set()
    for line in sys.stdin:
        question = json.loads(line)
        training = Training.from_json(question["training"])
        try:
            first = time.perf_counter()
            peer.start(training)
            if not warm or (peer.compiles and training not in warm):
                peer.segment()
                peer.evaluate()
                peer.start(training)
            warm.add(training)
            warm_up = time.perf_counter() - first
            updating = evaluating = accuracy = 0.0
            for _ in range(question["segments"]):
                start = time.perf_counter()
                peer.segment()
                middle = time.perf_counter()
                accuracy = peer.evaluate()
                updating += middle - start
                evaluating += time.perf_counter() - middle
        except UnsupportedError as error:
            print(json.dumps({"unsupported": str(error)}), file=out)
            continue
        answer = {
            "updating": updating,
            "evaluating": evaluating,
            "accuracy": accuracy,  # that it trains
            "warm_up": warm_up,
            "megabytes": _megabytes(),
        }
        print(json.dumps(answer), file=out)


if __name__ == "__main__":
    _serve(sys.argv[1], Path(sys.argv[2]), [int(core) for core in sys.argv[3].split(",")])
