"""The log density of Optuna's Parzen estimator, in fewer array operations and to the same bits.

The estimator is a mixture: one component for each trial, a product over the hyperparameters, and one for the prior. Of
TPE's work it is the part that grows with the study, by candidates × trials. Optuna computes more of it for every pair
than depends on both: the normalization of a truncated normal distribution belongs to the trial alone, a logarithm of a
category's probability to category and trial, and whether a candidate is outside to the candidate. What is left for a
pair is the square of a distance, additions and one exponential, in the order in which Optuna has them. The bits
matter: candidates that no trial is near are equally good but for rounding, so rounding decides between them. Formulas
that differ by 10⁻¹⁴ led elsewhere four times in a study of a thousand trials.
"""

from typing import Any

import numpy as np
from optuna.samplers._tpe import _truncnorm
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator
from optuna.samplers._tpe.probability_distributions import _BatchedCategoricalDistributions

Array = np.ndarray[Any, np.dtype[np.float64]]
Index = np.ndarray[Any, np.dtype[np.int64]]


class ParzenEstimator(_ParzenEstimator):
    """Optuna's, made and sampled from as there."""

    def log_pdf(self, samples_dict: dict[str, Array]) -> Array:
        """Log density of each candidate.

        Args:
            samples_dict: the candidates' values, by hyperparameter; categories by their index.

        Returns:
            Natural logarithms, one for each candidate.
        """
        mixture = self._mixture_distribution
        total = np.zeros((len(next(iter(samples_dict.values()))), len(mixture.weights)))
        continuous = []
        for name, part in zip(self._search_space, mixture.distributions, strict=True):
            x = samples_dict[name]
            if isinstance(part, _BatchedCategoricalDistributions):
                total += np.log(part.weights.T)[x.astype(np.int64)]
            elif part.step == 0.0:
                continuous.append((np.log(x) if part.is_log else x, part))
            else:
                mass, normalization = _discrete(x, part)
                total += mass
                total -= normalization
        if continuous:
            total += _continuous(continuous)
        total += np.log(mixture.weights)
        largest = total.max(axis=1)
        largest[np.isneginf(largest)] = 0.0
        total -= largest[:, None]
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.exp(total, out=total).sum(axis=1)) + largest)


def _continuous(columns: list[tuple[Array, Any]]) -> Array:
    """Log density of truncated normal distributions, candidates × trials; −∞ outside."""
    mu, sigma = (np.array([getattr(part, name) for _, part in columns]).T for name in ("mu", "sigma"))
    lows, highs = (np.array([getattr(part, name) for _, part in columns]) for name in ("adapted_low", "adapted_high"))
    low, high = (lows - mu) / sigma, (highs - mu) / sigma
    mass, log_sigma = _truncnorm._log_gauss_mass(low, high), np.log(sigma)
    found = []
    for j, (x, _) in enumerate(columns):
        z = x[:, None] - mu[:, j]
        z /= sigma[:, j]
        density = z * z
        density /= -2.0
        density -= _truncnorm._norm_pdf_logC
        density -= mass[:, j]
        density -= log_sigma[:, j]
        # Rounding can put a candidate outside; one that is inside is so for every trial.
        for i in np.nonzero((x < lows[j]) | (x > highs[j]))[0]:
            density[i, (z[i] < low[:, j]) | (z[i] > high[:, j])] = -np.inf
        found.append(density)
    return found[0] if len(found) == 1 else np.asarray(np.stack(found, axis=-1).sum(axis=-1))


def _discrete(x: Array, part: Any) -> tuple[Array, Array]:
    """Log mass of a step of truncated normal distributions: candidates × trials, and each trial's normalization.

    Values and components that are the same are computed once.
    """
    x, of_x = np.unique(x, return_inverse=True)
    mu, sigma, of_component = _distinct(part.mu, part.sigma)
    left, right = x - part.step / 2, x + part.step / 2
    if part.is_log:
        left, right = np.log(left), np.log(right)
    mass = _truncnorm._log_gauss_mass((left[:, None] - mu) / sigma, (right[:, None] - mu) / sigma)
    whole = _truncnorm._log_gauss_mass((part.adapted_low - mu) / sigma, (part.adapted_high - mu) / sigma)
    return mass.take(of_component, axis=1)[of_x], whole[of_component]


def _distinct(mu: Array, sigma: Array) -> tuple[Array, Array, Index]:
    """The distinct pairs of μ and σ, and each component's place among them."""
    # One sort, by a number that is the same for the same pairs; two pairs that share it are still told apart.
    order = np.argsort(mu + np.pi * sigma)
    mu, sigma = mu[order], sigma[order]
    is_new = np.ones(len(mu), dtype=bool)
    is_new[1:] = (mu[1:] != mu[:-1]) | (sigma[1:] != sigma[:-1])
    place = np.empty(len(mu), dtype=np.int64)
    place[order] = np.cumsum(is_new) - 1
    return mu[is_new], sigma[is_new], place
