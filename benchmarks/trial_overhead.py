"""What a trial costs outside training, for each driver: milliseconds by hundreds of trials, so that growth shows.

    python -m benchmarks.trial_overhead [--trials 1000] [--sampler tpe --sampler nsgaii …]

A study of short trials on `digits` with one job, from its first trial to its last, in a database of its own. What is
counted is processor time of the coordinating thread, in which everything happens but training: proposing, storing,
mirroring, counting. (Waiting for the disk is not in it; other work on the machine shows less than in wall time.) Each
study runs in a process of its own. The first twenty trials stand apart, because packages are imported in them; a
machine's noise is judged by running this twice.
"""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from engine.data.load import load_dataset
from search import run_study
from search.execution.progress import Counts, SilentDisplay
from search.spec.study import StudySpec, parse_spec

START = 20
"""Trials that are counted apart."""

HUNDRED = 100

SPACE = {
    "hidden_layers": [1, 2, 3],
    "hidden_size": {"low": 10, "high": 200, "scale": "log"},
    "activation": ["relu", "tanh"],
    "learning_rate": {"low": 0.002, "high": 0.1, "scale": "log"},
    "momentum": [False, True],
    "decay": ["constant", "halve_on_decrease"],
}
"""The axes of `experiments/mlp_random.yaml`."""


@dataclass(frozen=True)
class Workload:
    """A study by what matters here: who proposes, who prunes, and evaluations for each trial."""

    sampler: str
    pruner: str = "none"
    evaluations: int = 5

    def spec(self, trials: int) -> StudySpec:
        adaptive = {"driver": "optuna", "sampler": self.sampler, "pruner": self.pruner}
        return parse_spec(
            {
                "study": "overhead",
                "question": "What does a trial cost outside training?",
                **({"driver": "random"} if self.sampler == "random" else adaptive),
                "trials": trials,
                "fixed": {"epochs": 1, "evaluations_per_epoch": self.evaluations, "train_images": 200},
                "space": SPACE,
            }
        )


WORKLOADS = {
    "random": Workload("random"),
    "random-25": Workload("random", evaluations=25),
    "tpe": Workload("tpe"),
    "tpe-hyperband-25": Workload("tpe", "hyperband", 25),
    "cmaes": Workload("cmaes"),
    "nsgaii": Workload("nsgaii"),
    "qmc": Workload("qmc"),
    "gp": Workload("gp"),
}
USUAL = ("random", "random-25", "tpe", "tpe-hyperband-25", "cmaes", "nsgaii", "qmc")
"""Without gp, whose thousandth proposal takes seconds."""


class Clock(SilentDisplay):
    """Notes when each trial had ended, and its place in the table been taken by the next."""

    def __init__(self) -> None:
        super().__init__()
        self.ended_at: list[float] = []

    def update(self, counts: Counts) -> None:
        while len(self.ended_at) < counts.trials_done:
            self.ended_at.append(time.thread_time())


def measure(workload: Workload, trials: int) -> list[float]:
    """Milliseconds for each trial outside training, in order; the first holds the study's start."""
    dataset = load_dataset("digits")
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        began = time.thread_time()
        run_study(workload.spec(trials), dataset, database=Path(folder) / "runs.sqlite", n_jobs=1, display=clock)
    return [1000 * (b - a) for a, b in pairwise([began, *clock.ended_at])]


def by_hundreds(milliseconds: list[float]) -> list[float]:
    """Means of the trials from `START` to 100, then of each hundred."""
    starts = range(0, len(milliseconds), HUNDRED)
    parts = [milliseconds[max(start, START) : start + HUNDRED] for start in starts]
    return [sum(part) / len(part) for part in parts if part]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a trial costs outside training.")
    parser.add_argument("--trials", type=int, default=1000, help="trials in each study")
    parser.add_argument("--sampler", action="append", choices=WORKLOADS, help="only this one (may be repeated)")
    parser.add_argument("--here", action="store_true", help="in this process, one line for each study")
    arguments = parser.parse_args()
    names = arguments.sampler or [name for name in USUAL if name != "cmaes" or importlib.util.find_spec("cmaes")]
    if not arguments.here:
        print(f"{'ms per trial':16} {f'1–{START}':>7}", end="")
        print(*(f"{f'–{end}':>7}" for end in range(HUNDRED, arguments.trials + 1, HUNDRED)), flush=True)
    for name in names:
        if not arguments.here:
            own = [sys.executable, "-m", "benchmarks.trial_overhead", "--here", "--sampler", name]
            subprocess.run([*own, "--trials", str(arguments.trials)], check=True)
            continue
        milliseconds = measure(WORKLOADS[name], arguments.trials)
        start = sum(milliseconds[:START]) / START
        print(f"{name:16} {start:7.1f}", *(f"{mean:6.1f}" for mean in by_hundreds(milliseconds)), flush=True)


if __name__ == "__main__":
    main()
