"""What values a hyperparameter may take, and how one is checked: words, switches, numbers, and widths of layers."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.errors import ConfigurationError, shown, unknown_choice

MOST_LAYERS, MOST_UNITS = 1_000, 10**6
"""Hidden layers of a network, and units of one."""


@dataclass(frozen=True)
class Domain:
    """The values that one hyperparameter may take.

    Attributes:
        kind: bool, int, float or str; an int is taken where a float is meant.
        requirement: what must hold, as it stands in messages ("> 0").
        holds: the requirement itself, for a value of the right kind.
        choices: the allowed words, for kind str.
        optional: whether None is a value too.
    """

    kind: type
    requirement: str
    holds: Callable[[Any], bool]
    choices: tuple[str, ...] = ()
    optional: bool = False

    def check(self, name: str, value: object) -> Any:
        """The value in its kind; ConfigurationError where it is outside the domain."""
        if value is None and self.optional:
            return None
        plain: Any = value
        if isinstance(value, np.generic):
            plain = value.item()
        if self.kind is float and isinstance(plain, int) and not isinstance(plain, bool):
            plain = float(plain) if plain.bit_length() < 1024 else math.inf
        if type(plain) is not self.kind:
            raise ConfigurationError(f"{name} must be {self.describe()}, but got {shown(value)}", parameter=name)
        if isinstance(plain, float) and not math.isfinite(plain):
            raise ConfigurationError(f"{name} must be finite, but got {shown(value)}", parameter=name)
        if self.choices:
            if plain not in self.choices:
                raise unknown_choice(name, value, self.choices)
        elif not self.holds(plain):
            raise ConfigurationError(f"{name} {self.requirement} must hold, but got {shown(value)}", parameter=name)
        return plain

    def describe(self) -> str:
        """What the domain holds, in a few words for a message."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        word = {bool: "on or off", int: "a whole number", float: "a number", str: "a word"}[self.kind]
        return f"{word} {self.requirement}".strip() + (" (or null)" if self.optional else "")


def widths_of(text: str) -> tuple[int, ...]:
    """The widths in a word as `Widths` makes it: (800, 400) of `800-400`."""
    return tuple(int(part) for part in text.split("-"))


@dataclass(frozen=True)
class Widths(Domain):
    """The units of each hidden layer, a list in a file, and as a value one word: `1200-600-300` of [1200, 600, 300].

    A word can be compared, counted and shown in a table as every other value can; a list cannot.
    """

    def check(self, name: str, value: object) -> Any:
        """The word for a list of whole numbers, or for such a word; ConfigurationError where it is neither."""
        if value is None:
            return None
        parts = value.split("-") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple) or not 0 < len(parts) <= MOST_LAYERS:
            raise self._refused(name, value)
        widths = []
        for part in parts:
            is_written = (
                isinstance(part, str) and part.isascii() and part.isdecimal() and len(part) <= len(str(MOST_UNITS))
            )
            width = int(part) if is_written else part
            if not isinstance(width, int) or isinstance(width, bool) or not 1 <= width <= MOST_UNITS:
                raise self._refused(name, value)
            widths.append(str(width))
        return "-".join(widths)

    def _refused(self, name: str, value: object) -> ConfigurationError:
        return ConfigurationError(f"{name} must be {self.describe()}, but got {shown(value)}", parameter=name)

    def describe(self) -> str:
        """What the domain holds, in a few words for a message."""
        return f"a list of units {self.requirement}, one number a hidden layer, as in [800, 400] (or null)"
