"""The files of MNIST and Fashion-MNIST: altered, truncated, downloaded, and the real ones."""

import gzip
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.data import mnist
from engine.data.catalogue import SOURCES, describe_places, find_files
from engine.data.dataset import SPLITS
from engine.data.idx import format_idx
from engine.errors import DataError
from tests.engine.data.small import ARCHIVES, FASHION, FASHION_ARCHIVES, FILES, IMAGES, arrays, load, put, sha256

pytestmark = pytest.mark.usefixtures("world")


@pytest.mark.parametrize(
    ("content", "what", "found"),
    [
        (FILES[IMAGES][:-9], r"truncated \(the file is truncated\)", FILES[IMAGES][:-9]),
        (gzip.compress(FILES[IMAGES][:-9], mtime=0), r"truncated \(the file is truncated\)", FILES[IMAGES][:-9]),
        (b"", r"truncated \(the file is truncated\)", b""),
        (ARCHIVES[IMAGES][:-20], r"truncated \(its gzip stream is truncated\)", None),
        (ARCHIVES[IMAGES][:-8] + bytes(8), r"altered \(its gzip stream is damaged \(CRC.*\)\)", None),
        (b"<html>no such page</html>" * 9, "altered", None),
    ],
)  # fmt: skip
def test_altered_file_is_named_with_expected_and_found_checksum(content, what, found):
    put("data", {**ARCHIVES, IMAGES: content}, ".gz")
    with pytest.raises(DataError) as caught:
        load(offline=True)
    assert caught.match(f"^data/{IMAGES}.gz is {what}: its decompressed content must be ")
    assert caught.match(f"52 bytes with SHA-256 {sha256(FILES[IMAGES])}, but got ")
    assert caught.match(f"with SHA-256 {sha256(found) if found is not None else '[0-9a-f]{64}'}. ")
    assert "delete" not in str(caught.value)


def test_altered_file_is_noticed_after_it_was_prepared():
    put("data", FILES)
    load()
    before = (Path("data") / IMAGES).stat()
    put("data", {IMAGES: FILES[IMAGES][:-1] + b"\xff"})
    os.utime(Path("data") / IMAGES, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(DataError, match="or an altered copy"):
        load()


@pytest.mark.parametrize("kind", ["as long", "longer", "shorter", "zipped"])
def test_another_data_set_under_mnists_names_is_told_how_it_is_used(kind, world):
    """KMNIST and its like have MNIST's names; the files belong to the user."""
    n = {"as long": 6, "longer": 9, "shorter": 3, "zipped": 6}[kind]
    other = {
        IMAGES: format_idx(np.full((n, 3, 2), 200, np.uint8)),
        "train-labels-idx1-ubyte": format_idx(np.arange(n, dtype=np.uint8) % 3),
    }
    folder = put(world / "kmnist", {name: gzip.compress(c) if kind == "zipped" else c for name, c in other.items()})
    put(folder, {name: FILES[name] for name in FILES if name not in other})
    for name in ("mnist", "auto"):
        with pytest.raises(DataError) as caught:
            load(name, folder=folder, offline=True)
        text = str(caught.value)
        assert text.startswith(f"{folder / IMAGES} holds another data set than MNIST, or an altered copy: ")
        assert f"the SHA-256 {sha256(FILES[IMAGES])}, but " in text
        assert ("but is longer" if kind == "longer" else f"but has {sha256(other[IMAGES])}") in text
        assert f"if it is a data set of your own, name its folder as the data set, DATASET={folder};" in text
        assert "delete" not in str(caught.value)


def test_label_out_of_range_and_wrong_shape_are_named(world):
    folder = put(world / "f", FASHION)
    put(folder, {"t10k-labels-idx1-ubyte": format_idx(np.array([1, 12, 0], np.uint8))})
    with pytest.raises(DataError, match="labels must be below 10, but got 12"):
        load("fashion-mnist", folder=folder)
    put(folder, {"t10k-images-idx3-ubyte": format_idx(np.zeros((3, 2, 3), np.uint8))})
    with pytest.raises(DataError, match=r"must have the shape \(3, 3, 2\), but has \(3, 2, 3\)\."):
        load("fashion-mnist", folder=folder)


def test_fashion_is_verified_by_its_archives():
    put("data/fashion-mnist", FASHION_ARCHIVES, ".gz")
    dataset, notices = load("fashion-mnist")
    assert (dataset.name, notices) == ("fashion-mnist", [])


def test_fashion_in_another_wrapping_is_said_to_be_unverified_each_time(world):
    put("data/fashion-mnist", FASHION_ARCHIVES, ".gz")
    verified, _ = load("fashion-mnist")
    folder = put(world / "raw", FASHION)
    for _ in range(2):
        dataset, notices = load("fashion-mnist", folder=folder)
        assert dataset.sha256 == verified.sha256
        assert len(notices) == 1
        assert "the content is unverified" in notices[0]
        assert notices[0].splitlines()[1:] == [
            f"  {folder / name}: {sha256(content)}" for name, content in FASHION.items()
        ]


def test_fashion_is_not_taken_from_mnists_files(world):
    put("data", ARCHIVES, ".gz")
    with pytest.raises(DataError, match="Fashion-MNIST was not found"):
        load("fashion-mnist", offline=True)
    with pytest.raises(DataError, match="must be Fashion-MNIST's, but is MNIST's file of the same name"):
        load("fashion-mnist", folder=put(world / "m", ARCHIVES, ".gz"), offline=True)


def test_fashion_download_takes_only_the_published_archive(mirror, world):
    put(mirror, {n: gzip.compress(c, 1, mtime=5) for n, c in FASHION.items()}, ".gz")
    with pytest.raises(DataError, match=r"altered: expected SHA-256 [0-9a-f]{64} of the archive, but got"):
        load("fashion-mnist")
    put(mirror, FASHION_ARCHIVES, ".gz")
    assert load("fashion-mnist")[1] == []


def test_download_fills_the_cache_once(mirror, world):
    calls = []
    first, notices = load(progress=lambda *call: calls.append(call))
    assert notices == []
    assert {name for name, *_ in calls} == {f"{name}.gz" for name in FILES}
    assert sorted(path.name for path in (world / "cache" / "mnist").iterdir()) == sorted(f"{name}.gz" for name in FILES)
    shutil.rmtree(mirror)
    second, _ = load()
    assert arrays(second) == arrays(first)


def test_download_that_was_interrupted_goes_on_where_it_was(mirror, world):
    def interrupt(name, done, total):
        if name.startswith("t10k"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(progress=interrupt)
    kept = sorted(path.name for path in (world / "cache" / "mnist").iterdir())
    assert kept == ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
    names = []
    load(progress=lambda name, *_: names.append(name))
    assert set(names) == {"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(FILES[IMAGES][:-1] + b"\xff", mtime=0), "is altered: its decompressed content must be"),
        (ARCHIVES[IMAGES][:-20], r"is truncated \(its gzip stream is truncated\)"),
        (b"<html>captive portal</html>", r"is truncated \(the file is truncated\)"),
        (bytes(200_000), "more than the 65,588 bytes that the file can have"),
    ],
)
def test_download_of_something_else_is_refused(mirror, world, content, reason):
    put(mirror, {IMAGES: content}, ".gz")
    with pytest.raises(DataError, match=f"{IMAGES}.gz: {reason}"):
        load()
    assert list((world / "cache" / "mnist").iterdir()) == []


def test_download_without_a_writable_cache_serves_this_time(mirror, world):
    (world / "cache").write_text("a file where the cache folder would be")
    dataset, notices = load()
    assert dataset.name == "mnist"
    assert len(notices) == 1
    assert f"{world}/cache/mnist cannot be written" in notices[0]


@pytest.mark.parametrize("content", [ARCHIVES[IMAGES][:-20], FILES[IMAGES][:-3], b"<html>captive portal</html>"])
def test_damaged_download_in_the_cache_is_downloaded_again(mirror, world, content):
    first, _ = load()
    cached = world / "cache" / "mnist" / f"{IMAGES}.gz"
    cached.write_bytes(content)
    with pytest.raises(DataError, match="put a whole copy in its place"):
        load(offline=True)
    names = []
    second, notices = load(progress=lambda name, *_: names.append(name))
    assert arrays(second) == arrays(first)
    assert set(names) == {f"{IMAGES}.gz"}
    assert "It was downloaded to the cache and is downloaded again." in notices[0]
    assert load()[1] == []
    cached.write_bytes(content)
    shutil.rmtree(mirror)
    with pytest.raises(DataError, match="put a whole copy in its place"):
        load("auto")


def test_whole_files_of_another_content_in_the_cache_are_left(mirror, world):
    load()
    cached = world / "cache" / "mnist" / f"{IMAGES}.gz"
    content = gzip.compress(format_idx(np.full((6, 3, 2), 200, np.uint8)))
    cached.write_bytes(content)
    with pytest.raises(DataError, match="holds another data set than MNIST"):
        load()
    assert cached.read_bytes() == content


@pytest.fixture(scope="module")
def real_mnist():
    """The folder with the real files, found from the repository's root before any test changed directory."""
    place = find_files(describe_places("mnist"))
    if place is None:
        pytest.skip("MNIST is not on this machine")
    return place.folder.resolve()


@pytest.fixture(scope="module")
def real_source():
    return SOURCES["mnist"]


@pytest.mark.mnist
def test_real_mnist_is_verified_split_and_prepared(real_mnist, real_source, monkeypatch):
    monkeypatch.setitem(SOURCES, "mnist", real_source)
    dataset, notices = load(folder=real_mnist, offline=True)
    assert notices == []
    assert [len(dataset.split(name)) for name in SPLITS] == [50_000, 10_000, 10_000]
    assert [np.bincount(dataset.split(name).y).tolist() for name in SPLITS] == [
        [4932, 5678, 4968, 5101, 4859, 4506, 4951, 5175, 4842, 4988],
        [991, 1064, 990, 1030, 983, 915, 967, 1090, 1009, 961],
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    ]
    assert dataset.sha256 == "3537f7605e57d74204f7b5cd2cd857a047268f8ede8bf6f4e27b6ee1f226cde4"
    # The mean pixel of the 60,000 training images, 0.1307, as usually quoted.
    total = sum(float(dataset.split(name).rows.values.sum(dtype=np.float64)) for name in SPLITS[:2])
    assert total / (60_000 * 784) == pytest.approx(0.1307, abs=5e-5)

    monkeypatch.setattr(mnist, "read_splits", lambda *args: pytest.fail("not taken from the prepared form"))
    again, _ = load(folder=real_mnist, offline=True)
    assert again.sha256 == dataset.sha256
    for name in SPLITS:
        for field in ("indptr", "indices", "values"):
            np.testing.assert_array_equal(
                getattr(again.split(name).rows, field), getattr(dataset.split(name).rows, field), strict=True
            )


@pytest.mark.mnist
def test_real_mnist_truncated_is_named(real_mnist, real_source, monkeypatch):
    monkeypatch.setitem(SOURCES, "mnist", real_source)
    copy = Path("copy")
    shutil.copytree(real_mnist, copy)
    path = next(copy.glob("train-images*"))
    path.chmod(0o644)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])
    with pytest.raises(DataError) as caught:
        load(folder=copy, offline=True)
    assert caught.match(f"^{path} is truncated")
    assert caught.match("SHA-256 ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db, but got")


@pytest.mark.parametrize(("n", "found"), [(2, r"has \(2, 3, 2\)"), (9, "is longer")])
def test_another_data_set_under_fashion_mnists_names_is_told_how_it_is_used(n, found, world):
    """No checksum of its content is published, so that the shape has to tell."""
    folder = put(world / "own", {**FASHION, IMAGES: format_idx(np.full((n, 3, 2), 200, np.uint8))})
    with pytest.raises(DataError, match=f"holds another data set than Fashion-MNIST.* but {found}.*DATASET={folder};"):
        load("fashion-mnist", folder=folder, offline=True)
