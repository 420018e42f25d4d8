"""What a random search of n trials can be expected to find.

Looks at trials (one value each: the mean validation accuracy over replicates), never at test values.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicableError
from analysis.selection_rule import guessing_accuracy
from analysis.statistics.intervals import LEVEL, Array

_MAX_SIZES = 200


def trial_values(runs: pd.DataFrame) -> pd.DataFrame:
    """One value per trial of a study: mean validation accuracy, or that of guessing if any of its runs diverged.

    Trials that are not over (or failed for a technical reason) are not counted.

    Returns:
        `trial_number`, `value`, `diverged`, `n_runs`, `run_ids`, in order of the trial number.
    """
    over = runs[runs["state"].isin(["complete", "diverged"]) & runs["full_fidelity"]]
    grouped = over.assign(diverged=over["state"] == "diverged").groupby("trial_number")
    table = grouped.agg(
        value=("validation_accuracy", "mean"),
        diverged=("diverged", "any"),
        n_runs=("run_id", "size"),
        run_ids=("run_id", list),
    )
    table["value"] = table["value"].where(~table["diverged"], guess(runs))
    return table.reset_index()


def guess(runs: pd.DataFrame) -> float:
    """The accuracy of guessing a class of the data of these runs.

    Raises:
        NotApplicableError: The database does not say how many classes there are.
    """
    n_classes = runs["n_classes"].iloc[0]
    if pd.isna(n_classes):
        raise NotApplicableError(
            "a diverged trial counts as guessing, but the database does not say among how many classes; "
            "run the study again (nothing is trained twice) and it will"
        )
    return guessing_accuracy(int(n_classes))


def expected_best(values: npt.ArrayLike, level: float = LEVEL) -> pd.DataFrame:
    """Expected best of n independent trials for n = 1 … N, with distribution-free bands.

    The estimate is unbiased (Tang et al. 2020): the mean of the maximum over all subsets of size n, drawn
    without replacement; with the values sorted, x₍ᵢ₎ is the largest of C(i − 1, n − 1) of the C(N, n)
    subsets.

    `low` and `high` bound E max over all n at once: the Dvoretzky–Kiefer–Wolfowitz inequality (Massart's
    constant) puts the distribution within ε = √(ln(2 / (1 − level)) / 2N) of the observed one, accuracies
    lie in [0, 1], and E max = 1 − ∫ Fⁿ. `median`, `median_low`, `median_high` describe the median of the
    best of n, the quantile 2^(−1/n) of one trial, with its binomial order-statistic interval (pointwise; 1
    where no order statistic is high enough: N trials cannot bound what more trials might find).

    Args:
        values: One value in [0, 1] per independent, identically distributed trial. Trials of an adaptive
            sampler
            are neither; the caller refuses them.
        level: Confidence level.

    Returns:
        One row per n (a geometric choice of them from 200 trials on): `n`, `expected`, `low`, `high`,
        `median`, `median_low`, `median_high`.
    """
    from scipy import special, stats

    x = np.sort(np.asarray(values, dtype=np.float64))
    N = len(x)
    if N == 0 or x[0] < 0 or x[-1] > 1:
        raise ValueError(f"values must be one or more accuracies in [0, 1], but got {N} values")
    n = np.arange(1, N + 1)
    if N > _MAX_SIZES:
        n = np.unique(np.geomspace(1, N, _MAX_SIZES).round().astype(int))
    i = np.arange(1, N + 1)

    def log_choose(total: Array, taken: Array) -> Array:
        return np.asarray(special.gammaln(total + 1) - special.gammaln(taken + 1) - special.gammaln(total - taken + 1))

    epsilon = np.sqrt(np.log(2 / (1 - level)) / (2 * N))
    edges = np.concatenate([[0.0], x, [1.0]])
    widths = np.diff(edges)
    share = np.arange(N + 1) / N
    higher, lower = np.minimum(share + epsilon, 1.0), np.maximum(share - epsilon, 0.0)
    expected, low, high = np.empty(len(n)), np.empty(len(n)), np.empty(len(n))
    for row, size in enumerate(n):
        possible = i >= size
        log_weight = log_choose((i[possible] - 1).astype(float), np.full(possible.sum(), size - 1.0))
        log_all = log_choose(np.array([float(N)]), np.array([float(size)]))
        weights = np.exp(log_weight - log_all)
        expected[row] = weights @ x[possible] / weights.sum()
        low[row] = 1 - widths @ higher**size
        high[row] = 1 - widths @ lower**size
    quantile = 2.0 ** (-1 / n)
    tail = (1 - level) / 2
    # Order statistic r covers the quantile q from below if P(Binomial(N, q) ≥ r) ≥ 1 − tail, from
    # above likewise.
    below = stats.binom.ppf(tail, N, quantile).astype(int)
    above = stats.binom.ppf(1 - tail, N, quantile).astype(int) + 1
    padded = np.concatenate([[0.0], x, [1.0]])
    return pd.DataFrame(
        {
            "n": n,
            "expected": expected,
            "low": low,
            "high": high,
            "median": np.quantile(x, quantile),
            "median_low": padded[np.clip(below, 0, N)],
            "median_high": padded[np.clip(above, 0, N + 1)],
        }
    )


def refuse_adaptive(driver: str) -> None:
    """Raise `NotApplicableError` unless the driver draws its trials independently of each other's results."""
    if driver != "random":
        raise NotApplicableError(
            f"expected best against number of trials needs independent draws (driver random), but got driver {driver}: "
            "its later trials depend on the earlier ones, so a subset of them is not a smaller search"
        )
