"""Optuna's pruners as a study names them: which trials are stopped early.

    none                 every trial runs to its end
    successive_halving   asynchronous, one bracket (Li et al. 2018, ASHA)
    hyperband            several brackets, each of which begins to look later (Li et al. 2018)

A rung is a number of evaluations k = 1, 3, 9, … at which a trial is compared with all that got there before: the best
third goes on (η = 3). All numbers are fixed here, where Optuna's defaults wait for results.
"""

from collections.abc import Callable

from optuna.pruners import BasePruner, HyperbandPruner, NopPruner, SuccessiveHalvingPruner
from optuna.study import Study
from optuna.trial import FrozenTrial

from engine.configuration import Configuration
from search.spec.space import Choices, SpecError
from search.spec.study import StudySpec

FIRST_RUNG = 1
REDUCTION = 3
"""η: the best of so many go on; also from one rung to the next."""


class _SharedHyperband(BasePruner):
    """Hyperband whose brackets concern the pruner alone.

    Optuna shows a sampler only the trials of one bracket where it finds a `HyperbandPruner`; behind another pruner it
    does not find it.
    """

    def __init__(self, largest_k: int) -> None:
        self._hyperband = HyperbandPruner(min_resource=FIRST_RUNG, max_resource=largest_k, reduction_factor=REDUCTION)

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """What Hyperband says."""
        return self._hyperband.prune(study, trial)


PRUNERS: dict[str, Callable[[StudySpec], BasePruner]] = {
    "none": lambda _: NopPruner(),
    "successive_halving": lambda _: SuccessiveHalvingPruner(min_resource=FIRST_RUNG, reduction_factor=REDUCTION),
    "hyperband": lambda spec: _SharedHyperband(
        _find_largest(spec, "epochs") * _find_largest(spec, "evaluations_per_epoch")
    ),
}
"""How each pruner is made from a study's spec, by the names that a study file has for them."""


def make_pruner(spec: StudySpec) -> BasePruner:
    """The pruner of a study.

    Raises:
        SpecError: there is none of this name.
    """
    if spec.pruner not in PRUNERS:
        raise SpecError(f"no pruner {spec.pruner!r}; known are {', '.join(PRUNERS)}", path="pruner")
    return PRUNERS[spec.pruner](spec)


def _find_largest(spec: StudySpec, name: str) -> int:
    """The largest value that a whole-numbered hyperparameter can have in the study."""
    axis = spec.varied.get(name)
    if axis is None:
        return int(spec.fixed.get(name, getattr(Configuration(), name)))
    return max(int(str(v)) for v in axis.values) if isinstance(axis, Choices) else int(axis.high)
