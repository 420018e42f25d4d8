"""A user's .npz: which array is what, what is left over, and archives that are damaged or hostile."""

import io
import shlex
import struct
import zipfile

import numpy as np
import pytest

from engine.data import user_npz
from engine.errors import DataError
from tests.engine.data.own import X, Y, dense, load, npz

PARTS = [(X, Y), (X[:2], Y[:2]), (X[2:5], Y[2:5])]


@pytest.mark.parametrize(
    "names",
    [
        "X y X_validation y_validation X_test y_test",
        "x_train y_train x_val y_val x_test y_test",
        "X_train Y_train X_valid Y_valid X_test Y_test",
        "train_images train_labels val_images val_labels test_images test_labels",
        "data target data_dev target_dev data_test target_test",
        "xtrain ytrain xval yval xtest ytest",
        "TrainData TrainLabels ValData ValLabels TestData TestLabels",
        "train-features train-labels valid-features valid-labels test-features test-labels",
    ],
)
def test_npz_arrays_are_known_by_their_usual_names(tmp_path, names):
    arrays = [array for part in PARTS for array in part]
    splits, n_classes, notices = load(npz(tmp_path, **dict(zip(names.split(), arrays, strict=True))))
    assert dense(splits) == [(x.tolist(), y.tolist()) for x, y in PARTS]
    assert (n_classes, notices) == (2, [])


def test_npz_with_train_and_test_takes_only_validation_from_training(tmp_path):
    splits, _, notices = load(npz(tmp_path, x_train=X, y_train=Y, x_test=X[:1], y_test=Y[:1]))
    assert [len(split) for split in splits] == [6, 1, 1]
    assert dense(splits)[2] == (X[:1].tolist(), Y[:1].tolist())
    assert notices[0].startswith("validation taken from the 7 training rows")


@pytest.mark.parametrize("y", [Y[:, None], np.eye(2)[Y], np.eye(2, dtype=bool)[Y]])
def test_npz_labels_may_be_a_column_or_one_hot(tmp_path, y):
    splits, *_ = load(npz(tmp_path, X=X, y=y))
    assert dense(splits) == dense(load(npz(tmp_path, X=X, y=Y))[0])


def test_npz_says_that_labels_are_one_hot(tmp_path):
    *_, notices = load(npz(tmp_path, X=X, y=np.eye(2)[Y]))
    assert notices[0] == "y (7, 2) is one-hot: the position of each row's 1 is its class"


def test_npz_arrays_that_cannot_matter_are_named_in_a_line(tmp_path):
    *_, notices = load(npz(tmp_path, X=X, y=Y, target_names=["a", "b"], version=np.array(3)))
    assert notices[0] == "not used: target_names (2,) <U1, version () int64"


@pytest.mark.parametrize(
    ("more", "named", "settled"),
    [
        ({"X_holdout": X, "y_holdout": Y}, "no use is known for X_holdout .* y_holdout", ["X_holdout", "y_holdout"]),
        ({"x_eval": X[:3], "y_eval": Y[:3]}, "no use is known for x_eval .* y_eval", ["x_eval", "y_eval"]),
        ({"two words": Y}, "no use is known for two words", ["two words"]),
        ({"weights": np.ones(7)}, r"no use is known for weights \(7,\) float64", ["weights"]),
        ({"x_train": X, "y_train": Y}, "by their names X .* and x_train .* features of the train", ["X", "y"]),
        ({"labels": Y}, "y .* and labels .* are all labels of the train part", ["y"]),
        ({"x_val": X, "y_val": Y, "x_valid": X}, "x_val .* and x_valid .* features of the validation", ["x_val"]),
    ],
)
def test_npz_arrays_that_may_matter_are_refused_until_they_are_ignored(tmp_path, more, named, settled):
    path = npz(tmp_path, X=X, y=Y, **more)
    with pytest.raises(DataError, match=named) as caught:
        load(path)
    assert "".join(f" --ignore {shlex.quote(name)}" for name in settled) in str(caught.value)
    splits, _, notices = load(path, ignore=settled)
    assert len(splits[0]) == 5 or "x_val" in settled
    assert not any("not used" in notice for notice in notices)


@pytest.mark.parametrize(("keys", "held"), [({"label": "X"}, "y .* beside X"), ({"ignore": "X"}, "nothing beside y")])
def test_npz_does_not_hold_what_a_key_takes_away(tmp_path, keys, held):
    with pytest.raises(DataError, match=f"X is missing; it holds {held}"):
        load(npz(tmp_path, X=X, y=Y), **keys)


def test_npz_label_names_the_labels_of_every_part(tmp_path):
    arrays = {"X_train": X, "X_test": X, "fine_train": Y, "fine_test": Y, "y_train": 1 - Y, "y_test": 1 - Y}
    path = npz(tmp_path, **arrays)
    for label in ("fine", "fine_train"):
        splits, *_ = load(path, label=label, ignore=["y_train", "y_test"])
        assert splits[2].y.tolist() == Y.tolist()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, r"must hold the arrays X and y .* but X is missing; it holds nothing"),
        ({"X": X}, r"but y is missing; it holds nothing beside X \(7, 2\) float64"),
        ({"arr_0": X, "arr_1": Y}, r"X is missing; it holds arr_0 .*np.savez\(path, X=…, y=…\) gives"),
        ({"X": X, "y": Y, "X_test": X}, "but y_test is missing"),
        ({"X": X, "y": Y[:-1]}, "X has 7 rows and y 6 labels"),
        ({"X": X[:, 0], "y": Y}, r"X must be real .* shape \(n, …\), but got float64 of shape \(7,\)"),
        ({"X": X + 1j, "y": Y}, "X must be real numbers .* but got complex128"),
        ({"X": X, "y": Y.reshape(7, 1, 1)}, r"y must be .* of shape \(n,\), but got int64 of shape \(7, 1, 1\)"),
        ({"X": X, "y": X}, r"one-hot rows with a single 1 each, but rows of 2 numbers are neither; .* y.argmax"),
        ({"X": X, "y": np.array(["a", "b"] * 7).reshape(7, 2)}, "y must be numbers or strings of shape"),
        ({"X": X, "y": np.array([None] * 7)}, "y holds Python objects"),
        ({"X": X, "y": Y.astype("datetime64[s]")}, "y must be numbers or strings"),
    ],
)
def test_npz_names_what_is_wrong(tmp_path, arrays, message):
    path = npz(tmp_path, **arrays)
    with pytest.raises(DataError, match=f"^{path}: .*{message}"):
        load(path)
    with pytest.raises(DataError, match="ignore names 'no'"):
        load(npz(tmp_path, X=X, y=Y), ignore="no")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float16, ">f8", np.longdouble, np.float32])
def test_npz_arrays_of_any_layout_are_the_same_rows(tmp_path, dtype, order, monkeypatch):
    monkeypatch.setattr(user_npz, "PIECE", 5)
    splits, *_ = load(npz(tmp_path, X=X.astype(dtype, order=order), y=Y))
    assert dense(splits) == dense(load(npz(tmp_path, X=X, y=Y))[0])


# --- damaged and hostile ---------------------------------------------------------------------------------


def archive(path, contents, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in contents.items():
            file.writestr(name, content)
    return path


def npy(array, shape=None):
    """An array's bytes, which may state another shape."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": array.dtype.str, "fortran_order": False, "shape": shape or array.shape}
    )
    return stream.getvalue() + array.tobytes()


@pytest.mark.parametrize("shape", [(10**6, 10**6), (10**12,), (7, 3), (7, 1), (-7, -2), (0, 2)])
def test_npz_that_declares_another_shape_is_named_before_memory_is_taken(tmp_path, shape):
    path = archive(tmp_path / "own.npz", {"X.npy": npy(X, shape), "y.npy": npy(Y)})
    with pytest.raises(DataError, match=r"X declares the shape .* but holds 112: the file is damaged"):
        load(path)


def test_npz_bombs_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(user_npz, "MAX_DECLARED", 1000)
    path = tmp_path / "own.npz"
    np.savez_compressed(path, X=np.zeros((2000, 100)), y=np.zeros(2000))
    with pytest.raises(DataError, match=r"declares 1,616,256 bytes in a file of .* is what is unpacked"):
        load(path)
    monkeypatch.undo()
    monkeypatch.setattr(user_npz, "MAX_ENTRY_BYTES", 1000)
    for order in "CF":
        np.savez_compressed(path, X=np.ones((200, 100), np.uint8, order=order), y=np.zeros(200))
        with pytest.raises(DataError, match=r"X unpacks to more than .*np\.savez instead of np\.savez_compressed"):
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
        with pytest.raises(DataError, match=r"own\.npz cannot be read as an \.npz archive"):
            load(path)


def test_npz_with_a_wrong_checksum_is_named(tmp_path):
    path = archive(tmp_path / "own.npz", {"X.npy": npy(X), "y.npy": npy(Y)}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(struct.pack("<d", 0.125))] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"Bad CRC-32"):
        load(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_npz_in_another_compression_is_refused(tmp_path, method):
    with pytest.raises(DataError, match=r"'X.npy' is compressed by method \d+, but must be stored or deflated"):
        load(archive(tmp_path / "own.npz", {"X.npy": npy(X), "y.npy": npy(Y)}, method))


def test_npz_that_is_encrypted_is_refused(tmp_path):
    path = archive(tmp_path / "own.npz", {"X.npy": npy(X), "y.npy": npy(Y)})
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"'X\.npy' is encrypted"):
        load(path)


def test_npz_that_is_another_kind_of_file_is_named(tmp_path):
    path = tmp_path / "own.npz"
    with path.open("wb") as file:
        np.save(file, X)
    with pytest.raises(DataError, match=r"own.npz cannot be read as an \.npz archive: .*it is a single array"):
        load(path)
    with pytest.raises(DataError, match=r"'readme.txt' is no array"):
        load(archive(path, {"readme.txt": "no arrays"}))
    with pytest.raises(DataError, match=r"cannot be read: No such file"):
        load(tmp_path / "none.npz")
