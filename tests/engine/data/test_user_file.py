"""A user's own .npz and .csv: what is accepted, how it is read, and what is said of the rest."""

import zipfile

import numpy as np
import pytest

from engine.data.partition import partition
from engine.data.user_file import load_user_file
from engine.errors import DataError

X = np.array([[0, 0.5], [1, 0], [0.25, 0.125], [0, 0], [3, -1], [2, 2], [0.5, 1]])
Y = np.array([0, 1, 0, 1, 1, 0, 1])


def load(path):
    notices = []
    splits, n_classes = load_user_file(path, notices.append)
    return splits, n_classes, [notice.removeprefix(f"{path}: ") for notice in notices]


def npz(tmp_path, **arrays):
    path = tmp_path / "own.npz"
    np.savez(path, **arrays)
    return path


def csv(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "own.csv"
    path.write_text(text, encoding=encoding)
    return path


def dense(splits):
    return [(split.X.tolist(), split.y.tolist()) for split in splits]


def test_npz_without_parts_is_cut_by_the_fixed_permutation(tmp_path):
    splits, n_classes, notices = load(npz(tmp_path, X=X, y=Y))
    assert dense(splits) == [(X[i].tolist(), Y[i].tolist()) for i in partition(Y, (5, 1, 1))]
    assert n_classes == 2
    (notice,) = notices
    assert notice == (
        "validation and test taken from the 7 training rows by a fixed permutation: 5 train, 1 validation, 1 test"
    )
    for split in splits:
        assert (split.rows.values.dtype, split.y.dtype) == (np.float32, np.int64)


def test_npz_with_all_parts_is_taken_as_it_is(tmp_path):
    path = npz(tmp_path, X=X, y=Y, X_validation=X[:2], y_validation=Y[:2], X_test=X[2:5], y_test=Y[2:5], other=X)
    splits, n_classes, notices = load(path)
    parts = [(X, Y), (X[:2], Y[:2]), (X[2:5], Y[2:5])]
    assert dense(splits) == [(x.tolist(), y.tolist()) for x, y in parts]
    assert (n_classes, notices) == (2, [])


def test_npz_with_keras_names_takes_only_validation_from_training(tmp_path):
    path = npz(tmp_path, x_train=X, y_train=Y, x_test=X[:1], y_test=Y[:1])
    splits, _, notices = load(path)
    assert [len(split) for split in splits] == [6, 1, 1]
    assert dense(splits)[2] == (X[:1].tolist(), Y[:1].tolist())
    assert notices[0].startswith("validation taken from the 7 training rows")


def test_npz_images_are_flattened_and_pixels_divided_by_255(tmp_path):
    images = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2) * np.uint8(20)
    parts = {"X_validation": images, "y_validation": [0, 1, 1], "X_test": images, "y_test": [0, 1, 1]}
    splits, _, notices = load(npz(tmp_path, X=images, y=[0, 1, 1], **parts))
    expected = images.reshape(3, 4).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(splits[0].X, expected, strict=True)
    assert notices[0].startswith("whole numbers from 0 to 220 are read as pixels and divided by 255")


@pytest.mark.parametrize("values", [np.eye(4, dtype=np.uint8), np.eye(4) * 200, np.eye(4, dtype=int) * 256])
def test_npz_values_that_are_no_pixels_stay(tmp_path, values):
    splits, _, notices = load(
        npz(tmp_path, X=values, y=[0, 1, 0, 1], X_test=values, y_test=[0, 1, 0, 1],
            X_validation=values, y_validation=[0, 1, 0, 1])
    )  # fmt: skip
    np.testing.assert_array_equal(splits[0].X, values.astype(np.float32), strict=True)
    assert notices == []


@pytest.mark.parametrize(
    ("labels", "classes", "n_classes", "notice"),
    [
        ([3, 0, 3], [3, 0, 3], 4, None),
        ([2.0, 1.0, 2.0], [2, 1, 2], 3, None),
        (["2", "1", "2"], [2, 1, 2], 3, None),
        ([True, False, True], [1, 0, 1], 2, None),
        (["cat", "dog", "cat"], [0, 1, 0], 2, "cat → 0, dog → 1"),
        ([-1, 1, -1], [0, 1, 0], 2, "-1 → 0, 1 → 1"),
        ([5000, 7, 5000], [1, 0, 1], 2, "7 → 0, 5000 → 1"),
    ],
)
def test_labels_become_classes(tmp_path, labels, classes, n_classes, notice):
    part = {"X": X[:3], "y": labels}
    everything = {f"{k}{suffix}": v for suffix in ("", "_validation", "_test") for k, v in part.items()}
    splits, n, notices = load(npz(tmp_path, **everything))
    assert (splits[0].y.tolist(), n) == (classes, n_classes)
    assert notices == ([f"labels become classes in sorted order: {notice}"] if notice else [])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, r"must hold the arrays X and y .* but x is missing; it holds nothing"),
        ({"X": X}, "but y is missing; it holds x"),
        ({"X": X, "y": Y, "X_test": X}, "but y_test is missing"),
        ({"X": X, "y": Y[:-1]}, "one label for each of its 7 rows, but has 6"),
        ({"X": X[:, 0], "y": Y}, r"x must be real .* shape \(n, …\), but got float64 of shape \(7,\)"),
        ({"X": X + 1j, "y": Y}, "x must be real numbers .* but got complex128"),
        ({"X": X, "y": Y[:, None]}, r"y must be .* of shape \(n,\), but got int64 of shape \(7, 1\)"),
        ({"X": X, "y": np.array([None] * 7)}, "one holds Python objects"),
        ({"X": X, "y": Y, "X_test": X[:, :1], "y_test": Y}, "the 2 features of the train part, but test has"),
        ({"X": X[:0], "y": Y[:0]}, "the train part must hold at least one row"),
        ({"X": X[:, :0], "y": Y}, "at least one feature"),
        ({"X": X, "y": Y * 0}, "at least 2 classes, but every label is 0"),
        ({"X": np.ones((1001, 1)), "y": np.arange(1001)}, "at most 1000 classes, but got 1,001 .* right"),
        ({"X": X[:2], "y": Y[:2]}, "3 parts must be made of the train part, but it has 2 rows"),
        ({"X": np.where(X == 2, np.nan, X), "y": Y}, "but row 5 .* of the train part has nan in feature 0"),
        ({"X": np.where(X == -1, 1e300, X), "y": Y}, "but row 4 .* has inf in feature 1"),
        ({"X": X, "y": [0, 1, np.nan, 1, 0, 1, 0]}, "every label must be finite, but got nan"),
    ],
)  # fmt: skip
def test_npz_names_what_is_wrong(tmp_path, arrays, message):
    path = npz(tmp_path, **arrays)
    with pytest.raises(DataError, match=f"^{path}: .*{message}"):
        load(path)


def test_npz_that_is_damaged_is_named(tmp_path):
    path = tmp_path / "own.npz"
    np.savez_compressed(path, X=np.random.default_rng(0).random((50, 20)), y=np.arange(50) % 2)
    whole = path.read_bytes()
    for content in (
        b"",
        b"text",
        whole[:100],
        whole[: len(whole) // 2],
        whole[:200] + bytes(300) + whole[500:],
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"own\.npz"):
            load(path)


def test_npz_that_is_another_kind_of_file_is_named(tmp_path):
    path = tmp_path / "own.npz"
    with path.open("wb") as file:
        np.save(file, X)
    with pytest.raises(DataError, match=r"own.npz cannot be read as an \.npz archive"):
        load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no arrays")
    with pytest.raises(DataError, match=r"own.npz"):
        load(path)


ROWS = "0,0,0.5\n1,1,0\n0,0.25,0.125\n1,0,0\n1,3,-1\n0,2,2\n1,0.5,1\n"


@pytest.mark.parametrize(
    "text",
    [
        ROWS,
        ROWS.replace("\n", "\r\n"),
        "\n" + ROWS.replace("\n", "\n\n"),
        ROWS.rstrip("\n"),
        '"label",a,b\n' + ROWS,
        "Label, a, b\n" + ROWS,
        "a,label,b\n" + "".join(f"{x[0]},{y},{x[1]}\n" for x, y in zip(X, Y, strict=True)),
        ROWS.replace("0.5", '"0.5"'),
    ],
)
def test_csv_is_the_same_data_set_as_its_npz(tmp_path, text):
    assert [dense(load(csv(tmp_path, text))[0])] == [dense(load(npz(tmp_path, X=X, y=Y))[0])]


def test_csv_with_a_byte_order_mark_has_its_header_seen(tmp_path):
    splits, *_ = load(csv(tmp_path, "label,a,b\n" + ROWS, "utf-8-sig"))
    assert sum(map(len, splits)) == 7


def test_csv_split_column_is_followed(tmp_path):
    text = "label,a,split\ndog,1,train\ncat,2,Test\ncat,300,validation\ncat,4, train\n"
    splits, n_classes, notices = load(csv(tmp_path, text))
    assert dense(splits) == [([[1], [4]], [1, 0]), ([[300]], [0]), ([[2]], [0])]
    assert n_classes == 2
    assert notices == ["labels become classes in sorted order: cat → 0, dog → 1"]


def test_csv_split_column_may_leave_parts_out(tmp_path):
    text = "label,a,split\n" + "0,0.5,train\n1,0.25,train\n" * 5 + "1,2,test\n"
    splits, *_ = load(csv(tmp_path, text))
    assert [len(split) for split in splits] == [8, 2, 1]


def test_csv_quoted_commas_are_understood(tmp_path):
    text = "label,a\n" + '"cat, small",1.5\ndog,2.5\n' * 4
    _, _, notices = load(csv(tmp_path, text))
    assert notices[0] == "labels become classes in sorted order: cat, small → 0, dog → 1"


def test_csv_pixels_are_divided_by_255_in_all_parts(tmp_path):
    text = "label,a,split\n0,1,train\n1,0,train\n0,255,test\n1,1,validation\n"
    splits, _, notices = load(csv(tmp_path, text))
    assert splits[0].X[0, 0] == np.float32(1) / np.float32(255)
    assert notices[0].startswith("whole numbers from 0 to 255 are read as pixels")


def test_csv_longer_than_a_piece_keeps_its_order(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.data.user_csv.LINES_AT_A_TIME", 3)
    assert dense(load(csv(tmp_path, ROWS))[0]) == dense(load(npz(tmp_path, X=X, y=Y))[0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": must hold rows, but is empty"),
        ("label,a\n", ": must hold rows below its header"),
        ("1\n2\n", ": a row must have at least one feature"),
        ("class,width\n0,1\n", ", line 1: must be numbers .* column `label`, but got 'width'"),
        ("0,1\n1,2,3\n", ", line 2: must have 2 cells like the first line, but got 3"),
        ("0,1\n\n1\n", ", line 3: must have 2 cells like the first line, but got 1"),
        ("label,a\n0,1\n1,x\n", ", line 3, column 2: must be a number, but got 'x'"),
        ("label,a\n0,1\n1,\n", ", line 3, column 2: must be a number, but got ''"),
        ("label,a\n0,1\n,1\n", ", line 3: has no label"),
        ("label,a,split\n0,1,train\n1,2,dev\n", ", line 3: split must be .* but got 'dev'"),
        ("label,a,split\n0,1,test\n1,2,test\n", ": the column `split` must name some rows `train`"),
        ("0,nan\n1,1\n0,2\n", r": every value must be finite in float32, but row 0 \(from 0\)"),
        ("0,1\n1,1e99\n0,2\n", ": every value must be finite in float32, but row 1 .* has inf"),
    ],
)
def test_csv_names_what_is_wrong(tmp_path, text, message):
    path = csv(tmp_path, text)
    with pytest.raises(DataError, match=f"^{path}{message}"):
        load(path)


def test_csv_that_is_not_text_is_named(tmp_path):
    path = tmp_path / "own.csv"
    path.write_bytes(b"0,1\n\xff\xfe,2\n")
    with pytest.raises(DataError, match=r"own.csv: must be text in UTF-8"):
        load(path)
