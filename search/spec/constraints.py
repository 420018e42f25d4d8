"""Inequalities between hyperparameters, as a study's file states them: `hidden_size * hidden_layers <= 400`.

    comparison   sum (< | <= | > | >=) sum
    sum          product ((+ | -) product) …
    product      factor ((* | /) factor) …
    factor       number | hyperparameter | - factor | ( sum )

Nothing else is understood, and nothing of Python is run. All arithmetic is in floats, so that no number grows without
bounds. What a side can be is known from what its hyperparameters can be, so a division that could be by zero is refused
before anything is drawn.
"""

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from engine.configuration import DOMAINS
from engine.errors import excerpt, shown
from search.spec.space import SpecError, Value, check_hyperparameter

MAX_CONSTRAINTS = 100
MAX_LENGTH = 200
MAX_DEPTH = 10
"""Parentheses and signs inside one another."""

Bounds = tuple[float, float]

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>[<>=!]=|[-+*/()<>=]))",
    re.ASCII,
)
_FORM = "hidden_size * hidden_layers <= 400"


@dataclass(frozen=True)
class _Number:
    value: float

    def at(self, values: Mapping[str, float]) -> float:
        del values
        return self.value

    def between(self, ranges: Mapping[str, Bounds]) -> Bounds:
        del ranges
        return self.value, self.value


@dataclass(frozen=True)
class _Name:
    name: str

    def at(self, values: Mapping[str, float]) -> float:
        return float(values[self.name])

    def between(self, ranges: Mapping[str, Bounds]) -> Bounds:
        return ranges[self.name]


@dataclass(frozen=True)
class _Operation:
    sign: str
    left: "_Node"
    right: "_Node"

    def at(self, values: Mapping[str, float]) -> float:
        return _OPERATIONS[self.sign](self.left.at(values), self.right.at(values))

    def between(self, ranges: Mapping[str, Bounds]) -> Bounds:
        """What it can be at most and at least; SpecError where it divides by what can be zero."""
        left, right = self.left.between(ranges), self.right.between(ranges)
        if self.sign == "/" and right[0] <= 0 <= right[1]:
            raise SpecError(f"it divides by what can be 0 (from {right[0]:g} to {right[1]:g}); multiply instead")
        ends = [_OPERATIONS[self.sign](a, b) for a in left for b in right]
        # Infinity minus itself: nothing is known.
        return (-math.inf, math.inf) if any(map(math.isnan, ends)) else (min(ends), max(ends))


_Node = _Number | _Name | _Operation


@dataclass(frozen=True)
class Constraint:
    """One inequality.

    Attributes:
        text: as it stands in the file.
        names: the hyperparameters in it, in their order.
    """

    text: str
    names: tuple[str, ...]
    _left: _Node
    _sign: str
    _right: _Node

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether it does for these hyperparameters, of which it needs its `names`."""
        numbers = {name: float(values[name]) for name in self.names}  # type: ignore[arg-type]
        return _COMPARISONS[self._sign](self._left.at(numbers), self._right.at(numbers))

    def check_ranges(self, ranges: Mapping[str, Bounds]) -> None:
        """SpecError where it divides by what can be zero.

        Args:
            ranges: the least and the largest value of each of `names`.
        """
        for side in (self._left, self._right):
            side.between(ranges)


def parse_constraint(text: str, *, path: str) -> Constraint:
    """The inequality that a text states.

    Raises:
        SpecError: it states none.
    """
    try:
        return _Reader(text).read()
    except SpecError as error:
        raise SpecError(f"{excerpt(text)!r}: {error.message}", path=path) from error


class _Reader:
    """Reads one inequality from left to right."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise SpecError(f"a constraint has at most {MAX_LENGTH} characters, but this one has {len(text):,}")
        self._text = text
        self._tokens = list(_tokens(text))
        self._next, self._depth = 0, 0
        self._names: dict[str, None] = {}

    def read(self) -> Constraint:
        signs = [token for token in self._tokens if token in _COMPARISONS or token in ("=", "==", "!=")]
        if len(signs) != 1 or signs[0] not in _COMPARISONS:
            got = ", ".join(signs) or "none"
            raise SpecError(f"one of <, <=, > and >= must stand between two sides, as in {_FORM}, but got {got}")
        left = self._sum()
        sign = self._take()
        if sign not in _COMPARISONS:
            raise self._unexpected(sign)
        right = self._sum()
        if self._next < len(self._tokens):
            raise self._unexpected(self._tokens[self._next])
        if not self._names:
            raise SpecError("a constraint must name a hyperparameter that varies, but this one names none")
        return Constraint(self._text, tuple(self._names), left, sign, right)

    def _take(self) -> str:
        if self._next == len(self._tokens):
            raise SpecError(f"it ends where a number or a hyperparameter must stand, as in {_FORM}")
        self._next += 1
        return self._tokens[self._next - 1]

    def _chain(self, signs: str, part: Callable[[], _Node]) -> _Node:
        node = part()
        while self._next < len(self._tokens) and self._tokens[self._next] in signs:
            node = _Operation(self._take(), node, part())
        return node

    def _sum(self) -> _Node:
        return self._chain("+-", self._product)

    def _product(self) -> _Node:
        return self._chain("*/", self._factor)

    def _factor(self) -> _Node:
        token = self._take()
        if token in ("-", "("):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise SpecError(f"parentheses and signs stand at most {MAX_DEPTH} deep in one another")
            node = _Operation("-", _Number(0.0), self._factor()) if token == "-" else self._sum()
            if token == "(" and (self._next == len(self._tokens) or self._take() != ")"):
                raise SpecError("a parenthesis is not closed")
            self._depth -= 1
            return node
        if token[0].isdigit() or token[0] == ".":
            number = float(token)
            if not math.isfinite(number):
                raise SpecError(f"a number must be finite, but got {shown(token)}")
            return _Number(number)
        if not (token[0].isalpha() or token[0] == "_"):
            raise self._unexpected(token)
        check_hyperparameter(token, path="")
        domain = DOMAINS[token]
        if domain.kind not in (int, float):
            raise SpecError(f"{token} is {domain.describe()} and no number; `when` can ask for its value")
        self._names[token] = None
        return _Name(token)

    def _unexpected(self, token: str) -> SpecError:
        return SpecError(f"{excerpt(token)!r} stands where it cannot; a constraint reads as in {_FORM}")


def _tokens(text: str) -> Iterator[str]:
    """Numbers, names and signs; SpecError at what is none of these."""
    position = 0
    while text[position:].strip():
        found = _TOKEN.match(text, position)
        if found is None:
            raise SpecError(
                f"a constraint holds numbers, hyperparameters, + - * / ( ) and a comparison, but got "
                f"{shown(text[position:].lstrip()[0])}"
            )
        yield found[found.lastgroup or 0]
        position = found.end()
