"""`level`: every run, their mean, or the selected configuration, against a number."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

from pydantic import Field, model_validator

from analysis.claims.claim import ClaimError, Form
from analysis.claims.contrast import Contrast, complete_runs, contrast_of
from analysis.claims.evidence import VALUE, Evidence, Margin, Number, Verdict, margin_of, measured, owner_of, run_ids_of
from analysis.claims.images import MIN_SEEDS, accuracy_two_way, bounds, errors
from analysis.errors import NotApplicableError
from analysis.metrics import nearest_of
from analysis.statistics.pairs import MIN_REPLICATES
from analysis.statistics.two_way import wilson
from analysis.wording import capital, count, interval_text, percent_text, value_text

if TYPE_CHECKING:
    import pandas as pd

    from analysis.claims.claim import Claim, Stated
    from analysis.statistics.sequences import Expected
    from analysis.studies import Studies, Study

_MOST = 0.5
"""The share of replicates that must surely be exceeded."""
_BOUNDS = ("at_least", "at_most", "above", "below", "equals")

ONE_SEED = "One seed supports nothing."


@dataclass(frozen=True)
class Target:
    """The values that a claim allows.

    Attributes:
        low: The least one.
        high: The largest one.
        words: Them in words, in the metric's unit.
        is_clear: Whether a value must lie inside by more than its error to support the claim.
    """

    low: float
    high: float
    words: str
    is_clear: bool

    def outside(self, value: float) -> float:
        """How far a value is from the nearest allowed one; negative inside."""
        return max(self.low - value, value - self.high)


class Level(Form):
    """A number that every run, the mean of all runs, or the selected configuration reaches, stays below, or is.

    Attributes:
        of: `every run`, `mean` or `selected`.
        among: Runs with these hyperparameters alone, as {hidden_size: 800}.
        at_least: The least that it may be.
        at_most: The most that it may be.
        above: What the selected configuration must exceed by more than its error.
        below: What it must stay under by more than its error.
        equals: What it must be …
        within: … give or take this much.
    """

    TAKES_MARGIN: ClassVar[bool] = True

    of: Literal["every run", "mean", "selected"]
    among: dict[str, Any] = Field(default_factory=dict)
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    equals: float | None = None
    within: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _has_one_bound(self) -> Self:
        given = [name for name in _BOUNDS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"level has one of {', '.join(_BOUNDS)}, but got {' and '.join(given) or 'none'}")
        if (self.equals is None) != (self.within is None):
            raise ValueError("equals and within belong together: {equals: 0.922, within: 0.0005}")
        if self.of != "selected" and given[0] in ("above", "below"):
            raise ValueError(f"{given[0]} is for the selected configuration; of {self.of} use at_least or at_most")
        return self

    def check(self, claim: Claim, stated: Stated) -> None:
        """What it speaks of is a value of an axis, and a bound one that its metric can have."""
        super().check(claim, stated)
        for name in (*_BOUNDS, "within"):
            bound = getattr(self, name)
            if bound is not None and claim.measured.kind == "share" and not -1 <= bound <= 1:
                text = f"{claim.metric} is a share, 0.918 for 91.8 %, but got {value_text(bound)}"
                raise ClaimError(text, f"level.{name}")
        if self.of == "selected" and claim.margin is not None:
            raise ClaimError("margin means nothing for the selected configuration, which has its own error", "margin")
        for name, value in self.among.items():
            axis = stated.axis(name, f"level.among.{name}")
            if not axis.holds(value):
                hint = nearest_of(value_text(value), map(value_text, axis.values or ()))
                raise ClaimError(f"{name} has no value {value_text(value)}; {hint}", f"level.among.{name}")

    def target(self, claim: Claim) -> Target:
        """What the claim allows."""
        show = claim.measured.show_whole
        if self.equals is not None and self.within is not None:
            words = f"{show(self.equals)} give or take {claim.measured.show_size(self.within)} {claim.measured.unit}"
            return Target(self.equals - self.within, self.equals + self.within, words, is_clear=False)
        name = next(name for name in _BOUNDS if getattr(self, name) is not None)
        bound, is_clear = float(getattr(self, name)), name in ("above", "below")
        words = f"{name.replace('_', ' ')} {show(bound)}"
        if name in ("at_least", "above"):
            return Target(bound, math.inf, words, is_clear)
        return Target(-math.inf, bound, words, is_clear)

    def support(self, claim: Claim) -> str:
        """What would support and what contradict it."""
        target, label = self.target(claim), claim.measured.label
        if self.of == "every run":
            return (
                f"{capital(label)} of every run {target.words}, in most replicates, which takes {MIN_REPLICATES} of "
                "them; contradicted where most, or all of fewer, have a run that is outside by more than the margin or "
                "diverged."
            )
        if self.of == "mean":
            return (
                f"Mean {label} over all configurations {target.words}, with its whole interval; contradicted by an "
                "interval outside by more than the margin, or by a mean of one seed that is. Where it is known which "
                "examples each run got right, the first is on these examples, the second on such examples, and a "
                "margin counts only where the claim states one."
            )
        clear = " by more than its error" if target.is_clear else ""
        return (
            f"{capital(label)} of the configuration selected on validation {target.words}{clear}; contradicted by one "
            "that is outside by more than its error."
        )

    def examine(self, claim: Claim, study: Study, studies: Studies) -> Evidence:
        """What the runs say."""
        if self.of == "every run":
            return self._every_run(claim, study)
        if self.of == "mean":
            return self._mean(claim, study)
        return self._selected(claim, study, studies)

    def is_tested(self) -> bool:
        """Of a mean: single runs and the selected configuration have no test."""
        return self.of == "mean"

    def contrast(self, claim: Claim, study: Study) -> Contrast:
        """Each replicate's mean over all configurations."""
        if self.of != "mean":
            raise NotApplicableError(f"what is said of {self.of} is not a number of each replicate")
        if (self._among(study, study.all_runs)["state"] != "complete").any():
            raise NotApplicableError("not all runs that its study asks for are complete, and it is a mean over all")
        target, runs = self.target(claim), self._among(study, complete_runs(claim, study))
        series = runs.assign(difference=runs[VALUE])
        if self.equals is not None:
            within = Margin(self.within or 0.0, "")
            return contrast_of(claim, study, series, runs, "same", margin=within, than=self.equals)
        is_least = math.isinf(target.high)
        than, side = (target.low, "higher") if is_least else (target.high, "lower")
        return contrast_of(claim, study, series, runs, cast("Expected", side), margin=Margin(0.0, ""), than=than)

    def _among(self, study: Study, runs: pd.DataFrame) -> pd.DataFrame:
        """The runs that the claim speaks of.

        Raises:
            NotApplicableError: There is none.
        """
        for name, value in self.among.items():
            runs = runs[runs[name] == value] if name in runs else runs.head(0)
        if runs.empty:
            among = " and ".join(f"{name} {value_text(value)}" for name, value in self.among.items())
            raise NotApplicableError(f"study {study.name} has no complete run with {among}")
        return runs

    def _every_run(self, claim: Claim, study: Study) -> Evidence:
        """In how many replicates every run is inside.

        More replicates have more runs, and one of more runs is farther out: so each is judged alone. A run that is
        outside by less than a standard error of the images decides nothing: another sample of them could put it inside.
        """
        metric, target = claim.measured, self.target(claim)
        runs = measured(claim, study, self._among(study, study.complete))
        outside = runs[VALUE].map(target.outside)
        worst = runs.iloc[int(outside.to_numpy().argmax())]
        margin = margin_of(claim, runs)
        favoured = [metric.favoured(study, runs, sign, claim.margin) for sign in (1.0, -1.0)]
        surely = (favoured[0] < target.low) | (favoured[1] > target.high)
        asked = study.all_runs[study.all_runs["full_fidelity"]]
        asked = self._among(study, asked)
        diverged = asked[asked["state"] == "diverged"]
        replicates = _replicates(runs.assign(outside=outside > 0, surely=surely), diverged)
        verdict, why = replicates.verdict
        side = "lowest" if math.isinf(target.high) else "highest" if math.isinf(target.low) else "farthest"
        sentence = (
            f"{capital(metric.label)} of the {side} of {count(len(runs), 'run')} of "
            f"{count(runs['trial_number'].nunique(), 'configuration')}: {metric.show_whole(worst[VALUE])} (run "
            f"{int(worst['run_id'])}), median {metric.show_whole(runs[VALUE].median())}; "
            f"{int((outside <= 0).sum())} of {len(runs)} are {target.words}, {len(diverged) or 'none'} diverged. "
            f"{replicates.words}{why}"
        )
        numbers = (
            Number(side, metric.show_whole(worst[VALUE])),
            Number("runs that are outside by more than the margin", str(int(surely.sum()))),
            *([Number("margin", f"{metric.show_size(margin.size)} {metric.unit}")] if margin.size else []),
        )
        few = replicates.total < MIN_REPLICATES and verdict is Verdict.UNDECIDED
        return Evidence(sentence, run_ids_of(asked), numbers, verdict, wants_seeds=few)

    def _mean(self, claim: Claim, study: Study) -> Evidence:
        """The mean over all configurations, which are all there are and no sample: only replicates give an interval.

        It is a number of these images, so on these it is supported; what contradicts it must do so on others as well.
        """
        from analysis.statistics.intervals import clipped
        from analysis.statistics.pairs import whole_replicates

        metric, target = claim.measured, self.target(claim)
        runs = whole_replicates(measured(claim, study, self._among(study, study.complete)))
        each = runs.groupby("replicate")[VALUE].mean()
        two_way = accuracy_two_way(study, runs, metric)
        if two_way is not None:
            means, wide = two_way.these.interval, two_way.such.interval
            margin = margin_of(claim, runs) if claim.margin is not None else Margin(0.0, "")
        else:
            means = study.replicated.interval(each)
            if metric.kind == "share" and (each >= 0).all():
                means = clipped(means, 0, 1)
            means = means if means.known else replace(means, low=means.estimate, high=means.estimate)
            wide, margin = means, margin_of(claim, runs)
        mean, low, high, several = means.estimate, means.low, means.high, len(each) >= MIN_SEEDS
        # What is outside `equals` give or take a rounding is measured from the number itself.
        far = margin.size if self.within is None else max(0.0, margin.size - self.within)
        if several and low >= target.low and high <= target.high:
            verdict = Verdict.SUPPORTED
        elif (several or margin.size) and (wide.high < target.low - far or wide.low > target.high + far):
            verdict = Verdict.CONTRADICTED
        else:
            verdict = Verdict.UNDECIDED
        interval = f" ({interval_text(low, high, metric.show_whole, study.replicated.words)})" if several else ""
        if two_way is not None:
            interval = f" ({bounds(two_way, metric.show_whole)})"
        sentence = (
            f"{capital(metric.label)}, mean over {count(runs['trial_number'].nunique(), 'configuration')}: "
            f"{metric.show_whole(mean)}{interval}."
        )
        one_seed = verdict == Verdict.UNDECIDED and not several
        if verdict == Verdict.UNDECIDED and several:
            than = f", nor outside by more than {margin.words}" if margin.size else ""
            sentence += f" That is not surely {target.words}{than}."
        return Evidence(
            sentence,
            run_ids_of(runs),
            (
                Number("mean", metric.show_whole(mean)),
                Number("interval", means.method),
                *(errors(two_way, metric) if two_way is not None else ()),
            ),
            verdict,
            wants_seeds=one_seed,
            caution=ONE_SEED if one_seed else "",
        )

    def _selected(self, claim: Claim, study: Study, studies: Studies) -> Evidence:
        """The selected configuration: its mean, with the error with which images (or seeds) measure it."""
        from analysis.statistics.intervals import Z, clipped
        from analysis.trials import selected_trial

        metric, target = claim.measured, self.target(claim)
        runs = studies.chosen_runs(study)
        if self.among:
            there = self._among(study, study.settled)
            runs = there[there["trial_number"] == selected_trial(there)["trial_number"]]
        owner = owner_of(studies, runs)
        runs = measured(claim, owner, runs)
        value = float(runs[VALUE].mean())
        seeds = owner.replicated.interval(runs[VALUE])
        if metric.kind == "share":
            seeds = clipped(seeds, 0, 1)
        error = metric.resolution(runs)
        reach = Z * error if metric.split is not None else max(value - seeds.low, seeds.high - value)
        two_way = accuracy_two_way(owner, runs, metric)
        low, high = value - reach, value + reach
        if two_way is not None:
            low, high = two_way.such.interval.low, two_way.such.interval.high
        inside = (low, high) if target.is_clear else (value, value)
        one_seed = len(runs) < MIN_SEEDS
        if high < target.low or low > target.high:
            verdict = Verdict.CONTRADICTED
        elif one_seed or not all(target.outside(end) <= 0 for end in inside):
            verdict = Verdict.UNDECIDED
        else:
            verdict = Verdict.SUPPORTED
        spread = interval_text(seeds.low, seeds.high, metric.show_whole, owner.replicated.words)
        mean = f"the mean of {len(runs)} runs, {spread}" if seeds.known else count(len(runs), "run")
        shown_error = f"{metric.show_size(error)} {metric.unit}"
        sentence = (
            f"{capital(metric.label)} of the configuration selected on validation ({study.describe(runs.iloc[0])}; "
            f"study {owner.name}): {metric.show_whole(value)} ({mean})"
        )
        numbers = [
            Number(metric.label, metric.show_whole(value)),
            Number(
                "lowest and highest run",
                f"{metric.show_whole(runs[VALUE].min())}, {metric.show_whole(runs[VALUE].max())}",
            ),
            Number(
                f"interval over {owner.replicated.words}",
                f"{spread} ({seeds.method})" if seeds.known else "needs two runs",
            ),
        ]
        if two_way is not None:
            sentence += f"; {bounds(two_way, metric.show_whole)}"
            numbers.extend(errors(two_way, metric))
        elif metric.split is not None:
            n_images = int(runs[f"n_{metric.split}"].iloc[0])
            sentence += f"; {n_images:,} examples measure that with a standard error of {shown_error}"
            numbers.append(Number("standard error from the number of examples", shown_error))
        wants_seeds = one_seed and verdict is Verdict.UNDECIDED
        caution = ONE_SEED if wants_seeds else ""
        return Evidence(
            f"{sentence}.", run_ids_of(runs), tuple(numbers), verdict, wants_seeds=wants_seeds, caution=caution
        )


@dataclass(frozen=True)
class _Replicates:
    """In how many replicates every run is inside.

    Attributes:
        inside: Replicates of which all runs are.
        outside: Those with a run that is outside by more than the margin, or that diverged.
        total: All that have as many runs as any.
    """

    inside: int
    outside: int
    total: int

    @property
    def words(self) -> str:
        """How many they are."""
        low, high = wilson(self.inside / self.total, self.total)
        share = f" ({interval_text(low, high, percent_text, 'seeds')})" if self.total >= MIN_REPLICATES else ""
        return (
            f"Every run is inside in {self.inside} of {count(self.total, 'replicate')}{share}; {self.outside} "
            f"{'has' if self.outside == 1 else 'have'} one that is outside by more than the margin or diverged."
        )

    @property
    def verdict(self) -> tuple[Verdict, str]:
        """What most replicates say, and why it is not firmer.

        A run outside contradicts that there is none, from a single seed on, while every seed has one.
        """
        n = self.total
        if n < MIN_REPLICATES and self.outside == n:
            return Verdict.CONTRADICTED, ""
        if n < MIN_REPLICATES:
            seeds = "One seed supports" if n == 1 else f"Fewer than {MIN_REPLICATES} replicates support"
            return Verdict.UNDECIDED, f" {seeds} nothing."
        if wilson(self.inside / n, n)[0] > _MOST:
            return Verdict.SUPPORTED, ""
        if wilson(self.outside / n, n)[0] > _MOST:
            return Verdict.CONTRADICTED, ""
        return Verdict.UNDECIDED, " Whether that is so in most replicates is not sure."


def _replicates(runs: pd.DataFrame, diverged: pd.DataFrame) -> _Replicates:
    """Judge each replicate that has ended as many runs as any.

    Args:
        runs: Complete, with the columns `outside` and `surely` (by more than the margin).
        diverged: Runs that did.
    """
    import pandas as pd

    ended = pd.concat(
        [runs[["replicate", "outside", "surely"]], diverged[["replicate"]].assign(outside=True, surely=True)]
    )
    each = ended.groupby("replicate").agg(outside=("outside", "any"), surely=("surely", "any"), n=("surely", "size"))
    each = each[each["n"] == each["n"].max()]
    return _Replicates(int((~each["outside"].astype(bool)).sum()), int(each["surely"].sum()), len(each))
