"""What can go wrong in the engine, as one small tree with useful built-in parents; and how a message shows a value."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")


class DigitsweepError(Exception):
    """Anything this project raises on purpose; its text is written for the person at the keyboard."""


class ConfigurationError(DigitsweepError, ValueError):
    """A hyperparameter outside its domain: "learning_rate > 0 must hold, but got -0.1"."""

    def __init__(self, message: str, *, parameter: str | None = None) -> None:
        """Keep the parameter's name beside the message, so that a caller can add where it was written."""
        super().__init__(message)
        self.parameter = parameter


class DataError(DigitsweepError, OSError):
    """A data set that is missing, altered, truncated or unreadable; names the file and what to do."""


class CompilerOffError(DigitsweepError, RuntimeError):
    """There is no machine code to train with, because Numba is told not to compile."""


def unknown_choice(parameter: str, value: object, choices: Collection[str]) -> ConfigurationError:
    """The error for a word that is none of `choices`, with the nearest one that is."""
    near = get_close_matches(str(value), choices, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return ConfigurationError(
        f"{parameter} must be one of {', '.join(choices)}, but got {shown(value)}{hint}", parameter=parameter
    )


def entry(table: Mapping[str, T], parameter: str, name: str) -> T:
    """What a table has under a name; where that is nothing, a ConfigurationError that names the unknown."""
    if name not in table:
        raise unknown_choice(parameter, name, table)
    return table[name]


def shown(value: object, limit: int = 60) -> str:
    """A value as a study file would write it, for a message: short, on one line, whatever it is.

    Costs no more than `limit` allows, however large or deeply nested the value is.
    """
    text = _written(value, limit)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def excerpt(text: str, limit: int = 60) -> str:
    r"""The beginning of a text on one line, with what cannot be printed written as a code (`\x00`)."""
    line = repr(text[: limit + 1])[1:-1]
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _written(value: object, room: int) -> str:
    if room <= 0:
        return "…"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "on", False: "off"}[value]
    if isinstance(value, int) and value.bit_length() > 4 * room:
        return f"a whole number of about {round(value.bit_length() * 0.30103)} digits"
    if isinstance(value, str):
        return repr(value[: room + 1])
    if isinstance(value, list | tuple | dict):
        parts = []
        for item in value:
            name = f"{excerpt(str(item), max(room, 1))}: " if isinstance(value, dict) else ""
            part = name + _written(value[item] if name else item, room - len(name) - 2)
            parts.append(part)
            room -= len(part) + 2
            if room <= 0:
                parts.append("…")
                break
        inside = ", ".join(parts)
        return f"{{{inside}}}" if isinstance(value, dict) else f"[{inside}]"
    return repr(value)
