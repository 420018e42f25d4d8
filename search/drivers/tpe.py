"""TPE from a table: Optuna's estimator and acquisition, with the trials as arrays instead of objects.

For each proposal Optuna's TPE goes through all trials several times in Python: for the hyperparameters that they
share, for their values as numbers, for their split into good and bad, and, at every pair of a candidate and a
trial, for log Φ. With a thousand trials that is 45 ms. Here a trial is turned into numbers once, when it is told, and
a proposal costs array operations alone (`search.drivers.parzen`). The proposals are Optuna's to the last trial (the
tests compare).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.samplers._tpe import _truncnorm
from optuna.samplers._tpe.sampler import default_gamma
from optuna.study import Study
from optuna.trial import FrozenTrial
from scipy.special import log_ndtr

from search.drivers.parzen import ParzenEstimator

Numbers = np.ndarray[Any, np.dtype[np.int64]]

RUNNING, COMPLETE, PRUNED, FAILED = range(4)


class TrialTable:
    """All trials of a memory, by their number in it.

    Attributes:
        distributions: what is sampled, by hyperparameter.
        n: trials.
        n_ended: of these, those that a sampler learns from.
    """

    def __init__(self, distributions: Mapping[str, BaseDistribution]) -> None:
        self.distributions = dict(distributions)
        self.n = self.n_ended = 0
        self._column = {name: i for i, name in enumerate(distributions)}
        self._params = np.empty((64, len(distributions)))
        self._state = np.empty(64, dtype=np.int64)
        self._value = np.empty(64)
        self._last_k = np.empty(64)

    def add(self, inner: Mapping[str, Any]) -> None:
        """The next trial, in training, with its hyperparameters as Optuna samples them."""
        if self.n == len(self._state):
            self._params, self._state, self._value, self._last_k = (
                np.concatenate([column, np.empty_like(column)])
                for column in (self._params, self._state, self._value, self._last_k)
            )
        self._params[self.n] = [d.to_internal_repr(inner[name]) for name, d in self.distributions.items()]
        self._state[self.n] = RUNNING
        self.n += 1

    def end(self, number: int, state: int, value: float = 0.0, last_k: int = -1) -> None:
        """How a trial ended: complete with its value, pruned with its last one and where that was, or failed."""
        self._state[number], self._value[number], self._last_k[number] = state, value, last_k
        self.n_ended += state != FAILED

    def split(self) -> tuple[Numbers, Numbers]:
        """The good and the bad trials, each in order of their numbers.

        The best tenth are good, at most 25; complete trials before pruned ones, and of those the ones that got
        further. Trials in training count as bad, so that no worker gets the twin of one.
        """
        state = self._state[: self.n]
        (complete,), (pruned,) = np.nonzero(state == COMPLETE), np.nonzero(state == PRUNED)
        complete = complete[np.argsort(-self._value[complete], kind="stable")]
        pruned = pruned[np.lexsort((-self._value[pruned], -self._last_k[pruned]))]
        ranked = np.concatenate([complete, pruned])
        n_good = default_gamma(len(ranked))
        (running,) = np.nonzero(state == RUNNING)
        return np.sort(ranked[:n_good]), np.sort(np.concatenate([ranked[n_good:], running]))

    def values(self, numbers: Numbers, names: Iterable[str]) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
        """The hyperparameters of some trials as numbers."""
        rows = self._params[numbers]
        return {name: rows[:, self._column[name]] for name in names}


class TableTPESampler(TPESampler):
    """Optuna's multivariate TPE for one objective, reading a `TrialTable`."""

    def __init__(self, table: TrialTable, seed: int) -> None:
        super().__init__(seed=seed)
        self._table = table
        # SciPy's is for whole arrays and differs by rounding; Optuna's avoids only the import.
        _truncnorm._log_ndtr = log_ndtr

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All hyperparameters that can vary: every trial has them all."""
        del study, trial
        return {name: d for name, d in self._table.distributions.items() if not d.single()}

    def _sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        del study, trial
        if not search_space or self._table.n_ended < self._n_startup_trials:
            return {}
        good, bad = (
            ParzenEstimator(self._table.values(part, search_space), search_space, self._parzen_estimator_parameters)
            for part in self._table.split()
        )
        candidates = good.sample(self._rng.rng, self._n_ei_candidates)
        best = self._compare(candidates, self._compute_acquisition_func(candidates, good, bad))
        return {name: d.to_external_repr(best[name]) for name, d in search_space.items()}
