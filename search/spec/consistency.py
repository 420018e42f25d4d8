"""Whether what a study says of its axes fits together: conditions, inequalities, hand-picked configurations."""

import math
from typing import TYPE_CHECKING

from analysis.conditions import allowed
from engine.errors import shown
from engine.seeds import Stream, generator
from search.spec.constraints import MAX_CONSTRAINTS, Bounds, Constraint, parse_constraint
from search.spec.limits import MAX_TRIALS
from search.spec.points import DEFAULTS
from search.spec.space import Axis, Choices, Range, SpecError, Value, check_hyperparameter, check_value, grid

if TYPE_CHECKING:
    from search.spec.study import StudySpec


def parse_constraints(raw: list[str]) -> tuple[Constraint, ...]:
    """The inequalities of a `constraints:` section."""
    if len(raw) > MAX_CONSTRAINTS:
        raise SpecError(f"a study has at most {MAX_CONSTRAINTS} constraints, but got {len(raw):,}", path="constraints")
    return tuple(parse_constraint(text, path=f"constraints[{i}]") for i, text in enumerate(raw))


def check_statements(spec: "StudySpec") -> None:
    """SpecError where a condition or an inequality means nothing in this study."""
    _check_conditions(spec)
    _check_constraints(spec)


def check_outcome(spec: "StudySpec") -> None:
    """SpecError where a hand-picked configuration contradicts the rest of the file, or nothing is left to try.

    Needs `check_statements`, and a study that is not too large to be listed.
    """
    _check_picked(spec)
    if spec.constraints or spec.when:
        _check_something_is_left(spec)


# Conditions


def _check_conditions(spec: "StudySpec") -> None:
    for name, needs in spec.when.items():
        path = f"when.{name}"
        check_hyperparameter(name, path=path)
        if name not in spec.varied:
            raise SpecError(f"a condition must be one on what varies, but {name} does not", path=path)
        if not needs:
            raise SpecError(
                "a condition must name a hyperparameter and its values, as in {hidden_layers: [1, 2]}, but got none",
                path=path,
            )
        for other, needed in needs.items():
            check_hyperparameter(other, path=f"{path}.{other}")
            _check_condition(spec, other, needed, f"{path}.{other}")
    _check_no_circle(spec)
    for i, group in enumerate(spec.points.groups):
        conditions = [spec.when.get(name) for name in group.names]
        if any(condition != conditions[0] for condition in conditions):
            raise SpecError(
                f"{' and '.join(group.names)} move together, so all of them must have the same condition in when",
                path=f"zip[{i}]",
            )


def _check_condition(spec: "StudySpec", other: str, needed: object, path: str) -> None:
    """SpecError unless the other hyperparameter can take one of the values that are needed of it."""
    axis = spec.varied.get(other)
    if axis is None:
        raise SpecError(f"a condition must ask for what varies, but {other} has one value in all trials", path=path)
    values = allowed(needed)
    if not values:
        raise SpecError(f"a condition must ask for at least one value of {other}, but got an empty list", path=path)
    checked = [
        check_value(other, value, path=f"{path}[{i}]" if isinstance(needed, list) else path)
        for i, value in enumerate(values)
    ]
    if isinstance(axis, Range) and not axis.integer:
        raise SpecError(f"a condition asks for values, but {other} is an interval; give it a list of values", path=path)
    if not any(_can_be(axis, value) for value in checked):
        wanted = shown(needed)
        raise SpecError(f"{other} must be able to take one of the values, but is never {wanted}", path=path)


def _can_be(axis: Axis, value: Value) -> bool:
    if isinstance(axis, Choices):
        return value in axis.values
    return isinstance(value, int) and axis.low <= value <= axis.high


def _check_no_circle(spec: "StudySpec") -> None:
    settled: set[str] = set()
    while True:
        ready = {n for n, needs in spec.when.items() if all(o not in spec.when or o in settled for o in needs)}
        if ready == settled:
            break
        settled = ready
    circle = [name for name in spec.when if name not in settled]
    if circle:
        raise SpecError(
            f"a condition must not lead back to itself, but those of {', '.join(circle)} do", path=f"when.{circle[0]}"
        )


# Inequalities


def _check_constraints(spec: "StudySpec") -> None:
    for i, constraint in enumerate(spec.points.constraints):
        path = f"constraints[{i}]"
        if not any(name in spec.varied for name in constraint.names):
            raise SpecError(
                f"a constraint must name a hyperparameter that varies, but {' and '.join(constraint.names)} "
                f"{'do' if len(constraint.names) > 1 else 'does'} not",
                path=path,
            )
        for name in constraint.names:
            if spec.fidelity and name in ("train_images", "epochs"):
                raise SpecError(f"{name} is set by fidelity and cannot be in a constraint", path=path)
        try:
            constraint.check_ranges({name: _bounds(spec, name) for name in constraint.names})
        except SpecError as error:
            raise SpecError(f"{constraint.text!r}: {error.message}", path=path) from error


def _bounds(spec: "StudySpec", name: str) -> Bounds:
    """The least and the largest value of a hyperparameter of numbers."""
    axis = spec.varied.get(name)
    if isinstance(axis, Range):
        return axis.low, axis.high
    values = [spec.fixed.get(name, DEFAULTS[name])] if axis is None or name in spec.fixed else []
    values += axis.values if axis is not None else []
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(numbers) < len(values):
        raise SpecError(f"{name} can be null, which is no number; give it numbers alone")
    return float(min(numbers)), float(max(numbers))


# Hand-picked configurations, and what is left


def _check_picked(spec: "StudySpec") -> None:
    first: dict[str, int] = {}
    for i, (given, params) in enumerate(zip(spec.points.given, spec.points.picked, strict=True)):
        path = f"configurations[{i}]"
        for name in given:
            if name in spec.fixed:
                raise SpecError(f"{name} cannot be both fixed and varied", path=f"{path}.{name}")
            if name not in params:
                raise SpecError(f"{name} does not exist in this configuration by when", path=f"{path}.{name}")
        broken = spec.points.broken(params)
        if broken:
            raise SpecError(f"the configuration breaks the constraint {broken.text!r}", path=path)
        config_hash = spec.points.configuration(params).hash
        if config_hash in first:
            raise SpecError(
                f"configurations must differ, but this one trains the same as configurations[{first[config_hash]}]",
                path=path,
            )
        first[config_hash] = i


def _check_something_is_left(spec: "StudySpec") -> None:
    """SpecError where conditions and constraints leave nothing of the space."""
    if spec.driver == "ofat":
        for by in grid(spec.by_axes):
            tried = [{**by, **nuisance} for nuisance in grid(spec.nuisance_axes)]
            broken = [spec.points.broken(params) for params in tried]
            if all(broken):
                place = "".join(f", {name} {shown(value)}" for name, value in by.items())
                assert broken[0] is not None
                raise SpecError(
                    f"the baseline must hold to every constraint, but breaks {broken[0].text!r}{place}", path="fixed"
                )
        return
    n_combinations = math.prod(
        len(axis.values) if isinstance(axis, Choices) else math.inf for axis in spec.points.axes.values()
    )
    if n_combinations <= MAX_TRIALS:
        found = next((params for params in spec.points.listed() if params is not None), None)
    else:
        found = spec.points.draw(generator(spec.seed, Stream.PLAN))
    if found is None and spec.points.axes:
        raise SpecError("no configuration of the space holds to all constraints", path="constraints")
