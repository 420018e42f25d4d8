"""How columns of a user's `.csv` file are called in messages and by keys."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from engine.data.dataset import SplitName
from engine.errors import DataError

SPLIT_NAMES: dict[str, SplitName] = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation",
    "dev": "validation", "test": "test", "testing": "test",
}  # fmt: skip
"""What a column `split` may say, in any case."""


def title(names: Sequence[str] | None, i: int) -> str:
    """Column i (from 0) in a message."""
    if names is None:
        return f"column {i + 1}"
    return f"column {i + 1} ({repr(names[i][:40]) if names[i] else 'without a name'})"


def answer(names: Sequence[str] | None, i: int) -> str:
    """Column i (from 0) as a key names it."""
    if names is not None and names[i] and sum(name == names[i] for name in names) == 1:
        return names[i]
    return str(i + 1)


def find(path: Path, names: Sequence[str] | None, n: int, key: str, wanted: str) -> int:
    """The column that a key names: by name, else by number from 1, else `first` or `last`; DataError for none."""
    for same in (wanted.__eq__, lambda name: name.casefold() == wanted.strip().casefold()):
        found = [i for i, name in enumerate(names or ()) if same(name)]
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            numbers = " and ".join(str(i + 1) for i in found)
            raise DataError(f"{path}: {key} names {wanted!r}, but columns {numbers} are called so; give its number")
    if wanted.isascii() and wanted.isdecimal() and 1 <= int(wanted[:9]) <= n:
        return int(wanted[:9]) - 1
    if wanted in ("first", "last"):
        return 0 if wanted == "first" else n - 1
    near = difflib.get_close_matches(wanted, list(names or ()), 1)
    known = f"columns {some(names)}" if names is not None else f"{n} columns and no header, so a number from 1 to {n}"
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise DataError(f"{path}: {key} names {wanted!r}, but there are the {known}{hint}")


def some(names: Sequence[str]) -> str:
    """Names for a message: all of them, or the first and the last."""
    shown = [repr(name[:40]) for name in (names if len(names) <= 8 else [*names[:4], *names[-3:]])]
    if len(names) > 8:
        shown.insert(4, "…")
    return ", ".join(shown)


def keep_instead(names: Sequence[str] | None, i: int) -> str:
    """How a doubtful column is kept."""
    return f"or keep it as a feature: keep: [{answer(names, i)}]"
