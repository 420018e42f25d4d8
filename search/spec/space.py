"""The values a study may try: a mapping from hyperparameters to axes.

An axis is either a tuple of values (`Choices`) or an interval (`Range`). In a study's file:

    space:
      momentum: [off, on]                                   Choices
      learning_rate: {low: 0.002, high: 0.1, scale: log}    Range
      hidden_size: {low: 10, high: 200, scale: log, n: 5}   five Choices, evenly spaced on the scale

Every value is checked against the domain of its hyperparameter (`engine.configuration.DOMAINS`), so that a
study fails before it starts, with the place in the file.
"""

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.configuration import DOMAINS, Configuration
from engine.domains import Widths
from engine.errors import ConfigurationError, DigitsweepError, excerpt, shown
from search.spec.limits import MAX_TRIALS
from search.spec.other_names import HYPERPARAMETERS, RANGE, nearest

MAX_LEVELS = MAX_TRIALS
"""Values of one axis: what a list holds, and `n` of a range. More make no study, whatever its driver."""

_NEEDS_NO_QUOTES = re.compile(r"on|off|yes|no|true|false|[-+]?\d+(\.\d+)?(e[-+]?\d+)?")

Value = bool | int | float | str | None
Params = dict[str, Value]


class SpecError(DigitsweepError, ValueError):
    """A study that cannot be run as written; its text names the file and the place in it."""

    def __init__(self, message: str, *, path: str = "", source: str = "") -> None:
        self.message, self.path, self.source = message, path, source
        place = ", ".join(part for part in (source, path) if part)
        super().__init__(f"{message} ({place})" if place else message)


@dataclass(frozen=True)
class Choices:
    """A finite axis: the values in the order of the file."""

    values: tuple[Value, ...]

    def draw(self, random: np.random.Generator) -> Value:
        """One of the values, each as likely as the others."""
        return self.values[int(random.integers(len(self.values)))]


@dataclass(frozen=True)
class Range:
    """An interval of numbers, both ends included; `log` spreads draws evenly over magnitudes."""

    low: float
    high: float
    log: bool
    integer: bool

    def draw(self, random: np.random.Generator) -> Value:
        """A number between low and high; whole where the hyperparameter is."""
        if self.integer:
            # Half a unit to each side gives the two end points the share of every other whole number.
            value = self._at(random.uniform(), self.low - 0.5, self.high + 0.5)
            return min(max(round(value), int(self.low)), int(self.high))
        return self._at(random.uniform(), self.low, self.high)

    def levels(self, n: int) -> tuple[Value, ...]:
        """`n` values from low to high, evenly spaced on the axis's scale; whole numbers without repeats."""
        values = [self._at(i / (n - 1) if n > 1 else 0.0, self.low, self.high) for i in range(n)]
        values[-1] = self.high if n > 1 else self.low
        return tuple(dict.fromkeys(round(v) for v in values)) if self.integer else tuple(values)

    def _at(self, share: float, low: float, high: float) -> float:
        if self.log:
            return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        return low + share * (high - low)


Axis = Choices | Range
Space = dict[str, Axis]

_RANGE_KEYS = ("low", "high", "scale", "n")


def parse_space(raw: Mapping[str, object], *, path: str = "space") -> Space:
    """The axes of a `space:` section, sorted by name so that the order of a grid is not the file's."""
    return {name: parse_axis(name, raw[name], path=f"{path}.{name}") for name in sorted(raw)}


def parse_axis(name: str, raw: object, *, path: str) -> Axis:
    """One axis from its form in the file; SpecError with the path of what is wrong."""
    check_hyperparameter(name, path=path)
    if isinstance(raw, Mapping):
        return _parse_range(name, raw, path)
    if not isinstance(raw, list):
        raise SpecError(f"{name} must be a list of values or {{low, high, scale}}, but got {shown(raw)}", path=path)
    if not raw:
        raise SpecError(f"{name} must have at least one value, but got an empty list", path=path)
    if len(raw) > MAX_LEVELS:
        raise SpecError(f"{name} can have at most {MAX_LEVELS:,} values, but got {len(raw):,}", path=path)
    values = tuple(check_value(name, value, path=f"{path}[{i}]") for i, value in enumerate(raw))
    seen: set[Value] = set()
    for i, value in enumerate(values):
        if value in seen:
            raise SpecError(f"the values of {name} must differ, but {shown(value)} comes twice", path=f"{path}[{i}]")
        seen.add(value)
    return Choices(values)


def _parse_range(name: str, raw: Mapping[object, object], path: str) -> Axis:
    for key in raw:
        if key not in _RANGE_KEYS:
            near = nearest(str(key), _RANGE_KEYS, RANGE)
            hint = f"; did you mean {near!r}?" if near else ""
            raise SpecError(
                f"a range has the keys {', '.join(_RANGE_KEYS)}, but got {shown(key)}{hint}",
                path=f"{path}.{excerpt(str(key))}",
            )
    kind = DOMAINS[name].kind
    if kind not in (int, float):
        raise SpecError(f"{name} is {DOMAINS[name].describe()} and takes a list of values", path=path)
    ends = []
    for key in ("low", "high"):
        if raw.get(key) is None:
            raise SpecError(f"a range must have {key!r}, but got only {shown(raw)}", path=path)
        ends.append(check_value(name, raw[key], path=f"{path}.{key}"))
    low, high = float(ends[0]), float(ends[1])
    if not low < high:
        raise SpecError(f"low < high must hold, but got {low:g} and {high:g}", path=path)
    scale = raw.get("scale", "linear")
    if scale not in ("linear", "log"):
        raise SpecError(f"scale must be linear or log, but got {shown(scale)}", path=f"{path}.scale")
    if scale == "log" and low <= 0:
        raise SpecError(f"low > 0 must hold for scale log, but got {low:g}", path=f"{path}.low")
    axis = Range(low, high, scale == "log", kind is int)
    if "n" not in raw:
        return axis
    n = raw["n"]
    if not isinstance(n, int) or isinstance(n, bool) or not 2 <= n <= MAX_LEVELS:
        raise SpecError(f"n must be a whole number from 2 to {MAX_LEVELS:,}, but got {shown(n)}", path=f"{path}.n")
    return Choices(axis.levels(n))


def check_hyperparameter(name: str, *, path: str) -> None:
    """SpecError where no hyperparameter has that name, with the one that was probably meant."""
    if name in DOMAINS:
        return
    near = nearest(name, DOMAINS, HYPERPARAMETERS)
    hint = f"did you mean {near!r}?" if near else f"known are {', '.join(DOMAINS)}"
    raise SpecError(f"no hyperparameter is called {shown(name)}; {hint}", path=path)


def check_value(name: str, value: object, *, path: str) -> Any:
    """The value in its kind; SpecError where its hyperparameter does not allow it."""
    try:
        return DOMAINS[name].check(name, value)
    except ConfigurationError as error:
        raise SpecError(f"{error}{_remedy(name, value)}", path=path) from error


def _remedy(name: str, value: object) -> str:
    """What to write instead of a value that is meant well, where it can be told."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if name == "momentum" and number:
        return f"; its strength is momentum_beta: {shown(value)}, beside momentum: on"
    if isinstance(value, str) and value.replace(",", "", 1).lstrip("+-").isdecimal() and "," in value:
        return f"; numbers have a point: {excerpt(value.replace(',', '.'))}"
    if isinstance(value, str) and DOMAINS[name].kind is not str and _NEEDS_NO_QUOTES.fullmatch(value.lower()):
        return "; write it without the quotes"
    if isinstance(DOMAINS[name], Widths):
        return f"; several networks are a list of such lists, as in [[{value}], [800, 400]]" if number else ""
    if isinstance(value, list):
        return "; several values go under space"
    return ""


def grid(space: Space) -> Iterator[Params]:
    """Every combination of a finite space, the last name varying fastest."""
    names = list(space)
    values = [axis.values for axis in space.values() if isinstance(axis, Choices)]
    for combination in itertools.product(*values):
        yield dict(zip(names, combination, strict=True))


def configuration(fixed: Mapping[str, Value], params: Mapping[str, Value]) -> Configuration:
    """The configuration of a trial: what the study fixes and what the trial varies."""
    return Configuration.from_mapping({**fixed, **params})
