"""One factor at a time: a baseline, and each factor through its levels with everything else at the baseline."""

from collections.abc import Iterator

from search.drivers.protocol import PlannedDriver, Proposal
from search.spec.space import Choices, configuration, grid
from search.spec.study import StudySpec


class OfatDriver(PlannedDriver):
    """The levels of every factor around the values in `fixed`.

    `by` repeats the whole study for each combination of its axes. `nuisance` tries each combination of its
    axes at every level, so that a level is judged at its own best setting and not at the baseline's.
    """

    def __init__(self, spec: StudySpec) -> None:
        super().__init__(_plan(spec))


def _plan(spec: StudySpec) -> Iterator[Proposal]:
    seen: set[str] = set()
    for by in grid(spec.by_axes):
        for factor, axis in spec.axes.items():
            assert isinstance(axis, Choices)
            for level in axis.values:
                for nuisance in grid(spec.nuisance_axes):
                    params = {**by, factor: level, **nuisance}
                    proposed = configuration(spec.fixed, params)
                    if proposed.hash in seen:
                        continue
                    seen.add(proposed.hash)
                    attributes = {
                        "factor": factor,
                        "level": level,
                        "baseline": level == spec.fixed[factor],
                        "by": by,
                    }
                    if nuisance:
                        attributes["nuisance"] = nuisance
                    yield Proposal(proposed, params, attributes)
