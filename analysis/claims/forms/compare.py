"""`compare`: one level of a factor against another, in matched pairs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from analysis.claims.claim import ClaimError, Form
from analysis.claims.contrast import Contrast, complete_runs, contrast_of
from analysis.claims.evidence import (
    VALUE,
    Evidence,
    Number,
    few_seeds,
    from_effect,
    margin_of,
    measured,
    two_way_margin,
)
from analysis.claims.images import other_images, paired_two_way
from analysis.wording import capital, count, factor_name, level_name, value_text

if TYPE_CHECKING:
    import pandas as pd

    from analysis.claims.claim import Claim, Stated
    from analysis.statistics.sequences import Expected
    from analysis.studies import Studies, Study

_FEW_LEVELS = 4
"""Up to how many levels of another factor the difference is given at each of them."""


class Compare(Form):
    """One level of a factor against another, in pairs of runs that agree in everything else and in their seeds.

    Attributes:
        factor: The hyperparameter.
        level: The level that the claim speaks of.
        against: The level that it is compared with.
    """

    EXPECTS: ClassVar[tuple[str, ...]] = ("higher", "lower", "same")
    TAKES_MARGIN: ClassVar[bool] = True

    factor: str
    level: Any
    against: Any

    def check(self, claim: Claim, stated: Stated) -> None:
        """The factor is an axis, both levels are values of it, and runs come in pairs."""
        super().check(claim, stated)
        axis = stated.axis(self.factor, "compare.factor")
        if not stated.is_paired:
            instead = f"or trend for {self.factor}" if axis.is_number else "which has every level at the same values"
            raise ClaimError(
                f"compare needs pairs of runs that differ in {self.factor} alone, which the driver {stated.driver} "
                f"does not make; use driver: grid or ofat, {instead}",
                "compare",
            )
        for key in ("level", "against"):
            level = getattr(self, key)
            if not axis.holds(level):
                values = ", ".join(map(value_text, axis.values or ()))
                raise ClaimError(
                    f"{self.factor} must be one of {values}, but got {value_text(level)}", f"compare.{key}"
                )
        if self.level == self.against:
            raise ClaimError(f"level and against must differ, but both are {value_text(self.level)}", "compare.against")

    def support(self, claim: Claim) -> str:
        """What would support and what contradict it."""
        label, factor = capital(claim.measured.label), factor_name(self.factor)
        ours, theirs = (f"{factor} {value_text(level)}" for level in (self.level, self.against))
        if claim.expect == "same":
            return (
                f"{label}: a difference between {ours} and {theirs} that two one-sided tests put within the margin; "
                "contradicted by one that is surely larger."
            )
        return (
            f"{label}: {claim.expect} with {ours} than with {theirs}, in pairs of runs that differ in nothing else, by "
            "more than the margin; contradicted by the opposite. Where it is known which examples each run got right, "
            "the interval is over seeds and examples, and a margin counts only where the claim states one."
        )

    def examine(self, claim: Claim, study: Study, studies: Studies) -> Evidence:  # noqa: ARG002
        """The mean difference of matched pairs: over seeds and images, else over replicates where there are enough."""
        study.axis(self.factor)
        runs = measured(claim, study, study.settled)
        pairs = study.pairs(runs, self.factor, (self.level, self.against), VALUE)
        names = [level_name(self.factor, level) for level in (self.level, self.against)]
        what = f"{claim.measured.label}, {names[0]} − {names[1]}"
        compared = runs[runs["run_id"].isin([*pairs["run_id_high"], *pairs["run_id_low"]])]
        on_images = paired_two_way(study, pairs, claim.measured)
        assert claim.expect is not None
        if on_images is None:
            effect = study.effect(pairs, self.factor)
            alone = other_images(claim, paired_two_way(study, pairs, claim.measured, min_seeds=1))
            found = from_effect(effect, what, claim, claim.expect, alone or margin_of(claim, compared))
            found = replace(found, sentence=found.sentence + few_seeds(effect, pairs["replicate"].nunique()))
        else:
            found = from_effect(
                on_images.effect,
                what,
                claim,
                claim.expect,
                two_way_margin(claim, compared),
                bounds=on_images.bounds(claim.measured),
            )
            found = replace(found, numbers=(*found.numbers, *on_images.numbers(claim.measured)))
        asked = study.all_runs[study.all_runs[self.factor].isin([self.level, self.against])]
        n_diverged = int((asked["state"] == "diverged").sum())
        left_out = f" {count(n_diverged, 'run')} at these levels diverged: pairs with them are left out."
        return replace(
            found,
            sentence=found.sentence + (left_out if n_diverged else ""),
            numbers=(*found.numbers, *self._beside(claim, study, runs, pairs)),
        )

    def contrast(self, claim: Claim, study: Study) -> Contrast:
        """The mean difference of each replicate's matched pairs."""
        runs = complete_runs(claim, study)
        pairs = study.pairs(runs, self.factor, (self.level, self.against), VALUE)
        behind = runs[runs["run_id"].isin({*pairs["run_id_high"], *pairs["run_id_low"]})]
        asked = pairs[pairs["replicate"] <= study.all_runs["replicate"].max()]
        alone = other_images(claim, paired_two_way(study, asked, claim.measured, min_seeds=1))
        return contrast_of(claim, study, pairs, behind, cast("Expected", claim.expect), margin=alone)

    def _beside(self, claim: Claim, study: Study, runs: pd.DataFrame, pairs: pd.DataFrame) -> list[Number]:
        """The difference at each level of the other factors that have few, and what lies between two numbers."""
        metric, numbers = claim.measured, []
        if study.axis(self.factor).is_number:
            runs = runs[runs[self.factor].between(*sorted((self.level, self.against)))]
        n_between = runs[self.factor].nunique() - 2 if study.axis(self.factor).is_number else 0
        for axis in study.axes:
            if axis.name not in pairs or not 2 <= pairs[axis.name].nunique() <= _FEW_LEVELS:
                continue
            each = []
            for level, difference in pairs.groupby(axis.name)["difference"].mean().items():
                text = f"{value_text(level)} {metric.show_difference(difference)} {metric.unit}"
                if n_between and metric.higher_is_better is not None:
                    means = runs[runs[axis.name] == level].groupby(self.factor)[VALUE].mean()
                    text += f", best at {value_text(means.idxmax() if metric.higher_is_better else means.idxmin())}"
                each.append(text)
            numbers.append(Number(f"by {axis.name.replace('_', ' ')}", "; ".join(each)))
        if n_between:
            others = [axis.name for axis in study.axes if axis.name in pairs]
            means = runs.groupby([self.factor, *others], dropna=False)[VALUE].mean().groupby(level=0).mean()
            steps = means.diff().dropna()
            rising = f"{int((steps > 0).sum())} of {len(steps)}"
            numbers.append(Number("steps between neighbouring levels that go up", rising))
        return numbers
