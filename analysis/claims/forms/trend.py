"""`trend`: a metric against a numeric factor."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

import numpy as np
from pydantic import Field

from analysis.claims.claim import ClaimError, Form
from analysis.claims.contrast import Contrast, complete_runs, contrast_of
from analysis.claims.evidence import (
    VALUE,
    Evidence,
    Number,
    Verdict,
    few_seeds,
    from_effect,
    margin_of,
    measured,
    run_ids_of,
    two_way_margin,
)
from analysis.claims.images import MIN_SEEDS, line_two_way, other_images, paired_two_way
from analysis.errors import NotApplicableError, known
from analysis.statistics.intervals import ALPHA, Interval, clipped
from analysis.statistics.pairs import MIN_REPLICATES, Effect, effect_of, whole_replicates
from analysis.statistics.trends import MIN_LEVELS, change_along_line, series_of
from analysis.wording import count, factor_name, interval_text, number_text, short_text, signed_text

if TYPE_CHECKING:
    import pandas as pd

    from analysis.claims.claim import Claim, Stated
    from analysis.claims.images import OnImages
    from analysis.metrics import Metric
    from analysis.statistics.sequences import Expected
    from analysis.studies import Axis, Studies, Study

EXPECTED = {"rises": "higher", "falls": "lower", "neither": "same"}
"""What a claim may expect, and what it then expects of the change from the lowest to the highest level."""


@dataclass(frozen=True)
class Found:
    """What runs say of a factor.

    Attributes:
        runs: Those that it is read off.
        change: Along a line from the lowest to the highest level.
        correlation: Spearman's, within blocks of the other factors.
        of: What the correlation is over.
        span: How far the means of the levels lie apart; NaN where every trial has a level of its own.
        is_tested: Whether the units of `change` can show that there is none.
        ends: The levels of the lowest and of the highest mean; empty where every trial has a level of its own.
        on_images: It over seeds and images, where it is known which images each run got right.
        alone: It where there is one seed too, over images alone.
    """

    runs: pd.DataFrame
    change: Effect
    correlation: Interval
    of: str
    span: float
    is_tested: bool
    ends: tuple[Any, ...] = ()
    on_images: OnImages | None = None
    alone: OnImages | None = None


class Trend(Form):
    """Whether a metric rises or falls with a numeric factor, or does neither.

    Attributes:
        factor: The hyperparameter.
        over: The lowest and the highest of its values that count; all of them where it is not given.
    """

    EXPECTS: ClassVar[tuple[str, ...]] = tuple(EXPECTED)
    TAKES_MARGIN: ClassVar[bool] = True

    factor: str
    over: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None

    def check(self, claim: Claim, stated: Stated) -> None:
        """The factor is an axis of at least three numbers, and the driver draws its trials independently."""
        super().check(claim, stated)
        axis = stated.axis(self.factor, "trend.factor")
        if not axis.is_number:
            raise ClaimError(f"{self.factor} must be numbers; compare serves for words", "trend.factor")
        if stated.driver not in _READERS:
            raise ClaimError(
                f"trend needs trials that do not depend on each other's results (driver {', '.join(_READERS)}), but "
                f"the driver is {stated.driver}",
                "trend",
            )
        low, high = self.over or (-np.inf, np.inf)
        if low >= high:
            raise ClaimError(
                f"over is the lowest and the highest value, but got {short_text(low)} and {short_text(high)}",
                "trend.over",
            )
        n_levels = len([v for v in axis.values if low <= v <= high]) if axis.values is not None else MIN_LEVELS
        if n_levels < MIN_LEVELS:
            raise ClaimError(
                f"trend needs at least {MIN_LEVELS} values of {self.factor}, but got {n_levels}; two are for compare",
                "trend.over" if self.over else "trend.factor",
            )

    def support(self, claim: Claim) -> str:
        """What would support and what contradict it."""
        factor, label = factor_name(self.factor), claim.measured.label
        if claim.expect == "neither":
            return (
                f"A change in {label} from the lowest to the highest {factor} that two one-sided tests put within the "
                "margin, and no two levels farther apart; contradicted by a change that is surely larger, by means of "
                "levels that are surely farther apart (Tukey's range), or by runs that diverged."
            )
        return (
            f"{label[:1].upper()}{label[1:]} that {claim.expect} along a fitted line from the lowest to the highest "
            f"{factor}, by more than the margin; contradicted by the opposite. Where the levels were laid out and it "
            "is known which examples each run got right, the interval is over seeds and examples, and a margin counts "
            "only where the claim states one."
        )

    def examine(self, claim: Claim, study: Study, studies: Studies) -> Evidence:  # noqa: ARG002
        """The change along a fitted line, over replicates where there are enough, else over levels or trials."""
        metric, axis = claim.measured, study.axis(self.factor)
        if not axis.is_number:
            raise NotApplicableError(f"{self.factor} must have numbers as its levels, but study {study.name} has words")
        runs = self._over(measured(claim, study, study.settled))
        asked = self._over(study.all_runs[study.all_runs["full_fidelity"]])
        n_diverged = int((asked["state"] == "diverged").sum())
        read = known(_READERS, study.driver, "the driver of a trend")
        found = read(study, axis, runs, metric)
        runs = found.runs
        assert claim.expect is not None
        what = f"change in {metric.label} along a line from {factor_name(self.factor)} {_ends(runs[self.factor])}"
        margin = other_images(claim, found.alone) or margin_of(claim, runs)
        margin = margin if found.on_images is None else two_way_margin(claim, runs)
        evidence = from_effect(
            found.change,
            what,
            claim,
            EXPECTED[claim.expect],
            margin,
            "line" if found.is_tested else "step",
            bounds="" if found.on_images is None else found.on_images.bounds(metric),
        )
        of = found.of
        if found.correlation.known:
            of = interval_text(found.correlation.low, found.correlation.high, signed_text, found.of.split(" ", 1)[1])
        span = few_seeds(found.change, runs["replicate"].nunique()) if found.ends else ""
        if np.isfinite(found.span):
            span += f" The levels' means differ by up to {metric.show_size(found.span)} {metric.unit}."
        sentence = (
            f"{evidence.sentence}{span} Rank correlation {signed_text(found.correlation.estimate)} ({of}); "
            f"{count(n_diverged, 'run') if n_diverged else 'no run'} diverged."
        )
        numbers = (
            *evidence.numbers,
            *(() if found.on_images is None else found.on_images.numbers(metric)),
            Number("rank correlation (Spearman)", f"{number_text(found.correlation.estimate)} ({found.of})"),
            Number("interval of it", found.correlation.method),
            *_best(claim, self.factor, runs, found),
        )
        evidence = replace(evidence, sentence=sentence, numbers=numbers, run_ids=run_ids_of(asked))
        if claim.expect == "neither":
            beyond = found.span - evidence.margin.size
            p = self._range_p(claim, study, runs, found.ends, beyond) if found.ends else 1.0
            return _neither(evidence, found, n_diverged, p)
        return evidence

    def contrast(self, claim: Claim, study: Study) -> Contrast:
        """The change along each replicate's fitted line."""
        axis = study.axis(self.factor)
        if not axis.is_number:
            raise NotApplicableError(f"{self.factor} must have numbers as its levels, but study {study.name} has words")
        if _READERS.get(study.driver) is not _by_level:
            raise NotApplicableError(f"in a study of the driver {study.driver} more trials settle it, not more seeds")
        asked = self._over(study.all_runs[study.all_runs["full_fidelity"]])
        if claim.expect == "neither" and (asked["state"] == "diverged").any():
            raise NotApplicableError("a run diverged, which contradicts it already")
        series, runs = _series(study, axis, self._over(complete_runs(claim, study)))
        expect = cast("Expected", EXPECTED[str(claim.expect)])
        last = study.all_runs["replicate"].max()
        lines = series[series["replicate"] <= last]
        alone = other_images(claim, line_two_way(study, runs, lines, claim.measured, min_seeds=1))
        found = contrast_of(claim, study, series, runs, expect, margin=alone)
        if claim.expect != "neither":
            return found
        behind = runs[runs["run_id"].isin(found.run_ids)]
        levels = _levels(study, axis, behind).to_numpy()
        first, second = np.triu_indices(levels.shape[1], 1)
        return replace(found, pairs=(levels[:, second] - levels[:, first]).T)

    def _range_p(self, claim: Claim, study: Study, runs: pd.DataFrame, ends: tuple[Any, ...], beyond: float) -> float:
        """The p value that no means of levels are as far apart (studentised range, the widest of all pairs: Tukey).

        With the error over seeds and images where it is known which images each run got right, else with the binomial
        error of an accuracy; without either it is not known, and no range contradicts.

        Args:
            claim: The claim.
            study: Its study.
            runs: At the levels that count.
            ends: The levels of the lowest and of the highest mean.
            beyond: How much farther apart these are than the margin.
        """
        from scipy import stats

        if not beyond > 0:
            return 1.0
        error, df = claim.measured.resolution(runs), np.inf
        # Levels that nowhere stand beside each other have no pairs.
        with suppress(NotApplicableError):
            pairs = study.pairs(runs, self.factor, (ends[1], ends[0]), VALUE)
            known = paired_two_way(study, pairs, claim.measured)
            if known is not None:
                error, df = known.two_way.such.error / np.sqrt(2), known.two_way.such.df
        return float(stats.studentized_range.sf(beyond / error, runs[self.factor].nunique(), df)) if error > 0 else 1.0

    def _over(self, runs: pd.DataFrame) -> pd.DataFrame:
        """The runs at the levels that count, of those that have the factor at all."""
        runs = runs.dropna(subset=[self.factor])
        if self.over is None:
            return runs
        kept: pd.DataFrame = runs[runs[self.factor].between(self.over[0], self.over[1])]
        return kept


def _best(claim: Claim, factor: str, runs: pd.DataFrame, found: Found) -> list[Number]:
    """The level that is best on validation, where there are levels."""
    if not np.isfinite(found.span):
        return []
    levels = runs.groupby(factor)[["validation_accuracy", VALUE]].mean().reset_index()
    best = levels.iloc[int(levels["validation_accuracy"].to_numpy().argmax())]
    text = f"{short_text(best[factor])}, mean {claim.measured.label} {claim.measured.show(best[VALUE])}"
    return [Number("best level on validation", text)]


def _ends(levels: pd.Series) -> str:
    return f"{short_text(float(levels.min()))} to {short_text(float(levels.max()))}"


def _scaled(axis: Axis, runs: pd.DataFrame) -> pd.DataFrame:
    """With the factor on the scale on which a line is fitted, as the column `scaled`."""
    levels = runs[axis.name].astype(float)
    return runs.assign(scaled=np.log(levels) if axis.is_log else levels)


def _others(study: Study, axis: Axis) -> list[str]:
    """What a series has the same."""
    return [a.name for a in study.axes if a.name != axis.name and a.section != "nuisance"]


def _series(study: Study, axis: Axis, runs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The series of an axis, and the runs in them: where one factor varies at a time, those of others are in none.

    Raises:
        NotApplicableError: There is none.
    """
    runs, keys = _scaled(axis, runs), [*_others(study, axis), "replicate"]
    series = series_of(runs, "scaled", VALUE, keys[:-1])
    if series.empty:
        raise NotApplicableError(
            f"at least {MIN_LEVELS} levels of {axis.name} must be complete with everything else the same, "
            f"but study {study.name} has no such series"
        )
    return series, runs.merge(series[keys], on=keys)


def _levels(study: Study, axis: Axis, runs: pd.DataFrame) -> pd.DataFrame:
    """The mean of each level in each replicate, shape (replicates, levels), over the series that have every level.

    A level that a series lacks would differ from the others by what that series is. Where all lack some, over all.
    """
    series = runs.groupby([*_others(study, axis), "replicate"], dropna=False)
    whole = runs[series[axis.name].transform("nunique") == runs[axis.name].nunique()]
    return (whole if len(whole) else runs).pivot_table(index="replicate", columns=axis.name, values=VALUE).sort_index()


def _by_level(study: Study, axis: Axis, runs: pd.DataFrame, metric: Metric) -> Found:
    """Levels at the same values of the other factors, over seeds and images where these are known.

    Else replicates are independent, or the levels where they are few.

    The blocks of the other factors share seeds and images, so they are not.
    """
    series, runs = _series(study, axis, runs)
    runs = whole_replicates(runs)
    series = series[series["replicate"].isin(runs["replicate"])]
    each = series.groupby("replicate")["correlation"].mean()
    # Levels share the cuts of their replicates, so that these are the units there, however few.
    least = MIN_REPLICATES if study.replicated.parts is None else MIN_SEEDS
    ids, is_tested = run_ids_of(runs), len(each) >= least
    alone = line_two_way(study, runs, series, metric, min_seeds=1)
    on_images = alone if len(each) >= MIN_SEEDS else None
    if on_images is not None:
        change, is_tested = on_images.effect, True
    elif is_tested:
        lines = series["difference"].to_numpy(dtype=np.float64)
        units = series.groupby("replicate")["difference"].mean().to_numpy(dtype=np.float64)
        change = effect_of(units, lines, "replicate", ids, parts=study.replicated.parts)
    else:
        block = runs[VALUE] - runs.groupby([*_others(study, axis), "replicate"], dropna=False)[VALUE].transform("mean")
        means = block.groupby(runs["scaled"]).mean()
        x, y = means.index.to_numpy(dtype=np.float64), means.to_numpy(dtype=np.float64)
        change = change_along_line(x, y, f"{axis.name.replace('_', ' ')} level", ids)
    levels = _levels(study, axis, runs).mean()
    ends = (levels.idxmin(), levels.idxmax())
    correlation, of = clipped(study.replicated.interval(each), -1, 1), count(len(each), "seed")
    return Found(runs, change, correlation, of, float(np.ptp(levels)), is_tested, ends, on_images, alone)


def _by_trial(study: Study, axis: Axis, runs: pd.DataFrame, metric: Metric) -> Found:  # noqa: ARG001
    """Trials drawn independently of each other: each is one unit, at its mean over replicates."""
    from scipy import stats

    trials = _scaled(axis, runs).groupby("trial_number")[["scaled", VALUE]].mean()
    if len(trials) < MIN_LEVELS:
        raise NotApplicableError(
            f"at least {MIN_LEVELS} complete trials are needed, but {study.name} has {len(trials)}"
        )
    x, y = trials["scaled"].to_numpy(dtype=np.float64), trials[VALUE].to_numpy(dtype=np.float64)
    correlation = float(stats.spearmanr(x, y).statistic) if np.ptp(y) > 0 else 0.0
    found = Interval(correlation, np.nan, np.nan, len(trials), "none")
    change = change_along_line(x, y, "trial", run_ids_of(runs))
    return Found(runs, change, found, count(len(trials), "trial"), np.nan, is_tested=True)


_READERS = {"grid": _by_level, "ofat": _by_level, "random": _by_trial}
"""By the driver: those whose trials do not depend on each other's results."""


def _neither(evidence: Evidence, found: Found, n_diverged: int, range_p: float) -> Evidence:
    """The evidence that nothing changes, or that something does without a line through it.

    Levels that are surely farther apart than the margin contradict, with the p value of their range; that there is no
    change wants replicates.
    """
    margin = evidence.margin
    if n_diverged:
        return replace(evidence, verdict=Verdict.CONTRADICTED, p=np.nan)
    if range_p < ALPHA:
        return replace(evidence, verdict=Verdict.CONTRADICTED, p=range_p)
    if not found.is_tested:
        caution = "Whether it goes with the levels wants replicates."
        return replace(evidence, verdict=Verdict.UNDECIDED, p=np.nan, caution=caution, wants_seeds=True)
    if abs(evidence.difference) <= margin.size < found.span:
        text = f" Two levels are farther apart than {margin.words}, without a line through them."
        return replace(evidence, verdict=Verdict.UNDECIDED, sentence=evidence.sentence + text)
    return evidence
