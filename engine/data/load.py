"""Data sets by name: find the files or fetch them, verify them, and hand out a `Dataset`.

    name → places (engine.data.catalogue) → files, or a download (engine.data.download)
         → bytes (engine.data.idx), verified (engine.data.mnist) → sparse rows
         → prepared form in the user cache (engine.data.cache) → Dataset

The next time, the prepared form is read and checked in place of all this, for as long as the source files are
unchanged. `digits` comes from scikit-learn, and a user's own file from `engine.data.user_file`: it is called
`file:…`, whatever its name and wherever it lies, unless its content is a known data set's.
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
from engine.data.catalogue import (
    DATASET_HELP,
    DATASET_NAMES,
    FILE_SUFFIXES,
    SOURCES,
    IdxSource,
    Place,
    cache_folder,
    describe_places,
    find_files,
    user_name,
)
from engine.data.dataset import Dataset, SparseRows, Split
from engine.data.download import DownloadProgress
from engine.data.partition import partition
from engine.data.reference import Reading, Reference
from engine.data.user_file import Splits, load_user_file
from engine.data.user_idx import idx_files, idx_name
from engine.errors import DataError

__all__ = ["DATASET_NAMES", "cache_folder", "describe_places", "load_dataset"]

Notify = Callable[[str], None]
Built = tuple[Splits, int, list[str]]
"""Three splits, the number of classes, and what the user should know."""

DIGITS_SIZES = (1_197, 300, 300)


def load_dataset(
    name: str | Mapping[str, Any] = "auto",
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
            the path of a `.npz`, a `.csv` or a folder of IDX files: the user's own, see `engine.data.user_file`;
            a mapping of such a `path` and of keys that say how it is to be read, see `engine.data.reference`.
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
    reference = Reference.parse(name)
    options: dict[str, Any] = {
        "folder": folder, "cache": cache, "notify": notify, "progress": progress, "offline": offline
    }  # fmt: skip
    if reference.name in MADE:
        return MADE[reference.name](cache, notify)
    if reference.name in SOURCES:
        return _load_source(SOURCES[reference.name], **options)
    if reference.name != "auto":
        path = _find_user_path(reference.name, folder)
        if path.suffix.lower() not in FILE_SUFFIXES and (known := mnist.recognize(files := idx_files(path))):
            notify(f"{path} holds {known.title}'s own files: this is the data set {known.name}")
            return _load_source(known, place=Place("named", path, tuple(files), ()), **options)
        return _load_user(path, reference.reading, cache, notify)
    try:
        return _load_source(SOURCES["mnist"], **options)
    except mnist.MissingDataError:
        # One line: `auto` falls back in every command, and `mnist`, which insists, has the whole story.
        notify(
            "MNIST was not found and could not be downloaded: DATA=<folder> names its folder, and "
            "`digitsweep data mnist` lists where it was looked for. "
            "Using `digits` instead: 1,797 images of 8 × 8 pixels that come with scikit-learn."
        )
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
    place: Place | None = None,
) -> Dataset:
    with ExitStack() as stack:
        places = describe_places(source.name, folder, cache)
        place = place or find_files(places)
        if place is None:
            place = mnist.fetch(source, places, stack, notify=notify, progress=progress, offline=offline)
        elif folder is not None and place.role not in ("DATA", "named"):
            notify(f"{folder} does not hold {source.title}'s four files; using those in {place.folder}")
        paths = place.found
        recipe = {
            "files": [asdict(file) for file in source.files],
            "n_train": source.n_train,
            "n_classes": source.n_classes,
        }

        def build() -> Built:
            try:
                splits, notices = mnist.read_splits(source, paths)
            except mnist.DamagedDataError as error:
                if place.role != "user cache" or offline:
                    raise
                splits, notices = mnist.read_splits(source, fetch_again(error))
            return splits, source.n_classes, notices

        def fetch_again(error: mnist.DamagedDataError) -> Sequence[Path]:
            """Our own download, cut off by whatever it was; the user's files are left to the user."""
            notify(f"{error}\nIt was downloaded to the cache and is downloaded again.")
            try:
                return mnist.fetch(source, places, stack, notify=notify, progress=progress, offline=False).found
            except mnist.MissingDataError as failure:
                raise error from failure

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


MADE: Mapping[str, Callable[[Path, Notify], Dataset]] = {"digits": _load_digits}
"""How each data set is made that has a name and no files of its own; the name stands in `engine.data.catalogue` too."""


def _find_user_path(name: str, folder: Path | None) -> Path:
    """The file or folder that a user names; DataError where there is none, or of no known kind."""
    try:
        tried = [Path(name).expanduser()]
        if folder is not None and not tried[0].is_absolute():
            tried.append(folder / tried[0])
        found = next((path for path in tried if path.exists()), None)
    except (OSError, ValueError, RuntimeError) as error:  # too long, a zero byte, ~ of an unknown user
        raise DataError(f"{name[:80]!r} cannot be a path: {error}") from error
    if found is None:
        places = " and ".join(str(path.absolute()) for path in tried)
        close = difflib.get_close_matches(name.lower(), DATASET_NAMES, 1)
        if Path(name).suffix.lower() in FILE_SUFFIXES or "/" in name:
            raise DataError(f"{name}: there is no such file; looked for {places}")
        raise DataError(
            f"dataset must be one of {DATASET_HELP}, but got {name!r}"
            f"{f'; did you mean {close[0]!r}?' if close else ''}; there is no such folder either, looked for {places}"
        )
    if found.is_file() or (found.is_dir() and found.suffix.lower() not in FILE_SUFFIXES):
        return found
    raise DataError(f"{found}: must be a file or a folder of IDX files, but is something else")


def _load_user(path: Path, reading: Reading, cache: Path, notify: Notify) -> Dataset:
    def build() -> Built:
        notices: list[str] = []
        splits, n_classes = load_user_file(path, notices.append, reading)
        return splits, n_classes, notices

    is_file = path.suffix.lower() in FILE_SUFFIXES
    paths = [path] if is_file else idx_files(path)
    name = user_name(path.resolve().name if is_file else idx_name(path))
    recipe = {"reader": 4, "path": str(path), **asdict(reading)}
    return _with_prepared(name, build, cache=cache, paths=paths, recipe=recipe, notify=notify)
