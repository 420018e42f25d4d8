"""A database of any size with plausible learning curves, written through the schema without any training.

    python benchmarks/synthetic.py OUT.sqlite [--runs 10000] [--dataset mnist] [--seed 0]

Every study of the project is in it, with what its file states (question, space, claims, figures): seed noise shared by
the runs of one replicate, divergences at large learning rates, searched and fixed parameters, fidelities,
confirmations. The numbers are invented: they serve tests and the benchmark of figures and report, never a claim.
"""

import argparse
import hashlib
import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import create_engine

from search.spec.yaml_file import load_yaml
from search.store import schema

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
LINEAR_RATES = [0.002, 0.0026, 0.0033, 0.0043, 0.0056, 0.0072, 0.0093, 0.012]
SIZES = [*range(10, 101, 10), 200, 400, 800]
BASE = {
    "learning_rate": 0.01,
    "momentum": True,
    "momentum_form": "average",
    "momentum_beta": 0.9,
    "decay": "halve_on_decrease",
    "decay_round": "epoch",
    "weight_decay": 0.0,
    "batch_size": 1,
    "dropout_input": 0.0,
    "dropout_hidden": 0.0,
    "hidden_layers": 2,
    "hidden_size": 100,
    "activation": "relu",
    "initializer": "kaiming",
    "epochs": 5,
    "evaluations_per_epoch": 5,
    "train_images": None,
    "dtype": "float32",
}
N_TRAIN, N_EVALUATE = 50_000, 10_000


@dataclass
class Study:
    """One study: its trials as (params, attributes, full fidelity), and its file where the project has none."""

    name: str
    driver: str
    replicates: int = 1
    trials: list[tuple[dict[str, Any], dict[str, Any], bool]] = field(default_factory=list)
    file: dict[str, Any] = field(default_factory=dict)

    def stated(self) -> dict[str, Any]:
        """What the study's file states."""
        return self.file or load_yaml(EXPERIMENTS / f"{self.name.replace('-', '_')}.yaml").values

    def add(self, params: dict[str, Any], attributes: dict[str, Any] | None = None, *, full: bool = True) -> None:
        """Append a trial."""
        self.trials.append((params, attributes or {}, full))


def final_accuracy(config: dict[str, Any]) -> float:
    """The test accuracy a configuration tends to, as a made-up but plausible function of it."""
    rate = config["learning_rate"]
    decays = config["decay"] != "constant"
    if config["hidden_layers"] == 0:
        rate_loss = 0.004 * max(0.0, np.log10(rate / 0.012)) + 0.012 * max(0.0, np.log10(0.002 / rate)) ** 1.5
        return 0.922 + 0.0035 * decays - rate_loss * (0.3 if decays else 1.0) - 0.02 * (rate > 0.05) * (not decays)
    width = 0.981 - 0.16 / config["hidden_size"] ** 0.85
    activation = 0.0 if config["activation"] == "relu" else -0.004
    rate_loss = 0.006 * abs(np.log10(rate / 0.01)) ** 2
    depth = -0.002 * abs(config["hidden_layers"] - 2)
    images = config["train_images"] or N_TRAIN
    data_loss = 0.012 * np.log10(N_TRAIN / images) * (1 + 0.2 * np.log10(config["hidden_size"] / 10))
    longer = 0.002 * np.log2(config["epochs"] / 5) if config["epochs"] >= 5 else 0.008 * np.log2(config["epochs"] / 5)
    return float(width + activation - rate_loss + depth + 0.006 * decays - data_loss + longer)


def curve(config: dict[str, Any], shared: float, rng: np.random.Generator) -> tuple[np.ndarray, int | None]:
    """Evaluations of one run as (k, split, [loss, accuracy]), and at which of them it diverged, if it did."""
    n = config["epochs"] * config["evaluations_per_epoch"]
    k = np.arange(1, n + 1)
    linear = config["hidden_layers"] == 0
    final = final_accuracy(config) + 0.0012 * shared + rng.normal(0, 0.0008)
    speed = 1.2 * (config["learning_rate"] / 0.01) ** 0.3 * (1.15 if config["momentum"] else 1.0)
    missing = (0.035 if linear else 0.06) * np.exp(-speed * (k - 1) ** 0.8 / (1.5 if linear else 2.5))
    jitter = 0.0006 if config["decay"] != "constant" else 0.003
    overfit = (0.002 if linear else 0.018) * (1 - np.exp(-k / 12))
    out = np.empty((n, 3, 2))
    for split, offset in enumerate((overfit, 0.001, 0.0)):
        accuracy = final - missing + offset + rng.normal(0, jitter, n)
        out[:, split, 1] = np.clip(accuracy, 0.05, 0.9999).round(4)
        out[:, split, 0] = 3.4 * (1 - out[:, split, 1]) + np.abs(rng.normal(0, 0.004, n))
    risk = config["learning_rate"] * (3 if config["momentum_form"] == "heavy_ball" else 1)
    if risk > 0.15 and rng.random() < min(0.9, 3 * (risk - 0.15)):
        return out, int(rng.integers(1, n))
    return out, None


def _draw_mlp(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "hidden_layers": int(rng.integers(1, 4)),
        "hidden_size": int(np.exp(rng.uniform(np.log(16), np.log(256)))),
        "activation": str(rng.choice(["relu", "tanh"])),
        "learning_rate": float(np.exp(rng.uniform(np.log(0.001), np.log(0.25)))),
        "decay": str(rng.choice(["constant", "halve_on_decrease"])),
    }


def plan(n_random: int, replicates: int, rng: np.random.Generator) -> list[Study]:
    """The studies of the project, with `n_random` random MLPs."""
    studies = []
    for name, rates in (
        ("linear-grid", LINEAR_RATES),
        ("linear-lr-wide", [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3]),
    ):
        grid = Study(name, "grid", replicates)
        for decay, rate, momentum in itertools.product(["constant", "halve_on_decrease"], rates, [False, True]):
            grid.add({"hidden_layers": 0, "decay": decay, "learning_rate": rate, "momentum": momentum})
        studies.append(grid)
    random = Study("mlp-random", "random")
    for _ in range(n_random):
        random.add(_draw_mlp(rng))
    adaptive = Study("mlp-optuna", "optuna")
    for _ in range(30):
        adaptive.add(_draw_mlp(rng) | {"decay": "halve_on_decrease"})
    studies += [random, adaptive]
    fidelity = Study("mlp-fidelity", "random")
    going_on = [(candidate, _draw_mlp(rng)) for candidate in range(27)]
    for rung, images in enumerate((5_000, 15_000, 50_000)):
        sized = [
            (candidate, drawn | {"train_images": images, "epochs": (2, 5, 10)[rung]}) for candidate, drawn in going_on
        ]
        for candidate, params in sized:
            fidelity.add(params, {"candidate": candidate, "rung": rung, "n_rungs": 3}, full=rung == 2)
        ranked = sorted(sized, key=lambda drawn: -final_accuracy(BASE | drawn[1]))
        going_on = sorted(ranked[: len(ranked) // 3], key=lambda drawn: drawn[0])
    best = Study("mlp-best", "grid", 3)
    wide = {"hidden_size": 800, "epochs": 40, "evaluations_per_epoch": 1, "decay": "cosine", "batch_size": 64}
    for dropout_input, dropout_hidden in itertools.product([0.1, 0.2], [0.3, 0.5]):
        best.add(wide | {"dropout_input": dropout_input, "dropout_hidden": dropout_hidden})
    studies += [fidelity, best]
    sizes = Study("ofat-hidden-size", "ofat", max(3, replicates))
    for activation, size in itertools.product(["relu", "tanh"], SIZES):
        level = {"factor": "hidden_size", "level": size, "baseline": size == 100, "by": {"activation": activation}}
        sizes.add({"activation": activation, "hidden_size": size}, level)
    studies.append(sizes)
    for factor, levels in (
        ("hidden_layers", [1, 2, 3, 4]),
        ("activation", ["relu", "tanh"]),
        ("learning_rate", [0.001, 0.003, 0.01, 0.03, 0.1]),
        ("momentum", [True, False]),
        ("decay", ["halve_on_decrease", "constant", "cosine"]),
    ):
        name = "ofat-depth" if factor == "hidden_layers" else f"ofat-{factor.replace('_', '-')}"
        study = Study(name, "ofat", max(8, replicates))
        for level in levels:
            study.add({factor: level}, {"factor": factor, "level": level, "baseline": level == BASE[factor], "by": {}})
        studies.append(study)
    return studies


def confirmations(study: Study, suffix: str, values: dict[int, float], top: int, replicates: int) -> Study:
    """The best `top` trials of a study again."""
    confirm = Study(f"{study.name}-confirm", "confirm", replicates)
    best = sorted(values, key=lambda number: -values[number])[:top]
    for rank, number in enumerate(best, start=1):
        attributes = {"source_study": study.name + suffix, "source_trial_number": number, "rank": rank}
        confirm.add(study.trials[number][0], attributes)
    varied = {name: [] for params, _, _ in confirm.trials for name in params}
    for params, _, _ in confirm.trials:
        for name, value in params.items():
            varied[name] += [value] if value not in varied[name] else []
    question = f"How good are the best configurations of {study.name} with seeds they were not chosen by?"
    confirm.file = {"study": confirm.name, "question": question, "driver": "confirm", "space": varied}
    return confirm


class Writer:
    """Numbers the rows and writes one study at a time."""

    def __init__(
        self, connection: Any, dataset: str, seed: int, rng: np.random.Generator, *, seed_suffix: bool
    ) -> None:
        self.connection, self.dataset, self.seed, self.rng = connection, dataset, seed, rng
        self.suffix = ("" if dataset == "mnist" else f"@{dataset}") + (f"#{seed}" if seed_suffix else "")
        self.data_sha256 = hashlib.sha256(dataset.encode()).hexdigest()
        self.n_images = (N_TRAIN, N_EVALUATE) if dataset != "digits" else (1_197, 300)
        self.study_id = self.trial_id = self.run_id = 0
        for table, name in ((schema.studies, "study_id"), (schema.trials, "trial_id"), (schema.runs, "run_id")):
            rows = connection.execute(table.select().with_only_columns(table.c[name])).scalars().all()
            setattr(self, name, max(rows, default=0))

    def write(self, study: Study) -> dict[int, float]:
        """Write a study and return the validation accuracy of each trial that completed."""
        self.study_id += 1
        n_train, n_evaluate = self.n_images
        stated = study.stated()
        self.connection.execute(
            schema.studies.insert().values(
                study_id=self.study_id,
                name=study.name + self.suffix,
                base_name=study.name,
                question=stated["question"],
                driver=study.driver,
                dataset=self.dataset,
                data_sha256=self.data_sha256,
                n_train=n_train,
                n_validation=n_evaluate,
                n_test=n_evaluate,
                n_classes=10,
                seed=self.seed,
                replicates=study.replicates,
                read_at="best",
                spec=stated,
                command=f"digitsweep run {study.name}",
                created_at="2022-04-07T12:00:00+00:00",
            )
        )
        shared = self.rng.normal(size=study.replicates)
        trials, runs, values = [], [], {}
        for number, (params, attributes, full) in enumerate(study.trials):
            self.trial_id += 1
            config = BASE | params
            accuracies = []
            for replicate in range(study.replicates):
                self.run_id += 1
                evaluations, diverged = curve(config, shared[replicate], self.rng)
                runs.append(self._run(config, replicate, diverged))
                self._evaluations(config, evaluations, diverged)
                if diverged is None:
                    accuracies.append(evaluations[:, 1, 1].max())
            trials.append(self._trial(number, params, attributes, full, accuracies))
            if accuracies and full:
                values[number] = float(np.mean(accuracies))
        self.connection.execute(schema.trials.insert(), trials)
        self.connection.execute(schema.runs.insert(), runs)
        self._flush()
        return values

    rows: list[tuple[Any, ...]]

    def _trial(self, number: int, params: Any, attributes: Any, full: bool, accuracies: list[float]) -> dict[str, Any]:
        digest = hashlib.sha256(json.dumps([params, number], sort_keys=True).encode()).hexdigest()
        return {
            "trial_id": self.trial_id,
            "study_id": self.study_id,
            "trial_number": number,
            "config_hash": digest,
            "params": params,
            "config": BASE | params,
            "attributes": attributes,
            "full_fidelity": full,
            "state": "complete" if accuracies else "diverged",
        }

    def _run(self, config: dict[str, Any], replicate: int, diverged: int | None) -> dict[str, Any]:
        updates = config["epochs"] * (config["train_images"] or self.n_images[0])
        return {
            "run_id": self.run_id,
            "trial_id": self.trial_id,
            "replicate": replicate,
            "seed": self.seed + replicate,
            "state": "complete" if diverged is None else "diverged",
            "dataset": self.dataset,
            "data_sha256": self.data_sha256,
            "epochs": config["epochs"],
            "updates": updates,
            "train_seconds": updates * 2.6e-6,
            "evaluate_seconds": 0.5,
            "diverged_at_update": None if diverged is None else diverged * 10_000,
            "code_version": "synthetic",
            "environment": {"python": "3.11", "numpy": "2.4", "cores": 2},
            "error": None,
            "started_at": "2022-04-07T12:00:00+00:00",
            "finished_at": "2022-04-07T12:01:00+00:00",
        }

    def _evaluations(self, config: dict[str, Any], evaluations: np.ndarray, diverged: int | None) -> None:
        last = len(evaluations) if diverged is None else diverged
        per_epoch = config["evaluations_per_epoch"]
        for index in range(last):
            for split, name in enumerate(("train", "validation", "test")):
                loss, accuracy = evaluations[index, split]
                epoch = (index + 1) / per_epoch
                self.rows.append(
                    (self.run_id, index + 1, name, epoch, float(loss), float(accuracy), config["learning_rate"])
                )

    def _flush(self) -> None:
        columns = [column.name for column in schema.evaluations.columns]
        rows = [dict(zip(columns, row, strict=True)) for row in self.rows]
        self.connection.execute(schema.evaluations.insert(), rows)
        self.rows.clear()


def write(
    database: str,
    *,
    n_runs: int | None = None,
    n_random: int = 50,
    replicates: int = 1,
    dataset: str = "mnist",
    seed: int = 2022,
    seed_suffix: bool = False,
    only: tuple[str, ...] | None = None,
    sample: int = 0,
) -> int:
    """Write a synthetic database (or add to one) and return its number of runs.

    Args:
        database: Path of the SQLite file, or an SQLAlchemy URL.
        n_runs: Total number of runs wanted: random MLPs are added until it is reached.
        n_random: Number of random MLPs where `n_runs` is not given.
        replicates: Runs per configuration of the grids and, where more than their own, the OFAT studies.
        dataset: Name written into every row; not `mnist` adds the suffix to the study's names.
        seed: Of the studies.
        seed_suffix: Whether the study names carry `#seed`.
        only: Names of the studies to write, by default all.
        sample: Seed of the invented numbers.
    """
    rng = np.random.default_rng(sample)
    engine = create_engine(database if "://" in database else f"sqlite:///{database}")
    with engine.begin() as connection:
        schema.create_schema(connection)
        studies = plan(n_random, replicates, rng)
        if n_runs is not None:
            others = sum(len(study.trials) * study.replicates for study in studies if study.name != "mlp-random")
            studies = plan(max(1, n_runs - others - 2 * 4 * 8), replicates, np.random.default_rng(sample))
        writer = Writer(connection, dataset, seed, rng, seed_suffix=seed_suffix)
        writer.rows = []
        for study in studies:
            if only is not None and study.name not in only:
                continue
            values = writer.write(study)
            if study.name in ("linear-grid", "mlp-random") and (only is None or f"{study.name}-confirm" in only):
                writer.write(confirmations(study, writer.suffix, values, top=4, replicates=8))
        n_written = writer.run_id
    engine.dispose()
    return n_written


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a synthetic database.")
    parser.add_argument("database", type=Path)
    parser.add_argument("--runs", type=int, default=None, help="total number of runs (default: the project's own size)")
    parser.add_argument("--replicates", type=int, default=1)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--sample", type=int, default=0)
    arguments = parser.parse_args()
    n_runs = write(
        str(arguments.database),
        n_runs=arguments.runs,
        replicates=arguments.replicates,
        dataset=arguments.dataset,
        sample=arguments.sample,
    )
    print(f"{n_runs} runs in {arguments.database}")


if __name__ == "__main__":
    main()
