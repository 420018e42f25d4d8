"""Optuna's samplers as a study names them: what each needs, and how it is made here.

    tpe      tree-structured Parzen estimators, all hyperparameters jointly (Bergstra et al. 2011)
    gp       Gaussian process with expected improvement; needs torch
    cmaes    covariance matrix adaptation (Hansen 2016); needs cmaes; draws categories at random
    qmc      scrambled Sobol points, which do not look at results
    nsgaii   a genetic algorithm (Deb et al. 2002), here with one objective

A sampler is made anew for each trial, from a seed of that trial, so that nothing it does depends on how
often or in which process it was asked before. What some keep between trials anyway they keep in the study's
trials or in its `Generations` (`search.drivers.optuna`).

All trials of a study have the same hyperparameters, so no sampler has to find out which they share by looking through
all of them for each proposal (`_with_space`); `search.drivers.tpe` and `search.drivers.generations` go further.
"""

import importlib.util
import sys
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from engine.errors import DigitsweepError
from search.drivers.generations import FiledCmaEsSampler, FiledNSGAIISampler, Generations
from search.drivers.tpe import TableTPESampler, TrialTable

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

Distributions = Mapping[str, BaseDistribution]

PACKAGES = {"gp": "torch", "cmaes": "cmaes"}
"""What a sampler needs beside Optuna itself."""

POPULATION = 10
"""Trials in one generation of `nsgaii`; with Optuna's 50 a study of fifty trials would be random search."""


class MissingPackageError(DigitsweepError, ImportError):
    """A sampler whose package is not installed."""


def require_packages(sampler: str | None) -> None:
    """Nothing, where the sampler can be used.

    Raises:
        MissingPackageError: its package is missing; the message names it and the command that installs it.
    """
    package = PACKAGES.get(sampler or "")
    if package and importlib.util.find_spec(package) is None:
        raise MissingPackageError(
            f"the sampler {sampler} needs the package {package}, which is not installed here; "
            f"install it with: {sys.executable} -m pip install {package}"
        )


def make_sampler(
    name: str, table: TrialTable, generations: Generations, seed: int, sequence_seed: int, *, prunes: bool
) -> "BaseSampler":
    """The sampler for one trial.

    Args:
        name: as in the spec.
        table: what is sampled, and what all trials have.
        generations: what CMA-ES and NSGA-II learn from.
        seed: of this trial's draws, in [0, 2³²).
        sequence_seed: of what all trials share: how the Sobol points are scrambled.
        prunes: whether the study prunes; CMA-ES then learns from pruned trials too, by their last value.
    """
    from optuna import samplers

    space = table.distributions
    numbers = {key: d for key, d in space.items() if isinstance(d, IntDistribution | FloatDistribution)}
    with warnings.catch_warnings():
        # Some of these are marked experimental; the lock file fixes the version that is meant.
        warnings.simplefilter("ignore")
        if name == "tpe":
            return TableTPESampler(table, seed)
        if name == "gp":
            return _with_space(samplers.GPSampler(seed=seed, warn_independent_sampling=False), space)
        if name == "cmaes":
            return _with_space(FiledCmaEsSampler(generations, seed, prunes=prunes), numbers)
        if name == "qmc":
            return samplers.QMCSampler(
                scramble=True,
                seed=sequence_seed,
                independent_sampler=samplers.RandomSampler(seed=seed),
                warn_independent_sampling=False,
            )
        if name == "nsgaii":
            return _with_space(FiledNSGAIISampler(generations, seed, POPULATION), space)
    raise AssertionError(name)


def _with_space(sampler: "BaseSampler", space: Distributions) -> "BaseSampler":
    """The sampler, told which hyperparameters it samples together."""
    together = {name: distribution for name, distribution in space.items() if not distribution.single()}
    sampler.infer_relative_search_space = lambda study, trial: dict(together)  # type: ignore[method-assign]  # noqa: ARG005
    return sampler
