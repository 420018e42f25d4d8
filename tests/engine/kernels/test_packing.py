"""The layout of weights: where chunks lie."""

import pytest

from engine.kernels.packing import chunk_size
from engine.kernels.simd import LANES


@pytest.mark.parametrize("n_in", [1, 255, 256, 784])
def test_no_two_of_64_chunks_share_a_place_in_the_nearest_cache(n_in):
    starts = {chunk * chunk_size(n_in) // LANES % 64 for chunk in range(64)}
    assert len(starts) == 64
    assert n_in * LANES <= chunk_size(n_in) <= (n_in + 1) * LANES
