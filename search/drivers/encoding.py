"""The axes of a study as a sampler sees them: numbers stay ordered, words and switches are categories.

    axis                         sampled as                        back to a value
    {low, high, scale}           an interval, whole or real        itself
    [10, 50, 200]                the rank 0, 1, 2                  the value of that rank
    [relu, tanh], [off, on]      categories                        itself

Ranks keep what a list of numbers means, its order, and are as far apart as the list's author made them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search.spec.space import Axis, Choices, Params, Space, Value


@dataclass(frozen=True)
class EncodedAxis:
    """One axis.

    Attributes:
        distribution: what Optuna samples.
        ranked: the values in ascending order where their ranks are sampled; empty otherwise.
    """

    distribution: BaseDistribution
    ranked: tuple[Value, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether the sampler sees numbers of which there are at least two."""
        return not isinstance(self.distribution, CategoricalDistribution) and not self.distribution.single()

    def encode(self, value: Value) -> Any:
        """A value of the axis as the sampler knows it."""
        return self.ranked.index(value) if self.ranked else value

    def decode(self, inner: Any) -> Value:
        """The value that the sampler means."""
        value: Value = self.ranked[inner] if self.ranked else inner
        return value


def encode_axis(axis: Axis) -> EncodedAxis:
    """How an axis is sampled."""
    if not isinstance(axis, Choices):
        if axis.integer:
            return EncodedAxis(IntDistribution(int(axis.low), int(axis.high), log=axis.log))
        return EncodedAxis(FloatDistribution(axis.low, axis.high, log=axis.log))
    numbers = [v for v in axis.values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < max(2, len(axis.values)):
        return EncodedAxis(CategoricalDistribution(axis.values))
    return EncodedAxis(IntDistribution(0, len(numbers) - 1), tuple(sorted(numbers)))


def _holds(axis: Axis, value: Value) -> bool:
    if isinstance(axis, Choices):
        return value in axis.values
    return isinstance(value, int | float) and axis.low <= value <= axis.high


class Encoding:
    """All axes of a study, in the order of their names."""

    def __init__(self, space: Space) -> None:
        self.axes = {name: encode_axis(axis) for name, axis in sorted(space.items())}
        self._space = space

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """What Optuna samples, by hyperparameter."""
        return {name: axis.distribution for name, axis in self.axes.items()}

    def encode(self, params: Mapping[str, Value]) -> dict[str, Any]:
        """The hyperparameters as the sampler knows them; ValueError where the space does not hold them."""
        for name, axis in self._space.items():
            value = params[name]
            if not _holds(axis, value):
                held = (
                    ", ".join(map(str, axis.values)) if isinstance(axis, Choices) else f"{axis.low:g} to {axis.high:g}"
                )
                raise ValueError(f"{name} is {value!r}, but the space has {held}")
        return {name: axis.encode(params[name]) for name, axis in self.axes.items()}

    def decode(self, inner: Mapping[str, Any]) -> Params:
        """The hyperparameters that the sampler means."""
        return {name: axis.decode(inner[name]) for name, axis in self.axes.items()}

    def list_values(self, at_most: int) -> Space | None:
        """The space with every axis as a list of values; None where it is not finite or has more points."""
        lists: dict[str, tuple[Value, ...]] = {}
        for name, axis in self._space.items():
            if isinstance(axis, Choices):
                lists[name] = axis.values
            elif axis.integer and axis.high - axis.low < at_most:
                lists[name] = tuple(range(int(axis.low), int(axis.high) + 1))
            else:
                return None
        if prod(len(values) for values in lists.values()) > at_most:
            return None
        return {name: Choices(values) for name, values in lists.items()}
