"""Successive halving and Hyperband (Li et al. 2018) as Optuna has them, with the values at each rung kept in order.

A rung is a number of evaluations k = 1, 3, 9, … at which a trial is compared with all that got there before: the best
third goes on (η = 3). Hyperband gives a part of the trials to brackets that begin to look later. All numbers are fixed
here, where Optuna's own would wait for results. Optuna's pruners look for the competing trials among all trials of the
study at each point of a curve; the decisions are the same (the tests compare).
"""

import math
from binascii import crc32
from bisect import insort
from collections import defaultdict

from engine.configuration import Configuration
from search.space import Choices, parse_axis
from search.spec import StudySpec

FIRST_RUNG = 1
REDUCTION = 3
"""η: the best of so many go on; also from one rung to the next."""


class Pruner:
    """Successive halving with one bracket, Hyperband with several.

    Args:
        study: name by which trials are dealt out to the brackets.
        n_brackets: the first looks at k = 1, 3, 9, …, the second at k = 3, 9, …, and so on.
    """

    def __init__(self, study: str, n_brackets: int = 1) -> None:
        self._study = study
        self._shares = [math.ceil(n_brackets * REDUCTION**later / (later + 1)) for later in reversed(range(n_brackets))]
        self._values: dict[tuple[int, int], list[float]] = defaultdict(list)
        self._passed: dict[int, int] = defaultdict(int)

    def should_stop(self, number: int, k: int, value: float) -> bool:
        """Whether a trial ends here.

        Args:
            number: the trial's, in the memory.
            k: the newest evaluation of the trial; every one is to be shown, in order.
            value: the accuracy there.
        """
        bracket = self._bracket(number)
        while k >= FIRST_RUNG * REDUCTION ** (bracket + self._passed[number]):
            values = self._values[bracket, self._passed[number]]
            insort(values, value)
            self._passed[number] += 1
            if value < values[-max(len(values) // REDUCTION, 1)]:
                return True
        return False

    def _bracket(self, number: int) -> int:
        drawn = crc32(f"{self._study}_{number}".encode()) % sum(self._shares)
        for bracket, share in enumerate(self._shares):
            drawn -= share
            if drawn < 0:
                return bracket
        raise AssertionError(drawn)


def make_pruner(spec: StudySpec) -> Pruner | None:
    """The pruner of a study; None where it has none."""
    if spec.pruner == "successive_halving":
        return Pruner(spec.study)
    if spec.pruner == "hyperband":
        most = _largest(spec, "epochs") * _largest(spec, "evaluations_per_epoch")
        return Pruner(spec.study, math.floor(math.log(most / FIRST_RUNG, REDUCTION)) + 1)
    return None


def _largest(spec: StudySpec, name: str) -> int:
    """The largest value that a hyperparameter can have in the study."""
    if name not in spec.space:
        return int(spec.fixed.get(name, getattr(Configuration(), name)))
    axis = parse_axis(name, spec.space[name], path=f"space.{name}")
    return max(int(str(v)) for v in axis.values) if isinstance(axis, Choices) else int(axis.high)
