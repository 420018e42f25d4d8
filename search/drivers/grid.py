"""Every combination of a finite space."""

from search.drivers.protocol import PlannedDriver, Proposal
from search.spec.space import configuration, grid
from search.spec.study import StudySpec


class GridDriver(PlannedDriver):
    """The full factorial, hyperparameters in alphabetical order, the last one varying fastest."""

    def __init__(self, spec: StudySpec) -> None:
        super().__init__(Proposal(configuration(spec.fixed, params), params) for params in grid(spec.axes))
