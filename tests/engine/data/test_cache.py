"""The prepared form: the same content back, and nothing but the same content."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.data import cache as prepared
from engine.data.dataset import Dataset, SparseRows, Split

RECIPE = {"files": ["a"], "n": (1, 2)}
NOTES = {"notices": ["unverified"]}


def splits_of(X, y, scale=255):
    rows = SparseRows.from_dense(X)
    rows = SparseRows(rows.indptr, rows.indices, rows.values / np.float32(scale), rows.n_features)
    half = Split(rows, np.asarray(y, np.int64))
    return half, Split(rows.take(np.arange(1)), half.y[:1]), Split(rows.take(np.arange(2)), half.y[:2])


@pytest.fixture
def splits():
    rng = np.random.default_rng(0)
    return splits_of(rng.integers(0, 3, (7, 5), np.uint8) * np.uint8(127), np.arange(7) % 3)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(b"abc")
    return path


@pytest.fixture
def stored(tmp_path, splits, source):
    """A prepared form on disk, with what is needed to load it."""
    encoded = prepared.encode(splits, 3)
    stamps = prepared.stamp([source])
    path = prepared.prepared_path(tmp_path / "cache", "own", stamps)
    assert prepared.store(path, encoded, encoded.sha256, stamps=stamps, recipe=RECIPE, notes=NOTES)
    return path


def load(path, source, recipe=RECIPE):
    return prepared.load(path, "own", stamps=prepared.stamp([source]), recipe=recipe)


def arrays(dataset_or_splits):
    if isinstance(dataset_or_splits, Dataset):
        dataset_or_splits = (dataset_or_splits.train, dataset_or_splits.validation, dataset_or_splits.test)
    return [a for s in dataset_or_splits for a in (s.rows.indptr, s.rows.indices, s.rows.values, s.y)]


def assert_same_arrays(a, b):
    for left, right in zip(arrays(a), arrays(b), strict=True):
        np.testing.assert_array_equal(left, right, strict=True)
        # A kernel compiled for one must be the one for the other.
        assert left.flags.writeable == right.flags.writeable
        assert left.flags.c_contiguous == right.flags.c_contiguous


@given(
    X=hnp.arrays(
        np.float32,
        st.tuples(st.integers(2, 8), st.integers(1, 6)),
        elements=st.one_of(st.just(0.0), st.floats(-2, 2, width=32)),
    ),
    scale=st.sampled_from([1.0, 255.0]),
    whole=st.booleans(),
)
def test_encode_decode_round_trip(X, scale, whole):
    X = np.rint(np.abs(X) * 100).astype(np.uint8) if whole else X
    original = splits_of(X, np.arange(len(X)), scale)
    encoded = prepared.encode(original, 8)
    content = np.frombuffer(b"".join(array.tobytes() for array in encoded.arrays), np.uint8)
    decoded, n_classes = prepared.decode(encoded.header, content)
    assert n_classes == 8
    assert_same_arrays(decoded, original)
    assert prepared.encode(decoded, 8).sha256 == encoded.sha256


def test_encode_keeps_pixels_as_bytes_and_anything_else_as_it_is():
    X = np.arange(256, dtype=np.uint8).reshape(4, 64)
    assert json.loads(prepared.encode(splits_of(X, range(4)), 4).header)["values"] == "|u1"
    for scale in (16, 254):
        assert json.loads(prepared.encode(splits_of(X, range(4), scale), 4).header)["values"] == "<f4"


def test_encode_takes_wide_rows():
    X = np.zeros((2, 70_000), np.uint8)
    X[1, 69_999] = 255
    original = splits_of(X, [0, 1])
    encoded = prepared.encode(original, 2)
    content = np.frombuffer(b"".join(array.tobytes() for array in encoded.arrays), np.uint8)
    assert_same_arrays(prepared.decode(encoded.header, content)[0], original)


def test_sha256_changes_with_image_label_split_and_classes(splits):
    train, validation, test = splits
    y = train.y.copy()
    y[0] += 1
    values = train.rows.values.copy()
    values[0] = np.float32(3) / np.float32(255)
    rows = SparseRows(train.rows.indptr, train.rows.indices, values, train.rows.n_features)
    wider = [SparseRows(s.rows.indptr, s.rows.indices, s.rows.values, 6) for s in splits]
    identities = [
        prepared.encode(parts, n_classes).sha256
        for parts, n_classes in [
            (splits, 3),
            (splits, 4),
            ((Split(train.rows, y), validation, test), 3),
            ((Split(rows, train.y), validation, test), 3),
            ((train, test, validation), 3),
            ([Split(r, s.y) for r, s in zip(wider, splits, strict=True)], 3),
        ]
    ]
    assert len(set(identities)) == len(identities)


def test_stored_form_loads_as_it_was(stored, source, splits):
    dataset, notes = load(stored, source)
    assert (dataset.name, dataset.n_classes, notes) == ("own", 3, NOTES)
    assert dataset.sha256 == prepared.encode(splits, 3).sha256
    assert_same_arrays(dataset, splits)
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]  # nothing temporary is left


def test_stored_form_is_refused_with_any_byte_changed(stored, source):
    content = stored.read_bytes()
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1
        stored.write_bytes(changed)
        assert load(stored, source) is None, at


def test_stored_form_is_refused_when_cut_or_continued(stored, source):
    content = stored.read_bytes()
    for changed in (b"", content[:70], content[:-1], content + b"\0"):
        stored.write_bytes(changed)
        assert load(stored, source) is None


def test_stored_form_is_refused_for_an_altered_source_or_another_recipe(stored, source):
    assert load(stored, source, {**RECIPE, "files": ["b"]}) is None
    before = source.stat()
    source.write_bytes(b"abd")  # same size; the times differ, or are put back:
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load(stored, source) is None


def test_store_does_without_a_cache(tmp_path, splits, source):
    blocked = tmp_path / "file"
    blocked.write_text("a file where the cache folder would be")
    encoded = prepared.encode(splits, 3)
    stamps = prepared.stamp([source])
    path = prepared.prepared_path(blocked, "own", stamps)
    assert not prepared.store(path, encoded, encoded.sha256, stamps=stamps, recipe=RECIPE, notes=NOTES)
    assert load(path, source) is None


def test_store_leaves_nothing_behind_when_the_disk_is_full(tmp_path, splits, source, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    encoded = prepared.encode(splits, 3)
    stamps = prepared.stamp([source])
    path = prepared.prepared_path(tmp_path / "cache", "own", stamps)
    assert not prepared.store(path, encoded, encoded.sha256, stamps=stamps, recipe=RECIPE, notes=NOTES)
    assert list(path.parent.iterdir()) == []
