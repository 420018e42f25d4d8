"""What the data say about each claim: tables → Evidence, before any correction for several claims.

One function per claim, in `linear.py` and `mlp.py` beside this file. Each takes the runs that answer it,
applies a statistic, and returns an `Evidence`: the result in words, the numbers and runs behind it, and either a signed
difference with its interval (positive supports the claim) or a verdict.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from analysis.statistics.intervals import binomial_error
from analysis.statistics.pairs import Effect
from analysis.tables import Tables
from analysis.wording import count, interval_text, number_text, signed_text


class Verdict(StrEnum):
    """What the data say about a claim; `NOT_RUN` where they say nothing."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNDECIDED = "undecided"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Number:
    """One number behind a verdict: `name`, `value` and its unit as text."""

    name: str
    text: str


@dataclass(frozen=True)
class Evidence:
    """What the data say, before several claims are taken into account.

    Attributes:
        sentence: The result in words.
        run_ids: Runs behind it.
        numbers: Named numbers behind it.
        verdict: Set where it does not follow from the interval of a difference.
        difference: Signed so that positive supports the claim, with `low` and `high`.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        p: Two-sided p value of the difference.
        resolution: Smallest difference that may be called real.
    """

    sentence: str
    run_ids: tuple[int, ...]
    numbers: tuple[Number, ...] = ()
    verdict: Verdict | None = None
    difference: float = np.nan
    low: float = np.nan
    high: float = np.nan
    p: float = np.nan
    resolution: float = 0.0

    def __post_init__(self) -> None:
        """ValueError for a verdict that is none."""
        if self.verdict is not None:
            Verdict(self.verdict)


def run_ids_of(runs: pd.DataFrame) -> tuple[int, ...]:
    """The runs' ids, sorted."""
    return tuple(sorted(int(number) for number in runs["run_id"]))


def resolution_of(runs: pd.DataFrame) -> float:
    """The binomial standard error of an accuracy like theirs on the test images, a share."""
    return binomial_error(float(runs["test_accuracy"].mean()), int(runs["n_test"].iloc[0]))


def from_effect(
    effect: Effect, what: str, scale: float, unit: str, *, sign: float = 1.0, resolution: float = 0.0
) -> Evidence:
    """Evidence of a paired comparison; `sign` turns it so that positive supports the claim."""
    interval = effect.difference
    ends = sorted((sign * interval.low, sign * interval.high))

    def show(value: float) -> str:
        return signed_text(scale * value)

    bounds = f", {interval_text(interval.low, interval.high, show)}" if interval.known else ""
    units = f"{count(interval.n, effect.unit)}, {count(effect.n_pairs, 'pair')}"
    sentence = f"{what}: {show(interval.estimate)} {unit} on average{bounds} ({units})."
    numbers = (
        Number("mean difference", f"{show(interval.estimate)} {unit}"),
        Number(
            "effect size (Hedges' g)",
            "does not apply" if np.isnan(effect.effect_size) else number_text(effect.effect_size),
        ),
        Number("pairs with a larger, the same, a smaller value", ", ".join(map(str, effect.signs))),
        Number("interval", interval.method),
    )
    return Evidence(
        sentence,
        effect.run_ids,
        numbers,
        difference=sign * interval.estimate,
        low=ends[0],
        high=ends[1],
        p=effect.p,
        resolution=resolution,
    )


@dataclass(frozen=True)
class Claim:
    """A statement of the report.

    Attributes:
        key: Short name.
        statement: The claim in a sentence.
        where: Section and figure of the report.
        support: What would support it.
        study: The study that answers it.
        test: From tables to evidence; StudyMissingError and NotApplicableError lead to `not run`.
        mnist_only: Whether it speaks of a level that only MNIST can show.
    """

    key: str
    statement: str
    where: str
    support: str
    study: str
    test: Callable[[Tables], Evidence]
    mnist_only: bool = False
