"""What a study file says of its answer, its claims and its figures, against the study that they stand in.

    claims, figures ──settled──> the same, each value of a hyperparameter in its kind

`level: 1` of a learning rate is the number 1.0 that its runs have, so that it is found among them.
"""

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from analysis.claims.claim import ClaimError, Stated, StatedAxis
from engine.configuration import DOMAINS
from engine.errors import excerpt, shown
from search.spec.other_names import HYPERPARAMETERS, nearest
from search.spec.space import Axis, Choices, Space, SpecError, check_hyperparameter, check_value

if TYPE_CHECKING:
    from analysis.claims.claim import Claim as StatedClaim
    from search.spec.study import StudySpec

PAIRED = ("grid", "ofat")
"""Drivers that try every level of an axis at the same values of the others."""

Model = TypeVar("Model", bound=BaseModel)


def settled(spec: "StudySpec") -> "StudySpec":
    """The study with the values that its claims and figures name in their kind.

    Raises:
        SpecError: a claim or figure that the study cannot answer or draw, or two claims that are called alike.
    """
    axes = {name: axis for name, axis in spec.varied.items() if name not in spec.nuisance_axes}
    stated = Stated(
        study=spec.study,
        driver=spec.driver,
        axes={name: _stated_axis(name, axis) for name, axis in axes.items()},
        is_paired=spec.driver in PAIRED,
        has_rungs=spec.fidelity is not None,
    )
    claims: list[StatedClaim] = []
    called: dict[str, str] = {}
    for i, given in enumerate(spec.claims):
        path = f"claims[{i}]"
        claim = _in_kind(given, path, axes)
        try:
            claim.form.check(claim, stated)
        except ClaimError as error:
            raise SpecError(error.message, path=f"{path}.{error.path}") from error
        if claim.anchor in called:
            raise SpecError(
                f"every claim must have a name of its own, but {claim.anchor!r} is that of {called[claim.anchor]} "
                "too; give it another key",
                path=f"{path}.key",
            )
        called[claim.anchor] = path
        claims.append(claim)
    figures = [_in_kind(figure, f"figures[{i}]", spec.varied) for i, figure in enumerate(spec.figures)]
    return spec.model_copy(update={"claims": claims, "figures": figures})


def _stated_axis(name: str, axis: Axis) -> StatedAxis:
    is_number = DOMAINS[name].kind in (int, float)
    if isinstance(axis, Choices):
        return StatedAxis(axis.values, None, None, is_number)
    return StatedAxis(None, axis.low, axis.high, is_number)


def _in_kind(model: Model, path: str, axes: Space) -> Model:
    """The same claim, form or figure, each value of a hyperparameter in its kind.

    `factor`, `axis` and `by` name axes; `level` and `against` beside a factor are values of it; a mapping of anything
    goes from hyperparameters to their values.
    """
    changes: dict[str, Any] = {}
    fields = type(model).model_fields
    for key in (key for key in fields if key in model.model_fields_set):
        value, place = getattr(model, key), f"{path}.{key}"
        if isinstance(value, BaseModel):
            changes[key] = _in_kind(value, place, axes)
        elif key in ("factor", "axis", "by"):
            _check_axes(value, axes, place, is_numeric=key == "axis")
        elif key in ("level", "against") and "factor" in fields:
            changes[key] = _level(model.factor, value, axes, place)  # type: ignore[attr-defined]
        elif fields[key].annotation == dict[str, Any]:
            changes[key] = {name: _value(name, given, f"{place}.{excerpt(name)}") for name, given in value.items()}
        else:
            _check_finite(value, place)
    return model.model_copy(update=changes) if changes else model


def _check_axes(value: str | list[str] | None, axes: Collection[str], path: str, *, is_numeric: bool) -> None:
    """SpecError where what must be an axis of the study, or a list of such, is none."""
    if isinstance(value, list):
        for i, name in enumerate(value):
            _check_axes(name, axes, f"{path}[{i}]", is_numeric=is_numeric)
    elif value is not None and value not in axes:
        near = nearest(value, axes, {name: HYPERPARAMETERS.get(name, "") for name in axes})
        hint = f"; did you mean {near!r}?" if near else ""
        raise SpecError(
            f"an axis must be one that the study varies, {', '.join(axes)}, but got {shown(value)}{hint}", path=path
        )
    elif is_numeric and value is not None and DOMAINS[value].kind not in (int, float):
        raise SpecError(f"an axis must be one of numbers here, but {value} is {DOMAINS[value].describe()}", path=path)


def _level(factor: str, value: object, axes: Space, path: str) -> Any:
    """A level of an axis in its kind."""
    level = check_value(factor, value, path=path)
    axis = axes[factor]
    if isinstance(axis, Choices) and level not in axis.values:
        raise SpecError(f"{factor} has the values {shown(axis.values)} here, but got {shown(level)}", path=path)
    return level


def _value(name: str, value: object, path: str) -> Any:
    """What a claim or figure says of a hyperparameter, one value or several, or of the data set."""
    if name == "dataset":
        if not isinstance(value, str) or not value:
            raise SpecError(f"dataset must be the name of a data set, but got {shown(value)}", path=path)
        return value
    check_hyperparameter(name, path=path)
    if isinstance(value, list):
        return [check_value(name, one, path=f"{path}[{i}]") for i, one in enumerate(value)]
    return check_value(name, value, path=path)


def _check_finite(value: object, path: str) -> None:
    """SpecError where a number that is stored is none."""
    for key, inner in value.items() if isinstance(value, Mapping) else ():
        _check_finite(inner, f"{path}.{excerpt(str(key))}")
    for i, inner in enumerate(value if isinstance(value, list) else ()):
        _check_finite(inner, f"{path}[{i}]")
    if isinstance(value, float) and not math.isfinite(value):
        raise SpecError(f"a finite number must stand here, but got {shown(value)}", path=path)
