"""Where the variance of runs comes from.

crossed runs (a column a source, one row a run) ──mean squares──▶ variance_components ──▶ Components

Sources of randomness (split, initialisation, order …) that are crossed and balanced are random effects,

    y = μ + a_i + b_j + … + e,    E MS_a = σ²_e + r_a σ²_a,    σ̂²_a = (MS_a − MS_e) / r_a,

with r_a runs at each level of a. Interactions are part of the rest, unless asked for: then E MS_T = Σ r_U σ²_U over the
sources U that T is a part of, solved from the largest down (Searle, Casella and McCulloch 1992, chapter 4).

Intervals are generalised ones (Weerahandi 1993; Khuri, Mathew and Sinha 1998): each mean square MS with f degrees of
freedom stands for MS f / χ²_f, and the quantiles of what the estimator makes of these are the ends. Coverage:
docs/statistics.md.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.statistics.intervals import LEVEL, Array, Interval

N_DRAWS = 20_000
"""Draws behind the ends of an interval of a variance; with the same seed always the same."""
REST = "rest"


@dataclass(frozen=True)
class Component:
    """The part of the variance of one run that comes from one source.

    Attributes:
        name: The factor, two of them with ` × `, or `rest`.
        variance: With its interval; n counts levels, of the rest and of interactions degrees of freedom. Never below 0:
            where the mean squares say less, the estimate is 0 and the interval says how large it may be all the same.
        raw: The estimate before it was cut at 0.
        share: Of the sum of all estimates.
    """

    name: str
    variance: Interval
    raw: float
    share: float

    @property
    def deviation(self) -> Interval:
        """The same as a standard deviation, in units of the value."""
        v = self.variance
        return Interval(float(np.sqrt(v.estimate)), float(np.sqrt(v.low)), float(np.sqrt(v.high)), v.n, v.method)


@dataclass(frozen=True)
class Components:
    """All components of a crossed design.

    Attributes:
        sources: In the order of the factors, then the interactions that were asked for, then the rest.
        mean: Of all runs.
        n_runs: Runs.
    """

    sources: tuple[Component, ...]
    mean: float
    n_runs: int


def variance_components(
    table: pd.DataFrame,
    factors: Sequence[str],
    value: str,
    *,
    interactions: bool = False,
    level: float = LEVEL,
    seed: int = 0,
) -> Components:
    """Variance components of a balanced crossed design.

    Args:
        table: One row a run, with the factors' columns and `value`; each combination of levels equally often.
        factors: At least one, each with at least two levels.
        value: What varies.
        interactions: Whether two factors together are a source of their own; the rest must have some left then.
        level: Confidence level of each component.
        seed: Of the intervals' draws.

    Raises:
        ValueError: The design is not balanced, a factor has one level, a value is missing, or nothing is left for the
            rest.
    """
    cells = _cells(table, factors, value)
    terms: list[tuple[int, ...]] = [(axis,) for axis in range(len(factors))]
    if interactions:
        terms += list(itertools.combinations(range(len(factors)), 2))
    squares, df, per_level = _mean_squares(cells, terms)
    if df[-1] < 1:
        raise ValueError(
            f"{cells.size} runs leave no degree of freedom for the rest beside {', '.join(factors)}: "
            "run each combination more than once, or leave interactions in the rest"
        )
    estimates = _solved(squares, terms, per_level)
    drawn = np.random.default_rng(seed).chisquare(df, size=(N_DRAWS, len(df)))
    pivots = _solved(squares * df / drawn, terms, per_level)
    low, high = np.quantile(pivots, [(1 - level) / 2, (1 + level) / 2], axis=0)
    total = float(np.maximum(estimates, 0).sum())
    counts = [cells.shape[term[0]] if len(term) == 1 else int(f) for term, f in zip(terms, df, strict=False)]
    names = [*(" × ".join(factors[axis] for axis in term) for term in terms), REST]
    sources = tuple(
        Component(
            name=name,
            variance=Interval(
                max(float(estimate), 0.0), max(float(lower), 0.0), max(float(upper), 0.0), n, "generalised interval"
            ),
            raw=float(estimate),
            share=max(float(estimate), 0.0) / total if total > 0 else 0.0,
        )
        for name, estimate, lower, upper, n in zip(names, estimates, low, high, [*counts, int(df[-1])], strict=True)
    )
    return Components(sources, float(cells.mean()), cells.size)


def _cells(table: pd.DataFrame, factors: Sequence[str], value: str) -> Array:
    """Values with one axis a factor and a last one for the runs of a cell."""
    if not factors or table[[*factors, value]].isna().any(axis=None):
        raise ValueError(f"{value} and at least one factor must be known for every run, but some are missing")
    codes = [pd.factorize(table[factor], sort=True)[0] for factor in factors]
    shape = [int(code.max()) + 1 for code in codes]
    if 1 in shape:
        raise ValueError(f"{factors[shape.index(1)]} must have at least two levels, but got one")
    index = np.ravel_multi_index(codes, shape)
    counts = np.bincount(index, minlength=int(np.prod(shape)))
    if counts.min() != counts.max():
        raise ValueError(
            f"all combinations of {', '.join(factors)} must have as many runs, but got {counts.min()} to {counts.max()}"
        )
    values = table[value].to_numpy(dtype=np.float64)[np.argsort(index, kind="stable")]
    return values.reshape([*shape, int(counts[0])])


def _mean_squares(cells: Array, terms: Sequence[tuple[int, ...]]) -> tuple[Array, Array, Array]:
    """Mean square and degrees of freedom of each term and of what is left, and runs at each level of a term."""
    centred = cells - cells.mean()
    left = centred.copy()
    squares, df, per_level = [], [], []
    for term in terms:
        # Terms come with their parts before them, so what is left has no part in it.
        others = tuple(axis for axis in range(cells.ndim) if axis not in term)
        effect = left.mean(axis=others, keepdims=True)
        n = cells.size / effect.size
        degrees = float(np.prod([cells.shape[axis] - 1 for axis in term]))
        squares.append(float((effect**2).sum()) * n / degrees)
        df.append(degrees)
        per_level.append(n)
        left -= effect
    rest = cells.size - 1 - sum(df)
    squares.append(float((left**2).sum()) / rest if rest > 0 else np.nan)
    return np.array(squares), np.array([*df, rest]), np.array([*per_level, 1.0])


def _solved(squares: Array, terms: Sequence[tuple[int, ...]], per_level: Array) -> Array:
    """Variances from mean squares, shape (…, terms and rest): from the terms with most factors down."""
    out = np.empty_like(squares)
    out[..., -1] = squares[..., -1]
    for k in reversed(range(len(terms))):
        above = [j for j in range(k + 1, len(terms)) if set(terms[k]) < set(terms[j])]
        known = out[..., -1] + sum(per_level[j] * out[..., j] for j in above)
        out[..., k] = (squares[..., k] - known) / per_level[k]
    return out
