"""Values in words: the one place where a number, a level or a configuration becomes text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from analysis.statistics.intervals import LEVEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


INTERVAL = f"{100 * LEVEL:.0f} % interval"


class ActivationWords(NamedTuple):
    """An activation's name on the page, and what it passes back, with the equation of the report."""

    name: str
    backward: str


ACTIVATIONS = {
    "relu": ActivationWords("ReLU", "g · [z > 0]   (34)"),
    "tanh": ActivationWords("tanh", "g · (1 − tanh²)   (36)"),
    "leaky_relu": ActivationWords("leaky ReLU", "g · (1 if z > 0 else 0.01)"),
    "elu": ActivationWords("ELU", "g · (1 if z > 0 else eᶻ)"),
    "gelu": ActivationWords("GELU", "g · (Φ(z) + z φ(z))"),
    "sigmoid": ActivationWords("sigmoid", "g · a (1 − a)"),
}
_FACTORS = {
    "dropout_input": "dropout of inputs",
    "dropout_hidden": "dropout of hidden units",
    "noise_input": "noise on inputs",
    "noise_hidden": "noise on hidden units",
    "adam_beta2": "Adam's β₂",
    "hidden_sizes": "widths",
    "batch_norm": "batch normalisation",
    "max_norm": "max-norm",
    "adversarial": "adversarial move",
    "adversarial_norm": "norm of the adversarial move",
    "average": "average of weights",
}


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


def capital(sentence: str) -> str:
    """A sentence with a capital letter in front, the others as they are."""
    return sentence[:1].upper() + sentence[1:]


def value_text(value: object) -> str:
    """A value as a study file has it: `on`, `0.01`, `halve_on_decrease`."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return short_text(value) if isinstance(value, float) else str(value)


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


def factor_name(factor: str) -> str:
    """A hyperparameter as it is spoken of: `learning rate`, `dropout of hidden units`."""
    return _FACTORS.get(factor, factor.replace("_", " "))


def level_text(level: object) -> str:
    """A level without its factor: `0.01`, `halve on decrease`, `on`."""
    if str(level) in ("True", "False"):
        return "on" if level else "off"
    if isinstance(level, float):  # also a whole number beside missing ones
        return str(int(level)) if level.is_integer() else short_text(level)
    return str(level).replace("_", " ")


def level_name(factor: str, level: object) -> str:
    """A level in words: `hidden layers 3`, `no momentum`, `decay halve on decrease`."""
    if factor == "momentum":
        return "momentum" if level else "no momentum"
    return f"{factor_name(factor)} {level_text(level)}"
