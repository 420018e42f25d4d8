"""What the runs of a study took each image for: read from the database when it is asked for, as it is large.

v_correct ──Predictions.rows──▶ one row a run ──Predictions.correct──▶ bits ──▶ statistics/two_way.py
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.tables import connected

if TYPE_CHECKING:
    import numpy.typing as npt
    from sqlalchemy import Engine

SPLITS = ("validation", "test")
"""The splits that predictions are kept of."""
_ROWS = "SELECT run_id, data_sha256, k, n, correct, mistaken FROM v_correct WHERE study = :study AND split = :split"
# Of runs on several cuts of the same data: these have one test split, and a validation split each.
_LABELS = """
    SELECT DISTINCT classes FROM labels
    WHERE split = :split AND data_sha256 IN (SELECT data_sha256 FROM v_correct WHERE study = :study)
"""


@dataclass(frozen=True)
class Predictions:
    """The predictions of one study.

    Attributes:
        database: Where they are; None where there are none, as in a database before schema 4.
        study: The study's name in it.
    """

    database: "str | Engine | None" = None
    study: str = ""
    _read: dict[str, pd.DataFrame] = field(default_factory=dict, compare=False, repr=False)

    def rows(self, runs: pd.DataFrame, split: str) -> pd.DataFrame | None:
        """What `runs` took each image for where they are read.

        Returns:
            One row a run, in their order: `run_id`, `k` (the evaluation), `n` (images), `correct` (bits as
            `numpy.packbits` writes them), `mistaken` (the classes chosen for the wrong images, in the type of
            `labels`). None unless there are some for all of the runs, of the same images.
        """
        if self.database is None or split not in SPLITS or runs.empty:
            return None
        if split not in self._read:
            from sqlalchemy import text

            with connected(self.database) as connection:
                of = {"study": self.study, "split": split}
                self._read[split] = pd.read_sql(text(_ROWS), connection, params=of)
        keys = pd.DataFrame({"run_id": runs["run_id"].to_numpy(), "k": runs["read_k"].to_numpy()})
        # A run whose file now reads it at another evaluation has none of that one.
        found = keys.astype("int64").merge(self._read[split].astype({"run_id": "int64", "k": "int64"}))
        is_one = split == "test" or found["data_sha256"].nunique() <= 1
        return found if len(found) == len(runs) and is_one else None

    def correct(self, runs: pd.DataFrame, split: str) -> "npt.NDArray[np.uint8] | None":
        """Which images `runs` get right where they are read.

        Returns:
            Shape (runs, bytes), as `numpy.packbits` writes them, in the order of the runs; None unless it is known for
            all of them.
        """
        found = self.rows(runs, split)
        return None if found is None else np.stack([np.frombuffer(row, dtype=np.uint8) for row in found["correct"]])

    def labels(self, split: str, n: int) -> "npt.NDArray[np.unsignedinteger[Any]]":
        """The right class of each of the `n` images of a split.

        Raises:
            LookupError: The database does not have those of one such split for this study.
        """
        from sqlalchemy import text

        found: list[bytes] = []
        if self.database is not None:
            with connected(self.database) as connection:
                found = list(connection.execute(text(_LABELS), {"study": self.study, "split": split}).scalars())
        if len(found) != 1:
            raise LookupError(
                f"the database must hold the {split} labels of {self.study} once, but has them of {len(found)} cuts"
            )
        return np.frombuffer(found[0], dtype=f"<u{len(found[0]) // n}")
