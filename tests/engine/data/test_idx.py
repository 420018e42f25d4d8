"""The IDX format: round trips, and every way in which a file can be wrong."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.data.idx import format_idx, n_bytes_of, parse_idx, read_content
from engine.errors import DataError


def as_bytes(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8)


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6)))
def test_idx_round_trip(array):
    content = format_idx(array)
    assert len(content) == n_bytes_of(array.shape)
    parsed = parse_idx(as_bytes(content), "x")
    assert parsed.dtype == np.uint8
    np.testing.assert_array_equal(parsed, array, strict=True)


def test_format_idx_is_the_published_layout():
    # The first 8 bytes of train-labels-idx1-ubyte, for 3 labels instead of 60,000.
    assert format_idx(np.array([5, 0, 4], np.uint8)) == bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4])


GOOD = format_idx(np.arange(24, dtype=np.uint8).reshape(4, 3, 2))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "starts with 4 bytes, but got 0"),
        (b"\x00\x00\x08", "starts with 4 bytes, but got 3"),
        (b"\x89PNG\r\n", "this is not an IDX file"),
        (b"\x00\x00\x08\x00", "this is not an IDX file"),
        (b"\x00\x00\x0d" + GOOD[3:], r"entries must be uint8 \(type code 8\), but got float32 \(13\)"),
        (GOOD[:10], "ends within its header of 16 bytes, after 10"),
        (GOOD[:-1], r"is truncated: its header states the shape \(4, 3, 2\), 40 bytes .* but got 39"),
        (GOOD + b"\x00", "has bytes after its end.*but got more"),
        (struct.pack(">BBBBI", 0, 0, 8, 1, 2**32 - 1), "is truncated"),
    ],
)
def test_parse_idx_names_what_is_wrong(content, message):
    with pytest.raises(DataError, match=rf"(?s)^labels.*{message}"):
        parse_idx(as_bytes(content), "labels")


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("zipped", [False, True])
def test_read_content_goes_by_the_bytes_not_the_name(tmp_path, zipped, suffix):
    path = tmp_path / f"images{suffix}"
    path.write_bytes(gzip.compress(GOOD) if zipped else GOOD)
    content, problem = read_content(path, len(GOOD))
    assert (content.tobytes(), problem) == (GOOD, None)


def test_read_content_stops_after_what_is_expected(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(5_000_000)))
    content, problem = read_content(path, 100)
    assert (len(content), problem) == (101, None)


def test_read_content_tells_truncated_from_damaged(tmp_path):
    content = np.random.default_rng(0).integers(0, 256, 3_000_000, np.uint8).tobytes()
    zipped = gzip.compress(content)
    path = tmp_path / "x.gz"

    path.write_bytes(zipped[: len(zipped) // 2])
    got, problem = read_content(path, len(content))
    assert problem == "its gzip stream is truncated"
    assert 0 < len(got) < len(content)
    assert content.startswith(got.tobytes())

    path.write_bytes(zipped[:-8] + bytes(8))
    _, problem = read_content(path, len(content))
    assert problem is not None
    assert problem.startswith("its gzip stream is damaged (CRC check failed")


def test_read_content_names_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match="nowhere cannot be read: No such file"):
        read_content(tmp_path / "nowhere", 10)


@given(st.binary(max_size=60))
def test_parse_idx_accepts_or_raises_data_error(content):
    try:
        array = parse_idx(as_bytes(content), "x")
    except DataError:
        return
    assert format_idx(array) == content
