"""What proposes configurations, one module for each way of doing so.

grid      every combination of a finite space
random    independent draws, the whole plan from the seed; with `fidelity`, successive halving on top
ofat      one factor at a time around a baseline
optuna    samplers that learn from what was seen
confirm   the best of another study again, with fresh seeds
"""

from search.plan import Driver
from search.spec import StudySpec


def make_driver(spec: StudySpec) -> Driver:
    """The driver that a study's file names."""
    if spec.driver == "grid":
        from search.drivers.grid import GridDriver

        return GridDriver(spec)
    raise NotImplementedError(spec.driver)
