"""A user's own IDX files: which belong together, and what is said of those that do not."""

import gzip

import numpy as np
import pytest

from engine.data.idx import format_idx
from engine.data.user_idx import idx_files
from engine.errors import DataError
from tests.engine.data.own import load

IMAGES = np.full((30, 2, 2), 200, np.uint8) * np.eye(2, dtype=np.uint8)
LABELS = np.arange(30, dtype=np.uint8) % 3
FOUR = {
    "train-images-idx3-ubyte": IMAGES,
    "train-labels-idx1-ubyte": LABELS,
    "t10k-images-idx3-ubyte": IMAGES[:9],
    "t10k-labels-idx1-ubyte": LABELS[:9],
}


def put(folder, arrays, ending=""):
    folder.mkdir(exist_ok=True)
    for name, array in arrays.items():
        content = format_idx(array)
        (folder / f"{name}{ending}").write_bytes(gzip.compress(content) if ending else content)
    return folder


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("rename", [("", ""), ("t10k", "test"), ("-idx", ".idx"), ("t", "kuzushiji-t")])
def test_idx_set_is_found_under_names_like_mnists(tmp_path, ending, rename):
    names = {name.replace(*rename, 1) if rename[0] else name: array for name, array in FOUR.items()}
    folder = put(tmp_path / "own", names, ending)
    assert idx_files(folder) == [folder / f"{name}{ending}" for name in names]
    splits, n_classes, notices = load(folder)
    assert ([len(split) for split in splits], n_classes) == ([26, 4, 9], 3)
    assert splits[2].X.max() == np.float32(200) / np.float32(255)
    assert len(notices) == 2


def test_idx_set_without_test_part_is_cut_in_three(tmp_path):
    folder = put(tmp_path / "own", dict(list(FOUR.items())[:2]))
    splits, *_ = load(folder)
    assert [len(split) for split in splits] == [22, 4, 4]


def test_idx_sets_in_one_folder_are_told_apart_by_a_file(tmp_path):
    folder = put(tmp_path / "own", {f"a-{name}": array for name, array in FOUR.items()})
    put(folder, {f"b-{name}": 255 - array if "images" in name else array for name, array in FOUR.items()})
    with pytest.raises(DataError, match=r"holds 2 sets of IDX files \(a-, b-\); name one of the files instead"):
        load(folder)
    splits, *_ = load(folder / "b-train-labels-idx1-ubyte")
    assert splits[2].X.max() == 1


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "must hold train-images-idx3-ubyte .* it holds none"),
        (dict(list(FOUR.items())[:1]), "the labels of the train part are missing; it holds train-images-idx3-ubyte"),
        (dict(list(FOUR.items())[:3]), "the labels of the test part are missing"),
        (dict(list(FOUR.items())[2:]), "the images of the train part are missing"),
        ({**FOUR, "train-labels-idx1-ubyte": LABELS[:-1]}, "one label for each of 30 images, but"),
        ({**FOUR, "train-images-idx3-ubyte": LABELS}, r"must hold images, but has the shape \(30,\)"),
        ({**FOUR, "t10k-images-idx3-ubyte": IMAGES[:9, :1]}, "the 4 features of the train part, but test has 2"),
        ({**FOUR, "t10k-images-idx3-ubyte": IMAGES[:0], "t10k-labels-idx1-ubyte": LABELS[:0]}, "must hold images"),
    ],
)  # fmt: skip
def test_idx_set_names_what_is_wrong(tmp_path, arrays, message):
    with pytest.raises(DataError, match=message):
        load(put(tmp_path / "own", arrays))


def test_idx_file_that_is_damaged_or_a_bomb_is_named(tmp_path, monkeypatch):
    folder = put(tmp_path / "own", FOUR)
    (folder / "train-images-idx3-ubyte").write_bytes(format_idx(IMAGES)[:-1])
    with pytest.raises(DataError, match="is truncated"):
        load(folder)
    (folder / "train-images-idx3-ubyte").write_bytes(gzip.compress(format_idx(IMAGES))[:-9])
    with pytest.raises(DataError, match="is damaged: its gzip stream is truncated"):
        load(folder)
    monkeypatch.setattr("engine.data.user_idx.MAX_BYTES", 1000)
    (folder / "train-images-idx3-ubyte").write_bytes(gzip.compress(bytes(100_000)))
    with pytest.raises(DataError, match="far more than its file's"):
        load(folder)


@pytest.mark.parametrize("key", ["label", "ignore"])
def test_idx_set_has_no_columns(tmp_path, key):
    with pytest.raises(DataError, match=f"{key} is for columns"):
        load(put(tmp_path / "own", FOUR), **{key: "a"})
    assert load(put(tmp_path / "own", FOUR), scale="none")[0][0].X.max() == 200
