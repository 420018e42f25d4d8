"""MNIST and its kin: four IDX files fetched, verified, and made into three splits.

What each file must be stands in `engine.data.catalogue`; every byte is compared with that before it is used.
"""

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.data.catalogue import SOURCES, IdxSource, Place, SourceFile
from engine.data.dataset import SparseRows, Split
from engine.data.download import DownloadError, DownloadProgress, download
from engine.data.idx import UINT8_CODE, n_bytes_of, parse_idx, read_content
from engine.errors import DataError

Notify = Callable[[str], None]

WHITE = np.float32(255)
"""The byte of a white pixel, which counts as 1."""


class MissingDataError(DataError):
    """A source's files are nowhere and could not be fetched."""


class DamagedDataError(DataError):
    """A source's file that is cut off or was never one: nothing that anyone could want to keep."""


def fetch(
    source: IdxSource,
    places: list[Place],
    stack: ExitStack,
    *,
    notify: Notify,
    progress: DownloadProgress | None,
    offline: bool,
) -> Place:
    """Download a source into the user cache, or, where that cannot be written, into one that `stack` removes.

    Args:
        source: what to fetch.
        places: where it was looked for; the last one is the user cache, and whole files already there are kept.
        stack: closed by the caller after the files are read.
        notify: told where the cache cannot be written.
        progress: see `DownloadProgress`.
        offline: fail at once.

    Returns:
        The folder with the four verified files.

    Raises:
        MissingDataError: not downloaded; with names, places, each mirror's reason, and what to do.
    """
    if offline:
        raise MissingDataError(_missing_text(source, places, "Not downloaded, since offline was asked for."))
    target = places[-1].folder
    try:
        target.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=target).close()
    except OSError as error:
        target = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="digitsweep-")))
        notify(
            f"The cache folder {places[-1].folder} cannot be written ({error.strerror or error}): "
            f"{source.title} is downloaded for this time only. DIGITSWEEP_CACHE names another folder."
        )
    mirrors = source.mirrors
    found: list[Path] = []
    for file in source.files:
        present = target / f"{file.name}.gz"
        if present.is_file() and not _is_damaged(*read_content(present, n_bytes_of(file.shape)), file):
            found.append(present)
            continue
        try:
            found.append(
                download(
                    present.name,
                    mirrors,
                    target,
                    check=partial(_check_download, file=file),
                    max_bytes=n_bytes_of(file.shape) + (1 << 16),
                    progress=progress,
                )
            )
        except DownloadError as error:
            reasons = [f"  {address}: {why}" for address, why in error.reasons]
            text = "\n".join(["The download failed:", *reasons])
            raise MissingDataError(_missing_text(source, places, text)) from error
        except OSError as error:
            text = f"The download failed: {target}: {error.strerror or error}"
            raise MissingDataError(_missing_text(source, places, text)) from error
    return Place("user cache", target, tuple(found), ())


def _missing_text(source: IdxSource, places: list[Place], download_failure: str) -> str:
    lines = [f"{source.title} was not found. It is these four files (or the same without .gz):"]
    lines += [f"  {name}" for name in source.file_names]
    lines.append("Looked in:")
    for place in places:
        if place.found:
            state = f"{len(place.found)} of 4, without {', '.join(place.missing)}"
        else:
            state = "none of them" if place.folder.is_dir() else "no such folder"
        lines.append(f"  {place.folder.resolve()} ({place.role}): {state}")
    lines.append(download_failure)
    data = Path("data") if source.direct else Path("data", source.subfolders[0])
    lines.append(
        f"What to do: put the four files into {data}/, "
        "or name their folder with DATA=<folder>, or run again with network access. "
        "DATASET=digits needs no files."
    )
    return "\n".join(lines)


def _check_download(path: Path, file: SourceFile) -> None:
    """Raise DataError where a downloaded archive is not what the source's table says."""
    content, problem = read_content(path, n_bytes_of(file.shape))
    if file.sha256 is None and file.archive_sha256 is not None:
        found = _file_sha256(path)
        if found != file.archive_sha256:
            raise DataError(f"altered: expected SHA-256 {file.archive_sha256} of the archive, but got {found}")
    try:
        _check_content(path, file, content, problem)
    except DataError as error:
        raise DataError(str(error).replace(f"{path} ", "", 1)) from error


def _file_sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_content(path: Path, file: SourceFile, content: NDArray[np.uint8], problem: str | None) -> str:
    """The SHA-256 of a file's decompressed content; DataError where it is truncated or not as expected."""
    found = hashlib.sha256(content.data).hexdigest()
    n_bytes = n_bytes_of(file.shape)
    if problem is None and (file.sha256 is None or found == file.sha256):
        return found
    if problem is None and len(content) < n_bytes:
        problem = "the file is truncated"
    expected = f"{n_bytes:,} bytes" + (f" with SHA-256 {file.sha256}" if file.sha256 else "")
    got = f"{len(content):,} bytes" if len(content) <= n_bytes else "more"
    raise DataError(
        f"{path} is {'truncated' if problem and 'truncated' in problem else 'altered'}"
        f"{f' ({problem})' if problem else ''}: its decompressed content must be {expected}, "
        f"but got {got} with SHA-256 {found}"
    )


def _read(source: IdxSource, file: SourceFile, path: Path) -> tuple[NDArray[np.uint8], str, bool]:
    """A file's array in the source's shape, its content's SHA-256, and whether that is known to be right."""
    content, problem = read_content(path, n_bytes_of(file.shape))
    try:
        found = _check_content(path, file, content, problem)
    except DataError as error:
        raise _not_the_source(source, file, path, content, problem, error) from error
    if len(content) > n_bytes_of(file.shape) and not _is_damaged(content, problem, file):
        raise _another_set(source, path, f"its array must have the shape {file.shape}, but is longer")
    array = parse_idx(content, str(path))
    if array.shape != file.shape:
        raise _another_set(source, path, f"its array must have the shape {file.shape}, but has {array.shape}")
    for other in SOURCES.values():
        if other.name != source.name and found in {known.sha256 for known in other.files}:
            raise DataError(f"{path}: must be {source.title}'s, but is {other.title}'s file of the same name")
    verified = file.sha256 is not None or _file_sha256(path) == file.archive_sha256
    return array, found, verified


def _not_the_source(
    source: IdxSource,
    file: SourceFile,
    path: Path,
    content: NDArray[np.uint8],
    problem: str | None,
    error: DataError,
) -> DataError:
    """What to say of a file under a source's name that is not the source's: damaged, or another data set's."""
    if _is_damaged(content, problem, file):
        return DamagedDataError(f"{error}. What to do: put a whole copy in its place, or {_right_ones(source)}.")
    is_longer = len(content) > n_bytes_of(file.shape)
    found = "is longer" if is_longer else f"has {hashlib.sha256(content.data).hexdigest()}"
    return _another_set(source, path, f"its decompressed content must have the SHA-256 {file.sha256}, but {found}")


def _another_set(source: IdxSource, path: Path, difference: str) -> DataError:
    """What to say of a whole file of another data set's, whose user may mean that one."""
    return DataError(
        f"{path} holds another data set than {source.title}, or an altered copy: {difference}. What to do: if it is a "
        f"data set of your own, name its folder as the data set, DATASET={path.parent}; if {source.title} is meant, "
        f"{_right_ones(source)}."
    )


def _right_ones(source: IdxSource) -> str:
    return f"name a folder with {source.title}'s own files with DATA=<folder>, where they are looked for first"


def _is_damaged(content: NDArray[np.uint8], problem: str | None, file: SourceFile) -> bool:
    """Whether what was read of a file is cut off or no IDX file, rather than a whole one of other content."""
    if problem is not None:
        return True
    if len(content) > n_bytes_of(file.shape):  # read no further: a larger set ends early here
        return content[:3].tobytes() != bytes([0, 0, UINT8_CODE])
    try:
        parse_idx(content, file.name)
    except DataError:
        return True
    return False


def recognize(paths: Sequence[Path]) -> IdxSource | None:
    """The source whose files these are by their content, whatever they are called; None for a set of its own.

    Args:
        paths: training images and labels, test images and labels.
    """
    for source in SOURCES.values():
        # The small files first: most sets differ there already.
        pairs = sorted(zip(source.files, paths, strict=False), key=lambda pair: n_bytes_of(pair[0].shape))
        if len(paths) == len(source.files) and all(_is_file_of(file, path) for file, path in pairs):
            return source
    return None


def _is_file_of(file: SourceFile, path: Path) -> bool:
    if file.sha256 is None:
        return _file_sha256(path) == file.archive_sha256
    content, problem = read_content(path, n_bytes_of(file.shape))
    return problem is None and hashlib.sha256(content.data).hexdigest() == file.sha256


def _split(source: IdxSource, images: NDArray[np.uint8], y: NDArray[np.uint8], path: Path) -> Split:
    """Images (n, height, width) and labels (n,), uint8, as a split with pixels float32(p) / float32(255)."""
    if y.max() >= source.n_classes:
        raise DataError(f"{path}: labels must be below {source.n_classes}, but got {y.max()}")
    rows = SparseRows.from_dense(images.reshape(len(images), -1))
    np.divide(rows.values, WHITE, out=rows.values)
    return Split(rows, y.astype(np.int64))


def read_splits(source: IdxSource, paths: Sequence[Path]) -> tuple[tuple[Split, Split, Split], list[str]]:
    """Train, validation and test from the four files, verified.

    Args:
        source: what the files must be.
        paths: the four files in the source's order, gzipped or not.

    Returns:
        The splits, and what the user should know: content that no published checksum vouches for.

    Raises:
        DataError: a file is truncated or altered (with expected and found checksum), or of another shape.
    """
    read = [_read(source, file, path) for file, path in zip(source.files, paths, strict=True)]
    (train_images, *_), (train_y, *_), (test_images, *_), (test_y, *_) = read
    n = source.n_train
    splits = (
        _split(source, train_images[:n], train_y[:n], paths[1]),
        _split(source, train_images[n:], train_y[n:], paths[1]),
        _split(source, test_images, test_y, paths[3]),
    )
    unverified = [
        f"  {path}: {sha256}" for path, (_, sha256, verified) in zip(paths, read, strict=True) if not verified
    ]
    if not unverified:
        return splits, []
    notice = (
        f"{source.title}: format and shapes are right, but the content is unverified: these files are not "
        "the published archives, and no checksum of what is in those is published. SHA-256 of the content "
        "found:"
    )
    return splits, ["\n".join([notice, *unverified])]
