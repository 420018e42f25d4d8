"""Which configuration is best: a rule that sees validation values alone.

The rule: each run of a trial is read at one of its evaluations, the first in the order `READ_AT`; the trial that is
first in the order `RANKING`, by means over its runs, is chosen. The input is `v_selection_inputs`, which has no test
column, so a test value cannot reach the choice.

What comes first, and how ties break, is declared once, as an `Order`: Python sorts by `sort_key` of it, the
database's views by `order_by` or `order_by_case` of it, and `in_words` says it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

Order = tuple[tuple[str, int], ...]
"""Columns, most important first, each with 1 where the smallest value comes first and -1 where the largest does."""

READ_AT: Mapping[str, Order] = {
    "best": (("accuracy", -1), ("loss", 1), ("k", 1)),
    "last": (("k", -1),),
}
"""Which of a run's evaluations on validation it is read at: the first in this order."""

RANKING: Order = (("validation_accuracy", -1), ("validation_loss", 1), ("trial_number", 1))
"""The best trial comes first."""

INPUTS: Order = (("trial_number", 1), ("replicate", 1), ("k", 1))
"""The rows of `v_selection_inputs`; the digest of a frozen choice depends on it."""

_WORDS = {
    ("validation_accuracy", -1): "highest validation accuracy",
    ("validation_loss", 1): "lower validation loss",
    ("trial_number", 1): "lower trial number",
    ("accuracy", -1): "best validation accuracy",
    ("loss", 1): "lower validation loss",
    ("k", 1): "the earlier one",
    ("k", -1): "the last one",
}


def in_words(order: Order) -> tuple[str, str]:
    """What comes first in an order, and how ties break: `lower validation loss, then lower trial number`.

    Raises:
        KeyError: a column and direction that have no words yet.
    """
    first, *others = (_WORDS[key] for key in order)
    return first, ", then ".join(others)


RULES = {
    name: f"{in_words(RANKING)[0]}, each run read at its {name} evaluation (mean over replicates); "
    f"ties: {in_words(RANKING)[1]}"
    for name in READ_AT
}


@dataclass(frozen=True)
class Candidate:
    """A trial as selection sees it.

    Attributes:
        trial_id: key in the database.
        trial_number: from 0.
        validation_accuracy: mean over the trial's complete runs, each at the evaluation it is read at.
        validation_loss: the same for the loss, in nats.
        n_runs: complete runs.
    """

    trial_id: int
    trial_number: int
    validation_accuracy: float
    validation_loss: float
    n_runs: int


@dataclass(frozen=True)
class Choice:
    """The best candidate with what it was chosen from.

    Attributes:
        best: the candidate.
        ranking: all candidates, best first.
        rule: the rule in words.
        inputs_sha256: digest of the values the choice rests on.
    """

    best: Candidate
    ranking: tuple[Candidate, ...]
    rule: str
    inputs_sha256: str


def guessing_accuracy(n_classes: int) -> float:
    """The accuracy of guessing one of `n_classes` classes, at which a diverged trial counts.

    Raises:
        ValueError: there is no class.
    """
    if n_classes < 1:
        raise ValueError(f"n_classes >= 1 must hold, but got {n_classes}")
    return 1 / n_classes


def sort_key(order: Order, row: Mapping[str, float]) -> tuple[float, ...]:
    """The key by which Python sorts a row into `order`."""
    return tuple(direction * row[column] for column, direction in order)


def order_by(order: Order) -> str:
    """`order` as SQL, for ORDER BY."""
    return ", ".join(f"{column} {'ASC' if direction > 0 else 'DESC'}" for column, direction in order)


def order_by_case(orders: Mapping[str, Order], case: str, table: str) -> str:
    """Several orders as SQL, for ORDER BY, of which the value of `case` chooses one for each row.

    Args:
        orders: by the value that chooses them.
        case: the SQL expression whose value that is.
        table: alias of the columns' table.
    """
    keys = []
    for place in range(max(map(len, orders.values()))):
        terms = [
            f"WHEN '{value}' THEN {'-' if order[place][1] < 0 else ''}{table}.{order[place][0]}"
            for value, order in orders.items()
            if place < len(order)
        ]
        keys.append(f"CASE {case} {' '.join(terms)} END")
    return ", ".join(keys)


def read_run(curve: Mapping[int, tuple[float, float]], read_at: str) -> tuple[int, float, float]:
    """The evaluation at which a run is read, from validation (accuracy, loss) by k: (k, accuracy, loss).

    Raises:
        KeyError: `read_at` is not one of `READ_AT`.
    """
    order = READ_AT[read_at]
    k = min(curve, key=lambda i: sort_key(order, {"k": i, "accuracy": curve[i][0], "loss": curve[i][1]}))
    return k, *curve[k]


def choose(rows: Iterable[Mapping[str, Any]]) -> Choice | None:
    """The choice from the rows of `v_selection_inputs` for one study; None where no run is complete.

    Args:
        rows: with trial_id, trial_number, run_id, k, validation_accuracy, validation_loss, read_at.
    """
    curves: dict[tuple[int, int], dict[int, dict[int, tuple[float, float]]]] = {}
    read_at = "best"
    digest = hashlib.sha256()
    for row in rows:
        trial = curves.setdefault((row["trial_number"], row["trial_id"]), {})
        values = (row["validation_accuracy"], row["validation_loss"])
        trial.setdefault(row["run_id"], {})[row["k"]] = values
        read_at = row["read_at"]
        digest.update(json.dumps([row["trial_number"], row["run_id"], row["k"], *values]).encode())
    candidates = []
    for (number, trial_id), trial_runs in curves.items():
        read = [read_run(curve, read_at) for curve in trial_runs.values()]
        candidates.append(
            Candidate(trial_id, number, fmean(r[1] for r in read), fmean(r[2] for r in read), len(trial_runs))
        )
    if not candidates:
        return None
    ranking = sorted(candidates, key=lambda candidate: sort_key(RANKING, vars(candidate)))
    return Choice(ranking[0], tuple(ranking), RULES[read_at], digest.hexdigest())
