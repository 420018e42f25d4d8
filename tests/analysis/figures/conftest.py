"""Studies made by hand: any driver, any axes, a value for each configuration."""

import itertools

import pandas as pd
import pytest

from analysis.commands import Commands
from analysis.studies import Studies, Study
from benchmarks.synthetic import BASE

N_EVALUATIONS = 4


def study(name, driver, space, score, *, by=None, fixed=None, replicates=1, trials=None, diverged=(), **keys):
    """A study whose runs have the validation and test accuracy `score(config, replicate)`.

    Args:
        space: Lists, crossed by a grid, one after the other by a study of one factor at a time.
        trials: The configurations themselves, of a random search.
        diverged: Numbers of trials whose runs all did.
    """
    fixed, by, vary = fixed or {}, by or {}, keys.get("vary", {})
    levels = list(itertools.product(*map(range, vary.values())))
    if trials is None and driver == "ofat":
        cells = [dict(zip(by, values, strict=True)) for values in itertools.product(*by.values())]
        trials = [cell | {factor: level} for cell in cells for factor, levels in space.items() for level in levels]
    elif trials is None:
        trials = [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]
    # As the driver does: a configuration that is proposed again is the same trial.
    trials = [each for place, each in enumerate(trials) if (fixed | each) not in [fixed | t for t in trials[:place]]]
    runs, curves = [], []
    for number, params in enumerate(trials):
        params = {key: value for key, value in params.items() if not key.startswith("_")}
        config = BASE | fixed | params
        attributes = dict(trials[number].get("_attributes", {}))
        if driver == "ofat":
            factor = next(iter(params.keys() - by.keys()))
            level = params[factor]
            attributes = {"factor": factor, "level": level, "baseline": level == fixed[factor]}
            attributes["by"] = {axis: params[axis] for axis in by}
        for replicate in range(replicates):
            run_id, value = len(runs) + 1, score(config, replicate)
            state = "diverged" if number in diverged else "complete"
            row = {"run_id": run_id, "study": name, "trial_id": number + 1, "trial_number": number, "seed": replicate}
            row |= {"replicate": replicate, "state": state, "trial_state": state, "read_k": N_EVALUATIONS}
            row |= {
                "read_at": "best",
                "full_fidelity": trials[number].get("_full", True),
                "n_train": 500,
                "n_test": 100,
            }
            row |= {"n_validation": 100, "n_classes": 4, "updates": 2_500, "train_seconds": 0.1 * (number + 1)}
            row |= {"driver": driver, "params": params, "config": config, "attributes": attributes}
            row |= {"finished_at": "2026-11-24T12:00:00", "code_version": "1.0", "environment": {"cpu": "one"}}
            row |= {"cut": {}, "streams": dict(zip(vary, levels[replicate], strict=True)) if vary else {}}
            for split, shift in (("train", 0.01), ("validation", 0.0), ("test", -0.01)):
                row |= {f"{split}_accuracy": value + shift, f"{split}_loss": 1 - value - shift}
            runs.append({**config, **row})
            for k in range(1, N_EVALUATIONS + 1):
                point = {"run_id": run_id, "k": k, "epoch": k / 2, "learning_rate": config["learning_rate"]}
                for split in ("train", "validation", "test"):
                    reached = row[f"{split}_accuracy"] - 0.02 * (N_EVALUATIONS - k)
                    point |= {f"{split}_accuracy": reached, f"{split}_loss": 1 - reached}
                curves.append(point)
    spec = {"space": space, "by": by, "fixed": fixed, "nuisance": {}, **keys}
    return Study(
        name, name, "Which?", driver, "own", "0" * 64, 0, spec, pd.DataFrame(runs), pd.DataFrame(curves),
        Commands(name, f"digitsweep run {name}.yaml"),
    )  # fmt: skip


def among(*found):
    """They and nothing else, as the database's studies."""
    return Studies(tuple(found), tuple(found))


def learned(config, replicate):
    """Wider is better, so is dropout where the network is wide; seeds move every run of a replicate alike."""
    wide = config["hidden_size"] / 1_000
    return 0.8 + wide + config["dropout_hidden"] * (wide - 0.02) + 0.002 * replicate


@pytest.fixture(scope="session")
def grid():
    """Hidden size × dropout, three replicates."""
    return study(
        "wide", "grid", {"hidden_size": [10, 20, 40, 80], "dropout_hidden": [0.0, 0.2, 0.5]}, learned, replicates=3
    )


@pytest.fixture(scope="session")
def switched():
    """A numeric axis, a switch and a word; two configurations diverged."""
    space = {"learning_rate": [0.01, 0.1, 1.0], "momentum": [False, True], "activation": ["relu", "tanh"]}

    def score(config, replicate):
        return 0.9 - 0.05 * config["learning_rate"] + 0.01 * config["momentum"] * (config["activation"] == "relu")

    return study("switched", "grid", space, score, diverged=(8, 9))


@pytest.fixture(scope="session")
def one_by_one():
    """One factor at a time, repeated for both activations."""
    return study(
        "alone", "ofat", {"hidden_size": [10, 20, 40]}, learned, by={"activation": ["relu", "tanh"]},
        fixed={"hidden_size": 20}, replicates=4,
    )  # fmt: skip


@pytest.fixture(scope="session")
def drawn():
    """A random search of forty trials."""
    trials = [
        {"hidden_size": 8 + 3 * place, "activation": ("relu", "tanh")[place % 2], "learning_rate": 0.001 * 1.1**place}
        for place in range(40)
    ]
    space = {
        "hidden_size": {"low": 8, "high": 128, "scale": "log"},
        "activation": ["relu", "tanh"],
        "learning_rate": {"low": 0.001, "high": 0.1, "scale": "log"},
    }
    return study("drawn", "random", space, learned, trials=trials)


@pytest.fixture(scope="session")
def halved():
    """Nine candidates on a small training set, the best three of them on the whole one."""
    trials = [
        {"hidden_size": 10 * (c + 1), "train_images": images, "epochs": 2, "_full": rung == 1,
         "_attributes": {"candidate": c, "rung": rung, "n_rungs": 2}}
        for rung, images in ((0, 100), (1, 500)) for c in range(9) if rung == 0 or c > 5
    ]  # fmt: skip
    return study(
        "halved", "random", {"hidden_size": {"low": 8, "high": 128}}, learned, trials=trials, fidelity={"keep": 0.3}
    )


@pytest.fixture(scope="session")
def confirmed(grid):
    """The best of the grid again, and the grid."""
    best = grid.selected
    trial = {name: best[name] for name in ("hidden_size", "dropout_hidden")}
    trial["_attributes"] = {"source_study": grid.name, "source_trial_number": best["trial_number"], "rank": 1}
    again = study("again", "confirm", {}, learned, trials=[trial], replicates=4)
    return among(grid, again)
