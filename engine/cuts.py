"""Other cuts of a data set into training and validation images; its test images stay.

    Dataset ──Cut.of──> Dataset, whose identity follows from the first one's and the cut's

What is cut is the pool of the data set's own training and validation images, in their order, by a permutation in which
every class comes in proportion (`engine.data.partition`): the first k-th of it is fold 0 of k, the next fold 1, …; a
resample takes as many validation images from its beginning as the data set has of its own.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace

import numpy as np

from engine.arrays import IntArray
from engine.data.dataset import Dataset, SparseRows, Split
from engine.data.partition import stratified
from engine.seeds import Stream, bits


@dataclass(frozen=True)
class Cut:
    """Which images of the pool are for validation.

    Attributes:
        seed: of the permutation.
        folds: how many pieces the pool is cut into; None for a resample.
        fold: which of them is for validation, from 0; None for a resample.
    """

    seed: int
    folds: int | None = None
    fold: int | None = None

    def sizes(self, dataset: Dataset) -> tuple[int, int]:
        """Training and validation images; of all folds, fold 0 has the fewest to train on."""
        n = len(dataset.train) + len(dataset.validation)
        n_validation = len(dataset.validation)
        if self.folds is not None and self.fold is not None:
            n_validation = n // self.folds + (self.fold < n % self.folds)
        return n - n_validation, n_validation

    def rows(self, dataset: Dataset) -> tuple[IntArray, IntArray]:
        """The images of the pool that are for training and for validation, both ascending, int64."""
        y = np.concatenate([dataset.train.y, dataset.validation.y])
        permutation = np.argsort(bits(self.seed, Stream.SPLIT).random_raw(len(y)), kind="stable")
        order = stratified(y, permutation)
        _, n_validation = self.sizes(dataset)
        start = 0
        if self.folds is not None and self.fold is not None:
            start = self.fold * (len(y) // self.folds) + min(self.fold, len(y) % self.folds)
        validation = order[start : start + n_validation]
        train = np.concatenate([order[:start], order[start + n_validation :]])
        return np.sort(train), np.sort(validation)

    def of(self, dataset: Dataset) -> Dataset:
        """The data set cut so; its rows are copies, its test images are the same."""
        train, validation = (_gathered(dataset, rows) for rows in self.rows(dataset))
        identity = json.dumps([dataset.sha256, asdict(self)], sort_keys=True)
        return replace(
            dataset, sha256=hashlib.sha256(identity.encode()).hexdigest(), train=train, validation=validation
        )


def _gathered(dataset: Dataset, rows: IntArray) -> Split:
    """These images of the pool, ascending."""
    n = len(dataset.train)
    of_train = int(np.searchsorted(rows, n))
    parts = [(dataset.train, rows[:of_train]), (dataset.validation, rows[of_train:] - n)]
    return Split(
        SparseRows.concatenate([split.rows.take(indices) for split, indices in parts]),
        np.concatenate([split.y[indices] for split, indices in parts]),
    )
