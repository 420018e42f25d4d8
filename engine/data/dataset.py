"""A data set as the engine sees it: three splits, each as sparse rows with their labels.

`engine.data.load` finds and verifies files and hands a `Dataset` to everything else. Rows are kept sparse
because an MNIST image has about 150 non-zero pixels of 784; the dense matrix is made from them on first
use, by the paths that want BLAS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from engine.arrays import FloatArray, IntArray

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)

PIECE = 1 << 20
"""Entries handled at a time where a whole array would need a large temporary."""


@dataclass(frozen=True, eq=False)
class SparseRows:
    """A matrix of shape (n, d) in compressed sparse rows; rows hold their columns in ascending order.

    Attributes:
        indptr: (n + 1,) int64; row i's entries are `indptr[i]:indptr[i + 1]` of the two arrays below.
        indices: (nnz,) int32, the column of each entry.
        values: (nnz,) float32 (float64 after `astype`), the entry itself.
        n_features: d.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: FloatArray
    n_features: int

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def density(self) -> float:
        """Share of entries that are not zero, between 0 and 1."""
        return len(self.values) / max(1, len(self) * self.n_features)

    @classmethod
    def from_dense(cls, X: NDArray[Any]) -> "SparseRows":
        """Drop the zeros of X, shape (n, d), any real dtype; the values come out as float32.

        Works through X in pieces of about a million entries, so that beside the result little memory is used.
        """
        n, d = X.shape
        n_rows = max(1, PIECE // max(1, d))
        pieces = [slice(start, start + n_rows) for start in range(0, n, n_rows)]
        indptr = np.zeros(n + 1, np.int64)
        if X.dtype.kind not in "biu":
            X = X.astype(np.float32, copy=False)  # before zeros are dropped: what is tiny becomes one here
        for piece in pieces:
            indptr[1:][piece] = np.count_nonzero(X[piece], axis=1)
        np.cumsum(indptr, out=indptr)
        indices = np.empty(indptr[-1], np.int32)
        values = np.empty(indptr[-1], np.float32)
        for piece in pieces:
            x = X[piece]
            entries = slice(indptr[piece.start], indptr[piece.start + len(x)])
            rows, columns = np.nonzero(x)
            indices[entries] = columns
            values[entries] = x[rows, columns]
        return cls(indptr, indices, values, d)

    @classmethod
    def concatenate(cls, parts: Sequence["SparseRows"]) -> "SparseRows":
        """The rows of all parts, one after the other; at least one part, all of the same n_features."""
        lengths = np.concatenate([np.diff(part.indptr) for part in parts])
        return cls(
            np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
            np.concatenate([part.indices for part in parts]),
            np.concatenate([part.values for part in parts]),
            parts[0].n_features,
        )

    def take(self, rows: IntArray) -> "SparseRows":
        """The rows of these indices, shape (m,), in this order."""
        lengths = np.diff(self.indptr)[rows]
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        # Entry j of the result's row i is entry indptr[rows[i]] + j here.
        entries = np.repeat(self.indptr[rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return SparseRows(indptr, self.indices[entries], self.values[entries], self.n_features)

    def to_dense(self) -> FloatArray:
        """The matrix itself, shape (n, d), in the dtype of `values`."""
        X = np.zeros((len(self), self.n_features), self.values.dtype)
        rows = np.repeat(np.arange(len(self)), np.diff(self.indptr))
        X[rows, self.indices] = self.values
        return X

    def astype(self, dtype: np.dtype[Any]) -> "SparseRows":
        """The same rows with their values in `dtype`; itself where they already are."""
        if self.values.dtype == dtype:
            return self
        return SparseRows(self.indptr, self.indices, self.values.astype(dtype), self.n_features)


@dataclass(frozen=True, eq=False)
class Split:
    """One of the three parts of a data set: n images of d pixels with their classes.

    Attributes:
        rows: the images, pixels in [0, 1] for the bundled data sets.
        y: (n,) int64, the class of each image, 0 … n_classes − 1.
    """

    rows: SparseRows
    y: IntArray

    def __len__(self) -> int:
        return len(self.y)

    @cached_property
    def X(self) -> FloatArray:  # noqa: N802
        """The images as a dense matrix of shape (n, d), made on first use and kept."""
        return self.rows.to_dense()

    def first(self, n: int) -> "Split":
        """The first n images; shares their memory."""
        rows, stop = self.rows, self.rows.indptr[n]
        head = SparseRows(rows.indptr[: n + 1], rows.indices[:stop], rows.values[:stop], rows.n_features)
        return Split(head, self.y[:n])

    def astype(self, dtype: np.dtype[Any]) -> "Split":
        """The same images in `dtype`; itself where they already are."""
        rows = self.rows.astype(dtype)
        return self if rows is self.rows else Split(rows, self.y)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Train, validation and test images of one source; never changed after it is made.

    Attributes:
        name: what the source is called: `mnist`, `fashion-mnist`, `digits`, or `file:` and the name of the user's file.
        sha256: identity of the content (images, labels and how they are split), as 64 hexadecimal digits; the
            same from whatever form the content was loaded, defined in `engine.data.cache`.
        n_classes: number of classes; labels are 0 … n_classes − 1.
    """

    name: str
    sha256: str
    n_classes: int
    train: Split
    validation: Split
    test: Split

    @property
    def n_features(self) -> int:
        """Pixels of one image."""
        return self.train.rows.n_features

    def split(self, name: SplitName) -> Split:
        """The split of that name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]
