"""The measurements of `make bench`, as plain dictionaries that go to JSON."""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import workloads
from benchmarks.peers import PEERS, is_installed
from benchmarks.session import Session
from benchmarks.workloads import N_SEGMENTS, PER_EPOCH, Images, Training
from engine.data.dataset import SPLITS, Dataset

Say = Callable[[str], None]
Rows = list[dict[str, Any]]

UNITS = (
    workloads.LINEAR,
    workloads.LINEAR_MOMENTUM,
    workloads.SIXTEEN,
    workloads.SIXTEEN_MOMENTUM,
    workloads.MLP_PLAIN,
    workloads.MLP,
    workloads.MLP_TANH,
    workloads.BATCHES_32,
    workloads.BATCHES_128,
    workloads.WIDE,
)
N_RANDOM = 50
_COMPUTED = "computed from a segment"


def images_of(dataset: Dataset) -> Images:
    """All three splits in one array."""
    splits = [dataset.split(name) for name in SPLITS]
    order = np.random.default_rng(0).permutation(len(dataset.train))
    return Images(
        np.concatenate([split.X for split in splits]),
        np.concatenate([split.y for split in splits]),
        len(dataset.train),
        order,
    )


def machine() -> dict[str, Any]:
    """Processor, cores and system, as far as they can be found."""
    model = platform.processor() or platform.machine()
    cpu = Path("/proc/cpuinfo")
    if cpu.exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpu.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return {"processor": model, "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}"}


class Peers:
    """The installed peers, each in its process, asked in turns."""

    def __init__(self, images: Images, path: Path, core: int, say: Say) -> None:
        images.write(path)
        self.path = path
        self.n_images_per_segment = images.n_train // PER_EPOCH
        self.sessions: dict[str, Session] = {}
        self.missing: list[str] = []
        for name in PEERS:
            if not is_installed(name):
                self.missing.append(name)
                say(f"{name} is not installed and is left out: pip install '.[bench]'")
                continue
            self.sessions[name] = Session(name, path, [core])

    def versions(self) -> dict[str, str]:
        return {name: session.version for name, session in self.sessions.items()}

    def start_up(self, units: Rows) -> dict[str, float]:
        """Seconds of each peer from nothing to a segment and an evaluation of the first model, compilation included."""
        warm = {row["peer"]: row["warm_up"] for row in units if row["label"] == str(UNITS[0])}
        return {name: session.seconds + warm[name] for name, session in self.sessions.items()}

    def close(self) -> None:
        for session in self.sessions.values():
            session.close()

    def in_turns(self, training: Training, rounds: int, names: Iterable[str] | None = None) -> Rows:
        """Medians over rounds: microseconds for each image trained on, milliseconds for an evaluation."""
        answers: dict[str, list[dict[str, Any]]] = {}
        for _ in range(rounds):
            for name, session in self.sessions.items():
                if names is None or name in names:
                    answers.setdefault(name, []).append(session.ask(training=training.to_json(), segments=1))
        rows: Rows = []
        for name, found in answers.items():
            row: dict[str, Any] = {"peer": name, "training": training.to_json(), "label": str(training)}
            if "unsupported" in found[0]:
                row["unsupported"] = found[0]["unsupported"]
            else:
                n_images = self.n_images_per_segment // training.batch_size * training.batch_size
                row["us_per_image"] = 1e6 * statistics.median(a["updating"] for a in found) / n_images
                row["ms_per_evaluation"] = 1e3 * statistics.median(a["evaluating"] for a in found)
                row["accuracy"] = found[0]["accuracy"]
                row["warm_up"] = found[0]["warm_up"]
                row["megabytes"] = found[0]["megabytes"]
            rows.append(row)
        return rows

    def whole(self, name: str, training: Training) -> float:
        """Seconds of a run of 25 segments and 25 evaluations, compilation left out."""
        answer = self.sessions[name].ask(training=training.to_json(), segments=N_SEGMENTS)
        return float(answer["updating"] + answer["evaluating"])


def jobs(peers: Peers, units: Rows, rounds: int, say: Say) -> Rows:
    """Seconds of whole jobs, on one core, nothing stored; computed from a segment where the job would take minutes."""
    found: Rows = []

    def add(job: str, peer: str, seconds: float, how: str) -> None:
        found.append({"job": job, "peer": peer, "seconds": seconds, "how": how})

    by = {(row["peer"], row["label"]): row for row in units if "unsupported" not in row}

    def computed(peer: str, training: Training) -> float:
        row = by[peer, str(training)]
        return N_SEGMENTS * (row["us_per_image"] * peers.n_images_per_segment / 1e6 + row["ms_per_evaluation"] / 1e3)

    fast = [name for name in ("digitsweep", "JAX") if name in peers.sessions]
    slow = [name for name in ("PyTorch", "scikit-learn") if name in peers.sessions]
    grid = (workloads.SIXTEEN, workloads.SIXTEEN_MOMENTUM)
    one_by_one = (workloads.LINEAR, workloads.LINEAR_MOMENTUM)
    say("whole linear grid")
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name in fast:
            times.setdefault(name, []).append(sum(peers.whole(name, group) for group in grid))
    for name, seconds in times.items():
        add("linear grid, 32 runs", name, statistics.median(seconds), "measured, two groups of 16")
    if "PyTorch" in slow:
        add("linear grid, 32 runs", "PyTorch", sum(computed("PyTorch", group) for group in grid), _COMPUTED)
    alone = [name for name in slow if all((name, str(training)) in by for training in one_by_one)]
    if alone:
        add("linear grid, peers one by one", "digitsweep", statistics.median(times["digitsweep"]), "measured")
    for name in alone:
        add("linear grid, peers one by one", name, 16 * sum(computed(name, t) for t in one_by_one), _COMPUTED)
    for job, training in (("one MLP, momentum", workloads.MLP), ("one MLP, momentum, tanh", workloads.MLP_TANH)):
        say(job)
        times = {}
        for _ in range(rounds):
            for name in fast:
                times.setdefault(name, []).append(peers.whole(name, training))
        for name, seconds in times.items():
            add(job, name, statistics.median(seconds), "measured")
        for name in slow:
            add(job, name, computed(name, training), _COMPUTED)
    say(f"{N_RANDOM} random MLPs, a segment of each")
    totals: dict[str, float] = {}
    for training in random_networks():
        for row in peers.in_turns(training, 1, [name for name in peers.sessions if name != "scikit-learn"]):
            seconds = row["us_per_image"] * peers.n_images_per_segment / 1e6 + row["ms_per_evaluation"] / 1e3
            totals[row["peer"]] = totals.get(row["peer"], 0.0) + N_SEGMENTS * seconds
    for name, total in totals.items():
        add(f"{N_RANDOM} random MLPs", name, total, "computed from a segment of each")
    return found


def two_cores(images: Path, cores: list[int], rounds: int, say: Say) -> Rows:
    """One wide run in batches on one core and on two: seconds of a segment with its evaluation, wall time, in turns."""
    say("one run on one core and on two")
    sessions = {
        (name, n): Session(name, images, cores[:n])
        for name in ("digitsweep", "PyTorch")
        if is_installed(name)
        for n in (1, 2)
    }
    times: dict[tuple[str, int], list[float]] = {}
    try:
        for _ in range(rounds):
            for key, session in sessions.items():
                answer = session.ask(training=workloads.WIDE.to_json(), segments=1)
                times.setdefault(key, []).append(answer["updating"] + answer["evaluating"])
    finally:
        for session in sessions.values():
            session.close()
    return [{"peer": name, "cores": n, "seconds": statistics.median(found)} for (name, n), found in times.items()]


def random_networks() -> list[Training]:
    """The networks that `make mlp-random N=50` trains."""
    from itertools import islice

    from search.drivers.random import draw_proposals
    from search.spec.study import load_spec

    spec = load_spec(Path(__file__).parents[1] / "experiments" / "mlp_random.yaml")
    drawn = [proposal.configuration for proposal in islice(draw_proposals(spec), N_RANDOM)]
    return [Training((c.hidden_size,) * c.hidden_layers, c.activation, c.momentum) for c in drawn]


def growth(peers: Peers, dataset: Dataset, say: Say) -> Rows:
    """How cost grows: with members, width and depth for all, with images and epochs for this project."""
    found: Rows = []
    cases: list[tuple[str, int, Training]] = []
    cases += [("members", n, Training(members=n, momentum=True)) for n in (1, 2, 4, 8, 16, 32, 64)]
    cases += [
        ("width of two layers", n, Training(hidden=(n, n), momentum=True)) for n in (32, 64, 128, 256, 512, 800, 1024)
    ]
    cases += [("hidden layers of 100", n, Training(hidden=(100,) * n, momentum=True)) for n in (1, 2, 3, 4)]
    for factor, value, training in cases:
        say(f"growth with {factor}: {value}")
        for row in peers.in_turns(training, 1, [name for name in peers.sessions if name != "scikit-learn"]):
            if "unsupported" not in row:
                found.append({"factor": factor, "value": value, **row})
    from engine.training import train

    for factor, values in (("training images", (5_000, 10_000, 20_000, 50_000)), ("epochs", (1, 2, 5, 10))):
        for value in values:
            say(f"growth with {factor}: {value}")
            name = "train_images" if factor == "training images" else "epochs"
            options = {"epochs": 2, "hidden_layers": 2, "hidden_size": 100, "momentum": True, name: value}
            start = time.perf_counter()
            train(dataset, **options)
            found.append(
                {"factor": factor, "value": value, "peer": "digitsweep", "seconds": time.perf_counter() - start}
            )
    return found


_STUDY = """
import json, resource, sys, time
from pathlib import Path
from engine.kernels.launch import compile_kernels
from engine.data.load import load_dataset
from search import load_spec, run_study
spec, database, n_jobs, folder = sys.argv[1:]
compile_kernels()
dataset = load_dataset("mnist", folder=Path(folder) if folder else None)
result = run_study(load_spec(Path(spec)), dataset, database=database, n_jobs=int(n_jobs))
print(json.dumps({"seconds": result.seconds, "storage": result.storage_seconds,
                  "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10}))
"""

_EIGHT_MLPS = """
study: eight-mlps
question: how long do eight networks of one size take?
driver: grid
fixed: {epochs: 5, evaluations_per_epoch: 5, batch_size: 1, hidden_layers: 2, hidden_size: 100, momentum: on}
space: {learning_rate: [0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.009, 0.01]}
"""


def studies(rounds: int, folder: str, say: Say) -> Rows:
    """Whole studies with their storage, by one worker and by two: seconds, seconds of storage, memory."""
    found: Rows = []
    root = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as scratch:
        eight = Path(scratch) / "eight_mlps.yaml"
        eight.write_text(_EIGHT_MLPS)
        for study, path in (("linear grid", root / "experiments" / "linear_grid.yaml"), ("eight MLPs", eight)):
            answers: dict[int, list[dict[str, float]]] = {}
            for turn in range(rounds):
                for n_jobs in (1, 2):
                    say(f"study: {study}, {n_jobs} worker{'s' if n_jobs > 1 else ''}")
                    database = str(Path(scratch) / f"{path.stem}-{turn}-{n_jobs}.sqlite")
                    done = subprocess.run(
                        [sys.executable, "-c", _STUDY, str(path), database, str(n_jobs), folder],
                        check=True,
                        stdout=subprocess.PIPE,
                        text=True,
                        cwd=root,
                    )
                    answers.setdefault(n_jobs, []).append(json.loads(done.stdout))
            for n_jobs, values in answers.items():
                medians = {key: statistics.median(value[key] for value in values) for key in values[0]}
                found.append({"study": study, "workers": n_jobs, **medians})
    return found


def against_c(say: Say) -> dict[str, float] | None:
    """Milliseconds of evaluating sixteen linear models, ours and hand-written C; None where it cannot be compared."""
    from benchmarks import avx512

    if not avx512.has_avx512() or avx512.compiler_path() is None:
        say("no AVX-512 or no C compiler: the comparison with C is left out")
        return None
    ours, by_hand, _ = avx512.compare(15)
    return {"ours_ms": 1e3 * ours, "c_ms": 1e3 * by_hand}
