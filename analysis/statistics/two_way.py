"""Accuracies and their differences over seeds and images together.

correctness (cells, seeds, images) ──mean over cells──▶ D (seeds, images) ──mean squares──▶ TwoWay

Two random effects (Searle, Casella and McCulloch 1992, chapter 4): with seed s and image i,

    D_si = μ + a_s + b_i + e_si,    V_seeds = MS_seeds / (S I),    V_images = max(MS_images − MS_rest, 0) / (S I)

**On these images** the images are fixed, and the seeds' means are the units: m ± t(S − 1) √V_seeds. **On such images**
both are drawn: m ± t(ν) √(V_seeds + V_images) with Satterthwaite's ν. Few seeds can agree by chance, which an interval
from them alone takes for certainty; so neither is narrower than it would be if every image of every seed varied on its
own (a `FLOOR` of it), and the second is never narrower than the first. Coverage: docs/statistics.md.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from analysis.statistics.intervals import LEVEL, Interval
from analysis.statistics.pairs import Alternative

Correctness = npt.NDArray[np.bool_] | npt.NDArray[np.uint8]
"""Shape (seeds, images): whether a run's prediction is right, as bool or 0 and 1; or (seeds, bytes), packed."""

FLOOR = 0.4
"""The least share of the variance of independent images that is believed to be there, when seeds agree better still.

All of it would cover 99 % at two seeds; none of it, 61 to 93 % at two or three seeds and 40 to 360 images."""


@dataclass(frozen=True)
class Scope:
    """What is known of a mean for one kind of repetition.

    Attributes:
        interval: The mean, a share between −1 and 1, with its interval; n counts seeds, or images where
            there is one seed.
        error: Standard error; NaN where it is not known.
        df: Degrees of freedom; NaN where there are none.
        p: Two-sided, that the mean is the null value; 1 where the error is not known.
    """

    interval: Interval
    error: float
    df: float
    p: float

    def one_sided(self, at: float, side: Alternative) -> float:
        """The p value that the mean is `at`, against a smaller or a larger one.

        Raises:
            ValueError: `side` names neither.
        """
        from scipy import stats

        if side not in ("less", "greater"):
            raise ValueError(f"side must be less or greater, but got {side}")
        t = (self.interval.estimate - at) / self.error
        return float(stats.t.sf(t if side == "greater" else -t, self.df))


@dataclass(frozen=True)
class TwoWay:
    """A mean over seeds and images.

    Attributes:
        these: On these images: other seeds, the same images. Not known from one seed.
        such: On such images: other seeds and other images of the same kind. From one seed: other images alone.
        seed_variance: Of a_s, never below zero; NaN from one seed, as the next.
        image_variance: Of b_i, never below zero.
        rest_variance: Of e_si; from one seed, of all.
        n_seeds: S.
        n_images: I.
        n_cells: Configurations (or pairs of them) that D is the mean of.
    """

    these: Scope
    such: Scope
    seed_variance: float
    image_variance: float
    rest_variance: float
    n_seeds: int
    n_images: int
    n_cells: int


@dataclass(frozen=True)
class _Part:
    """One way to reckon the variance of the mean, with its degrees of freedom."""

    variance: float
    df: float

    def reach(self, level: float) -> float:
        from scipy import stats

        return float(stats.t.ppf((1 + level) / 2, self.df) * np.sqrt(self.variance))

    def p(self, distance: float) -> float:
        from scipy import stats

        if self.variance <= 0:
            return 1.0 if distance == 0 else 0.0
        return float(2 * stats.t.sf(abs(distance) / np.sqrt(self.variance), self.df))


@dataclass(frozen=True)
class _Squares:
    """Mean, mean squares and what the floors need, of D with shape (S, I)."""

    mean: float
    seeds: float
    images: float
    rest: float
    within: float
    """Mean over images of the variance over seeds."""
    varying: int
    """Images that the seeds differ on."""
    telling: int
    """Images with a difference; of an accuracy, those that not all runs get right, or not all wrong if fewer."""


def two_way_difference(
    a: Correctness | Iterable[Correctness],
    b: Correctness | Iterable[Correctness],
    *,
    n_images: int | None = None,
    level: float = LEVEL,
) -> TwoWay:
    """Paired difference of accuracies a − b over seeds and images.

    Args:
        a: One configuration's runs, shape (seeds, images); or of several, one after the other (a list, a generator,
            an array of three dimensions), each matched with the one of `b` at its place. Row s of both has one seed.
        b: What it is compared with, in the same shapes.
        n_images: Rows are `np.packbits` of this many images; None for one value an image. Cells are unpacked
            at a time, so that memory is that of two cells and of D.
        level: Confidence level.

    Raises:
        ValueError: Shapes differ, values are not 0 and 1, or there are no seeds or fewer than two images.
    """
    total, n_cells = None, 0
    for one, other in zip(_cells(a, n_images), _cells(b, n_images), strict=True):
        if one.shape != other.shape or (total is not None and total.shape != one.shape):
            raise ValueError(f"all cells must have the same seeds and images, but got {one.shape} and {other.shape}")
        # In place, and one byte a value: a difference of two bytes of 0 and 1 fits into a signed one.
        total = np.zeros(one.shape, dtype=np.int32) if total is None else total
        total += one - other
        n_cells += 1
    return _two_way(total, n_cells, level, null=0.0, of_accuracy=False)


def two_way_sum(
    runs: Iterable[Correctness], weights: Iterable[float], *, n_images: int | None = None, level: float = LEVEL
) -> TwoWay:
    """Weighted sum of accuracies over seeds and images, as the change along a line: Σ w A with Σ w = 0.

    Args:
        runs: Of each configuration, shape (seeds, images); row s of all has one seed.
        weights: Of each configuration.
        n_images: As in `two_way_difference`.
        level: Confidence level.

    Raises:
        ValueError: As in `two_way_difference`.
    """
    total = None
    for one, weight in zip(_cells(runs, n_images), weights, strict=True):
        if total is not None and total.shape != one.shape:
            raise ValueError(f"all cells must have the same seeds and images, but got {total.shape} and {one.shape}")
        total = np.zeros(one.shape) if total is None else total
        total += weight * one
    return _two_way(total, 1, level, null=0.0, of_accuracy=False)


def two_way_accuracy(
    a: Correctness | Iterable[Correctness], *, null: float = 0.5, n_images: int | None = None, level: float = LEVEL
) -> TwoWay:
    """Mean accuracy over seeds and images, of one configuration or of several together.

    On such images the interval is Wilson's for as many images as would make the standard interval as wide, since that
    is wrong beside 0 and 1 (design-based Wilson interval: Dean and Pagano 2015). Where every prediction is right, or
    none, one seed's images are counted.

    Args:
        a: As in `two_way_difference`.
        null: The accuracy that p values ask about.
        n_images: As in `two_way_difference`.
        level: Confidence level.

    Raises:
        ValueError: As in `two_way_difference`.
    """
    total, n_cells = None, 0
    for one in _cells(a, n_images):
        if total is not None and total.shape != one.shape:
            raise ValueError(f"all cells must have the same seeds and images, but got {total.shape} and {one.shape}")
        total = np.zeros(one.shape, dtype=np.int32) if total is None else total
        total += one
        n_cells += 1
    return _two_way(total, n_cells, level, null=null, of_accuracy=True)


def wilson(share: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of a share of `n` (Wilson 1927; `n` need not be whole)."""
    from scipy import stats

    z2 = float(stats.norm.ppf((1 + level) / 2)) ** 2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = np.sqrt(z2 * share * (1 - share) / n + (z2 / (2 * n)) ** 2) / (1 + z2 / n)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def correctness_rows(runs: Correctness, n_images: int | None = None) -> npt.NDArray[np.int8]:
    """Rows of 0 and 1 as signed bytes, shape (seeds, images), from values or from packed bits.

    Raises:
        ValueError: The shape does not fit, or a value is neither 0 nor 1.
    """
    rows = np.atleast_2d(np.asarray(runs))
    if rows.ndim != 2:
        raise ValueError(f"correctness must have the shape (seeds, images), but got {rows.shape}")
    if n_images is not None:
        if rows.dtype != np.uint8 or rows.shape[1] != -(-n_images // 8):
            expected = f"{n_images} images must be packed in {-(-n_images // 8)} bytes"
            raise ValueError(f"{expected}, but got {rows.shape[1]} of {rows.dtype}")
        return np.unpackbits(rows.astype(np.uint8, copy=False), axis=1, count=n_images).view(np.int8)
    if rows.dtype != np.bool_ and (rows.dtype.kind not in "iu" or ((rows != 0) & (rows != 1)).any()):
        raise ValueError(f"correctness must be 0 and 1, but got {rows.dtype} from {rows.min()} to {rows.max()}")
    return rows.astype(np.int8)


def _cells(runs: Correctness | Iterable[Correctness], n_images: int | None) -> Iterator[npt.NDArray[np.int8]]:
    for cell in [runs] if isinstance(runs, np.ndarray) and runs.ndim < 3 else runs:
        yield correctness_rows(cell, n_images)


def _squares(total: npt.NDArray[np.int32] | npt.NDArray[np.float64], n_cells: int, *, of_accuracy: bool) -> _Squares:
    """Mean squares of D = total / n_cells. Sums of whole numbers are whole, so that agreement is exactly zero."""
    if total.dtype.kind == "f":
        return _weighted_squares(total.astype(np.float64, copy=False))
    S, I = total.shape  # noqa: E741  (the usual names)
    of_seed, of_image = total.sum(axis=1, dtype=np.int64), total.sum(axis=0, dtype=np.int64)
    of_value = np.square(total, dtype=np.int64)
    whole, scale = int(of_seed.sum()), n_cells**2
    seeds = (S * int(np.square(of_seed).sum()) - whole**2) / (S * I)
    images = (I * int(np.square(of_image).sum()) - whole**2) / (S * I)
    all_of_it = (S * I * int(of_value.sum()) - whole**2) / (S * I)
    spread = S * of_value.sum(axis=0) - np.square(of_image)
    telling = int(np.count_nonzero(of_image))
    if of_accuracy:
        telling = min(telling, int(np.count_nonzero(of_image != S * n_cells)))
    return _Squares(
        mean=whole / (S * I * n_cells),
        seeds=seeds / (S - 1) / scale if S > 1 else np.nan,
        images=images / (I - 1) / scale,
        rest=max(all_of_it - seeds - images, 0.0) / ((S - 1) * (I - 1)) / scale if S > 1 else np.nan,
        within=float(spread.sum()) / (S * (S - 1) * I) / scale if S > 1 else np.nan,
        varying=int(np.count_nonzero(spread)),
        telling=telling,
    )


def _weighted_squares(D: npt.NDArray[np.float64]) -> _Squares:
    """Mean squares of sums that are no whole numbers; what rounding leaves of zero is zero."""
    S, I = D.shape  # noqa: E741
    nothing = 1e-9 * float(np.abs(D).max(initial=0.0))
    mean, of_seed, of_image = float(D.mean()), D.mean(axis=1), D.mean(axis=0)
    seeds, images = I * float(np.square(of_seed - mean).sum()), S * float(np.square(of_image - mean).sum())
    spread = np.square(D - of_image).sum(axis=0)
    rest = float(spread.sum()) - seeds
    return _Squares(
        mean=mean,
        seeds=seeds / (S - 1) if S > 1 else np.nan,
        images=images / (I - 1),
        rest=max(rest, 0.0) / ((S - 1) * (I - 1)) if S > 1 else np.nan,
        within=float(spread.sum()) / ((S - 1) * I) if S > 1 else np.nan,
        varying=int(np.count_nonzero(spread > nothing**2)),
        telling=int(np.count_nonzero(np.abs(of_image) > nothing)),
    )


def _two_way(
    total: npt.NDArray[np.int32] | npt.NDArray[np.float64] | None,
    n_cells: int,
    level: float,
    *,
    null: float,
    of_accuracy: bool,
) -> TwoWay:
    if total is None or total.shape[0] < 1 or total.shape[1] < 2:
        raise ValueError("there must be a cell with at least one seed and two images, but got none")
    S, I = total.shape  # noqa: E741
    squares = _squares(total, n_cells, of_accuracy=of_accuracy)
    # Two images more, one each way, as if they were like those that tell (Bonett and Price 2012, for one seed): without
    # them 40 images on which nothing differed would make an interval of no width. An accuracy has Wilson's for that.
    more = _with_two_more(squares.telling)
    nothing = 0.0 if of_accuracy or squares.telling else 2.0 / I**2
    such = partial(_wilson_scope, n_images=I) if of_accuracy else _widest
    if S == 1:
        images = _Part(squares.images / I * more + nothing, I - 1)
        return TwoWay(
            these=Scope(Interval(squares.mean, np.nan, np.nan, 1, "too few for an interval"), np.nan, np.nan, 1.0),
            such=such(squares.mean, [images], level, null, I, "examples alone, from one seed"),
            seed_variance=np.nan,
            image_variance=np.nan,
            rest_variance=squares.images,
            n_seeds=S,
            n_images=I,
            n_cells=n_cells,
        )
    seeds = _Part(squares.seeds / (S * I), S - 1)
    apart = _Part(
        FLOOR * squares.within / (S * I) * _with_two_more(squares.varying)
        + (0.0 if squares.varying else 2.0 / (S * I) ** 2),
        I * (S - 1),
    )
    images = _Part(max(squares.images - squares.rest, 0.0) / (S * I) * more + nothing, I - 1)
    these = _widest(squares.mean, [seeds, apart], level, null, S, "Student's t over seeds")
    return TwoWay(
        these=_within_0_and_1(these) if of_accuracy else these,
        such=such(
            squares.mean, [_satterthwaite(seeds, images), seeds, apart], level, null, S, "two-way random effects"
        ),
        seed_variance=max(squares.seeds - squares.rest, 0.0) / I,
        image_variance=max(squares.images - squares.rest, 0.0) / S,
        rest_variance=squares.rest,
        n_seeds=S,
        n_images=I,
        n_cells=n_cells,
    )


def _with_two_more(k: int) -> float:
    return (k + 2) / k if k else 1.0


def _satterthwaite(*parts: _Part) -> _Part:
    variance = sum(part.variance for part in parts)
    below = sum(part.variance**2 / part.df for part in parts)
    return _Part(variance, variance**2 / below if below > 0 else min(part.df for part in parts))


def _widest(mean: float, parts: list[_Part], level: float, null: float, n: int, method: str) -> Scope:
    """The widest interval of several, with its error and degrees of freedom, and the largest p value."""
    part = max(parts, key=lambda one: one.reach(level))
    reach = part.reach(level)
    p = max(one.p(mean - null) for one in parts)
    return Scope(Interval(mean, mean - reach, mean + reach, n, method), float(np.sqrt(part.variance)), part.df, p)


def _within_0_and_1(scope: Scope) -> Scope:
    low, high = (float(np.clip(end, 0.0, 1.0)) for end in (scope.interval.low, scope.interval.high))
    return replace(scope, interval=replace(scope.interval, low=low, high=high))


def _wilson_scope(
    mean: float, parts: list[_Part], level: float, null: float, n: int, method: str, *, n_images: int
) -> Scope:
    """`_widest` for a share: the variance is that of the share asked about, not of the one found (Wilson 1927).

    m with variance v is as exact as m (1 − m) / v images, whose variance at a share p is v p (1 − p) / (m (1 − m)).
    """
    from scipy import stats

    if not 0 < null < 1:
        raise ValueError(f"0 < null < 1 must hold, but got {null}")
    spread = mean * (1 - mean)
    if spread == 0:
        parts, spread = [_Part(1 / n_images, n_images - 1)], 1.0
    scope = _widest(mean, parts, level, null, n, f"{method}, as Wilson's interval")
    reach = (scope.interval.high - scope.interval.low) / 2
    n_like = spread * (float(stats.norm.ppf((1 + level) / 2)) / reach) ** 2
    low, high = wilson(mean, n_like, level)
    asked = [_Part(part.variance * null * (1 - null) / spread, part.df) for part in parts]
    p = max(part.p(mean - null) for part in asked)
    return replace(
        scope,
        interval=replace(scope.interval, low=low, high=high),
        error=scope.error if 0 < mean < 1 else 0.0,
        p=p,
    )
