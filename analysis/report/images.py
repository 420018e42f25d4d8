"""What single images say of the selected configuration, as small tables; nothing where runs do not know theirs."""

import base64
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.claims.evidence import owner_of
from analysis.report.tables import Cell, Table
from analysis.statistics.correctness import class_accuracies, hardest_images, mcnemar
from analysis.statistics.two_way import correctness_rows
from analysis.studies import Studies, Study
from analysis.wording import count, number_text, p_text, percent_text

Pictures = Callable[[Study, str, Sequence[int]], Sequence[bytes]]
"""From a study, a split and places in it to as many PNG files; none where its data are not there or no pictures."""
SPLIT = "test"
MOST_PAIRS = 8
"""Pairs of trained models that are shown beside each other."""
MOST_CLASSES = 20
"""Classes up to which a confusion matrix is a table that can be read."""
N_HARDEST = 12


def no_pictures(_study: Study, _split: str, _images: Sequence[int]) -> Sequence[bytes]:
    """Where nobody has the data at hand."""
    return ()


def image_tables(study: Study, studies: Studies, pictures: Pictures = no_pictures) -> tuple[Table, ...]:
    """Accuracy by class, confusions, the hardest images, and the selected configuration against the second best."""
    if not study.has_results:
        return ()
    chosen = studies.chosen_runs(study)
    owner = owner_of(studies, chosen)
    rows = owner.predictions.rows(chosen, SPLIT)
    if rows is None:
        return ()
    n = int(rows["n"].iloc[0])
    labels = owner.predictions.labels(SPLIT, n)
    found = [_by_class(owner, chosen, labels)]
    if len(np.unique(labels)) <= MOST_CLASSES:
        found.append(_confusions(rows, labels))
    return (*found, *_hardest(study, labels, pictures), *_against_second(study, n))


def _number(value: float, text: str = "") -> Cell:
    return Cell(text or f"{value:,}", float(value))


def _by_class(study: Study, runs: pd.DataFrame, labels: npt.NDArray[np.generic]) -> Table:
    bits = study.correct(runs, SPLIT)
    assert bits is not None
    classes = class_accuracies(bits, labels, n_images=len(labels))
    return Table(
        f"Test accuracy of the selected configuration by class, the mean of {count(len(runs), 'run')}, with Wilson's "
        "interval for such examples.",
        ("class", "accuracy", "from", "to", "examples"),
        tuple(
            (
                _number(int(row["label"])),
                *(_number(value, percent_text(value)) for value in (row["accuracy"], row["low"], row["high"])),
                _number(int(row["n_images"])),
            )
            for row in classes.to_dict("records")
        ),
    )


def confusion(rows: pd.DataFrame, labels: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    """How many images of each class a run takes for each class, the mean over runs.

    Args:
        rows: From `Predictions.rows`.
        labels: The class of each image, shape (images,).

    Returns:
        Shape (classes, classes), the right class first; classes are numbers from 0.
    """
    right, n_classes = labels.astype(np.int64), int(labels.max()) + 1
    taken = []
    for row in rows.to_dict("records"):
        bits = correctness_rows(np.frombuffer(row["correct"], dtype=np.uint8), len(labels))[0]
        said = right.copy()
        said[bits == 0] = np.frombuffer(row["mistaken"], dtype=labels.dtype)
        taken.append(said)
        n_classes = max(n_classes, int(said.max()) + 1)
    counts = np.zeros((n_classes, n_classes))
    for said in taken:
        counts += np.bincount(right * n_classes + said, minlength=n_classes**2).reshape(n_classes, n_classes)
    return counts / len(taken)


def _confusions(rows: pd.DataFrame, labels: npt.NDArray[np.generic]) -> Table:
    counts = confusion(rows, labels)
    digits = 0 if len(rows) == 1 else 1
    return Table(
        f"What it takes the test examples for: a row is the right class, a column the one chosen (examples, the mean "
        f"of {count(len(rows), 'run')}).",
        ("class", *(str(chosen) for chosen in range(len(counts)))),
        tuple(
            (_number(right), *(_number(value, number_text(value, digits) if value else "·") for value in row))
            for right, row in enumerate(counts)
        ),
    )


def _hardest(study: Study, labels: npt.NDArray[np.generic], pictures: Pictures) -> Iterator[Table]:
    """The images that most runs of the study get wrong."""
    rows = study.predictions.rows(study.complete, SPLIT)
    if rows is None:
        return
    bits = study.correct(study.complete, SPLIT)
    assert bits is not None
    # Unpacked a few hundred at a time: a study may have a hundred thousand runs.
    parts = (bits[start : start + 256] for start in range(0, len(bits), 256))
    hardest = hardest_images(parts, labels, n=N_HARDEST, n_images=len(labels))
    images = hardest["image"].astype(int).tolist()
    shown = [f"data:image/png;base64,{base64.b64encode(png).decode()}" for png in pictures(study, SPLIT, images)]
    yield Table(
        f"The test examples that most of {count(len(bits), 'run')} of all configurations get wrong, by their place in "
        "the data from 0, and what most of these runs take them for.",
        ("example", "class", "taken for", "wrong in"),
        tuple(
            (
                Cell(str(row["image"]), float(row["image"]), picture),
                _number(int(row["label"])),
                _number(taken),
                _number(row["share"], percent_text(row["share"], 0)),
            )
            for row, taken, picture in zip(
                hardest.to_dict("records"), _taken_for(rows, labels, images), shown or [""] * len(images), strict=True
            )
        ),
    )


def _taken_for(rows: pd.DataFrame, labels: npt.NDArray[np.generic], images: Sequence[int]) -> list[int]:
    """The class that most of the runs that get an image wrong take it for, the lower of two; one an image."""
    said: list[list[int]] = [[] for _ in images]
    for correct, mistaken in zip(rows["correct"], rows["mistaken"], strict=True):
        wrong = correctness_rows(np.frombuffer(correct, dtype=np.uint8), len(labels))[0] == 0
        before, chosen = np.cumsum(wrong), np.frombuffer(mistaken, dtype=labels.dtype)
        for image, found in zip(images, said, strict=True):
            if wrong[image]:
                found.append(int(chosen[before[image] - 1]))
    return [int(np.bincount(found).argmax()) for found in said]


def _against_second(study: Study, n: int) -> Iterator[Table]:
    """The selected configuration against the second best, in each replicate that both have."""
    if len(study.ranked) < 2:
        return
    pair = [study.complete[study.complete["trial_number"] == number] for number in study.ranked["trial_number"].head(2)]
    runs = pair[0].merge(pair[1], on="replicate", suffixes=("", "_second")).sort_values("replicate")
    n_pairs, runs = len(runs), runs.head(MOST_PAIRS)
    by_id = study.complete.set_index("run_id", drop=False)
    ours, theirs = (study.correct(by_id.loc[runs[name]], SPLIT) for name in ("run_id", "run_id_second"))
    if ours is None or theirs is None:
        return
    both = zip(correctness_rows(ours, n), correctness_rows(theirs, n), strict=True)
    tests = [mcnemar(a, b) for a, b in both]
    second = study.describe(study.ranked.iloc[1])
    first = f", in the first {len(runs)} of {n_pairs} replicates" if n_pairs > len(runs) else ""
    yield Table(
        f"Test examples that the selected configuration alone gets right, and that the second best alone does "
        f"({second}){first}. McNemar's exact test is about these two trained models, not about their configurations.",
        ("replicate", "selected alone", "second alone", "McNemar's test"),
        tuple(
            (_number(int(replicate)), _number(test.only_a), _number(test.only_b), _number(test.p, p_text(test.p)))
            for replicate, test in zip(runs["replicate"], tests, strict=True)
        ),
    )
