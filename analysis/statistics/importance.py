"""Which hyperparameters a search found to matter: permutation importance under a surrogate, held out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.errors import NotApplicableError
from analysis.statistics.intervals import Array

MIN_TRIALS = 30
MAX_TRIALS = 1500
_N_FOLDS = 5
_N_PERMUTATIONS = 5
_N_TREES = 60


def importance(trials: pd.DataFrame, params: Sequence[str], value: str, *, seed: int = 0) -> tuple[pd.DataFrame, float]:
    """Permutation importance of hyperparameters on held-out trials, under a random-forest surrogate.

    In five folds a forest learns `value` from the parameters of four; in the fifth each parameter is permuted
    and the loss of explained variance (R²) counted. Importances mean something only as far as the surrogate
    predicts unseen trials, which its held-out R² tells.

    Args:
        trials: One row per trial with the columns `params` and `value`; at most `MAX_TRIALS`
            are used.
        params: Searched parameters; text and truth values are coded as numbers, learning rates by their
            logarithm.
        value: What is predicted, for example the validation accuracy.
        seed: Of folds, forest and permutations.

    Returns:
        One row per parameter (`parameter`, `importance`, `spread` = standard deviation over the folds),
        largest first; and the surrogate's held-out R².

    Raises:
        NotApplicableError: Fewer than `MIN_TRIALS` trials, or nothing varies.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import r2_score
    from sklearn.model_selection import KFold

    params = [name for name in params if trials[name].nunique() > 1]
    if len(trials) < MIN_TRIALS or not params or trials[value].nunique() < 2:
        raise NotApplicableError(
            f"importances need at least {MIN_TRIALS} trials with differing parameters and values, but got "
            f"{len(trials)} trials and {len(params)} differing parameters"
        )
    if len(trials) > MAX_TRIALS:
        trials = trials.sample(MAX_TRIALS, random_state=seed).sort_values("trial_number")
    X = np.column_stack([_coded(trials[name], name) for name in params])
    y = trials[value].to_numpy(dtype=np.float64)
    drops, predicted = [], np.empty_like(y)
    for train, held_out in KFold(_N_FOLDS, shuffle=True, random_state=seed).split(X):
        forest = RandomForestRegressor(_N_TREES, min_samples_leaf=2, random_state=seed).fit(X[train], y[train])
        predicted[held_out] = forest.predict(X[held_out])
        result = permutation_importance(
            forest,
            X[held_out],
            y[held_out],
            n_repeats=_N_PERMUTATIONS,
            random_state=seed,
            scoring="neg_mean_squared_error",
        )
        drops.append(result.importances_mean / y.var())
    table = pd.DataFrame(
        {"parameter": params, "importance": np.mean(drops, axis=0), "spread": np.std(drops, axis=0, ddof=1)}
    )
    return table.sort_values("importance", ascending=False, ignore_index=True), float(r2_score(y, predicted))


def _coded(column: pd.Series, name: str) -> Array:
    if column.dtype == object or isinstance(column.dtype, pd.StringDtype) or column.dtype == bool:
        return pd.factorize(column.astype(str), sort=True)[0].astype(np.float64)
    numbers = column.to_numpy(dtype=np.float64)
    return np.log(numbers) if name in ("learning_rate", "hidden_size") and bool((numbers > 0).all()) else numbers
