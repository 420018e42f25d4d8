"""What the runs say about a claim, before any correction for several claims.

Compare.examine(…) ─▶ Evidence(sentence, runs, numbers, and a difference with its interval or a verdict) ─▶ judge
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import nan
from typing import TYPE_CHECKING

from analysis.statistics.pairs import MIN_REPLICATES, equivalence
from analysis.statistics.splits import CORRECTED, OVER_CUTS
from analysis.wording import capital, count, interval_text, number_text

if TYPE_CHECKING:
    import pandas as pd

    from analysis.claims.claim import Claim
    from analysis.statistics.pairs import Effect
    from analysis.studies import Studies, Study

VALUE = "value"
"""The column that holds a claim's metric."""
SIGNS = {"higher": 1.0, "lower": -1.0, "same": 1.0}
"""What a claim of a difference may expect, and the sign that turns a difference so that positive supports it."""


class Verdict(StrEnum):
    """What the data say about a claim; `NOT_RUN` and `OTHER_SETTINGS` where they say nothing."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NO_DIFFERENCE = "no difference that matters"
    UNDECIDED = "undecided"
    NOT_RUN = "not run"
    OTHER_SETTINGS = "other settings"


@dataclass(frozen=True)
class Number:
    """One number behind a verdict: `name`, `value` and its unit as text."""

    name: str
    text: str


@dataclass(frozen=True)
class Margin:
    """The smallest difference that matters, in the metric's unit, and what it is in words."""

    size: float
    words: str


@dataclass(frozen=True)
class Evidence:
    """What the data say, before several claims are taken into account.

    Attributes:
        sentence: The result in words.
        run_ids: Runs behind it.
        numbers: Named numbers behind it.
        verdict: Set where it does not follow from a difference.
        difference: Signed so that positive supports the claim; as it is where `is_same`.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        p: Two-sided p value of the difference; where `is_same` that of `equivalence`.
        margin: Smallest difference that matters.
        is_same: Whether the claim is that there is no difference that matters.
        wants_seeds: Whether runs with more seeds would decide it.
        caution: Why so few seeds decide nothing, or "".
        is_sequential: Whether its verdict holds at every look, with a share of its own of what claims of a page share.
    """

    sentence: str
    run_ids: tuple[int, ...]
    numbers: tuple[Number, ...] = ()
    verdict: Verdict | None = None
    difference: float = nan
    low: float = nan
    high: float = nan
    p: float = nan
    margin: Margin = Margin(0.0, "")
    is_same: bool = False
    wants_seeds: bool = False
    caution: str = ""
    is_sequential: bool = False

    def __post_init__(self) -> None:
        """ValueError for a verdict that is none."""
        if self.verdict is not None:
            Verdict(self.verdict)


def run_ids_of(*tables: pd.DataFrame) -> tuple[int, ...]:
    """The ids of all runs in the tables, sorted and once each."""
    return tuple(sorted({int(number) for runs in tables for number in runs["run_id"]}))


def measured(claim: Claim, study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """`runs` with the claim's metric as the column `VALUE`."""
    return runs.assign(**{VALUE: claim.measured.of_runs(study, runs)})


def owner_of(studies: Studies, runs: pd.DataFrame) -> Study:
    """The study that runs are of, which has their curves."""
    return next(study for study in studies.everything if study.name == runs["study"].iloc[0])


def margin_of(claim: Claim, runs: pd.DataFrame) -> Margin:
    """What the claim states as the smallest difference that matters, else what the images of `runs` can tell apart."""
    metric = claim.measured
    if claim.margin is not None:
        text = f"{metric.show_size(claim.margin)} {metric.unit}"
        return Margin(claim.margin, f"the {text} that the claim calls the smallest difference that matters")
    if metric.split is None:
        return Margin(0.0, "")
    return images_margin(claim, metric.resolution(runs))


def two_way_margin(claim: Claim, runs: pd.DataFrame) -> Margin:
    """The margin where the interval is over seeds and images: any difference it parts from zero is real.

    That there is none needs one, though: what the claim states, else what the images of `runs` can tell apart.
    """
    needs_one = claim.margin is not None or claim.expect in ("same", "neither")
    return margin_of(claim, runs) if needs_one else Margin(0.0, "")


def images_margin(claim: Claim, error: float) -> Margin:
    """The error with which images measure a difference, as the smallest one that matters."""
    text = f"{claim.measured.show_size(error)} {claim.measured.unit}"
    return Margin(error, f"the {text} of standard error with which the {claim.measured.split} examples measure it")


def few_seeds(effect: Effect, n_replicates: int) -> str:
    """A word beside an interval of which levels are the units because seeds are few."""
    if effect.unit == "replicate" or not 2 <= n_replicates < MIN_REPLICATES:
        return ""
    return f" Its units are levels, as there are {n_replicates} seeds: such intervals hold in 82 to 87 of 100 studies."


def from_effect(
    effect: Effect, what: str, claim: Claim, expect: str, margin: Margin, pairs: str = "pair", bounds: str = ""
) -> Evidence:
    """Evidence of a difference between two levels, in independent units.

    Args:
        effect: The difference.
        what: What differs, in words.
        claim: Whose metric it is.
        expect: A key of `SIGNS`.
        margin: The smallest difference that matters.
        pairs: What `effect.n_pairs` counts.
        bounds: Its intervals in words, where there are several.
    """
    interval, metric, sign = effect.difference, claim.measured, SIGNS[expect]
    ends = sorted((sign * interval.low, sign * interval.high))
    shown = f"{metric.show_difference(interval.estimate)} {metric.unit}"
    if not bounds and interval.known:
        over = OVER_CUTS if interval.method == CORRECTED else ""
        bounds = interval_text(interval.low, interval.high, metric.show_difference, over)
    bounds = f", {bounds}" if bounds else ""
    units = f"{count(interval.n, effect.unit)}, {count(effect.n_pairs, pairs)}"
    numbers = (
        Number("mean difference", shown),
        Number(
            "effect size (Hedges' g)",
            "does not apply" if effect.effect_size != effect.effect_size else number_text(effect.effect_size),
        ),
        Number(f"{pairs}s with a larger, the same, a smaller value", ", ".join(map(str, effect.signs))),
        Number("interval", interval.method),
    )
    return Evidence(
        f"{capital(what)}: {shown} on average{bounds} ({units}).",
        effect.run_ids,
        numbers,
        difference=sign * interval.estimate,
        low=ends[0],
        high=ends[1],
        p=equivalence(interval.estimate, margin.size, effect.one_sided) if expect == "same" else effect.p,
        margin=margin,
        is_same=expect == "same",
    )
