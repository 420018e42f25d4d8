"""What single predictions say: two runs compared, accuracy by class, and the images that most runs get wrong."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.statistics.intervals import LEVEL
from analysis.statistics.two_way import Correctness, correctness_rows, wilson


@dataclass(frozen=True)
class McNemar:
    """Two runs on the same images.

    Attributes:
        only_a: Images that the first alone gets right.
        only_b: Images that the second alone gets right.
        p: Two-sided: of as many coins as images on which they differ, that many fall one way.
    """

    only_a: int
    only_b: int
    p: float


def mcnemar(a: npt.ArrayLike, b: npt.ArrayLike) -> McNemar:
    """McNemar's exact test of two vectors of correctness (McNemar 1947), shape (images,) each, 0 and 1.

    It says whether these two trained models differ on such images, not whether their configurations do: that takes
    other seeds (`two_way.two_way_difference`).

    Raises:
        ValueError: The vectors differ in length or hold other values.
    """
    from scipy import stats

    one, other = correctness_rows(np.asarray(a)), correctness_rows(np.asarray(b))
    if one.shape != other.shape or len(one) != 1:
        raise ValueError(f"two vectors of the same images must be given, but got {one.shape} and {other.shape}")
    only_a, only_b = int((one > other).sum()), int((one < other).sum())
    p = float(stats.binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0
    return McNemar(only_a, only_b, p)


def class_accuracies(
    runs: Correctness, labels: npt.ArrayLike, *, n_images: int | None = None, level: float = LEVEL
) -> pd.DataFrame:
    """Accuracy on the images of each class, with Wilson's interval for such images.

    Args:
        runs: Shape (seeds, images), or (seeds, bytes) with `n_images`; the mean over seeds is shown.
        labels: The class of each image, shape (images,).
        n_images: Rows are `np.packbits` of this many images.
        level: Confidence level.

    Returns:
        One row a class, in order: `label`, `accuracy`, `low`, `high`, `n_images`. Seeds repeat images, so the interval
        counts images and not predictions.

    Raises:
        ValueError: `labels` has another length than there are images.
    """
    rows, classes = correctness_rows(runs, n_images), np.asarray(labels)
    _check_labels(rows.shape[1], classes)
    names, index, counts = np.unique(classes, return_inverse=True, return_counts=True)
    shares = np.bincount(index, weights=rows.mean(axis=0), minlength=len(names)) / counts
    ends = [wilson(float(share), int(n), level) for share, n in zip(shares, counts, strict=True)]
    return pd.DataFrame(
        {
            "label": names,
            "accuracy": shares,
            "low": [low for low, _ in ends],
            "high": [high for _, high in ends],
            "n_images": counts,
        }
    )


def hardest_images(
    runs: Correctness | Iterable[Correctness], labels: npt.ArrayLike, *, n: int = 24, n_images: int | None = None
) -> pd.DataFrame:
    """The images that most runs get wrong.

    Args:
        runs: Shape (runs, images), or (runs, bytes) with `n_images`; or several of these, one after the other.
        labels: The class of each image, shape (images,).
        n: At most so many; images that every run gets right are never among them.
        n_images: Rows are `np.packbits` of this many images.

    Returns:
        `image` (its index), `label`, `wrong` (runs that get it wrong), `share` (of all runs), the most first, and those
        with the same number in order of their index.

    Raises:
        ValueError: There is no run, or `labels` has another length than there are images.
    """
    classes = np.asarray(labels)
    wrong, n_runs = np.zeros(len(classes), dtype=np.int64), 0
    for cell in [runs] if isinstance(runs, np.ndarray) and runs.ndim < 3 else runs:
        rows = correctness_rows(cell, n_images)
        _check_labels(rows.shape[1], classes)
        wrong += len(rows) - rows.sum(axis=0, dtype=np.int64)
        n_runs += len(rows)
    if not n_runs:
        raise ValueError("there must be at least one run, but got none")
    order = np.argsort(-wrong, kind="stable")[:n]
    order = order[wrong[order] > 0]
    return pd.DataFrame(
        {"image": order, "label": classes[order], "wrong": wrong[order], "share": wrong[order] / n_runs}
    )


def _check_labels(n_images: int, labels: npt.NDArray[np.generic]) -> None:
    if labels.shape != (n_images,):
        raise ValueError(f"labels must have the shape ({n_images},), one an image, but got {labels.shape}")
