"""The data sets that are known by name: the list of names, and the table of those that come as four IDX files.

`DATASET_NAMES` is the list; `SOURCES` has shapes, checksums and mirrors; `describe_places` walks the search order;
`find_files` takes the first place that has all four. Nothing here reads a file's content.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from engine.errors import DataError


@dataclass(frozen=True)
class SourceFile:
    """One of the four files of a source.

    Attributes:
        name: without `.gz`.
        shape: what its IDX header must state.
        sha256: SHA-256 of the decompressed content; None where no value is published.
        archive_sha256: SHA-256 of the `.gz` as its publisher offers it, for a source without `sha256`.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str | None = None
    archive_sha256: str | None = None

    def __post_init__(self) -> None:
        if self.sha256 is None and self.archive_sha256 is None:
            raise ValueError(f"{self.name} needs a checksum, of its content or of its archive")


@dataclass(frozen=True)
class IdxSource:
    """A data set in MNIST's form.

    Attributes:
        name: as the user writes it.
        title: as messages write it.
        files: training images, training labels, test images, test labels, in this order.
        n_train: the first so many training images are the train split, the rest is validation.
        n_classes: labels are 0 … n_classes − 1.
        mirrors: addresses that a file's name with `.gz` completes, tried in this order.
        subfolders: where a data folder may hold the files, beside directly.
        shared: the folder beside the project that may hold them.
        direct: whether `data/` itself may hold them, or only its subfolders.
    """

    name: str
    title: str
    files: tuple[SourceFile, SourceFile, SourceFile, SourceFile]
    n_train: int
    n_classes: int
    mirrors: tuple[str, ...]
    subfolders: tuple[str, ...]
    shared: Path
    direct: bool

    @property
    def file_names(self) -> tuple[str, ...]:
        """The four names, as published: with `.gz`."""
        return tuple(f"{file.name}.gz" for file in self.files)


# Fashion-MNIST's publisher gives MD5 sums of the archives; these are the SHA-256 of the same archives. No
# checksum of the decompressed files is published, so files in other wrappings can be checked for form only.
_SOURCES = (
    IdxSource(
        name="mnist",
        title="MNIST",
        files=(
            SourceFile(
                "train-images-idx3-ubyte",
                (60_000, 28, 28),
                sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            SourceFile(
                "train-labels-idx1-ubyte",
                (60_000,),
                sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            SourceFile(
                "t10k-images-idx3-ubyte",
                (10_000, 28, 28),
                sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            SourceFile(
                "t10k-labels-idx1-ubyte",
                (10_000,),
                sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
        n_train=50_000,
        n_classes=10,
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        subfolders=("mnist", "MNIST/raw"),
        shared=Path("../shared/mnist"),
        direct=True,
    ),
    IdxSource(
        name="fashion-mnist",
        title="Fashion-MNIST",
        files=(
            SourceFile(
                "train-images-idx3-ubyte",
                (60_000, 28, 28),
                archive_sha256="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            SourceFile(
                "train-labels-idx1-ubyte",
                (60_000,),
                archive_sha256="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            SourceFile(
                "t10k-images-idx3-ubyte",
                (10_000, 28, 28),
                archive_sha256="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            SourceFile(
                "t10k-labels-idx1-ubyte",
                (10_000,),
                archive_sha256="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ),
        n_train=50_000,
        n_classes=10,
        mirrors=(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        ),
        subfolders=("fashion-mnist", "fashion_mnist", "FashionMNIST/raw"),
        shared=Path("../shared/fashion-mnist"),
        direct=False,
    ),
)

SOURCES = {source.name: source for source in _SOURCES}
"""Data sets that come as four IDX files, by name."""

DATASET_NAMES = ("auto", *SOURCES, "digits")
"""Every name that is not a path. `auto` is the first source where it can be had, else `digits`."""

FILE_SUFFIXES = (".npz", ".csv")
"""What a user's own file ends in."""

DATASET_HELP = f"{', '.join(DATASET_NAMES)}, or the path of an .npz, a .csv or a folder of IDX files"
"""What a data set is given as, for help texts and messages."""

USER_MARK = "file:"
"""How the name of a user's own data set begins, whatever its file is called; no name in `DATASET_NAMES` does."""


def user_name(name: str) -> str:
    """What a user's file or folder of that name is called in studies and on pages: `file:wine.csv`.

    Characters that mean something in a study's name (`@`, `#`), in a shell or in a table become `-`.
    """
    kept = "".join(c if c.isalnum() or c in "._-" else "-" for c in name)
    return f"{USER_MARK}{kept[:60]}"


@dataclass(frozen=True)
class Place:
    """A folder that may hold a source's files.

    Attributes:
        role: which step of the search order: `DATA`, `data/`, `beside the project`, `user cache`; `named` where the
            user names the place as the data set.
        folder: the folder, as it is written in messages.
        found: the files there, in the source's order; all four where the place can be used.
        missing: names (without `.gz`) that are not there.
    """

    role: str
    folder: Path
    found: tuple[Path, ...]
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether all four files are there."""
        return not self.missing


def cache_folder() -> Path:
    """Where downloads and prepared forms are kept.

    `DIGITSWEEP_CACHE` where set, else `digitsweep` in `XDG_CACHE_HOME` where that is an absolute path, else
    `~/.cache/digitsweep`; in the system's temporary folder for a user without a home.
    """
    if own := os.environ.get("DIGITSWEEP_CACHE"):
        return Path(own).expanduser()
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if xdg.is_absolute():
        return xdg / "digitsweep"
    try:
        return Path.home() / ".cache" / "digitsweep"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / f"digitsweep-{os.getuid() if hasattr(os, 'getuid') else 'cache'}"


def _look(source: IdxSource, role: str, folder: Path) -> Place:
    found: list[Path] = []
    missing: list[str] = []
    for file in source.files:
        # The second spelling is what some archives unpack to: train-images.idx3-ubyte.
        dotted = file.name.replace("-idx", ".idx")
        names = (f"{file.name}.gz", file.name, f"{dotted}.gz", dotted)
        path = next((folder / name for name in names if (folder / name).is_file()), None)
        if path is None:
            missing.append(file.name)
        else:
            found.append(path)
    return Place(role, folder, tuple(found), tuple(missing))


def describe_places(name: str, folder: Path | None = None, cache: Path | None = None) -> list[Place]:
    """Every folder where a source is looked for, in search order, with what is there.

    The order: `folder` (the DATA option), `data/`, `../shared/<name>`, the user cache; relative paths start
    at the current working directory. In the first two, subfolders named after the source count too;
    Fashion-MNIST, whose files have MNIST's names, is not looked for directly in `data/`.

    Args:
        name: a key of `SOURCES`.
        folder: the DATA option.
        cache: in place of `cache_folder()`.

    Raises:
        DataError: a data set that does not come as IDX files.
    """
    if name not in SOURCES:
        raise DataError(f"files are looked for for {' and '.join(SOURCES)} only, but got {name!r}")
    source = SOURCES[name]
    data = Path("data")
    candidates: list[tuple[str, Path]] = []
    if folder is not None:
        candidates += [("DATA", folder), *(("DATA", folder / sub) for sub in source.subfolders)]
    if source.direct:
        candidates.append(("data/", data))
    candidates += [("data/", data / sub) for sub in source.subfolders]
    candidates.append(("beside the project", source.shared))
    candidates.append(("user cache", (cache or cache_folder()) / source.name))
    return [_look(source, role, place) for role, place in candidates]


def find_files(places: list[Place]) -> Place | None:
    """The first place that has all four files."""
    return next((place for place in places if place.complete), None)
