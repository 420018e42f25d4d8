"""An image file as a network's input: a light digit on black, centred as in MNIST.

    file ──read_gray──> grey levels ──as_input──> (n_features,) pixels in [0, 1], and what was done in words

MNIST's digits were scaled to a box of 20 × 20 pixels and put into 28 × 28 with their centre of mass in the middle
(LeCun et al. 1998). A picture of another size is treated so; one that has the right size is taken as it is, except
that dark ink on a light ground is inverted.
"""

from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import DigitsweepError

Gray = NDArray[np.float32]

BOX = {"mnist": 20 / 28, "digits": 1.0}
"""Share of the image's side that a digit's longer side takes, for data sets that are made so."""

INK = 0.2
"""Share of the brightest level from which a pixel counts as ink when a digit is cut out."""

CONTRAST = 0.05
"""Difference of grey levels between ink and ground below which a picture shows nothing."""


class ImageError(DigitsweepError, ValueError):
    """A file that cannot be read as an image, or that shows nothing."""


@dataclass(frozen=True)
class Input:
    """What a network is given.

    Attributes:
        pixels: (n_features,) float32 in [0, 1], 0 is the ground.
        steps: what was done to the picture, in words.
    """

    pixels: Gray
    steps: tuple[str, ...]


def read_gray(path: str | Path) -> Gray:
    """Grey levels in [0, 1], shape (height, width), of a PNG or any other format that Pillow reads.

    A transparent ground becomes white under dark ink and black under light ink.

    Raises:
        ImageError: no such file, or no image.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            image.load()
            if image.mode.startswith("I"):  # 16 bits; Pillow's own conversion to 8 would cut off, not scale
                deep: Gray = (np.asarray(image) / 65_535).clip(0, 1).astype(np.float32)
                return deep
            levels: Gray = np.asarray(image.convert("RGBA").convert("LA"), dtype=np.float32) / np.float32(255)
    except FileNotFoundError as error:
        raise ImageError(f"no image at {path}") from error
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(f"{path} cannot be read as an image: {error}") from error
    gray, opacity = levels[..., 0], levels[..., 1]
    if opacity.min() == 1:
        return gray
    if opacity.max() == 0:
        raise ImageError(f"{path} is wholly transparent")
    ground = 1.0 if float((gray * opacity).sum() / opacity.sum()) < 0.5 else 0.0
    return (gray * opacity + ground * (1 - opacity)).astype(np.float32)


def as_input(gray: Gray, n_features: int, dataset: str) -> Input:
    """A picture in the form that a network was trained on.

    Args:
        gray: grey levels in [0, 1], shape (height, width).
        n_features: pixels of the network's images, which must be square.
        dataset: name of the data set it was trained on.

    Raises:
        ImageError: the network takes no square images, or the picture is empty.
    """
    side = isqrt(n_features)
    if side * side != n_features:
        raise ImageError(f"this model was trained on rows of {n_features} numbers, which are no square image")
    steps = []
    edge = _edge(gray)
    if np.median(edge) > 0.5:
        gray, edge = 1 - gray, 1 - edge
        steps.append("inverted, since its ground is light")
    if gray.shape == (side, side):
        return Input(gray.reshape(-1).astype(np.float32), tuple(steps))
    box = BOX.get(dataset)
    if box is None:
        steps.append(f"scaled from {gray.shape[1]} × {gray.shape[0]} to {side} × {side}")
        return Input(_resized(gray, side, side).reshape(-1), tuple(steps))
    length = round(side * box)
    steps.append(f"cut out, scaled to {length} pixels and centred in {side} × {side}")
    return Input(_centred(_cut_out(gray, float(np.median(edge))), side, length).reshape(-1), tuple(steps))


def _cut_out(gray: Gray, ground: float) -> Gray:
    """The smallest rectangle that holds the ink, on a ground of 0 and up to 1 where it is brightest."""
    top = float(gray.max())
    if top - ground < CONTRAST:
        raise ImageError("the picture shows nothing: its pixels are all alike")
    levels = ((gray - ground) / (top - ground)).clip(0, 1)
    rows, columns = np.nonzero(levels >= INK)
    return levels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def _edge(gray: Gray) -> Gray:
    """The picture's outermost pixels, which are taken for its ground."""
    return np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])


def _resized(gray: Gray, height: int, width: int) -> Gray:
    from PIL import Image

    image: Any = Image.fromarray(gray.astype(np.float32))
    levels: Gray = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)
    return levels.clip(0, 1)


def _centred(ink: Gray, side: int, length: int) -> Gray:
    """The ink with its longer side at `length`, its centre of mass in the middle of a black square."""
    height, width = ink.shape
    scale = length / max(height, width)
    small = _resized(ink, max(1, round(height * scale)), max(1, round(width * scale)))
    small = small / small.max()  # thin strokes fade when they are scaled down; MNIST's ink is white
    top, left = (
        int(np.clip(round((side - 1) / 2 - centre), 0, side - size))
        for centre, size in zip(_centre_of_mass(small), small.shape, strict=True)
    )
    square = np.zeros((side, side), np.float32)
    square[top : top + small.shape[0], left : left + small.shape[1]] = small
    return square


def _centre_of_mass(levels: Gray) -> tuple[float, float]:
    total = float(levels.sum())
    rows, columns = np.indices(levels.shape)
    return float((rows * levels).sum()) / total, float((columns * levels).sum()) / total
