"""How a value goes with a number: the change along a fitted line, and the rank correlation, within series.

A series is what one replicate gives at the levels of a factor with everything else the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.statistics.intervals import LEVEL, Array, Interval
from analysis.statistics.pairs import Alternative, Effect

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

MIN_LEVELS = 3
"""Levels from which a line says more than their difference."""


def slope(x: Array, y: Array) -> float:
    """The slope of the line through (x, y) by least squares."""
    centred = x - x.mean()
    return float(centred @ y / (centred @ centred))


def series_of(runs: pd.DataFrame, x: str, y: str, blocks: Sequence[str]) -> pd.DataFrame:
    """One row per series of at least `MIN_LEVELS` levels: `blocks`, `replicate`, `difference`, `correlation`.

    Args:
        runs: One row per run, with `x`, `y`, `replicate` and `blocks`.
        x: The column of the factor, on the scale on which a line is fitted.
        y: The column that goes with it or does not.
        blocks: What else varies.

    Returns:
        `difference` is the change of the fitted line from the lowest to the highest level of all runs, `correlation`
        Spearman's, 0 where nothing varies.
    """
    import pandas as pd
    from scipy import stats

    span, rows = float(np.ptp(runs[x])), []
    keys = [*blocks, "replicate"]
    for values, series in runs.groupby(keys, dropna=False):
        if series[x].nunique() >= MIN_LEVELS:
            a, b = (series[name].to_numpy(dtype=np.float64) for name in (x, y))
            varies = np.ptp(b) > 0
            row = dict(zip(keys, values, strict=True))
            correlation = float(stats.spearmanr(a, b).statistic) if varies else 0.0
            rows.append({**row, "difference": slope(a, b) * span, "correlation": correlation})
    return pd.DataFrame(rows, columns=[*keys, "difference", "correlation"])


def change_along_line(x: Array, y: Array, unit: str, run_ids: tuple[int, ...]) -> Effect:
    """The change of the fitted line from the lowest to the highest x, with n − 2 degrees of freedom.

    What the line leaves over is taken for independent noise, so curvature widens the interval.

    Args:
        x: Shape (n,), n ≥ 3.
        y: The same.
        unit: What a point is called.
        run_ids: Runs behind them.
    """
    from scipy import stats

    n, span, b = len(x), float(np.ptp(x)), slope(x, y)
    left = y - y.mean() - b * (x - x.mean())
    error = float(np.sqrt(left @ left / (n - 2) / ((x - x.mean()) @ (x - x.mean())))) * span
    estimate = b * span

    def one_sided(at: float, side: Alternative) -> float:
        if error == 0:
            return 0.0 if (estimate > at) == (side == "greater") and estimate != at else 1.0
        t = (estimate - at) / error
        return float(stats.t.sf(t if side == "greater" else -t, n - 2))

    reach = float(stats.t.ppf((1 + LEVEL) / 2, n - 2)) * error
    steps = np.sign(np.diff(y[np.argsort(x, kind="stable")]))
    return Effect(
        difference=Interval(estimate, estimate - reach, estimate + reach, n, "Student's t of a fitted line"),
        effect_size=float("nan"),
        p=min(1.0, 2 * min(one_sided(0.0, "greater"), one_sided(0.0, "less"))),
        signs=(int((steps > 0).sum()), int((steps == 0).sum()), int((steps < 0).sum())),
        n_pairs=len(steps),
        unit=unit,
        run_ids=run_ids,
        one_sided=one_sided,
    )
