"""A user's own set of IDX files, such as KMNIST or EMNIST: a folder of two or four files with MNIST's kind of names.

[anything-]train-images-idx3-ubyte[.gz]   [anything-]train-labels-idx1-ubyte[.gz]
[anything-]t10k-images-idx3-ubyte[.gz]    [anything-]t10k-labels-idx1-ubyte[.gz]    (`test` for `t10k` too)
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.data.dataset import SparseRows, SplitName
from engine.data.idx import parse_idx, read_content
from engine.data.user_data import Part, UserData
from engine.errors import DataError

MAX_BYTES = 1 << 26
MAX_RATIO = 64
GZIP_RATIO = 1100
"""More than a gzip stream can unpack to."""

_NAME = re.compile(
    r"(?P<set>.*?)(?P<part>train|t10k|test)-(?P<kind>images|labels)[-.]idx[1-4]-ubyte(\.gz)?", re.IGNORECASE
)


def idx_files(path: Path) -> list[Path]:
    """The files of the set at `path`: training images and labels, and test images and labels where there are any.

    Args:
        path: a folder that holds one set, or any file of a set.

    Raises:
        DataError: no such files, an incomplete set, or several sets in one folder.
    """
    folder = path if path.is_dir() else path.parent
    found: dict[str, dict[tuple[str, str], Path]] = {}
    for file in sorted(folder.iterdir()):
        if (match := _NAME.fullmatch(file.name)) and file.is_file():
            part = "train" if match["part"].lower() == "train" else "test"
            found.setdefault(match["set"], {}).setdefault((part, match["kind"].lower()), file)
    if not path.is_dir():
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise DataError(
                f"{path}: a file of your own must end in .npz or .csv, or be one of a set of IDX files "
                "(train-images-idx3-ubyte …)"
            )
        found = {match["set"]: found[match["set"]]}
    if not found:
        raise DataError(
            f"{path}: a folder of IDX files must hold train-images-idx3-ubyte and train-labels-idx1-ubyte, and t10k-… "
            "for the test part, gzipped or not; it holds none of them"
        )
    if len(found) > 1:
        raise DataError(
            f"{path}: holds {len(found)} sets of IDX files ({', '.join(sorted(found))}); name one of the files "
            f"instead, such as {min(files[min(files)] for files in found.values())}"
        )
    (files,) = found.values()
    parts = ["train", "test"] if any(part == "test" for part, _ in files) else ["train"]
    for part in parts:
        for kind in ("images", "labels"):
            if (part, kind) not in files:
                have = ", ".join(file.name for file in files.values())
                raise DataError(f"{path}: the {kind} of the {part} part are missing; it holds {have}")
    return [files[part, kind] for part in parts for kind in ("images", "labels")]


def idx_name(path: Path) -> str:
    """What a set is called: its folder, and what its files' names begin with where one of them is named."""
    match = None if path.is_dir() else _NAME.fullmatch(path.name)
    return f"{(path if match is None else path.parent).resolve().name}-{match['set'] if match else ''}".rstrip("-")


def read_idx(data: UserData) -> None:
    """Fill `data` with a set of IDX files.

    Raises:
        DataError: see `idx_files`; a file that is damaged, or images without a label each.
    """
    files = idx_files(data.path)
    arrays = [_array(file) for file in files]
    names: tuple[SplitName, SplitName] = ("train", "test")
    for name, images, y, file in zip(names, arrays[::2], arrays[1::2], files[1::2], strict=False):
        if y.ndim != 1 or len(y) != len(images):
            raise DataError(
                f"{file}: must hold one label for each of {len(images):,} images, but has the shape {y.shape}"
            )
        if images.ndim < 2 or not images.size:
            raise DataError(f"{file.parent}: the {name} part must hold images, but has the shape {images.shape}")
        data.parts[name] = Part(SparseRows.from_dense(images.reshape(len(images), -1)), y)


def _array(path: Path) -> NDArray[np.uint8]:
    """A file's entries, uint8; DataError where it is damaged or unpacks to far more than it can be."""
    size = path.stat().st_size
    limit = min(max(MAX_BYTES, MAX_RATIO * size), GZIP_RATIO * (size + 1))
    content, problem = read_content(path, limit)
    if len(content) > limit:
        raise DataError(f"{path}: unpacks to more than {limit:,} bytes, far more than its file's {size:,}")
    if problem:
        raise DataError(f"{path} is damaged: {problem}; it must be copied or unpacked anew")
    return parse_idx(content, str(path))
