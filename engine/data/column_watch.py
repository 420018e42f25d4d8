"""Features of a user's table that number the rows or say the label again, found by their values."""

import numpy as np
from numpy.typing import NDArray


class ColumnWatch:
    """Looks at features as they are read, for those that number the rows.

    Args:
        n_features: columns of what `see` is given.
    """

    def __init__(self, n_features: int) -> None:
        self._n_seen = 0
        self._first: NDArray[np.float64] = np.empty(0)
        self._rising: NDArray[np.int64] = np.arange(n_features)
        self._distinct: NDArray[np.int64] = np.empty(0, np.int64)
        self._sorted = {sign: np.arange(n_features) for sign in (1, -1)}
        self._n_steps = np.zeros(n_features, np.int64)
        self._last: NDArray[np.float64] = np.empty(0)

    def see(self, X: NDArray[np.float64]) -> None:
        """The next rows, (m, d) float64."""
        if not self._n_seen:
            self._first = self._last = X[0]
            ordered = np.sort(X, axis=0)
            whole = (np.rint(ordered) == ordered).all(axis=0)
            self._distinct = (
                np.flatnonzero(whole & (np.diff(ordered, axis=0) > 0).all(axis=0)) if len(X) >= 20 else self._distinct
            )
        expected = self._first[self._rising] + np.arange(self._n_seen, self._n_seen + len(X))[:, None]
        self._rising = self._rising[(X[:, self._rising] == expected).all(axis=0)]
        for sign, columns in self._sorted.items():
            steps = np.diff(X[:, columns], axis=0, prepend=self._last[None, columns]) * sign
            stay = (steps >= 0).all(axis=0) & (np.rint(X[:, columns]) == X[:, columns]).all(axis=0)
            self._sorted[sign] = columns[stay]
            self._n_steps[columns[stay]] += (steps[:, stay] > 0).sum(axis=0)
        self._last = X[-1]
        self._n_seen += len(X)

    @property
    def rising(self) -> list[int]:
        """Features that rise by one from row to row, through all of at least 10 rows."""
        return self._rising.tolist() if self._n_seen >= 10 else []

    @property
    def sorted(self) -> list[int]:
        """Features of whole numbers that never fall from row to row, or never rise, in 10 steps or more.

        They are suspicious where one or two are so, and others are not.
        """
        found = np.concatenate([columns[self._n_steps[columns] >= 10] for columns in self._sorted.values()])
        return found.tolist() if len(found) <= 2 and len(found) < len(self._n_steps) else []

    @property
    def distinct(self) -> list[int]:
        """Features of whole numbers that never repeat, where one or two are alone in that."""
        return self._distinct.tolist() if len(self._distinct) <= 2 else []


def repeats_of_label(X: NDArray[np.float32], y: NDArray[np.int64]) -> list[int]:
    """Features that say the same as the label: one value for each class, another for every class.

    Args:
        X: (m, d), rows of which at least two have different labels.
        y: (m,), their classes.
    """
    classes = [X[y == k] for k in np.unique(y)]
    if len(classes) < 2:
        return []
    values = np.array([part[0] for part in classes])
    constant = np.array([(part == part[0]).all(axis=0) for part in classes]).all(axis=0)
    ordered = np.sort(values, axis=0)
    return np.flatnonzero(constant & (np.diff(ordered, axis=0) > 0).all(axis=0)).tolist()
