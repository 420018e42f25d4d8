"""What proposes configurations, one module for each way of doing so.

grid      every combination of a finite space
random    independent draws, the whole plan from the seed
ofat      one factor at a time around a baseline
optuna    adaptively, by one of Optuna's samplers, with or without pruning

The best of another study again, with fresh seeds, is `search.confirm`.
"""

from search.drivers.protocol import Driver
from search.spec import StudySpec


def make_driver(spec: StudySpec) -> Driver:
    """The driver that a study's file names.

    Raises:
        MissingPackageError: its sampler needs a package that is not installed.
    """
    if spec.driver == "grid":
        from search.drivers.grid import GridDriver

        return GridDriver(spec)
    if spec.driver == "random" and spec.fidelity:
        from search.drivers.halving import HalvingDriver

        return HalvingDriver(spec)
    if spec.driver == "random":
        from search.drivers.random import RandomDriver

        return RandomDriver(spec)
    if spec.driver == "optuna":
        from search.drivers.optuna import OptunaDriver

        return OptunaDriver(spec)
    from search.drivers.ofat import OfatDriver

    return OfatDriver(spec)
