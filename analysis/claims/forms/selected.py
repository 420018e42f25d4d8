"""`selected`: what this study selects on validation against what another study selects."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from analysis.claims.claim import ClaimError, Form
from analysis.claims.evidence import (
    SIGNS,
    VALUE,
    Evidence,
    Number,
    images_margin,
    margin_of,
    measured,
    owner_of,
    run_ids_of,
)
from analysis.statistics.pairs import Alternative, equivalence
from analysis.statistics.splits import repeated_splits
from analysis.wording import capital, count, interval_text, number_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.claims.claim import Claim, Stated
    from analysis.statistics.intervals import Array
    from analysis.studies import Studies, Study


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
            f"one that {self.against} selects, by more than the margin; contradicted by the opposite."
        )

    def examine(self, claim: Claim, study: Study, studies: Studies) -> Evidence:
        """The difference of two means; its error adds what seeds contribute to that of two samples of images.

        Both see the same images, so this is rather too large.
        """
        from scipy import stats

        from analysis.statistics.intervals import LEVEL
        from analysis.statistics.ranks import probability_of_superiority

        metric, other = claim.measured, studies.beside(study, self.against)
        chosen = [studies.chosen_runs(s) for s in (study, other)]
        owners = [owner_of(studies, runs) for runs in chosen]
        ours, theirs = (measured(claim, owner, runs) for owner, runs in zip(owners, chosen, strict=True))
        a, b = (float(runs[VALUE].mean()) for runs in (ours, theirs))
        images = float(np.hypot(metric.resolution(ours), metric.resolution(theirs)))
        error, freedom = _error(
            images,
            [
                (runs[VALUE].to_numpy(), each.replicated.parts)
                for each, runs in zip(owners, (ours, theirs), strict=True)
            ],
        )
        reach = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * error
        low, high = a - b - reach, a - b + reach

        def one_sided(at: float, side: Alternative) -> float:
            t = (a - b - at) / error
            return float(stats.t.sf(t if side == "greater" else -t, freedom))

        is_image_error = claim.margin is None and metric.split is not None
        margin = images_margin(claim, images) if is_image_error else margin_of(claim, ours)
        p = np.nan
        if error > 0:
            is_same = claim.expect == "same"
            p = (
                equivalence(a - b, margin.size, one_sided)
                if is_same
                else 2 * one_sided(0.0, "greater" if a > b else "less")
            )
        everything = [measured(claim, s, s.complete) for s in (study, other)]
        beats = probability_of_superiority(*(runs[VALUE] for runs in everything))
        bounds = f" ({interval_text(beats.low, beats.high)})" if beats.known else ""
        drawn = " and ".join(dict.fromkeys(each.replicated.words for each in owners))
        sources = f"examples and {drawn}" if images > 0 else drawn
        interval = f", {interval_text(low, high, metric.show_difference)} from {sources}" if error > 0 else ""
        sentence = (
            f"{capital(metric.label)} of the configuration selected on validation: {metric.show(a)} in {study.name} "
            f"({count(len(ours), 'run')}), {metric.show(b)} in {other.name} ({count(len(theirs), 'run')}): "
            f"{metric.show_difference(a - b)} {metric.unit}{interval}. A random complete run of {study.name} has more "
            f"than one of {other.name} with probability {number_text(beats.estimate)}{bounds}, ties counted half."
        )
        numbers = (
            Number(
                f"probability that a random run of {study.name} has more than one of {other.name}",
                f"{number_text(beats.estimate, 3)}{bounds}, {len(everything[0])} against "
                f"{count(len(everything[1]), 'run')}",
            ),
            Number("interval of it", beats.method),
        )
        assert claim.expect is not None
        sign = SIGNS[claim.expect]
        ends = sorted((sign * low, sign * high))
        return Evidence(
            sentence,
            run_ids_of(ours, theirs, *everything),
            numbers,
            difference=sign * (a - b),
            low=ends[0],
            high=ends[1],
            p=p,
            margin=margin,
            is_same=claim.expect == "same",
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
