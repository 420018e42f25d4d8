"""Which column of a user's `.csv` file is what: the label, the split, what is left out, and the features.

`is_header` looks at the first line, `assign` gives the columns their roles. What looks like a row number or like the
label again is a doubt, which the user settles.
"""

import itertools
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from engine.data.csv_label import LIKE_A_LABEL, find_label
from engine.data.csv_names import SPLIT_NAMES, answer, find, keep_instead, some, title
from engine.data.csv_text import is_number
from engine.data.reference import Doubt, Reading, ask
from engine.errors import DataError

_UNNAMED = re.compile(r"(unnamed: ?\d+)?", re.IGNORECASE)
_LIKE_A_ROW_NUMBER = re.compile(
    r"(.*[\s_.-])?(id|ids|idx|index|uid|uuid|row|rowid|rownum|row[\s_-]?(number|id|nr|no))", re.IGNORECASE
)
_LIKE_A_PART = re.compile(
    r"(.*[\s_.-])?(k?folds?|split|subset|set|dataset|partition|usage)([\s_.-]?\d+)?"
    r"|is[\s_.-]?(train|training|val|valid|validation|test)",
    re.IGNORECASE,
)
MAX_COLUMNS = 1_000_000
SURE_HEADER = 8
"""Numbers 0, 1, 2, … in a first line are a header from so many on; fewer can be a row."""


@dataclass(frozen=True)
class Columns:
    """The columns of a file; indices from 0.

    Attributes:
        names: the header's cells, None without a header.
        n: how many there are.
        label: the column of the classes.
        split: the column that says `train`, `validation` or `test`.
        ignored: what is left out.
        index: those of them that nobody asked to leave out: an unnamed index.
    """

    names: tuple[str, ...] | None
    n: int
    label: int
    split: int | None
    ignored: frozenset[int]
    index: frozenset[int] = frozenset()

    @cached_property
    def features(self) -> list[int]:
        """All other columns."""
        return [i for i in range(self.n) if i not in {self.label, self.split} and i not in self.ignored]

    def title(self, i: int) -> str:
        """A column in a message: `column 2 ('width')`."""
        return title(self.names, i)

    def answer(self, i: int) -> str:
        """A column as a key names it: by its name where that is only its own, else by its number."""
        return answer(self.names, i)


def is_header(path: Path, first: list[str], second: list[str] | None, decimal: str, reading: Reading) -> bool:
    """Whether a file's first row is a header: it has words where the next has numbers, or is 0, 1, 2, ….

    Raises:
        DataError: numbers that rise evenly and are too few to tell, or a row that pandas took for a header.
    """
    if reading.header is not None:
        return reading.header
    # pandas leaves the name of its index empty, and columns without names it numbers.
    numbers = first[1:] if not first[0].strip() else first
    if not all(is_number(cell, decimal) for cell in numbers):
        words = [cell.strip() != "" and not is_number(cell, decimal) for cell in first]
        if second is None or len(second) != len(first) or all(words):
            return True
        return any(word and is_number(cell, decimal) for word, cell in zip(words, second, strict=True))
    if sum(_is_repetition(b, a) for a, b in itertools.pairwise(first)) >= 3:
        doubt = (
            f"line 1 ({some(first)}) is a row that pandas took for a header and wrote as one, numbering equal cells "
            ".1, .2, …; write the file anew from the original, read with header=None, or lose this row"
        )
        raise ask(path, [Doubt(doubt, "header", "true")], reading)
    values = [float(cell.replace(",", ".")) for cell in numbers]
    steps = {b - a for a, b in itertools.pairwise(values)}
    if len(values) < 3 or len(steps) > 1 or steps == {0}:
        return False
    if values[:2] in ([0, 1], [1, 2]) and (len(values) >= SURE_HEADER or numbers != first):
        return True
    doubt = f"line 1 ({some(first)}) rises evenly from cell to cell and can be a header of numbers or a row"
    raise ask(path, [Doubt(doubt, "header", "true", "false makes it a row")], reading)


def _is_repetition(cell: str, before: str) -> bool:
    """Whether a cell is the repetition of the one before it, as pandas tells equal names apart: 0, 0.1, 0.2."""
    stem, _, number = before.partition(".")
    return cell == f"{stem}.{int(number or 0) + 1}" if (number or "0").isdecimal() else False


def assign(
    path: Path, names: tuple[str, ...] | None, sample: list[list[str]], decimal: str, reading: Reading
) -> tuple[Columns, dict[int, Doubt]]:
    """The role of each column, and by column what its user has to settle.

    Args:
        path: the file, for messages.
        names: its header, None without one.
        sample: the first rows below it.
        decimal: `.` or `,`.
        reading: what its user says.

    Raises:
        DataError: no label, or more than one.
    """
    n = len(names) if names is not None else len(sample[0])
    lower = [name.strip().strip("#").strip().lower() for name in names or ()]
    ignored = frozenset(find(path, names, n, "ignore", name) for name in reading.ignore)
    kept = frozenset(find(path, names, n, "keep", name) for name in reading.keep)
    if both := ignored & kept:
        raise DataError(f"{path}: {title(names, min(both))} cannot be both in ignore and in keep")
    index = _pandas_index(lower, sample, kept)
    ignored |= index
    split = next((i for i, name in enumerate(lower) if name == "split" and i not in ignored | kept), None)
    if reading.label is not None:
        label = find(path, names, n, "label", reading.label)
        if label in ignored or label in kept:
            raise DataError(f"{path}: {title(names, label)} cannot be both the label and in ignore or keep")
    else:
        label = find_label(path, names, sample, decimal, ignored | kept, reading)
    columns = Columns(names, n, label, split, ignored, index)
    _refuse_words_of_split(path, columns, sample, reading)
    doubts: dict[int, Doubt] = {}
    for i in columns.features:
        if names is None or i in kept:
            continue
        if LIKE_A_LABEL.fullmatch(lower[i]):
            what = "is called like a label, and as a feature it can give the answer away"
        elif _LIKE_A_ROW_NUMBER.fullmatch(lower[i]):
            what = "is called like a row's number or name, which says nothing about a class"
        elif _LIKE_A_PART.fullmatch(lower[i]):
            what = "is called like a part of the data, which says nothing about a class"
        elif _UNNAMED.fullmatch(lower[i]):
            what = "looks like an index that pandas wrote, in another order"
        else:
            continue
        doubts[i] = Doubt(f"{title(names, i)} {what}", "ignore", answer(names, i), keep_instead(names, i))
    return columns, doubts


def _refuse_words_of_split(path: Path, columns: Columns, sample: list[list[str]], reading: Reading) -> None:
    """DataError for a `split` of another name: in silence, or left out, its test rows would be trained on."""
    for i in columns.features:
        cells = [row[i].strip() for row in sample if i < len(row)]
        if cells[:1] and cells[0].lower() in SPLIT_NAMES and all(cell.lower() in SPLIT_NAMES for cell in cells):
            doubt = f"{columns.title(i)} says {' and '.join(sorted(set(cells)))}, but is not called split"
            instead = "to have it followed, write split above it in line 1"
            raise ask(path, [Doubt(doubt, "ignore", columns.answer(i), instead)], reading)


def _pandas_index(lower: list[str], sample: list[list[str]], kept: frozenset[int]) -> frozenset[int]:
    """The unnamed column that counts the rows, as pandas writes its index unless index=False; empty for none."""
    return frozenset(
        i
        for i, name in enumerate(lower)
        if _UNNAMED.fullmatch(name) and i not in kept and _counts([row[i] for row in sample if i < len(row)])
    )


def _counts(cells: list[str]) -> bool:
    return len(cells) > 1 and cells == [str(i) for i in range(len(cells))]
