"""`selected`: what this study selects on validation against what another study selects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from analysis.claims.claim import ClaimError, Form
from analysis.claims.evidence import (
    SIGNS,
    VALUE,
    Evidence,
    Margin,
    Number,
    images_margin,
    margin_of,
    measured,
    owner_of,
    run_ids_of,
    two_way_margin,
)
from analysis.claims.images import bounds, by_seed, chosen_two_way, errors
from analysis.errors import NotApplicableError
from analysis.statistics.pairs import Alternative, equivalence
from analysis.statistics.splits import repeated_splits
from analysis.wording import capital, count, interval_text, number_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from analysis.claims.claim import Claim, Stated
    from analysis.statistics.intervals import Array
    from analysis.statistics.splits import Replicated
    from analysis.statistics.two_way import TwoWay
    from analysis.studies import Studies, Study


@dataclass(frozen=True)
class _Difference:
    """The difference of two means: its 95 % interval, what is real of it, its tests, and all of it in words."""

    low: float
    high: float
    margin: Margin
    p: float
    one_sided: Callable[[float, Alternative], float]
    words: str
    numbers: tuple[Number, ...] = ()


class Selected(Form):
    """The configuration that this study selects against the one that another study of the same data selects.

    Attributes:
        against: The other study's name in its file.
    """

    EXPECTS: ClassVar[tuple[str, ...]] = ("higher", "lower", "same")
    TAKES_MARGIN: ClassVar[bool] = True

    against: str

    def check(self, claim: Claim, stated: Stated) -> None:
        """The other study is another one."""
        super().check(claim, stated)
        if self.against == stated.study:
            raise ClaimError("against must be another study, but is this one", "selected.against")

    def support(self, claim: Claim) -> str:
        """What would support and what contradict it."""
        if claim.expect == "same":
            return (
                f"The configurations that this study and {self.against} select on validation differ in "
                f"{claim.measured.label} by less than the margin, in two one-sided tests; contradicted by a difference "
                "that is surely larger."
            )
        return (
            f"{capital(claim.measured.label)}: {claim.expect} in the configuration selected on validation than in the "
            f"one that {self.against} selects, by more than the margin; contradicted by the opposite. Where it is "
            "known which examples each run got right, a margin counts only where the claim states one."
        )

    def examine(self, claim: Claim, study: Study, studies: Studies) -> Evidence:
        """The difference of two means: over seeds and images, else with the errors of both added."""
        from analysis.statistics.ranks import probability_of_superiority

        metric, other = claim.measured, studies.beside(study, self.against)
        chosen = [studies.chosen_runs(s) for s in (study, other)]
        owners = [owner_of(studies, runs) for runs in chosen]
        for owner in owners:
            if owner.replicated.crossed:
                raise NotApplicableError(
                    f"the runs of {owner.name} share what they draw, level by level, so that they are not independent; "
                    "confirm it, which trains the same configuration with fresh seeds"
                )
        ours, theirs = (measured(claim, owner, runs) for owner, runs in zip(owners, chosen, strict=True))
        matched = by_seed(ours, theirs)
        two_way = chosen_two_way(owners[0], owners[1], matched, metric)
        if two_way is None:
            found = _apart(claim, (ours, theirs), [owner.replicated for owner in owners])
        else:
            ours, theirs = matched
            found = _together(claim, two_way, ours)
        a, b = (float(runs[VALUE].mean()) for runs in (ours, theirs))
        everything = [measured(claim, s, s.complete) for s in (study, other)]
        beats = probability_of_superiority(*(runs[VALUE] for runs in everything))
        interval = f" ({interval_text(beats.low, beats.high)})" if beats.known else ""
        sentence = (
            f"{capital(metric.label)} of the configuration selected on validation: {metric.show(a)} in {study.name} "
            f"({count(len(ours), 'run')}), {metric.show(b)} in {other.name} ({count(len(theirs), 'run')}): "
            f"{metric.show_difference(a - b)} {metric.unit}{found.words}. A random complete run of {study.name} has "
            f"more than one of {other.name} with probability {number_text(beats.estimate)}{interval}, ties counted "
            "half."
        )
        numbers = (
            Number(
                f"probability that a random run of {study.name} has more than one of {other.name}",
                f"{number_text(beats.estimate, 3)}{interval}, {len(everything[0])} against "
                f"{count(len(everything[1]), 'run')}",
            ),
            Number("interval of it", beats.method),
            *found.numbers,
        )
        assert claim.expect is not None
        sign, is_same = SIGNS[claim.expect], claim.expect == "same"
        ends = sorted((sign * found.low, sign * found.high))
        return Evidence(
            sentence,
            run_ids_of(ours, theirs, *everything),
            numbers,
            difference=sign * (a - b),
            low=ends[0],
            high=ends[1],
            p=equivalence(a - b, found.margin.size, found.one_sided) if is_same and np.isfinite(found.p) else found.p,
            margin=found.margin,
            is_same=is_same,
        )


def _together(claim: Claim, found: TwoWay, runs: pd.DataFrame) -> _Difference:
    """Over seeds and images."""
    metric, such = claim.measured, found.such
    return _Difference(
        such.interval.low,
        such.interval.high,
        two_way_margin(claim, runs),
        such.p,
        such.one_sided,
        f", {bounds(found, metric.show_difference)}",
        (Number("interval of the difference", such.interval.method), *errors(found, metric)),
    )


def _apart(claim: Claim, runs: tuple[pd.DataFrame, pd.DataFrame], over: Sequence[Replicated]) -> _Difference:
    """Its error adds what seeds contribute to that of two samples of images.

    Both see the same images, so this is rather too large.
    """
    from scipy import stats

    from analysis.statistics.intervals import LEVEL

    metric, (ours, theirs) = claim.measured, runs
    images = float(np.hypot(metric.resolution(ours), metric.resolution(theirs)))
    error, freedom = _error(images, [(x[VALUE].to_numpy(), o.parts) for x, o in zip(runs, over, strict=True)])
    difference = float(ours[VALUE].mean()) - float(theirs[VALUE].mean())
    reach = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * error
    low, high = difference - reach, difference + reach

    def one_sided(at: float, side: Alternative) -> float:
        if not error > 0:
            return float("nan")
        t = (difference - at) / error
        return float(stats.t.sf(t if side == "greater" else -t, freedom))

    is_image_error = claim.margin is None and metric.split is not None
    drawn = " and ".join(dict.fromkeys(each.words for each in over))
    sources = f"examples and {drawn}" if images > 0 else drawn
    return _Difference(
        low,
        high,
        images_margin(claim, images) if is_image_error else margin_of(claim, ours),
        2 * one_sided(0.0, "greater" if difference > 0 else "less"),
        one_sided,
        f", {interval_text(low, high, metric.show_difference)} from {sources}" if error > 0 else "",
    )


def _error(images: float, samples: Sequence[tuple[Array, tuple[int, int] | None]]) -> tuple[float, float]:
    """Standard error of a difference of two means, and its degrees of freedom (Welch and Satterthwaite).

    Each sample comes with the examples of its training and validation parts where its replicates are on cuts of the
    same data: the variance of their mean is then corrected (`analysis.statistics.splits`).

    That of the images is known from theory, so it brings no degree of freedom that could be too few. NaN where there
    is neither an error of images nor a second run of each.
    """
    seeds = [
        (repeated_splits(x, *parts).error ** 2 if parts else float(x.var(ddof=1)) / len(x), len(x) - 1)
        for x, parts in samples
        if len(x) > 1
    ]
    if images == 0 and len(seeds) < len(samples):
        return np.nan, np.nan
    variance = images**2 + sum(v for v, _ in seeds)
    uncertain = sum(v**2 / n for v, n in seeds)
    return float(np.sqrt(variance)), float(variance**2 / uncertain) if uncertain > 0 else np.inf
