"""What can go wrong in the engine, as one small tree with useful built-in parents."""

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


def unknown_choice(parameter: str, value: object, choices: Collection[str]) -> ConfigurationError:
    """The error for a word that is none of `choices`, with the nearest one that is."""
    near = get_close_matches(str(value), choices, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return ConfigurationError(
        f"{parameter} must be one of {', '.join(choices)}, but got {value!r}{hint}", parameter=parameter
    )


def entry(table: Mapping[str, T], parameter: str, name: str) -> T:
    """What a table has under a name; where that is nothing, a ConfigurationError that names the unknown."""
    if name not in table:
        raise unknown_choice(parameter, name, table)
    return table[name]
