"""Where the digit is in a picture: its largest connected ink, whatever else is there.

    grey levels ──light_on_dark──> ink above its ground ──find_digit──> the digit alone, cut out, and what is doubtful

A frame, a ruled line, specks and noise are left out. What is left is a digit or is not: `find_digit` says in words what
speaks against it, since a network names a digit whatever it is shown.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.float32]
Mask = NDArray[np.bool_]
_Place = tuple[slice, slice]

WORKING_SIDE = 400
"""Longer side, in pixels, at which ink is sought; larger pictures are averaged down, which also takes noise out."""

CONTRAST = 0.05
"""Difference of grey levels between ink and ground below which a picture shows nothing."""

_RIM = 0.2
"""Share of the brightest level from which a pixel counts as ink at the edge of a stroke."""
_BRIDGE = 0.02
"""Gaps of up to twice this share of the picture's longer side belong to a stroke."""
_POINT = 0.02
"""Share of the largest piece's pixels below which a piece is a speck."""
_FRAME_COVER = 0.9
"""Share of a side of its box that a frame covers."""
_FRAME_SIDE = 0.6
"""Share of the picture that a frame goes around."""
_LINE = 6.0
"""A horizontal piece this many times as wide as high is a ruled line, and none of a digit's."""
_STROKE = 0.1
"""Share of the digit's ink from which a piece close to it is a broken stroke of its."""
_SECOND = 0.4
"""Share of the digit's ink from which another piece may be a second digit."""


@dataclass(frozen=True)
class Digit:
    """What was found.

    Attributes:
        levels: (height, width), the digit alone on 0, up to 1 where it is brightest; its box without any margin.
        left_out: what else was there, in words; empty if nothing was.
        doubts: what speaks against a digit, in words.
    """

    levels: Levels
    left_out: tuple[str, ...]
    doubts: tuple[str, ...]


def split_level(gray: Levels) -> float:
    """The level between ink and ground that leaves least variance within both (Otsu 1979)."""
    counts, edges = np.histogram(gray, bins=128)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = gray.size - below
    sums = np.cumsum(counts * centres)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    between = np.nan_to_num(between)
    # Any level of an empty stretch between the two is as good; its middle is furthest from both.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    return float((edges[best[0] + 1] + edges[best[-1] + 1]) / 2)


def is_dark_on_light(gray: Levels) -> bool:
    """Whether the ground is the lighter part: most of a picture is ground."""
    return float((gray > split_level(gray)).mean()) > 0.5


def reduced(gray: Levels) -> Levels:
    """The picture with a longer side of at most `WORKING_SIDE`, by averaging."""
    step = ceil(max(gray.shape) / WORKING_SIDE)
    if step == 1 or min(gray.shape) < step:
        return gray
    height, width = (size // step * step for size in gray.shape)
    blocks = gray[:height, :width].reshape(height // step, step, width // step, step)
    means: Levels = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def find_digit(gray: Levels) -> Digit | None:
    """The digit in a picture of light ink on a dark ground, levels in [0, 1]; None where all pixels are alike."""
    levels = _above_ground(gray)
    if levels is None:
        return None
    ink = levels >= max(split_level(levels), _RIM)
    pieces = _pieces(ink)
    left_out: list[str] = []
    for mask in [piece for piece in pieces if _is_frame(piece)]:
        left_out.append("a frame")
        within = _inside(mask)
        ink &= within
        levels = levels * within
    if left_out:
        pieces = _pieces(ink)
    digits = [piece for piece in pieces if not _is_line(piece)] or pieces
    if not digits:
        return None
    if len(digits) < len(pieces):
        left_out.append("a line")
    weights = [float(levels[piece].sum()) for piece in digits]
    main = digits[int(np.argmax(weights))]
    others = []
    for piece, weight in zip(digits, weights, strict=True):
        if weight >= _STROKE * max(weights) and _is_near(piece, main):
            main = main | piece
        else:
            others.append(weight)
    doubts = []
    if others and max(others) >= _SECOND * max(weights):
        doubts.append("it shows more than one thing")
    if others:
        left_out.append(f"{len(others)} smaller piece{'s' if len(others) > 1 else ''}")
    # The soft edge of a stroke belongs to it.
    alone = np.where(_grown(main, 1), levels, 0).astype(np.float32)
    cut = alone[_box(alone >= _RIM)]
    doubts += _doubts(cut)
    if _is_scattered(ink):
        doubts.append("its ink lies scattered")
    return Digit(cut, tuple(left_out), tuple(doubts))


def _above_ground(gray: Levels) -> Levels | None:
    """Ink from 0, where the ground with its noise ends, to 1; None where there is none."""
    level = split_level(gray)
    under, over = gray[gray <= level], gray[gray > level]
    if not under.size or not over.size:
        return None
    ground = float(np.median(under))
    # A few brighter pixels than the stroke's are no measure of it; a faint stroke's rim is none either.
    top = float(np.quantile(over, 0.9))
    if top - ground < CONTRAST:
        return None
    noise = 1.4826 * float(np.median(np.abs(under - ground)))
    floor = min(ground + 2 * noise, (ground + top) / 2)
    levels: Levels = ((gray - floor) / (top - floor)).clip(0, 1).astype(np.float32)
    return levels


def _pieces(ink: Mask) -> list[Mask]:
    """The connected pieces of ink, where small gaps connect; without points that are noise beside the largest."""
    from scipy.ndimage import label

    eight = np.ones((3, 3))
    ink = _without_points(ink, label(ink, eight)[0])
    # Points are gone before gaps are bridged, or noise would connect all that there is.
    numbers = np.where(ink, label(_grown(ink, round(_BRIDGE * max(ink.shape))), eight)[0], 0)
    return [numbers == number for number in np.unique(numbers[ink])]


def _without_points(ink: Mask, numbers: NDArray[np.int32]) -> Mask:
    """The ink without pieces of less than `_POINT` of the largest, or of one pixel beside larger ones."""
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    kept: Mask = ink & (sizes >= max(min(2, sizes.max()), _POINT * sizes.max()))[numbers]
    return kept


def _is_frame(piece: Mask) -> bool:
    """Whether ink goes around most of the picture along all four sides of its box."""
    rows, columns = _box(piece)
    box = piece[rows, columns]
    if any(size < _FRAME_SIDE * whole for size, whole in zip(box.shape, piece.shape, strict=True)):
        return False
    band = max(1, round(0.04 * min(box.shape)))
    sides = (box[:band].any(0), box[-band:].any(0), box[:, :band].any(1), box[:, -band:].any(1))
    return min(float(np.mean(side)) for side in sides) >= _FRAME_COVER


def _inside(frame: Mask) -> Mask:
    """The rectangle within a frame, from where its lines end on each side."""
    rows, columns = _box(frame)
    box = frame[rows, columns]
    margins = []
    for lines in (box, box[::-1], box.T, box.T[::-1]):
        filled = lines.mean(1) >= 0.5
        begun = int(np.argmax(filled)) if filled.any() else 0
        ended = np.flatnonzero(~filled[begun:])
        margins.append(begun + (int(ended[0]) if ended.size else 0))
    top, bottom, left, right = margins
    within = np.zeros_like(frame)
    within[rows.start + top : rows.stop - bottom, columns.start + left : columns.stop - right] = True
    return within


def _is_near(piece: Mask, main: Mask) -> bool:
    """Whether the boxes of both are closer than a tenth of the larger one's longer side."""
    boxes = zip(_box(piece), _box(main), strict=True)
    reach = 0.1 * max(place.stop - place.start for place in _box(main))
    return all(a.start - b.stop < reach and b.start - a.stop < reach for a, b in boxes)


def _is_line(piece: Mask) -> bool:
    """Whether it is a ruled line: level and long, or upright along a side of the picture from end to end."""
    rows, columns = _box(piece)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    if width >= _LINE * height:
        return True
    at_a_side = columns.start == 0 or columns.stop == piece.shape[1]
    return bool(at_a_side and height == piece.shape[0] and height >= 3 * _LINE * width)


def _doubts(cut: Levels) -> list[str]:
    """What of its form no digit has."""
    height, width = cut.shape
    said = []
    if max(height, width) < 10:
        said.append(f"it is only {max(height, width)} pixels high")
    if width > 1.7 * height:
        said.append("it is wider than any digit")
    covered = float(cut.mean())
    if covered > 0.75 and width > 0.5 * height:
        said.append("it is filled rather than written")
    if _holes(cut < _RIM) > 3:
        said.append("it has more holes than any digit")
    return said


def _is_scattered(ink: Mask) -> bool:
    """Whether no piece has a good part of the ink, as in a picture of nothing but noise."""
    from scipy.ndimage import label

    sizes = np.bincount(label(ink, np.ones((3, 3)))[0].ravel())[1:]
    return bool(sizes.max() < 0.3 * sizes.sum())


def _holes(ground: Mask) -> int:
    """Pieces of ground of more than a thousandth of the box that ink encloses."""
    from scipy.ndimage import label

    numbers = label(np.pad(ground, 1, constant_values=True))[0]
    sizes = np.bincount(numbers.ravel())[1:]
    sizes[numbers[0, 0] - 1] = 0
    return int((sizes > 0.001 * ground.size).sum())


def _grown(mask: Mask, reach: int) -> Mask:
    from scipy.ndimage import binary_dilation

    if reach < 1:
        return mask
    grown: Mask = binary_dilation(mask, np.ones((3, 3)), iterations=reach)
    return grown


def _box(mask: Mask) -> _Place:
    """The rows and columns of the smallest rectangle around what is set."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
