"""What overlapping training sets leave of a t test.

differences on J cuts of the same data into training and validation ──repeated_splits──▶ corrected t
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.statistics.intervals import LEVEL, Interval, mean_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

CORRECTED = "corrected resampled t"
"""The method of an interval over cuts that share examples."""
OVER_CUTS = "cuts that share examples (corrected t)"
"""What such an interval is over, in words."""


@dataclass(frozen=True)
class SplitsTest:
    """Differences on several cuts of the same data into training and validation.

    Attributes:
        difference: Their mean with the corrected interval; n counts splits.
        error: Corrected standard error.
        naive_error: What it would be, were the splits independent.
        p: Two-sided, that the mean is zero; 1 where it is not known.
    """

    difference: Interval
    error: float
    naive_error: float
    p: float


def repeated_splits(differences: npt.ArrayLike, n_train: int, n_validation: int, *, level: float = LEVEL) -> SplitsTest:
    """Corrected resampled t test (Nadeau and Bengio 2003, section 4, as for folds in Bouckaert and Frank 2004).

    Training sets overlap, so J differences are less than J: t = mean / √((1/J + n_validation / n_train) s²) with J − 1
    degrees of freedom. It speaks of training sets of this size from the same population.

    Args:
        differences: One for each split, shape (J,).
        n_train: Rows of each training part.
        n_validation: Rows of each validation part.
        level: Confidence level.

    Raises:
        ValueError: There is no difference, one is not finite, or a part has no rows.
    """
    from scipy import stats

    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 1 or not len(d) or not np.isfinite(d).all():
        raise ValueError(f"there must be one finite difference a split, but got {d}")
    if n_train < 1 or n_validation < 1:
        raise ValueError(f"n_train ≥ 1 and n_validation ≥ 1 must hold, but got {n_train} and {n_validation}")
    J, mean = len(d), float(d.mean())
    if J < 2:
        return SplitsTest(Interval(mean, np.nan, np.nan, J, "too few for an interval"), np.nan, np.nan, 1.0)
    deviation = float(d.std(ddof=1)) if np.ptp(d) > 0 else 0.0
    error = deviation * float(np.sqrt(1 / J + n_validation / n_train))
    reach = float(stats.t.ppf((1 + level) / 2, J - 1)) * error
    if error > 0:
        p = float(2 * stats.t.sf(abs(mean) / error, J - 1))
    else:
        p = 1.0 if mean == 0 else 0.0
    interval = Interval(mean, mean - reach, mean + reach, J, CORRECTED)
    return SplitsTest(interval, error, deviation / float(np.sqrt(J)), p)


@dataclass(frozen=True)
class Replicated:
    """What an interval over the replicates of a study is over.

    Attributes:
        parts: Examples of a training and of a validation part where replicates are on several cuts of the same data,
            so that they share examples; else None.
        crossed: The streams of which several replicates have the same level, if these are two or more; one would leave
            nothing to tell it from. Such runs are no sample that an interval of their mean could be about; else, and
            without `parts`, replicates are independent.
        anew: The streams that alone are drawn anew, the others being held; none where all are, or some are crossed.
    """

    parts: tuple[int, int] | None
    crossed: tuple[str, ...] = ()
    anew: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The same in words."""
        return "seeds" if self.parts is None else OVER_CUTS

    def interval(self, values: "Sequence[float] | pd.Series[float]") -> Interval:
        """The mean of one value a replicate."""
        if self.crossed:
            return Interval(float(np.mean(values)), np.nan, np.nan, len(values), "none, as runs share what they draw")
        return mean_interval(values) if self.parts is None else repeated_splits(values, *self.parts).difference


def replicated(runs: pd.DataFrame, vary: object = None) -> Replicated:
    """What replicates differ by, of runs with their `cut`, `n_train` and `n_validation`, and `vary` of the study."""
    crossed = tuple(name for name, levels in vary.items() if levels > 1) if isinstance(vary, Mapping) else ()
    if len(crossed) > 1:
        return Replicated(None, crossed=crossed)
    anew = tuple(vary) if isinstance(vary, list) else ()
    if runs["cut"].map(str).nunique() < 2:
        return Replicated(None, anew=anew)
    first = runs.iloc[0]
    return Replicated((int(first["n_train"]), int(first["n_validation"])), anew=anew)
