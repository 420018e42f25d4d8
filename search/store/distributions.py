"""Optuna's distributions of a study's axes: what the dashboard scales them by.

Numbers are intervals, so that grids may grow. A study that grows widens them, and keeps the scale they had at first: an
axis that was linear and is logarithmic from then on would be two axes to the dashboard, and none to its importances.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.configuration import DOMAINS
from search.spec.space import Choices, Space, Value

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def choose_distribution(name: str, axis_values: Iterable[Value], *, log: bool) -> "BaseDistribution":
    """Optuna's distribution that holds these values; numbers as an interval, so that grids may grow."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    values = list(axis_values)
    domain = DOMAINS[name]
    if domain.kind is bool:
        return CategoricalDistribution([False, True])
    if domain.choices:
        return CategoricalDistribution(domain.choices)
    numbers = [v for v in values if isinstance(v, int | float)]
    if len(numbers) < len(values) or not numbers:
        return CategoricalDistribution([str(v) for v in values])
    log = log and min(numbers) > 0
    if domain.kind is int:
        return IntDistribution(int(min(numbers)), int(max(numbers)), log=log)
    return FloatDistribution(float(min(numbers)), float(max(numbers)), log=log)


def choose_distributions(space: Space) -> dict[str, "BaseDistribution"]:
    """Optuna's distribution of every axis; numeric axes on a log scale where their values are spread so."""
    result = {}
    for name, axis in space.items():
        if isinstance(axis, Choices):
            numbers = [v for v in axis.values if isinstance(v, int | float) and not isinstance(v, bool)]
            spread = len(numbers) > 1 and min(numbers) > 0 and max(numbers) / min(numbers) >= 5
            result[name] = choose_distribution(name, axis.values, log=spread)
        else:
            result[name] = choose_distribution(name, (axis.low, axis.high), log=axis.log)
    return result


def widened(known: "BaseDistribution", wanted: "BaseDistribution") -> "BaseDistribution":
    """A distribution that holds what either does, on the scale of the known one where its values allow that.

    Where the two are of different kinds that is the wanted one.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(known, CategoricalDistribution) and isinstance(wanted, CategoricalDistribution):
        return CategoricalDistribution([*known.choices, *(c for c in wanted.choices if c not in known.choices)])
    if isinstance(known, FloatDistribution) and isinstance(wanted, FloatDistribution):
        low, high = min(known.low, wanted.low), max(known.high, wanted.high)
        return FloatDistribution(low, high, log=known.log and low > 0)
    if isinstance(known, IntDistribution) and isinstance(wanted, IntDistribution):
        low, high = min(known.low, wanted.low), max(known.high, wanted.high)
        return IntDistribution(low, high, log=known.log and low > 0)
    return wanted
