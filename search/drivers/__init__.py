"""What proposes configurations, one module for each way of doing so.

grid      every combination of a finite space
random    independent draws, the whole plan from the seed
ofat      one factor at a time around a baseline
optuna    adaptively, by one of Optuna's samplers, with or without pruning

The best of another study again, with fresh seeds, is `search.confirm`.
"""

from collections.abc import Callable

from search.drivers.protocol import Driver
from search.spec.space import SpecError
from search.spec.study import StudySpec


def _make_grid(spec: StudySpec, _n_classes: int) -> Driver:
    from search.drivers.grid import GridDriver

    return GridDriver(spec)


def _make_random(spec: StudySpec, _n_classes: int) -> Driver:
    from search.drivers.halving import HalvingDriver
    from search.drivers.random import RandomDriver

    return HalvingDriver(spec) if spec.fidelity else RandomDriver(spec)


def _make_ofat(spec: StudySpec, _n_classes: int) -> Driver:
    from search.drivers.ofat import OfatDriver

    return OfatDriver(spec)


def _make_optuna(spec: StudySpec, n_classes: int) -> Driver:
    from search.drivers.optuna import OptunaDriver

    return OptunaDriver(spec, n_classes)


DRIVERS: dict[str, Callable[[StudySpec, int], Driver]] = {
    "grid": _make_grid,
    "random": _make_random,
    "ofat": _make_ofat,
    "optuna": _make_optuna,
}
"""How each driver that a study file can name is made; each is imported when it is."""


def make_driver(spec: StudySpec, n_classes: int) -> Driver:
    """The driver that a study's file names.

    Args:
        spec: the study.
        n_classes: classes of its data set, which say what guessing is worth.

    Raises:
        SpecError: there is no driver of this name.
        MissingPackageError: its sampler needs a package that is not installed.
    """
    if spec.driver not in DRIVERS:
        raise SpecError(f"no driver {spec.driver!r}; known are {', '.join(DRIVERS)}", path="driver")
    return DRIVERS[spec.driver](spec, n_classes)
