"""What is read from a user's file, before values are scaled, labels made classes and missing parts taken."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from engine.data.dataset import SparseRows, SplitName
from engine.data.reference import Doubt, Reading


@dataclass(frozen=True)
class Part:
    """Rows as they stand in the file, with labels not yet made classes; `labels` (n,) of any dtype."""

    rows: SparseRows
    labels: NDArray[Any]


@dataclass
class UserData:
    """What a file holds.

    Attributes:
        path: the file, for messages.
        reading: what its user says about it.
        notify: called with a line for each thing that was decided, which begins with the path.
        parts: by split; `train` is always there.
        may_be_pixels: whether whole numbers in it can mean pixels.
        where: the place of row i (from 0) of a split, for messages: `line 7`, or `row 3 (from 0) of X_test`.
        feature: the same for feature j (from 0): `column 2 ('width')`, or `feature 1 (from 0)`.
        doubts: what its user has to settle.
        doubted: features that are likely to be left out then.
    """

    path: Path
    reading: Reading
    notify: Callable[[str], None]
    parts: dict[SplitName, Part] = field(default_factory=dict)
    may_be_pixels: bool = True
    where: Callable[[SplitName, int], str] = lambda split, i: f"row {i} (from 0) of the {split} part"
    feature: Callable[[int], str] = lambda j: f"feature {j} (from 0)"
    doubts: list[Doubt] = field(default_factory=list)
    doubted: list[int] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Tell the user something about the file."""
        self.notify(f"{self.path}: {text}")
