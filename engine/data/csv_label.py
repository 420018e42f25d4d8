"""Which column of a user's `.csv` file is the label, where its user does not say.

With a header, it is the column of a name that is usual for labels; without one, the first column, where that looks
like classes and no other looks more like them. Anything else is asked for.
"""

import itertools
import re
from collections import Counter
from pathlib import Path
from typing import NoReturn

import numpy as np

from engine.data.csv_names import answer, keep_instead, some, title
from engine.data.csv_text import is_number
from engine.data.reference import Doubt, Reading, ask
from engine.errors import DataError

LABEL_NAMES = ("label", "labels", "class", "classes", "target", "targets", "y", "digit")
"""What a label's column is called, in any case."""

LIKE_A_LABEL = re.compile(
    r"(.*[\s_.-])?(labels?|class|classes|targets?|digit|category|outcome|truth|predictions?|predicted|pred)"
    r"([\s_.-](id|name|code|idx|index|encoded|\d+))?\d*|y|y[\s_.-]?(true|hat|train|test)",
    re.IGNORECASE,
)
"""What a second label's column, or a one-hot label's, may be called."""


def find_label(
    path: Path,
    names: tuple[str, ...] | None,
    sample: list[list[str]],
    decimal: str,
    left_out: frozenset[int],
    reading: Reading,
) -> int:
    """The label's column, from 0.

    Args:
        path: the file, for messages.
        names: its header, None without one.
        sample: the first rows below it.
        decimal: `.` or `,`.
        left_out: columns that are no candidates.
        reading: what its user says.

    Raises:
        DataError: no column that is plainly the label, with the likely ones.
    """
    if names is None or all(is_number(name) or not name for name in names):
        return _by_values(path, names, sample, decimal, left_out, reading)
    lower = [name.lower() for name in names]
    found = [i for i, name in enumerate(lower) if name in LABEL_NAMES and i not in left_out]
    if len(found) == 1:
        return found[0]
    if found:
        others = [Doubt(f"{title(names, i)} could be the label too", "ignore", answer(names, i)) for i in found[1:]]
        first = Doubt(f"{title(names, found[0])} is called like a label", "label", answer(names, found[0]))
        raise ask(path, [first, *others], reading)
    _refuse_one_hot(path, sample)
    doubt = (
        f"line 1 is a header without a column `label` (or {', '.join(LABEL_NAMES[1:])}); its columns are {some(names)}"
    )
    instead = "or another column that holds the class; header: false makes the line a row"
    raise ask(path, [Doubt(doubt, "label", answer(names, _likely(lower, sample, decimal, left_out)), instead)], reading)


def _likely(names: list[str], sample: list[list[str]], decimal: str, left_out: frozenset[int]) -> int:
    """The column that is most likely meant, by its name, its words, or that it is not counted as its neighbours are."""
    candidates = [i for i in range(min(len(names), *map(len, sample))) if i not in left_out]
    for i in candidates:
        if LIKE_A_LABEL.fullmatch(names[i]):
            return i
    stems = [re.sub(r"\d+", "", names[i]) for i in candidates]
    times = Counter(stems)
    alone = [i for i, stem in zip(candidates, stems, strict=True) if times[stem] == 1] or candidates
    values = {i: _Values([row[i] for row in sample], decimal) for i in alone}
    fit = [i for i in alone if not values[i].problem]
    words = [i for i in fit if values[i].is_text]
    return ([*words, *fit[-1:]] if len(words) == 1 else [*fit[-1:], *candidates[-1:], len(names) - 1])[0]


def _by_values(
    path: Path,
    names: tuple[str, ...] | None,
    sample: list[list[str]],
    decimal: str,
    left_out: frozenset[int],
    reading: Reading,
) -> int:
    """The first column, where it looks like classes and no other looks more like them."""
    n = min(len(row) for row in sample)
    candidates = [i for i in range(n) if i not in left_out]
    if len(candidates) < 2:
        return 0
    _refuse_one_hot(path, sample)
    values = {i: _Values([row[i] for row in sample], decimal) for i in candidates}
    i, j = candidates[0], candidates[-1]
    first, last = values[i], values[j]
    words = [k for k in candidates if values[k].is_text]
    likely = words[0] if len(words) == 1 else j
    # Binary pixels and the like: a column of codes among its equals is no label.
    n_like_last = sum(values[k].distinct == last.distinct for k in candidates)
    problem = first.problem
    if not problem and not first.is_text:
        if len(words) == 1:
            problem = f"holds numbers, and column {likely + 1} words ({values[likely].shown})"
        elif (
            last.are_codes
            and n_like_last * 2 <= len(candidates)
            and not (first.are_codes and len(first.distinct) <= len(last.distinct))
        ):
            problem = (
                f"holds {len(first.distinct)} different values ({first.shown}), and column {j + 1} "
                f"{len(last.distinct)} ({last.shown})"
            )
    if not problem:
        return i
    if first.counts:
        doubt = f"{title(names, i)} rises by one from row to row, like a row's number"
        raise ask(path, [Doubt(doubt, "ignore", answer(names, i), keep_instead(names, i))], reading)
    doubt = f"there are no names, so the label should be in column {i + 1}, but that {problem}"
    likely_answer = "last" if likely == n - 1 else str(likely + 1)
    raise ask(path, [Doubt(doubt, "label", likely_answer, f"or first, or a column's number from 1 to {n}")], reading)


class _Values:
    """What a column's first cells look like.

    Attributes:
        is_text: whether some cell is no number.
        distinct: the different values, sorted: strings where `is_text`, numbers otherwise.
        shown: the first of them, for messages.
        are_codes: whether they are 0, 1, … or 1, 2, ….
        counts: whether each is one more than the one before it.
        problem: why they can be no label; empty where they can.
    """

    def __init__(self, cells: list[str], decimal: str) -> None:
        cells = [cell.strip() for cell in cells]
        self.is_text = not all(is_number(cell, decimal) for cell in cells)
        self.distinct: list[str] | list[float] = sorted(set(cells))
        if not self.is_text:
            self.distinct = sorted({float(cell.replace(",", ".")) for cell in cells})
        n = len(self.distinct)
        shown = [v if isinstance(v, str) else f"{v:g}" for v in self.distinct[:4]]
        self.shown = ", ".join(shown) + (", …" if n > 4 else "")
        whole = all(isinstance(v, float) and v.is_integer() for v in self.distinct)
        self.are_codes = n > 1 and self.distinct in (list(range(n)), list(range(1, n + 1)))
        in_order = [] if self.is_text else [float(cell.replace(",", ".")) for cell in cells]
        self.counts = len(in_order) >= 20 and all(b - a == 1 for a, b in itertools.pairwise(in_order))
        self.problem = ""
        if not self.is_text and not whole:
            self.problem = f"holds numbers that are no classes: {self.shown}"
        elif len(cells) >= 10 and n == 1:
            self.problem = f"is {self.shown} in every one of the first {len(cells)} rows"
        elif len(cells) >= 20 and n == len(cells):
            self.problem = f"is different in each of the first {len(cells)} rows"


def _refuse_one_hot(path: Path, sample: list[list[str]]) -> None:
    """DataError where the first columns, or the last, hold a single 1 in each of at least 10 rows."""
    n = min(len(row) for row in sample)
    if len(sample) < 10 or n < 4:
        return
    digits = np.array([[_digit(cell) for cell in row[:n]] for row in sample])
    for side, ones in (("first", digits), ("last", digits[:, ::-1])):
        for k in range(3, n):
            if (ones[:, k - 1] < 0).any():
                break
            head = ones[:, :k]
            if (head.sum(axis=1) == 1).all() and (head.sum(axis=0) > 0).sum() > 1:
                _raise_one_hot(path, side, k)


def _raise_one_hot(path: Path, side: str, k: int) -> NoReturn:
    raise DataError(
        f"{path}: the {side} {k} columns hold a single 1 in each row, like a one-hot label; write the class into one "
        "column, which is y.argmax(axis=1), or name the column that holds it: label: first or --label first"
    )


def _digit(cell: str) -> int:
    """0 and 1 as they are, -1 for anything else."""
    try:
        value = float(cell.replace(",", "."))
    except ValueError:
        return -1
    return int(value) if value in (0, 1) else -1
