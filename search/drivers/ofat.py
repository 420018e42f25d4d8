"""One factor at a time: a baseline, and each factor through its levels with everything else at the baseline."""

from collections.abc import Iterator

from search.drivers.protocol import PlannedDriver, Proposal
from search.spec.space import Choices, Params, grid
from search.spec.study import StudySpec
from search.wording import hyperparameter


class OfatDriver(PlannedDriver):
    """The levels of every factor around the values in `fixed`.

    `by` repeats the whole study for each combination of its axes. `nuisance` tries each combination of its
    axes at every level, so that a level is judged at its own best setting and not at the baseline's. A level that
    breaks a constraint, or that does not exist beside the baseline, is left out.
    """

    def __init__(self, spec: StudySpec) -> None:
        left_out: dict[str, None] = {}
        plan = list(_plan(spec, left_out))
        super().__init__(plan, [f"Left out by constraints or conditions: {'; '.join(left_out)}."] if left_out else [])


def _plan(spec: StudySpec, left_out: dict[str, None]) -> Iterator[Proposal]:
    seen: set[str] = set()
    for by in grid(spec.by_axes):
        for factor, axis in spec.axes.items():
            assert isinstance(axis, Choices)
            for level in axis.values:
                for nuisance in grid(spec.nuisance_axes):
                    varied: Params = {**by, factor: level, **nuisance}
                    params = spec.points.settle(varied)
                    if params is None or factor not in params:
                        left_out[", ".join(f"{name} {hyperparameter(value)}" for name, value in varied.items())] = None
                        continue
                    proposed = spec.points.configuration(params)
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
