"""What a study can try: axes, alone, together or under a condition, inequalities, hand-picked configurations.

    drawn ──expand──> varied, every hyperparameter ──settle──> params: what exists here, where no constraint is broken

What is drawn are the axes of `space` and one number for each group of `zip`, the row of its lists. A study whose file
has `space` alone draws and lists exactly its axes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from analysis.conditions import When, inactive
from engine.configuration import Configuration
from engine.errors import ConfigurationError, shown
from search.spec.constraints import Constraint
from search.spec.space import (
    MAX_LEVELS,
    Axis,
    Choices,
    Params,
    Space,
    SpecError,
    Value,
    check_hyperparameter,
    check_value,
    configuration,
    grid,
)

DRAWS = 10_000
"""Random draws in a row that break a constraint before the space counts as used up."""

DEFAULTS: Params = Configuration().as_dict()


@dataclass(frozen=True)
class Group:
    """Hyperparameters that move together.

    Attributes:
        names: which, in alphabetical order.
        rows: the values that they take together.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    @property
    def key(self) -> str:
        """What the axis of its rows is called among what is drawn."""
        return " + ".join(self.names)

    def axis(self, name: str) -> Choices:
        """The values of one of its hyperparameters, each once."""
        place = self.names.index(name)
        return Choices(tuple(dict.fromkeys(row[place] for row in self.rows)))


def parse_groups(raw: Sequence[Mapping[str, Sequence[object]]], *, path: str = "zip") -> tuple[Group, ...]:
    """The groups of a `zip:` section, in its order."""
    groups = []
    for i, lists in enumerate(raw):
        place = f"{path}[{i}]"
        for name in lists:
            check_hyperparameter(name, path=f"{place}.{name}")
        lengths = {name: len(values) for name, values in lists.items()}
        if len(lists) < 2:
            raise SpecError(f"a group must have two hyperparameters or more, but got {shown(list(lists))}", path=place)
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{n} of {name}" for name, n in lengths.items())
            raise SpecError(f"the lists of a group must be of one length, but there are {found}", path=place)
        n_rows = next(iter(lengths.values()))
        if not 0 < n_rows <= MAX_LEVELS:
            raise SpecError(f"the lists must have 1 to {MAX_LEVELS:,} values, but got {n_rows:,}", path=place)
        names = tuple(sorted(lists))
        columns = [
            [check_value(name, value, path=f"{place}.{name}[{j}]") for j, value in enumerate(lists[name])]
            for name in names
        ]
        rows = tuple(zip(*columns, strict=True))
        first: dict[tuple[Value, ...], int] = {}
        for j, row in enumerate(rows):
            if row in first:
                raise SpecError(
                    f"what moves together must differ, but the values at [{j}] are those at [{first[row]}]", path=place
                )
            first[row] = j
        groups.append(Group(names, rows))
    return tuple(groups)


def parse_picked(raw: Sequence[Mapping[str, object]], *, path: str = "configurations") -> tuple[Params, ...]:
    """The hand-picked configurations, each with its own hyperparameters."""
    picked = []
    for i, given in enumerate(raw):
        if not given:
            raise SpecError("a configuration must have at least one hyperparameter, but got none", path=f"{path}[{i}]")
        for name in given:
            check_hyperparameter(name, path=f"{path}[{i}].{name}")
        picked.append({name: check_value(name, given[name], path=f"{path}[{i}].{name}") for name in given})
    return tuple(picked)


@dataclass(frozen=True)
class Points:
    """The configurations that a study can try.

    Attributes:
        space: axes that are drawn one by one.
        groups: axes that move together.
        given: hand-picked hyperparameters, one mapping for each configuration.
        when: hyperparameters that exist only under a condition, with it (`analysis.conditions`).
        constraints: what must hold; one that names what does not exist says nothing.
        fixed: what all trials share.
        source: the file's name for messages.
    """

    space: Space
    groups: tuple[Group, ...] = ()
    given: tuple[Params, ...] = ()
    when: When = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    @cached_property
    def axes(self) -> Space:
        """What is drawn, by name; a group as the numbers of its rows."""
        rows = {group.key: Choices(tuple(range(len(group.rows)))) for group in self.groups}
        return dict(sorted({**self.space, **rows}.items()))

    @cached_property
    def shown(self) -> dict[str, Axis]:
        """Every hyperparameter that varies, with its values, whichever way it does."""
        axes: dict[str, Axis] = dict(self.space)
        for group in self.groups:
            axes |= {name: group.axis(name) for name in group.names}
        for name in self._picked_names:
            known = axes.get(name)
            values = known.values if isinstance(known, Choices) else ()
            found = (picked[name] for picked in self.picked if name in picked)
            axes[name] = Choices(tuple(dict.fromkeys((*values, *found))))
        return dict(sorted(axes.items()))

    @cached_property
    def _picked_names(self) -> list[str]:
        return sorted({name for given in self.given for name in given})

    @cached_property
    def picked(self) -> tuple[Params, ...]:
        """The hand-picked configurations as params: each with all that varies in the study and exists in it."""
        names = {*self.space, *self._picked_names, *(name for group in self.groups for name in group.names)}
        return tuple(self._existing({name: given.get(name, DEFAULTS[name]) for name in names}) for given in self.given)

    @property
    def is_plain(self) -> bool:
        """Whether everything that is drawn exists and is tried."""
        return not (self.when or self.constraints)

    def configuration(self, params: Params) -> Configuration:
        """What a trial with these params trains: what does not exist beside them is at its default.

        Raises:
            SpecError: these values make no sense together.
        """
        missing = self.missing(params)
        try:
            return configuration({name: value for name, value in self.fixed.items() if name not in missing}, params)
        except ConfigurationError as error:
            name = error.parameter or ""
            remedy = f"; a condition in when can say beside what {name} exists" if name in self.shown else ""
            raise SpecError(f"{error}{remedy}", path=name, source=self.source) from error

    def missing(self, params: Mapping[str, Value]) -> set[str]:
        """The hyperparameters that do not exist beside these."""
        return inactive(self.when, {**DEFAULTS, **self.fixed, **params}) if self.when else set()

    def expand(self, drawn: Mapping[str, Value]) -> Params:
        """What is drawn as hyperparameters, all of them or as far as they are drawn."""
        params = {name: DEFAULTS[name] for name in self._picked_names} if self.given else {}
        params |= {name: drawn[name] for name in self.space if name in drawn}
        for group in self.groups:
            if group.key in drawn:
                params |= zip(group.names, group.rows[drawn[group.key]], strict=True)  # type: ignore[index]
        return dict(sorted(params.items()))

    def collapse(self, params: Mapping[str, Value]) -> dict[str, Value]:
        """The reverse of `expand`, as far as these params go; ValueError where a group has no such row."""
        drawn: dict[str, Value] = {name: params[name] for name in self.space if name in params}
        for group in self.groups:
            if group.names[0] not in params:
                continue
            row = tuple(params[name] for name in group.names)
            if row not in group.rows:
                raise ValueError(f"{group.key} is {row!r}, which is no row of zip")
            drawn[group.key] = group.rows.index(row)
        return dict(sorted(drawn.items()))

    def _existing(self, varied: Params) -> Params:
        missing = self.missing(varied)
        return {name: value for name, value in sorted(varied.items()) if name not in missing}

    def broken(self, params: Mapping[str, Value]) -> Constraint | None:
        """The first constraint that does not hold beside these; None where all do."""
        missing = self.missing(params)
        values = {**DEFAULTS, **self.fixed, **params}
        return next(
            (c for c in self.constraints if missing.isdisjoint(c.names) and not c.holds(values)),
            None,
        )

    def settle(self, varied: Params) -> Params | None:
        """What exists of these hyperparameters; None where they break a constraint."""
        if self.is_plain:
            return varied
        params = self._existing(varied)
        return None if self.broken(params) else params

    def listed(self, axes: Mapping[str, Axis] | None = None) -> Iterator[Params | None]:
        """Every combination of what is drawn, the last name fastest, each once; None where a constraint is broken.

        Args:
            axes: what is drawn as lists of values, where the study's own has intervals.
        """
        seen: set[tuple[Value, ...]] = set()
        names = sorted(self.shown)
        for drawn in grid(dict(axes or self.axes)):
            varied = self.expand(drawn)
            if self.when:
                existing = self._existing(varied)
                key = tuple(existing.get(name, _NOTHING) for name in names)
                if key in seen:
                    continue
                seen.add(key)
            yield self.settle(varied)

    def draw(self, random: np.random.Generator) -> Params | None:
        """A configuration at random; None where `DRAWS` in a row break a constraint."""
        for _ in range(DRAWS):
            found = self.settle(self.expand({name: axis.draw(random) for name, axis in self.axes.items()}))
            if found is not None:
                return found
        return None


_NOTHING = "–"
"""In place of a value that does not exist; no hyperparameter has it."""
