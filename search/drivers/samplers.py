"""Optuna's samplers as a study names them: what each needs, what it learns from, and how it is made here.

    tpe      tree-structured Parzen estimators, all hyperparameters jointly (Bergstra et al. 2011)
    gp       Gaussian process with expected improvement; needs torch
    cmaes    covariance matrix adaptation (Hansen 2016); needs cmaes; draws categories at random
    qmc      scrambled Sobol points, which do not look at results
    nsgaii   a genetic algorithm (Deb et al. 2002), here with one objective

A sampler is made anew for each trial, from a seed of that trial, so that nothing it does depends on how often or in
which process it was asked before. What some keep between trials anyway they keep in the trials of the study that
asks them (`search.drivers.optuna`).
"""

import importlib.util
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from optuna import samplers
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from engine.errors import DigitsweepError
from search.spec.space import SpecError

POPULATION = 10
"""Trials in one generation of `nsgaii`; with Optuna's 50 a study of fifty trials would be random search."""


class MissingPackageError(DigitsweepError, ImportError):
    """A sampler whose package is not installed."""


@dataclass(frozen=True)
class Asking:
    """What a sampler is made for.

    Attributes:
        seed: of one trial's draws, in [0, 2³²).
        study_seed: of what all trials of a study share, which is how Sobol points are scrambled, in [0, 2³²).
        prunes: whether the study prunes; CMA-ES then learns from pruned trials too, by their last value.
    """

    seed: int
    study_seed: int
    prunes: bool


@dataclass(frozen=True)
class SamplerKind:
    """One of Optuna's samplers.

    Attributes:
        make: the sampler for one asking.
        learns_from: states of the trials whose results it looks at.
        package: what it needs beside Optuna itself.
        keeps_state: whether an asking leaves something in the study that later ones build on.
        numbers_only: whether it draws categories at random.
    """

    make: Callable[[Asking], BaseSampler]
    learns_from: tuple[str, ...]
    package: str | None = None
    keeps_state: bool = False
    numbers_only: bool = False


def _make_cmaes(asking: Asking) -> BaseSampler:
    return samplers.CmaEsSampler(
        seed=asking.seed, warn_independent_sampling=False, consider_pruned_trials=asking.prunes
    )


def _make_qmc(asking: Asking) -> BaseSampler:
    return samplers.QMCSampler(
        scramble=True,
        seed=asking.study_seed,
        independent_sampler=samplers.RandomSampler(seed=asking.seed),
        warn_independent_sampling=False,
    )


SAMPLERS = {
    "tpe": SamplerKind(lambda asking: samplers.TPESampler(seed=asking.seed), ("complete", "pruned")),
    "gp": SamplerKind(
        lambda asking: samplers.GPSampler(seed=asking.seed, warn_independent_sampling=False),
        ("complete",),
        package="torch",
    ),
    "cmaes": SamplerKind(_make_cmaes, ("complete", "pruned"), package="cmaes", keeps_state=True, numbers_only=True),
    "qmc": SamplerKind(_make_qmc, (), keeps_state=True),
    "nsgaii": SamplerKind(
        lambda asking: samplers.NSGAIISampler(seed=asking.seed, population_size=POPULATION),
        ("complete",),
        keeps_state=True,
    ),
}
"""The samplers by the names that a study file has for them."""


def find_sampler(name: str) -> SamplerKind:
    """The sampler of this name.

    Raises:
        SpecError: there is none.
    """
    if name not in SAMPLERS:
        raise SpecError(f"no sampler {name!r}; known are {', '.join(SAMPLERS)}", path="sampler")
    return SAMPLERS[name]


def require_packages(name: str) -> None:
    """Nothing, where the sampler can be used.

    Raises:
        SpecError: there is no such sampler.
        MissingPackageError: its package is missing; the message names it and the command that installs it.
    """
    package = find_sampler(name).package
    if package and importlib.util.find_spec(package) is None:
        raise MissingPackageError(
            f"the sampler {name} needs the package {package}, which is not installed here; "
            f"install it with: {sys.executable} -m pip install {package}"
        )


def make_sampler(kind: SamplerKind, asking: Asking) -> BaseSampler:
    """The sampler for one asking."""
    with warnings.catch_warnings():
        # Some are marked as experimental, which a study's user cannot do anything about.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return kind.make(asking)


class ReplayingSampler(BaseSampler):
    """Asks a sampler and gives known hyperparameters for its answer, so that it notes what it did when first asked.

    Args:
        asked: whose answer is replaced.
        params: the answer, as Optuna samples it.
    """

    def __init__(self, asked: BaseSampler, params: dict[str, Any]) -> None:
        self._asked, self._params = asked, params

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """What the sampler treats together."""
        return self._asked.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Let the sampler answer and drop what it says, so that each hyperparameter is asked for by itself."""
        self._asked.sample_relative(study, trial, search_space)
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """The known value."""
        del study, trial, param_distribution
        return self._params[param_name]

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """As the sampler."""
        self._asked.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """As the sampler."""
        self._asked.after_trial(study, trial, state, values)
