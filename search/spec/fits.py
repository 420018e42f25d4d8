"""Whether a study's trials fit the data set and this machine's memory, before anything is trained or written."""

import itertools
from typing import Any

from engine.configuration import Configuration
from engine.data.dataset import Dataset
from engine.errors import ConfigurationError
from search.spec.limits import SHARE, memory_bytes, training_bytes
from search.spec.meaning import CONFIRM, driver_keys
from search.spec.replication import part_sizes
from search.spec.space import Axis, Choices, Range, SpecError, Value
from search.spec.study import StudySpec

# What decides how much of a data set and of memory a trial asks for, and what makes sense only beside some values of
# another.
_DECISIVE = {
    "train_images", "batch_size", "evaluations_per_epoch", "hidden_layers", "hidden_size", "hidden_sizes", "dtype",
    "optimizer", "momentum", "batch_norm",
}  # fmt: skip


def corners(spec: StudySpec) -> list[Configuration]:
    """Configurations that ask for the most and the least that trials not known yet can ask for.

    A planned study is checked whole before it starts; these stand for the trials of one that adapts, and for the
    later rungs of successive halving.

    Raises:
        SpecError: some of these trials have values that make no sense together.
    """
    if spec.driver == CONFIRM or not (driver_keys(spec.driver).adapts or spec.fidelity):
        return []
    points = spec.points
    asked = {other for name in _DECISIVE & spec.when.keys() for other in spec.when[name]}
    together = {group.key: group.names for group in points.groups}
    ends = {
        key: list(axis.values) if isinstance(axis, Choices) and key in {*together, *asked} else _ends(axis)
        for key, axis in points.axes.items()
        if not (_DECISIVE | asked).isdisjoint(together.get(key, (key,)))
    }
    rungs: list[dict[str, Any]] = [{}]
    if spec.fidelity:
        sizes = zip(spec.fidelity.train_images, spec.fidelity.epochs, strict=True)
        rungs = [{"train_images": n_images, "epochs": n_epochs} for n_images, n_epochs in sizes]
    found = []
    for values in itertools.product(*ends.values()):
        varied = points.expand(dict(zip(ends, values, strict=True)))
        missing = points.missing(varied)
        params = {name: value for name, value in varied.items() if name not in missing}
        try:
            found += [points.configuration(params | rung) for rung in rungs]
        except SpecError:
            if points.broken(params) is None:
                raise
    return found


def _ends(axis: Axis) -> list[Value]:
    """The lowest and the highest value of an axis; all of them where they have no order."""
    if isinstance(axis, Range):
        return [int(axis.low), int(axis.high)]
    numbers = [value for value in axis.values if isinstance(value, int) and not isinstance(value, bool)]
    others = [value for value in axis.values if value not in numbers]
    return sorted({min(numbers), max(numbers)}) + others if numbers else others


def check_plan(spec: StudySpec, planned: list[Configuration], dataset: Dataset) -> None:
    """SpecError where a study asks for more than the data set or the memory has, trials not known yet included.

    So it is where it says how wide layers are in two ways.
    """
    if spec.driver != CONFIRM:  # whose trials are given, whole
        _check_widths(spec)
    configurations = planned + corners(spec)
    check_against_data(spec, configurations, part_sizes(spec, dataset)[0])
    check_memory(spec, configurations, dataset)


def _check_widths(spec: StudySpec) -> None:
    """SpecError where hidden_layers or hidden_size stands beside hidden_sizes, which say both."""
    axis = spec.varied.get("hidden_sizes")
    widths = axis.values if isinstance(axis, Choices) else (spec.fixed.get("hidden_sizes"),)
    for name in ("hidden_layers", "hidden_size"):
        if None not in widths and (name in spec.fixed or name in spec.varied):
            raise SpecError(
                f"hidden_sizes say how many hidden layers there are and how wide each is; leave {name} out",
                path=f"fixed.{name}" if name in spec.fixed else name,
                source=spec.source,
            )
        # In a group and by hand each row says which of them it has.
        if any(widths) and name in spec.points.space and "hidden_sizes" not in spec.when.get(name, {}):
            raise SpecError(
                f"{name} means nothing beside hidden_sizes, but both vary; the condition under when is "
                f"{{{name}: {{hidden_sizes: [null]}}}}",
                path=f"space.{name}",
                source=spec.source,
            )


def check_memory(spec: StudySpec, configurations: list[Configuration], dataset: Dataset) -> None:
    """SpecError where a network is larger than this machine can train."""
    room = memory_bytes() * SHARE
    for c in configurations:
        needed = training_bytes(c, dataset.n_features, dataset.n_classes, len(dataset.train))
        if needed > room:
            widths = c.hidden_sizes or f"{c.hidden_size:,}"
            raise SpecError(
                f"a training must fit into {room / 2**30:.1f} GiB (half of the memory here), but {c.hidden_layers} "
                f"hidden layers of {widths} units in batches of {c.batch_size:,} need about "
                f"{needed / 2**30:,.1f} GiB",
                path="hidden_sizes" if c.hidden_sizes else "hidden_size",
                source=spec.source,
            )


def check_against_data(spec: StudySpec, configurations: list[Configuration], n_train: int) -> None:
    """SpecError where a trial asks for more than the data set has, before any training starts."""
    for planned in configurations:
        try:
            planned.check_fits(n_train)
        except ConfigurationError as error:
            raise SpecError(str(error), path=error.parameter or "", source=spec.source) from error
