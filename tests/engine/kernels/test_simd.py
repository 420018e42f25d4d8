"""Vectors and their functions, lane by lane, against NumPy in higher precision."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from engine.compiled import kernel
from engine.kernels.simd import (
    LANES,
    add,
    aligned_zeros,
    elements,
    first_of_four,
    fma,
    fourth_of_four,
    get,
    load,
    load_four,
    maximum_of_lanes,
    put,
    second_of_four,
    shift,
    skip,
    store,
    sum_of_lanes,
    third_of_four,
    transpose,
    where_less,
    zero,
)
from engine.kernels.vector_math import exp, tanh

DTYPES = [np.float32, np.float64]


@kernel
def _exp(x, result):
    for i in range(0, x.size, LANES):
        store(elements(result), i, exp(load(elements(x), i)))


@kernel
def _tanh(x, result):
    for i in range(0, x.size, LANES):
        store(elements(result), i, tanh(load(elements(x), i)))


@kernel
def _transpose(source, stride, result):
    transpose(elements(source), 0, stride, elements(result), 0)


@kernel
def _operations(a, b, c, result):
    x, y, z = load(elements(a), 0), load(elements(b), 0), load(elements(c), 0)
    out = elements(result)
    store(out, 0, fma(x, y, z))
    store(out, LANES, where_less(x, y, x, y))
    put(out, 2 * LANES, sum_of_lanes(x))
    put(out, 2 * LANES + 1, maximum_of_lanes(x))
    four = load_four(elements(a), 3)
    store(out, 3 * LANES, first_of_four(four))
    store(out, 4 * LANES, second_of_four(four))
    store(out, 5 * LANES, third_of_four(four))
    store(out, 6 * LANES, fourth_of_four(four))


class Pair(NamedTuple):
    given: Any
    results: Any
    first: int


@kernel
def _tuples(pair):
    p = elements(pair)
    offsets = shift((p.first, p.first + LANES), LANES)
    two = load(p.given, offsets)
    sums = fma(load(p.given, 0), two, add(two, zero(two)))
    store(p.results, (LANES, 0), sums)
    store(skip(p.results, 2 * LANES), (0,), load(p.given, (LANES,)))
    put(p.results, 3 * LANES, get(p.given, 5))


def apply(function, x):
    result = np.zeros_like(x)
    function(x, result)
    return result


def grid(low, high, dtype, n=160_000):
    return np.linspace(low, high, n).astype(dtype)


@pytest.mark.parametrize(
    ("dtype", "low", "high", "error"), [(np.float32, -87, 88, 1.2e-7), (np.float64, -708, 709, 4e-16)]
)
def test_exp_has_its_stated_error(dtype, low, high, error):
    x = np.concatenate([grid(low, high, dtype), grid(-1, 1, dtype)])
    expected = np.exp(x.astype(np.longdouble))
    assert np.max(np.abs(apply(_exp, x) / expected - 1)) < error


@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 6e-7), (np.float64, 4e-16)])
def test_tanh_has_its_stated_error(dtype, error):
    small = np.logspace(-30, 1, 80_000).astype(dtype)
    x = np.concatenate([grid(-25, 25, dtype), small, -small])
    expected = np.tanh(x.astype(np.longdouble))
    found = apply(_tanh, x)
    assert np.max(np.abs(found - expected) / np.abs(expected)) < error
    assert np.max(np.abs(found)) <= 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp_and_tanh_at_the_ends_of_their_range(dtype):
    x = np.zeros(LANES, dtype)
    x[:5] = np.nan, -np.inf, -1e30, -750, 0
    np.testing.assert_array_equal(apply(_exp, x)[:5], [np.nan, 0, 0, 0, 1])
    x[:5] = np.nan, -np.inf, np.inf, 30, 0
    np.testing.assert_allclose(apply(_tanh, x)[:5], [np.nan, -1, 1, 1, 0], rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stride", [16, 40])
def test_transpose_exchanges_rows_and_columns(dtype, stride):
    source = np.arange(16 * stride, dtype=dtype)
    result = np.zeros((16, 16), dtype)
    _transpose(source, stride, result)
    np.testing.assert_array_equal(result, source.reshape(16, stride)[:, :16].T)


@pytest.mark.parametrize("dtype", DTYPES)
def test_operations_do_what_they_say(dtype):
    rng = np.random.default_rng(0)
    a, b, c = rng.standard_normal((3, LANES)).astype(dtype)
    result = np.zeros(7 * LANES, dtype)
    _operations(a, b, c, result)
    # The product is exact in the wider type: one rounding, at the end.
    wide = np.longdouble if dtype is np.float64 else np.float64
    np.testing.assert_array_equal(result[:LANES], (a.astype(wide) * b + c).astype(dtype))
    np.testing.assert_array_equal(result[LANES : 2 * LANES], np.minimum(a, b))
    halves = a
    while len(halves) > 1:
        halves = halves[: len(halves) // 2] + halves[len(halves) // 2 :]
    assert result[2 * LANES] == halves[0]
    assert result[2 * LANES + 1] == a.max()
    np.testing.assert_array_equal(result[3 * LANES :].reshape(4, LANES), np.repeat(a[3:7], LANES).reshape(4, LANES))


@pytest.mark.parametrize("dtype", DTYPES)
def test_tuples_of_vectors_go_element_by_element_and_named_tuples_of_arrays_become_elements(dtype):
    given = np.arange(3 * LANES, dtype=dtype)
    results = np.zeros(4 * LANES, dtype)
    _tuples(Pair(given, results, 0))
    zeroth, first, second = given.reshape(3, LANES)
    np.testing.assert_array_equal(results[:LANES], zeroth * second + second)
    np.testing.assert_array_equal(results[LANES : 2 * LANES], zeroth * first + first)
    np.testing.assert_array_equal(results[2 * LANES : 3 * LANES], first)
    assert results[3 * LANES] == 5
    assert not results[3 * LANES + 1 :].any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_aligned_zeros_begin_at_a_cache_line(dtype):
    for size in (1, 16, 1000):
        array = aligned_zeros(size, np.dtype(dtype))
        assert array.ctypes.data % 64 == 0
        assert array.shape == (size,)
        assert not array.any()
