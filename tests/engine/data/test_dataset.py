"""Sparse rows: the same matrix as the dense one, whatever is done with it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.data import dataset as data
from engine.data.dataset import SparseRows

PIXELS = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(0, 12), st.integers(1, 9)),
    elements=st.one_of(st.just(0), st.integers(0, 255)),
)


def same(a: SparseRows, b: SparseRows) -> None:
    for name in ("indptr", "indices", "values"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), strict=True)
    assert a.n_features == b.n_features


@given(PIXELS)
def test_sparse_rows_round_trip(X):
    rows = SparseRows.from_dense(X)
    assert (rows.indptr.dtype, rows.indices.dtype, rows.values.dtype) == (np.int64, np.int32, np.float32)
    assert len(rows.values) == np.count_nonzero(X)
    np.testing.assert_array_equal(rows.to_dense(), X.astype(np.float32), strict=True)


@given(PIXELS, st.integers(1, 30))
def test_sparse_rows_do_not_depend_on_the_piece_size(X, piece):
    whole = SparseRows.from_dense(X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "PIECE", piece)
        same(SparseRows.from_dense(X), whole)


@given(PIXELS, st.data())
def test_sparse_rows_take_is_dense_indexing(X, draw):
    rows = draw.draw(hnp.arrays(np.int64, st.integers(0, 15), elements=st.integers(0, max(0, len(X) - 1))))
    rows = rows if len(X) else rows[:0]
    same(SparseRows.from_dense(X).take(rows), SparseRows.from_dense(X[rows]))


@given(PIXELS, st.integers(0, 12))
def test_sparse_rows_concatenate_joins_what_was_cut(X, cut):
    parts = [SparseRows.from_dense(X[:cut]), SparseRows.from_dense(X[cut:])]
    same(SparseRows.concatenate(parts), SparseRows.from_dense(X))


def test_sparse_rows_drop_what_is_zero_in_float32():
    rows = SparseRows.from_dense(np.array([[1e-60, -0.0, 0.5]]))
    assert rows.indices.tolist() == [2]
    assert rows.values.tolist() == [0.5]
