"""Every combination of a finite space, and hand-picked configurations."""

from search.drivers.protocol import PlannedDriver, Proposal
from search.spec.study import StudySpec
from search.wording import count


class GridDriver(PlannedDriver):
    """The full factorial, hyperparameters in alphabetical order, the last one varying fastest; then hand-picked ones.

    A combination that breaks a constraint is left out.
    """

    def __init__(self, spec: StudySpec) -> None:
        listed = list(spec.points.listed()) if spec.points.axes else []
        kept = [params for params in listed if params is not None]
        n_broken = len(listed) - len(kept)
        notes = [f"{count(n_broken, 'combination')} of {len(listed)} left out by constraints."] if n_broken else []
        super().__init__(
            (Proposal(spec.points.configuration(params), params) for params in [*kept, *spec.points.picked]), notes
        )
