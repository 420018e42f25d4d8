"""Data sets by name: search order, what is missing, prepared form, digits and own files, and what is said."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from engine.data import load as datasets
from engine.data import mnist
from engine.data.catalogue import DATASET_NAMES, SOURCES, cache_folder, describe_places, find_files
from engine.data.dataset import SPLITS
from engine.data.idx import format_idx
from engine.data.load import load_dataset
from engine.errors import DataError
from tests.engine.data.small import (
    ARCHIVES,
    ARRAYS,
    FILES,
    IMAGES,
    arrays,
    load,
    put,
)

pytestmark = pytest.mark.usefixtures("world")


def test_mnist_is_split_and_scaled_as_in_the_report():
    put("data", ARCHIVES, ".gz")
    dataset, notices = load()
    images = ARRAYS["train-images-idx3-ubyte"].reshape(6, 6).astype(np.float32) / np.float32(255)
    test_images = ARRAYS["t10k-images-idx3-ubyte"].reshape(3, 6).astype(np.float32) / np.float32(255)
    y, test_y = ARRAYS["train-labels-idx1-ubyte"], ARRAYS["t10k-labels-idx1-ubyte"]
    expected = {
        "train": (images[:4], y[:4]),
        "validation": (images[4:], y[4:]),
        "test": (test_images, test_y),
    }
    for name, (X, labels) in expected.items():
        np.testing.assert_array_equal(dataset.split(name).X, X, strict=True)
        np.testing.assert_array_equal(dataset.split(name).y, labels.astype(np.int64), strict=True)
    assert (dataset.name, dataset.n_classes, dataset.n_features, notices) == ("mnist", 10, 6, [])


def test_mnist_is_the_same_from_archives_raw_files_and_prepared_form(world):
    datasets_ = [
        load(folder=put(world / "gz", ARCHIVES, ".gz"))[0],
        load(folder=put(world / "raw", FILES))[0],
        load(folder=put(world / "misnamed", ARCHIVES))[0],
        load(folder=put(world / "dotted", {n.replace("-idx", ".idx"): c for n, c in FILES.items()}))[0],
        load(folder=world / "gz")[0],
    ]
    assert len({dataset.sha256 for dataset in datasets_}) == 1
    assert all(arrays(dataset) == arrays(datasets_[0]) for dataset in datasets_)


def test_search_order_is_data_option_data_folder_shared_cache(world):
    order = [
        ("DATA", world / "mine"),
        ("DATA", world / "mine" / "mnist"),
        ("DATA", world / "mine" / "MNIST" / "raw"),
        ("data/", Path("data")),
        ("data/", Path("data/mnist")),
        ("data/", Path("data/MNIST/raw")),
        ("beside the project", Path("../shared/mnist")),
        ("user cache", world / "cache" / "mnist"),
    ]
    assert [(p.role, p.folder) for p in describe_places("mnist", world / "mine")] == order
    for role, folder in reversed(order):
        put(folder, ARCHIVES, ".gz")
        place = find_files(describe_places("mnist", world / "mine"))
        assert (place.role, place.folder) == (role, folder)
        assert place.found == tuple(folder / f"{name}.gz" for name in FILES)


def test_describe_places_lists_what_is_there_and_what_is_not():
    put("data", dict(list(ARCHIVES.items())[:3]), ".gz")
    place = next(p for p in describe_places("mnist") if p.folder == Path("data"))
    assert [path.name for path in place.found] == [f"{name}.gz" for name in list(FILES)[:3]]
    assert (place.missing, place.complete) == (("t10k-labels-idx1-ubyte",), False)
    with pytest.raises(DataError, match="mnist and fashion-mnist only, but got 'digits'"):
        describe_places("digits")


def test_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("DIGITSWEEP_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.setenv("DIGITSWEEP_CACHE", "")
    assert cache_folder() == tmp_path / "xdg" / "digitsweep"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/to/be/ignored")
    assert cache_folder() == tmp_path / ".cache" / "digitsweep"


def test_data_option_without_the_files_is_said_when_others_are_used(world):
    put("data", ARCHIVES, ".gz")
    _, notices = load(folder=world / "elsewhere")
    assert notices == [f"{world / 'elsewhere'} does not hold MNIST's four files; using those in data"]


WHAT_TO_DO = (
    "What to do: put the four files into data/, or name their folder with DATA=<folder>, "
    "or run again with network access. DATASET=digits needs no files."
)


def test_missing_mnist_is_told_with_names_places_and_what_to_do(world):
    put("data", dict(list(ARCHIVES.items())[:3]), ".gz")
    (world / "mine").mkdir()
    with pytest.raises(DataError) as caught:
        load(folder=world / "mine", offline=True)
    work = world / "work"
    assert str(caught.value).splitlines() == [
        "MNIST was not found. It is these four files (or the same without .gz):",
        *(f"  {name}.gz" for name in FILES),
        "Looked in:",
        f"  {world}/mine (DATA): none of them",
        f"  {world}/mine/mnist (DATA): no such folder",
        f"  {world}/mine/MNIST/raw (DATA): no such folder",
        f"  {work}/data (data/): 3 of 4, without t10k-labels-idx1-ubyte",
        f"  {work}/data/mnist (data/): no such folder",
        f"  {work}/data/MNIST/raw (data/): no such folder",
        f"  {world}/shared/mnist (beside the project): no such folder",
        f"  {world}/cache/mnist (user cache): no such folder",
        "Not downloaded, since offline was asked for.",
        WHAT_TO_DO,
    ]


def test_missing_mnist_is_told_with_each_mirrors_reason(mirror):
    (mirror / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(DataError) as caught:
        load()
    gone, address = SOURCES["mnist"].mirrors
    lines = str(caught.value).splitlines()
    start = lines.index("The download failed:")
    assert lines[start + 1 : start + 3] == [
        f"  {gone}t10k-images-idx3-ubyte.gz: HTTP 404 File not found",
        f"  {address}t10k-images-idx3-ubyte.gz: HTTP 404 File not found",
    ]


def test_auto_says_in_one_line_that_it_takes_digits():
    dataset, notices = load("auto", offline=True)
    assert dataset.name == "digits"
    assert len(notices) == 1
    assert "\n" not in notices[0]
    assert "DATA=<folder>" in notices[0]
    assert notices[0].endswith("Using `digits` instead: 1,797 images of 8 × 8 pixels that come with scikit-learn.")


def test_auto_without_notify_warns():
    with pytest.warns(UserWarning, match="Using `digits` instead"):
        load_dataset("auto", offline=True)


def test_auto_takes_mnist_where_it_is():
    put("data", FILES)
    dataset, notices = load("auto", offline=True)
    assert (dataset.name, notices) == ("mnist", [])


def test_auto_does_not_hide_an_altered_file():
    put("data", {**FILES, "t10k-labels-idx1-ubyte": FILES["t10k-labels-idx1-ubyte"][:-1] + b"\x05"})
    with pytest.raises(
        DataError, match="data/t10k-labels-idx1-ubyte holds another data set than MNIST, or an altered copy"
    ):
        load("auto", offline=True)


def test_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(
        DataError, match=r"one of auto, mnist, .* but got 'fashion_mnist'; did you mean 'fashion-mnist'"
    ):
        load("fashion_mnist")


def counting(monkeypatch):
    calls = []
    original = mnist.read_splits
    monkeypatch.setattr(mnist, "read_splits", lambda *args: calls.append(1) or original(*args))
    return calls


def test_prepared_form_is_used_until_a_source_changes(monkeypatch):
    calls = counting(monkeypatch)
    folder = put("data", FILES)
    first, _ = load()
    again, _ = load()
    assert len(calls) == 1
    assert (again.sha256, arrays(again)) == (first.sha256, arrays(first))
    os.utime(folder / IMAGES, ns=(1, 1))
    load()
    assert len(calls) == 2
    load()
    assert len(calls) == 2


def test_prepared_form_is_made_again_when_damaged(monkeypatch, world):
    calls = counting(monkeypatch)
    put("data", FILES)
    first, _ = load()
    (path,) = (world / "cache" / "prepared").iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    again, notices = load()
    assert (len(calls), notices, arrays(again)) == (2, [], arrays(first))
    load()
    assert len(calls) == 2


def test_prepared_form_is_not_used_for_other_expected_checksums(monkeypatch):
    put("data", FILES)
    load()
    source = SOURCES["mnist"]
    files = (dataclasses.replace(source.files[0], sha256="0" * 64), *source.files[1:])
    monkeypatch.setitem(SOURCES, "mnist", dataclasses.replace(source, files=files))
    with pytest.raises(DataError, match=f"or an altered copy.*SHA-256 {'0' * 64}"):
        load()


def test_cache_that_cannot_be_written_is_no_error(world, monkeypatch):
    calls = counting(monkeypatch)
    (world / "cache").write_text("a file where the cache folder would be")
    put("data", FILES)
    first, notices = load()
    again, _ = load()
    assert (arrays(again), notices, len(calls)) == (arrays(first), [], 2)


def test_digits_are_scikit_learns_split_reproducibly():
    from sklearn.datasets import load_digits

    dataset, notices = load("digits")
    again, _ = load("digits")
    X, y = load_digits(return_X_y=True)
    assert notices == []
    assert (dataset.name, dataset.n_classes, dataset.n_features) == ("digits", 10, 64)
    assert [len(dataset.split(name)) for name in SPLITS] == [1197, 300, 300]
    rows = sorted(
        (*image, label)
        for name in SPLITS
        for image, label in zip((dataset.split(name).X * 16).tolist(), dataset.split(name).y.tolist(), strict=True)
    )
    assert rows == sorted((*image, label) for image, label in zip(X.tolist(), y.tolist(), strict=True))
    assert arrays(again) == arrays(dataset)
    # Written down: whoever trains on digits trains on these.
    assert dataset.sha256 == "913811ac545e7ee081aa27fbdfe2e08d9bafd0515f868f7ad71372c0bdb83c90"
    for name, most in zip(SPLITS, (122, 31, 31), strict=True):
        assert np.bincount(dataset.split(name).y).max() <= most


def test_digits_come_from_the_prepared_form_the_second_time(monkeypatch):
    load("digits")
    monkeypatch.setattr(datasets, "_build_digits", lambda: pytest.fail("read again"))
    load("digits")


def test_user_file_is_found_prepared_and_read_again_when_changed(world, monkeypatch):
    path = world / "mine" / "own.npz"
    path.parent.mkdir()
    X, y = np.arange(40.0).reshape(20, 2) / 80, np.arange(20) % 2
    np.savez(path, X=X, y=y)
    calls = []
    original = datasets.load_user_file
    monkeypatch.setattr(datasets, "load_user_file", lambda *args: calls.append(1) or original(*args))
    first, notices = load(str(path))
    again, notices_again = load("own.npz", folder=path.parent)
    assert (first.name, len(calls)) == ("file:own.npz", 1)
    assert len(notices) == 1
    assert notices == notices_again
    assert arrays(first) == arrays(again)
    np.savez(path, X=X / 2, y=y)
    changed, _ = load(str(path))
    assert len(calls) == 2
    assert changed.sha256 != first.sha256


def test_user_file_has_one_identity_whatever_its_format(world):
    np.savez("own.npz", X=np.arange(40.0).reshape(20, 2) / 64, y=np.arange(20) % 2)
    Path("own.csv").write_text("".join(f"{i % 2},{2 * i / 64},{(2 * i + 1) / 64}\n" for i in range(20)))
    assert load("own.npz")[0].sha256 == load("own.csv")[0].sha256


@pytest.mark.parametrize("stem", ["mnist", "fashion-mnist", "digits", "auto"])
@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_user_file_never_counts_as_a_known_data_set(stem, suffix):
    X, y = np.arange(40.0).reshape(20, 2) / 64, np.arange(20) % 2
    if suffix == ".npz":
        np.savez(stem, X=X, y=y)
    else:
        Path(f"{stem}.csv").write_text("".join(f"{label},{a},{b}\n" for label, (a, b) in zip(y, X, strict=True)))
    dataset, _ = load(f"{stem}{suffix}")
    assert dataset.name == f"file:{stem}{suffix}"
    assert not any(name.startswith("file:") for name in DATASET_NAMES)


def test_user_names_keep_to_what_a_studys_name_can_hold():
    np.savez("a b@c#d;$é" + "x" * 200 + ".npz", X=np.eye(20), y=np.arange(20) % 2)
    (path,) = Path().glob("*.npz")
    dataset, _ = load(str(path))
    assert dataset.name == ("file:a-b-c-d--é" + "x" * 60)[:65]


def test_user_identity_is_rows_labels_parts_and_whatever_the_keys_change():
    rows = "".join(f"{i},{i % 2},{i % 3},{i % 5 / 4},{i % 7 / 8}\n" for i in range(40))
    Path("a.csv").write_text("id,y,target,p,q\n" + rows)
    Path("b.csv").write_text("id,y,target,p,q\n" + rows)
    keys = [
        {"label": "y", "ignore": ["id", "target"]},
        {"label": "target", "ignore": ["id", "y"]},
        {"label": "y", "ignore": ["id", "target", "p"]},
        {"label": "y", "ignore": ["id", "target"], "scale": 2},
        {"label": "y", "ignore": "id", "keep": "target", "scale": 2},
    ]
    identities = [load({"path": "a.csv", **reading})[0].sha256 for reading in keys]
    assert len(set(identities)) == len(keys)
    assert identities == [load({"path": "b.csv", **reading})[0].sha256 for reading in keys]
    assert load({"path": "a.csv", **keys[0], "scale": "none"})[0].sha256 == identities[0]


def test_user_folder_of_idx_files_is_a_data_set_of_its_own(world):
    own = {name: array % 2 if "labels" in name else array // 2 * 2 for name, array in ARRAYS.items()}
    folder = put(world / "kmnist", {name: format_idx(array) for name, array in own.items()})
    dataset, _ = load(str(folder))
    assert [len(dataset.split(split)) for split in SPLITS] == [5, 1, 3]
    images = own["t10k-images-idx3-ubyte"].reshape(3, 6)
    np.testing.assert_array_equal(dataset.test.X, images.astype(np.float32) / np.float32(255))
    for name, options in ((str(folder / IMAGES), {}), ("kmnist", {"folder": world})):
        again, _ = load(name, **options)
        assert (again.name, again.sha256) == ("file:kmnist", dataset.sha256)


def test_user_folder_that_holds_mnist_is_mnist(world):
    put("data", ARCHIVES, ".gz")
    known, _ = load()
    folder = put(world / "elsewhere", {f"my-{name}": content for name, content in FILES.items()})
    dataset, notices = load(str(folder))
    assert (dataset.name, dataset.sha256) == ("mnist", known.sha256)
    assert notices == [f"{folder} holds MNIST's own files: this is the data set mnist"]


def test_user_file_that_is_not_there_is_told_with_where_it_was_looked_for(world):
    with pytest.raises(DataError) as caught:
        load("own.csv", folder=world / "mine")
    assert str(caught.value) == (
        f"own.csv: there is no such file; looked for {world}/work/own.csv and {world}/mine/own.csv"
    )
