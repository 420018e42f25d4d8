"""An image file as a network's input: a light digit on black, centred as in MNIST.

    file ──read_gray──> grey levels ──as_input──> (n_features,) pixels in [0, 1], and what was done in words
    rows of a data set ──as_pictures──> grey levels, to be shown ──as_png──> files

MNIST's digits were scaled to a box of 20 × 20 pixels and put into 28 × 28 with their centre of mass in the middle
(LeCun et al. 1998). A picture is treated so, whatever its size, once the digit is found in it (`search.ink`); one that
has this form already is taken as it is.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import ceil, isqrt
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.arrays import IntArray
from engine.data.dataset import Split
from engine.errors import DigitsweepError, excerpt
from search.ink import find_digit, is_dark_on_light, reduced

if TYPE_CHECKING:
    from PIL import Image

    from engine.model_file import Model

Gray = NDArray[np.float32]

BOX = {"mnist": 20 / 28, "digits": 1.0}
"""Share of the image's side that a digit's longer side takes, for data sets that are made so."""

OFF_CENTRE = 1.0
"""Pixels that the centre of mass may be off in a picture that is taken as it is; MNIST's own are off by up to 0.8."""

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM", "TIFF")
_NAMES = "PNG, JPEG, BMP, GIF, WebP, PGM, TIFF"
MAX_PIXELS = 50_000_000
MAX_BYTES = 200_000_000
LEAST_SIDE = 8
"""Pixels of a side from which the rows of a data set are shown as pictures."""
KEPT_PIXELS = 2_000_000
"""Beyond these a picture is made smaller as it is read, by averaging, so that memory stays in bounds."""


class ImageError(DigitsweepError, ValueError):
    """A file that cannot be read as an image, or that shows nothing."""


@dataclass(frozen=True)
class Input:
    """What a network is given.

    Attributes:
        pixels: (n_features,) float32 in [0, 1], 0 is the ground.
        side: pixels of a row, and of a column.
        steps: what was done to the picture, in words.
        doubts: why it may show no digit, in words.
    """

    pixels: Gray
    side: int
    steps: tuple[str, ...]
    doubts: tuple[str, ...] = ()

    def as_text(self) -> str:
        """What the network sees, a line of characters for each row of pixels, two for each pixel."""
        shades = " .:-=+*#%@"
        indices = (self.pixels.reshape(self.side, self.side) * len(shades)).astype(int).clip(0, len(shades) - 1)
        return "\n".join("".join(shades[index] * 2 for index in row).rstrip() for row in indices)


def read_gray(path: str | Path) -> Gray:
    """Grey levels in [0, 1], shape (height, width), of a picture in one of `FORMATS`.

    A transparent ground becomes white under dark ink and black under light ink. A picture of many pixels comes back
    smaller, since it is to be scaled down to a few dozen anyway.

    Raises:
        ImageError: no such file, no picture, or one that is too large, damaged or animated.
    """
    levels = _load(Path(path))
    if levels.ndim == 2:
        return levels
    gray, opacity = levels[..., 0], levels[..., 1]
    if opacity.min() == 1:
        return gray
    if opacity.max() == 0:
        raise ImageError(f"{path} is wholly transparent")
    ground = 1.0 if float((gray * opacity).sum() / opacity.sum()) < 0.5 else 0.0
    return (gray * opacity + ground * (1 - opacity)).astype(np.float32)


def _load(path: Path) -> Gray:
    """Levels in [0, 1]: (height, width) of 16-bit pictures, (height, width, grey and opacity) of others."""
    from PIL import Image, UnidentifiedImageError

    _check_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes and of damaged metadata; what matters is an error below
            with Image.open(path, formats=FORMATS) as image:
                _check_image(path, image)
                return _levels(image)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(f"{excerpt(str(path), 200)} is no picture in a format read here: {_NAMES}") from error
    except Exception as error:  # a damaged file can make a reader of Pillow's raise anything
        reason = excerpt(" ".join(str(error).split()) or type(error).__name__, 120)
        raise ImageError(f"{excerpt(str(path), 200)} cannot be read as a picture: {reason}") from error


def _levels(image: "Image.Image") -> Gray:
    image.load()
    step = ceil(max(1.0, (image.width * image.height / KEPT_PIXELS) ** 0.5))
    if image.mode.startswith("I"):  # 16 bits; Pillow's own conversion to 8 would cut off, not scale
        deep: Gray = (np.asarray(image)[::step, ::step] / 65_535).clip(0, 1).astype(np.float32)
        return deep
    small = image.convert("RGBA").reduce(step).convert("LA")
    levels: Gray = np.asarray(small, dtype=np.float32) / np.float32(255)
    return levels


def _check_file(path: Path) -> None:
    """ImageError where there is no ordinary file of a size that pictures have."""
    name = excerpt(str(path), 200)
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise ImageError(f"no image at {name}") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not S_ISREG(status.st_mode):
        raise ImageError(f"a picture was expected, but {name} is no ordinary file")
    if status.st_size > MAX_BYTES:
        raise ImageError(f"a picture has at most {MAX_BYTES / 1e6:.0f} MB here, but {name} has more; scale it down")


def _check_image(path: Path, image: "Image.Image") -> None:
    """ImageError where a picture should not be loaded; only its header has been read."""
    name = excerpt(str(path), 200)
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(
            f"a picture has at most {MAX_PIXELS / 1e6:.0f} million pixels here, but {name} has {image.width:,} × "
            f"{image.height:,}; scale it down"
        )
    if image.mode == "F":
        raise ImageError(f"{name} has floating-point levels, whose white nobody can know; save it with 8 or 16 bits")
    if image.format == "TIFF" and image.info.get("compression") != "raw":
        raise ImageError(f"{name} is a compressed TIFF, which is not read here; save it as PNG")
    # Of the others, a JPEG with further pictures (MPO) is what many cameras make.
    if image.format in ("GIF", "PNG", "WEBP", "TIFF") and getattr(image, "is_animated", False):
        raise ImageError(f"{name} holds several pictures; save one of them as a file of its own")


def check_takes_pictures(model: "Model") -> None:
    """ImageError where a model was trained on other values than the levels from 0 to 1 that a picture has."""
    low, high = model.values or (0.0, 1.0)
    if low < 0 or high > 1:
        raise ImageError(
            f"this model was trained on values from {low:.4g} to {high:.4g}, and a picture has levels from 0 to 1: how "
            "its data were scaled (scale: standardise, none or a number) is not in the model file; "
            "load_model(…).predict_proba(X) of Python takes rows that are scaled as they were"
        )


def as_input(gray: Gray, n_features: int, dataset: str, name: str = "the picture") -> Input:
    """A picture in the form that a network was trained on.

    Args:
        gray: grey levels in [0, 1], shape (height, width).
        n_features: pixels of the network's images, which must be square.
        dataset: name of the data set it was trained on.
        name: of the picture, for messages.

    Raises:
        ImageError: the network takes no square images, or the picture is empty.
    """
    side = isqrt(n_features)
    if side * side != n_features:
        raise ImageError(f"this model was trained on rows of {n_features} numbers, which are no square image")
    steps = []
    original = gray
    gray = reduced(gray)
    if is_dark_on_light(gray):
        gray, original = 1 - gray, 1 - original
        steps.append("inverted, since its ground is light")
    box = BOX.get(dataset)
    if box is None:
        if original.shape != (side, side):
            steps.append(f"scaled from {original.shape[1]} × {original.shape[0]} to {side} × {side}")
            original = _resized(original, side, side)
        return Input(original.reshape(-1).astype(np.float32), side, tuple(steps))
    digit = find_digit(gray)
    if digit is None:
        raise ImageError(f"{excerpt(name, 200)} shows nothing: its pixels are all alike")
    length = round(side * box)
    if _has_the_form(original, side, length):
        return Input(original.reshape(-1).astype(np.float32), side, tuple(steps), digit.doubts)
    steps.append(f"cut out, scaled to {length} pixels and centred in {side} × {side}")
    if digit.left_out:
        steps.append(f"{' and '.join(digit.left_out)} left out")
    return Input(_centred(digit.levels, side, length).reshape(-1), side, tuple(steps), digit.doubts)


def _has_the_form(gray: Gray, side: int, length: int) -> bool:
    """Whether the picture is as the data set's are: its size, nothing but a digit of its size and place on black."""
    if gray.shape != (side, side) or gray.min() > 0:
        return False
    rows, columns = np.nonzero(gray)
    off = max(abs(centre - side / 2) for centre in _centre_of_mass(gray))
    longer = int(max(np.ptp(rows), np.ptp(columns))) + 1
    return abs(longer - length) <= 1 and (length == side or off <= OFF_CENTRE)


def _resized(gray: Gray, height: int, width: int) -> Gray:
    from PIL import Image

    image: Any = Image.fromarray(gray.astype(np.float32))
    levels: Gray = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)
    return levels.clip(0, 1)


def _centred(ink: Gray, side: int, length: int) -> Gray:
    """The ink with its longer side at `length`, its centre of mass in the middle of a black square.

    The middle is `side / 2` in indices of pixels, where MNIST's digits have theirs (14.0), and not `(side - 1) / 2`.
    """
    height, width = ink.shape
    scale = length / max(height, width)
    small = _resized(ink, max(1, round(height * scale)), max(1, round(width * scale)))
    small = small / small.max()  # thin strokes fade when they are scaled down; MNIST's ink is white
    top, left = (
        int(np.clip(round(side / 2 - centre), 0, side - size))
        for centre, size in zip(_centre_of_mass(small), small.shape, strict=True)
    )
    square = np.zeros((side, side), np.float32)
    square[top : top + small.shape[0], left : left + small.shape[1]] = small
    return square


def _centre_of_mass(levels: Gray) -> tuple[float, float]:
    total = float(levels.sum())
    rows, columns = np.indices(levels.shape)
    return float((rows * levels).sum()) / total, float((columns * levels).sum()) / total


def as_pictures(split: Split, examples: IntArray) -> NDArray[np.uint8]:
    """Examples of a data set as pictures, light on black: (examples, side, side), 0 … 255.

    Features in [0, 1] are grey levels as they are; where some are beyond, the range of these examples is.

    Args:
        split: where they are.
        examples: which of its rows, (m,) int64.

    Raises:
        ImageError: a row has no square number of features, so that it is no picture.
    """
    n_features = split.rows.n_features
    side = isqrt(n_features)
    if side * side != n_features:
        raise ImageError(f"rows of {n_features} numbers are no square image")
    X = split.rows.take(examples).to_dense()
    low, high = min(0.0, float(X.min(initial=0))), max(1.0, float(X.max(initial=1)))
    return np.round((X - low) * (255 / (high - low))).astype(np.uint8).reshape(-1, side, side)


def as_png(split: Split, examples: Sequence[int]) -> list[bytes]:
    """Examples of a data set as PNG files; none where they are no pictures.

    Pictures are squares of at least `LEAST_SIDE` pixels, each from 0 to 1: other measurements may be as many by chance.
    """
    from PIL import Image

    X = split.rows.take(np.asarray(examples, dtype=np.int64)).to_dense()
    side = isqrt(split.rows.n_features)
    if side * side != split.rows.n_features or side < LEAST_SIDE or X.min(initial=0) < 0 or X.max(initial=1) > 1:
        return []
    files = []
    for picture in as_pictures(split, np.asarray(examples, dtype=np.int64)):
        file = BytesIO()
        Image.fromarray(picture).save(file, "PNG")
        files.append(file.getvalue())
    return files
