"""Numbers and configurations in words: the one place where a value becomes text."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

REPORT_EPOCHS = 5


def count(number: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def describe(config: pd.Series) -> str:
    """A configuration in a few words, for captions."""
    rate = f"learning rate {config['learning_rate']:.3g}"
    momentum = "momentum" if config["momentum"] else "no momentum"
    if config["momentum"] and config["momentum_form"] == "heavy_ball":
        momentum = "heavy ball"
    decay = {"constant": "constant rate"}.get(config["decay"], str(config["decay"]).replace("_", " "))
    if config["hidden_layers"] == 0:
        return f"linear, {rate}, {momentum}, {decay}"
    shape = f"{int(config['hidden_layers'])} × {int(config['hidden_size'])} {config['activation']}"
    return ", ".join([shape, rate, momentum, decay, *_beyond_the_report(config)])


def _beyond_the_report(config: pd.Series) -> list[str]:
    """What the report did not have, where a configuration has it."""
    parts = []
    if config["epochs"] != REPORT_EPOCHS:
        parts.append(count(int(config["epochs"]), "epoch"))
    if config["batch_size"] > 1:
        parts.append(f"batches of {int(config['batch_size'])}")
    if config["dropout_input"] or config["dropout_hidden"]:
        parts.append(f"dropout {config['dropout_input']:.3g} (input) and {config['dropout_hidden']:.3g} (hidden)")
    if config["weight_decay"]:
        parts.append(f"weight decay {config['weight_decay']:.3g}")
    return parts


def percent_text(value: float, digits: int = 2) -> str:
    """A share as `98.11 %`."""
    return f"{100 * value:.{digits}f} %"


def points_text(value: float) -> str:
    """A difference of shares in percentage points, with its sign: `+0.32`."""
    return f"{100 * value:+.2f}".replace("-", "−")


def p_text(p: float) -> str:
    """A p value with two digits, or that it is below 0.001."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def ranges(run_ids: Iterable[Any]) -> str:
    """Run ids as text: `1–32, 40`."""
    ids = sorted({int(run_id) for run_id in run_ids})
    parts: list[list[int]] = []
    for run_id in ids:
        if parts and run_id == parts[-1][1] + 1:
            parts[-1][1] = run_id
        else:
            parts.append([run_id, run_id])
    return ", ".join(str(low) if low == high else f"{low}–{high}" for low, high in parts)


def activation_name(activation: str) -> str:
    """An activation as it is written: `ReLU`."""
    return {"relu": "ReLU", "tanh": "tanh"}[activation]
