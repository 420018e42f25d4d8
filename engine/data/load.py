"""Data sets by name: find the files or fetch them, verify them, and hand out a `Dataset`.

    name → places (engine.data.catalogue) → files, or a download (engine.data.download)
         → bytes (engine.data.idx), verified (engine.data.mnist) → sparse rows
         → prepared form in the user cache (engine.data.cache) → Dataset

The next time, the prepared form is read and checked in place of all this, for as long as the source files are
unchanged. `digits` comes from scikit-learn, and a user's own file from `engine.data.user_file`.
"""

import difflib
import importlib.util
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from engine.data import cache as prepared
from engine.data import mnist
from engine.data.catalogue import SOURCES, IdxSource, cache_folder, describe_places, find_files
from engine.data.dataset import Dataset, SparseRows, Split
from engine.data.download import DownloadProgress
from engine.data.partition import partition
from engine.data.user_file import Splits, load_user_file
from engine.errors import DataError

__all__ = ["DATASET_NAMES", "cache_folder", "describe_places", "load_dataset"]

Notify = Callable[[str], None]
Built = tuple[Splits, int, list[str]]
"""Three splits, the number of classes, and what the user should know."""

DATASET_NAMES = ("auto", "mnist", "fashion-mnist", "digits")
FILE_SUFFIXES = (".npz", ".csv")
DIGITS_SIZES = (1_197, 300, 300)


def load_dataset(
    name: str = "auto",
    *,
    folder: Path | None = None,
    notify: Notify | None = None,
    progress: DownloadProgress | None = None,
    offline: bool = False,
    cache: Path | None = None,
) -> Dataset:
    """A data set in three splits, verified.

    Args:
        name: one of
            `mnist`: the report's: 50,000 / 10,000 / 10,000 images of 28 × 28, the first 50,000 of the
            training file, its last 10,000, and the test file; pixels float32(p) / float32(255);
            `fashion-mnist`: the same form and split;
            `digits`: scikit-learn's 1,797 images of 8 × 8, pixels / 16, split 1,197 / 300 / 300 by
            `engine.data.partition`;
            `auto`: `mnist` where it is found or can be downloaded, else `digits`, with a word to `notify`;
            a path that ends in `.npz` or `.csv`: the user's own, see `engine.data.user_file`.
        folder: where to look first (the DATA option).
        notify: called with one message for each thing the user should know; Python warnings without it.
        progress: called during a download, see `engine.data.download.DownloadProgress`.
        offline: do not download.
        cache: in place of `engine.data.catalogue.cache_folder()`.

    Raises:
        DataError: unknown name; files missing, with their names, where they were looked for, why each mirror
            failed and what to do; a truncated or altered file, with expected and found checksum; a user's
            file that cannot be understood.
    """
    notify = notify or _warn
    cache = cache or cache_folder()
    if Path(name).suffix.lower() in FILE_SUFFIXES:
        return _load_user(name, folder, cache, notify)
    if name == "digits":
        return _load_digits(cache, notify)
    if name in SOURCES:
        return _load_source(
            SOURCES[name], folder=folder, cache=cache, notify=notify, progress=progress, offline=offline
        )
    if name != "auto":
        known = (*DATASET_NAMES, *SOURCES)
        close = difflib.get_close_matches(name.lower(), known, 1)
        raise DataError(
            f"dataset must be one of {', '.join(DATASET_NAMES)}, or a path that ends in .npz or .csv, "
            f"but got {name!r}{f'; did you mean {close[0]!r}?' if close else ''}"
        )
    try:
        return _load_source(
            SOURCES["mnist"], folder=folder, cache=cache, notify=notify, progress=progress, offline=offline
        )
    except mnist.MissingDataError as error:
        notify(f"{error}\nUsing `digits` instead: 1,797 images of 8 × 8 pixels that come with scikit-learn.")
        return _load_digits(cache, notify)


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=3)


def _with_prepared(
    name: str,
    build: Callable[[], Built],
    *,
    cache: Path,
    paths: Sequence[Path],
    recipe: Mapping[str, Any],
    notify: Notify,
) -> Dataset:
    """The data set from its prepared form, or built and then prepared.

    What `build` has to tell the user is kept with the prepared form and told each time. Without `paths`, the
    source files, there is nothing to recognise a change by, and nothing is prepared.
    """
    try:
        stamps = prepared.stamp(paths)  # before reading, so that a change meanwhile is noticed the next time
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read: {error.strerror or error}") from error
    path = prepared.prepared_path(cache, name, stamps)
    loaded = prepared.load(path, name, stamps=stamps, recipe=recipe) if paths else None
    if loaded is not None:
        dataset, notes = loaded
        notices = notes["notices"]
    else:
        splits, n_classes, notices = build()
        encoded = prepared.encode(splits, n_classes)
        dataset = Dataset(name, encoded.sha256, n_classes, *splits)
        if paths:
            prepared.store(path, encoded, dataset.sha256, stamps=stamps, recipe=recipe, notes={"notices": notices})
    for notice in notices:
        notify(notice)
    return dataset


def _load_source(
    source: IdxSource,
    *,
    folder: Path | None,
    cache: Path,
    notify: Notify,
    progress: DownloadProgress | None,
    offline: bool,
) -> Dataset:
    with ExitStack() as stack:
        places = describe_places(source.name, folder, cache)
        place = find_files(places)
        if place is None:
            place = mnist.fetch(source, places, stack, notify=notify, progress=progress, offline=offline)
        elif folder is not None and place.role != "DATA":
            notify(f"{folder} does not hold {source.title}'s four files; using those in {place.folder}")
        paths = place.found
        recipe = {
            "files": [asdict(file) for file in source.files],
            "n_train": source.n_train,
            "n_classes": source.n_classes,
        }

        def build() -> Built:
            splits, notices = mnist.read_splits(source, paths)
            return splits, source.n_classes, notices

        return _with_prepared(source.name, build, cache=cache, paths=paths, recipe=recipe, notify=notify)


def _load_digits(cache: Path, notify: Notify) -> Dataset:
    """scikit-learn's digits: 1,797 images of 8 × 8 with pixels 0 … 16, here divided by 16.

    Source: E. Alpaydin, C. Kaynak, "Optical recognition of handwritten digits", UCI, 1998, its test part.
    """
    # Found without importing scikit-learn, which takes longer than all the rest.
    spec = importlib.util.find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise DataError("digits come with scikit-learn, which is not installed: pip install scikit-learn")
    file = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
    paths = [file] if file.is_file() else []
    return _with_prepared(
        "digits",
        _build_digits,
        cache=cache,
        paths=paths,
        recipe={"sizes": list(DIGITS_SIZES)},
        notify=notify,
    )


def _build_digits() -> Built:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    rows = SparseRows.from_dense((X / 16).astype(np.float32))
    y = y.astype(np.int64)
    train, validation, test = (Split(rows.take(i), y[i]) for i in partition(y, DIGITS_SIZES))
    return (train, validation, test), 10, []


def _load_user(name: str, folder: Path | None, cache: Path, notify: Notify) -> Dataset:
    path = Path(name).expanduser()
    if folder is not None and not path.is_absolute() and not path.is_file():
        path = folder / path
    if not path.is_file():
        tried = dict.fromkeys([Path(name).expanduser().absolute(), path.absolute()])
        raise DataError(f"{name}: there is no such file; looked for {' and '.join(map(str, tried))}")

    def build() -> Built:
        notices: list[str] = []
        splits, n_classes = load_user_file(path, notices.append)
        return splits, n_classes, notices

    return _with_prepared(path.stem, build, cache=cache, paths=[path], recipe={"reader": 1}, notify=notify)
