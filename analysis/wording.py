"""Values in words: the one place where a number, a level or a configuration becomes text."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pandas as pd

from analysis.statistics.intervals import LEVEL
from analysis.tables import known

REPORT_EPOCHS = 5
INTERVAL = f"{100 * LEVEL:.0f} % interval"


class ActivationWords(NamedTuple):
    """An activation's name on the page, and what it passes back, with the equation of the report."""

    name: str
    backward: str


ACTIVATIONS = {
    "relu": ActivationWords("ReLU", "g · [z > 0]   (34)"),
    "tanh": ActivationWords("tanh", "g · (1 − tanh²)   (36)"),
}
MOMENTUM_FORMS = {"average": "momentum", "heavy_ball": "heavy ball"}
FACTORS = {"hidden_layers": "hidden layers", "learning_rate": "rate"}
"""What a factor is called where it stands before its level; others by their own name."""


def number_text(value: float, digits: int = 2) -> str:
    """A number with that many decimals: `−0.32`."""
    return f"{value:.{digits}f}".replace("-", "−")


def signed_text(value: float, digits: int = 2) -> str:
    """A number with its sign: `+0.32`."""
    return f"{value:+.{digits}f}".replace("-", "−")


def short_text(value: float, digits: int = 3) -> str:
    """A number with that many significant digits: `0.00335`."""
    return f"{value:.{digits}g}"


def percent_text(share: float, digits: int = 2) -> str:
    """A share as `98.11 %`."""
    return f"{number_text(100 * share, digits)} %"


def points_text(difference: float, digits: int = 2) -> str:
    """A difference of shares in percentage points, without the word: `0.32`."""
    return number_text(100 * difference, digits)


def signed_points(difference: float, digits: int = 2) -> str:
    """A difference of shares in percentage points, with its sign: `+0.32`."""
    return signed_text(100 * difference, digits)


def minutes_text(seconds: float) -> str:
    """A duration in minutes."""
    minutes = seconds / 60
    return f"{minutes:,.1f}" if minutes >= 1 else f"{minutes:.2f}"


def p_text(p: float) -> str:
    """A p value with two digits, or that it is below 0.001."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def interval_text(low: float, high: float, show: Callable[[float], str] = number_text, over: str = "") -> str:
    """`95 % interval over seeds 0.21 to 0.40`: both ends as `show` writes them."""
    where = f" over {over}" if over else ""
    return f"{INTERVAL}{where} {show(low)} to {show(high)}"


def count(number: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


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


def level_name(factor: str, level: object) -> str:
    """A level in words: `hidden layers 3`, `no momentum`, `decay: halve on decrease`."""
    if factor == "momentum":
        return "momentum" if level else "no momentum"
    text = short_text(level) if isinstance(level, float) else str(level).replace("_", " ")
    return f"decay: {text}" if factor == "decay" else f"{FACTORS.get(factor, factor.replace('_', ' '))} {text}"


def describe(config: pd.Series) -> str:
    """A configuration in a few words, for captions."""
    rate = f"learning rate {short_text(config['learning_rate'])}"
    momentum = "no momentum"
    if config["momentum"]:
        momentum = known(MOMENTUM_FORMS, config["momentum_form"], "momentum_form")
    decay = "constant rate" if config["decay"] == "constant" else str(config["decay"]).replace("_", " ")
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
        dropped = (short_text(config[f"dropout_{layer}"]) for layer in ("input", "hidden"))
        parts.append("dropout {} (input) and {} (hidden)".format(*dropped))
    if config["weight_decay"]:
        parts.append(f"weight decay {short_text(config['weight_decay'])}")
    return parts
