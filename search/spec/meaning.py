"""What a study's keys mean together: names, values, what belongs to which driver, and how large the study is."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from engine.configuration import Configuration
from engine.errors import excerpt
from search.spec.consistency import check_outcome, check_statements
from search.spec.limits import MAX_EVALUATIONS, MAX_RUNS, MAX_TRIALS
from search.spec.replication import check_replication
from search.spec.space import Choices, Range, Space, SpecError, check_hyperparameter, check_value

if TYPE_CHECKING:
    from search.spec.study import StudySpec

DriverName = Literal["grid", "random", "ofat", "optuna"]
"""What a study file can name as its driver; how each is made stands in `search.drivers`."""

CONFIRM = "confirm"
"""The driver of a study that `search.confirm` makes: its trials are given, and no file can name it."""


def _combinations(space: Space) -> int:
    return math.prod(len(axis.values) for axis in space.values() if isinstance(axis, Choices))


def _n_of_grid(spec: "StudySpec") -> int:
    drawn = _combinations(spec.points.axes) if spec.points.axes else 0
    if drawn <= MAX_TRIALS and not spec.points.is_plain:
        drawn = sum(params is not None for params in spec.points.listed())
    return drawn + len(spec.configurations)


def _n_of_ofat(spec: "StudySpec") -> int:
    levels = sum(len(axis.values) for axis in spec.axes.values() if isinstance(axis, Choices))
    return _combinations(spec.by_axes) * levels * _combinations(spec.nuisance_axes)


def _n_wanted(spec: "StudySpec") -> int:
    assert spec.trials is not None
    return spec.trials


@dataclass(frozen=True)
class DriverKeys:
    """What a study file says for a driver.

    Attributes:
        n_planned: trials that a file asks for, counted without making them.
        keys: of the study, beside those that every driver has. Who takes `trials` needs it.
        takes_ranges: whether an axis may be an interval; otherwise it is a list of values.
        adapts: whether what it proposes depends on results, so that a plan cannot be checked ahead.
    """

    n_planned: Callable[["StudySpec"], int]
    keys: tuple[str, ...] = ()
    takes_ranges: bool = False
    adapts: bool = False


DRIVERS: Mapping[str, DriverKeys] = {
    "grid": DriverKeys(_n_of_grid, keys=("configurations", "zip", "when", "constraints")),
    "random": DriverKeys(_n_wanted, keys=("trials", "fidelity", "zip", "when", "constraints"), takes_ranges=True),
    "ofat": DriverKeys(_n_of_ofat, keys=("by", "nuisance", "when", "constraints")),
    "optuna": DriverKeys(
        _n_wanted,
        keys=("trials", "sampler", "pruner", "zip", "when", "constraints"),
        takes_ranges=True,
        adapts=True,
    ),
}
_OF_SOME = tuple(dict.fromkeys(key for driver in DRIVERS.values() for key in driver.keys))


def driver_keys(driver: str) -> DriverKeys:
    """The entry of a driver.

    Raises:
        SpecError: there is none.
    """
    if driver not in DRIVERS:
        raise SpecError(f"no driver {driver!r}; known are {', '.join(DRIVERS)}", path="driver")
    return DRIVERS[driver]


def check_meaning(spec: "StudySpec") -> None:
    """What the shape alone does not show: names, values, and keys that the driver does not use."""
    driver = driver_keys(spec.driver)
    for key in _OF_SOME:
        if getattr(spec, key) and key not in driver.keys:
            drivers = [name for name, other in DRIVERS.items() if key in other.keys]
            raise SpecError(
                f"{key} belongs to the driver {' or '.join(drivers)}, but the driver is {spec.driver}",
                path=key,
            )
    for name, value in spec.fixed.items():
        _check_section(spec, name, "fixed")
        check_value(name, value, path=f"fixed.{name}")
    for section in ("space", "by", "nuisance"):
        for name in getattr(spec, section):
            _check_section(spec, name, section)
    sections: dict[str, Space] = {"space": spec.axes, "by": spec.by_axes, "nuisance": spec.nuisance_axes}
    for i, group in enumerate(spec.points.groups):
        sections[f"zip[{i}]"] = {name: group.axis(name) for name in group.names}
    if not (spec.space or spec.zip or spec.configurations):
        raise SpecError("at least one hyperparameter must vary, but the space is empty", path="space")
    if "trials" in driver.keys and spec.trials is None:
        raise SpecError(f"the driver {spec.driver} needs a number of trials", path="trials")
    _check_fidelity(spec, spec.varied)
    _check_adaptive(spec)
    seen: dict[str, str] = {}
    for section, axes in sections.items():
        for name, axis in axes.items():
            path = f"{section}.{name}"
            if name in seen:
                raise SpecError(f"{name} stands already in {seen[name]}", path=path)
            seen[name] = section
            if spec.driver == "ofat" and section == "space":
                if name not in spec.fixed:
                    raise SpecError(f"{name} needs its baseline value in fixed", path=path)
            elif name in spec.fixed and section != "nuisance":
                raise SpecError(f"{name} cannot be both fixed and varied", path=path)
            if isinstance(axis, Range) and not driver.takes_ranges:
                raise SpecError(
                    f"{name} must be a list of values, or a range with n, for the driver {spec.driver}",
                    path=path,
                )
    check_statements(spec)
    check_replication(spec)
    _check_size(spec)
    check_outcome(spec)


def _check_section(spec: "StudySpec", name: str, section: str) -> None:
    """SpecError where a section names no hyperparameter."""
    path = f"{section}.{excerpt(name)}"
    if name in type(spec).model_fields and name != "source":
        raise SpecError(f"{name} is a key of the study and stands at the left margin, not under {section}", path=path)
    check_hyperparameter(name, path=path)


def n_planned(spec: "StudySpec") -> int:
    """Trials that the file asks for, counted without making them; repeats of a configuration count too."""
    return driver_keys(spec.driver).n_planned(spec)


def _check_size(spec: "StudySpec") -> None:
    """SpecError where a study is larger than anybody can mean."""
    n_trials = n_planned(spec)
    if n_trials > MAX_TRIALS:
        raise SpecError(
            f"a study has at most {MAX_TRIALS:,} trials, but this space has {n_trials:,} combinations; "
            "make the axes shorter, or draw from them with driver: random",
            path="space",
        )
    if n_trials * spec.replicates > MAX_RUNS:
        raise SpecError(
            f"a study has at most {MAX_RUNS:,} runs, but {n_trials:,} trials of {spec.replicates:,} replicates are "
            f"{n_trials * spec.replicates:,}",
            path="replicates",
        )
    most = _most(spec, "epochs") * _most(spec, "evaluations_per_epoch")
    if most > MAX_EVALUATIONS:
        raise SpecError(
            f"a run has at most {MAX_EVALUATIONS:,} evaluations (epochs × evaluations_per_epoch), but the longest "
            f"would have {most:,}",
            path="evaluations_per_epoch",
        )


def _most(spec: "StudySpec", name: str) -> int:
    """The largest value that a whole-numbered hyperparameter takes anywhere in a study."""
    values: list[Any] = [spec.fixed.get(name, getattr(Configuration(), name))]
    if name in spec.varied:
        axis = spec.varied[name]
        values += axis.values if isinstance(axis, Choices) else [int(axis.high)]
    if spec.fidelity and name == "epochs":
        values += spec.fidelity.epochs
    return int(max(values))


def _check_fidelity(spec: "StudySpec", varied: Collection[str]) -> None:
    """SpecError where a fidelity study also sets what its rungs set."""
    for name in ("train_images", "epochs"):
        for i, value in enumerate(getattr(spec.fidelity, name, ())):
            check_value(name, value, path=f"fidelity.{name}[{i}]")
        if spec.fidelity and (name in spec.fixed or name in varied):
            raise SpecError(f"{name} is set by fidelity and cannot be given again", path=f"fidelity.{name}")


def _check_adaptive(spec: "StudySpec") -> None:
    """SpecError where a sampler or a pruner cannot do with the space what it is asked to."""
    if spec.pruner not in (None, "none"):
        for name in ("train_images", "evaluations_per_epoch"):
            if name in spec.varied:
                raise SpecError(
                    f"a pruner compares trials at the same k, so {name}, which changes what k means, cannot vary",
                    path=f"space.{name}",
                )
    if spec.sampler == "cmaes":
        numeric = [
            name
            for name, axis in spec.points.axes.items()
            if isinstance(axis, Range) or (len(axis.values) > 1 and all(type(v) in (int, float) for v in axis.values))
        ]
        if not numeric:
            raise SpecError("the sampler cmaes needs an axis of numbers, but the space has none", path="space")
