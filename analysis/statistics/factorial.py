"""Exact main effects and two-way interactions of a balanced grid.

With every combination of the factors' levels measured equally often, the averages over the other factors
separate exactly (they equal the least-squares solution with sum-to-zero coding):

    main effect       a_i  = mean(A = i) − grand mean
    interaction      ab_ij = mean(A = i, B = j) − a_i − b_j − grand mean
"""

import itertools
from collections.abc import Sequence

import pandas as pd

from analysis.errors import NotApplicableError


def _check_balanced(table: pd.DataFrame, factors: Sequence[str]) -> None:
    counts = table.groupby(list(factors), dropna=False, observed=True).size()
    n_cells = 1
    for factor in factors:
        n_cells *= table[factor].nunique(dropna=False)
    if len(counts) != n_cells or counts.nunique() != 1:
        raise NotApplicableError(
            f"every combination of {', '.join(factors)} must be measured equally often, but {len(counts)} of "
            f"{n_cells} combinations are there, with {counts.min()} to {counts.max()} rows each"
        )


def grid_effects(table: pd.DataFrame, factors: Sequence[str], value: str) -> pd.DataFrame:
    """Main effects and two-way interactions of a balanced grid, with the share of variation each explains.

    Args:
        table: One row per run (or per trial), with the factors' columns and `value`.
        factors: Columns of the factors; those with a single level are left out.
        value: The column explained.

    Returns:
        One row per level of a factor and per cell of a pair: `term` ("A" or "A × B"), `level` (a tuple of
        levels as text), `effect` (in the unit of `value`), `share` (of the total sum of squares, the same
        for all rows of a term; NaN where nothing varies).

    Raises:
        NotApplicableError: The grid is not balanced.
    """
    factors = [factor for factor in factors if table[factor].nunique(dropna=False) > 1]
    if not factors:
        raise NotApplicableError("a factor must have at least two levels, but none does")
    _check_balanced(table, factors)
    y = table[value].astype(float)
    centred = y - y.mean()
    total = float((centred**2).sum())
    main = {factor: centred.groupby(table[factor]).transform("mean") for factor in factors}
    rows = []
    for terms in [(factor,) for factor in factors] + list(itertools.combinations(factors, 2)):
        cell = centred.groupby([table[factor] for factor in terms]).transform("mean")
        effect = cell if len(terms) == 1 else cell - main[terms[0]] - main[terms[1]]
        share = float((effect**2).sum()) / total if total > 0 else float("nan")
        levels = table[list(terms)].assign(effect=effect).drop_duplicates(list(terms)).sort_values(list(terms))
        rows += [
            {
                "term": " × ".join(terms),
                "level": ", ".join(str(row[factor]) for factor in terms),
                "effect": float(row["effect"]),
                "share": share,
            }
            for row in levels.to_dict("records")
        ]
    return pd.DataFrame(rows)
