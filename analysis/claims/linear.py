"""What the linear studies say about the claims of the report's section 2.4."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.claims.evidence import Evidence, Number, Verdict, from_effect, resolution_of, run_ids_of
from analysis.statistics.curves import WITHIN
from analysis.statistics.intervals import ALPHA, binomial_error, mean_interval, share_interval
from analysis.statistics.pairs import MIN_REPLICATES, paired_test
from analysis.studies import decays, grid_effect, grid_runs
from analysis.tables import NotApplicableError, Tables
from analysis.wording import count, interval_text, number_text, percent_text, points_text, short_text, signed_text

ROUNDING = 0.0005
"""How far an accuracy that the report gives as 92.2 % may be from it."""


def lowest_linear(tables: Tables) -> Evidence:
    """The lowest test accuracy of the grid against 91.8 %; one run more than a standard error below contradicts."""
    everything = tables.all_runs("linear-grid")
    runs = tables.complete("linear-grid")
    worst = runs.iloc[int(runs["test_accuracy"].to_numpy().argmin())]
    lowest, error = float(worst["test_accuracy"]), resolution_of(runs)
    n_diverged = int((everything["state"] == "diverged").sum())
    below = int((runs["test_accuracy"] < 0.918).sum())
    if n_diverged or lowest < 0.918 - error:
        verdict = Verdict.CONTRADICTED
    elif lowest >= 0.918:
        verdict = Verdict.SUPPORTED
    else:
        verdict = Verdict.UNDECIDED
    sentence = (
        f"The lowest of {count(len(runs), 'run')} of {count(runs['trial_number'].nunique(), 'configuration')} reaches "
        f"{percent_text(lowest)} (run {int(worst['run_id'])}); {below} below 91.8 %, {n_diverged} diverged."
    )
    if verdict == Verdict.UNDECIDED:
        sentence += " That is below 91.8 % by less than one standard error."
    return Evidence(
        sentence,
        run_ids_of(everything),
        (Number("lowest", percent_text(lowest)), Number("standard error", percent_text(error))),
        verdict,
    )


def mean_linear(tables: Tables) -> Evidence:
    """The mean over the grid against 92.2 %: the same when rounded, or another by more than a standard error.

    The configurations are all there are, not a sample, so only the replicates give an interval.
    """
    runs = tables.complete("linear-grid")
    means = share_interval(runs.groupby("replicate")["test_accuracy"].mean())
    mean, error = means.estimate, resolution_of(runs)
    low, high = (means.low, means.high) if means.known else (mean, mean)
    if low >= 0.922 - ROUNDING and high <= 0.922 + ROUNDING:
        verdict = Verdict.SUPPORTED
    else:
        verdict = Verdict.CONTRADICTED if high < 0.922 - error or low > 0.922 + error else Verdict.UNDECIDED
    interval = f" ({interval_text(low, high, percent_text, 'seeds')})" if means.known else ""
    sentence = (
        f"The mean over {count(runs['trial_number'].nunique(), 'configuration')} is {percent_text(mean)}{interval}."
    )
    if verdict == Verdict.UNDECIDED:
        surely = "does not round" if not low - ROUNDING <= 0.922 <= high + ROUNDING else "does not surely round"
        sentence += (
            f" That {surely} to 92.2 %, nor is it surely farther from it than the {points_text(error)} points with "
            "which the test images measure an accuracy."
        )
    return Evidence(
        sentence, run_ids_of(runs), (Number("mean", percent_text(mean)), Number("interval", means.method)), verdict
    )


def rate_and_accuracy(tables: Tables, study: str) -> Evidence:
    """Whether accuracy goes with the learning rate, within blocks of the other factors.

    The blocks share seeds and test images, so they are not independent; replicates are. From `MIN_REPLICATES` on the
    rank correlation of each is one unit. Whatever their number, a range of means that sampling of images alone
    would rarely give (the studentised range of that many accuracies) contradicts the claim.
    """
    from scipy import stats

    runs = tables.complete(study).assign(decays=lambda table: decays(table["decay"]))
    n_diverged = int((tables.all_runs(study)["state"] == "diverged").sum())
    levels = runs.groupby("learning_rate")[["test_accuracy", "validation_accuracy"]].mean()
    each = rank_correlations(runs)
    if len(levels) < 3 or not len(each):
        raise NotApplicableError("at least three learning rates in at least two blocks of the other factors are needed")
    span = float(levels["test_accuracy"].max() - levels["test_accuracy"].min())
    error = resolution_of(runs)
    wide = span > error * float(stats.studentized_range.ppf(1 - ALPHA, len(levels), np.inf)) or n_diverged > 0
    correlation = mean_interval(each)
    p = paired_test(each) if len(each) >= MIN_REPLICATES else np.nan
    if span <= error and not n_diverged:
        verdict = Verdict.SUPPORTED
    elif wide or (np.isfinite(p) and p < ALPHA):
        verdict = Verdict.CONTRADICTED
    else:
        verdict = Verdict.UNDECIDED
    bounds = f" ({interval_text(correlation.low, correlation.high, signed_text, 'seeds')})" if correlation.known else ""
    sentence = (
        f"Between {short_text(levels.index.min())} and {short_text(levels.index.max())} the mean test accuracy of the "
        f"learning rates differs by up to {points_text(span)} points (standard error of one accuracy "
        f"{points_text(error)}); rank correlation {signed_text(correlation.estimate)}{bounds}; "
        f"{n_diverged} runs diverged."
    )
    if verdict == Verdict.UNDECIDED:
        sentence += (
            f" So small a range wants replicates ({tables.commands.make(study, replicates=MIN_REPLICATES)})."
            if len(each) < MIN_REPLICATES
            else " The correlation could be chance."
        )
    best = levels.reset_index().iloc[int(levels["validation_accuracy"].to_numpy().argmax())]
    numbers = (
        Number(
            "Spearman correlation within blocks", f"{number_text(correlation.estimate)} ({count(len(each), 'seed')})"
        ),
        Number("interval", correlation.method),
        Number(
            "best rate on validation",
            f"{short_text(best['learning_rate'])}, mean test accuracy {percent_text(best['test_accuracy'])}",
        ),
    )
    # A range that wide needs no test; otherwise the p value takes its place among those of the other claims.
    return Evidence(sentence, run_ids_of(tables.all_runs(study)), numbers, verdict, p=np.nan if wide else p)


def rank_correlations(runs: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Of each replicate, Spearman's correlation of rate and test accuracy, mean over blocks of momentum and decay.

    A block is used where at least three rates are complete in it; a replicate where at least two blocks are.
    """
    from scipy import stats

    means = []
    for _, replicate in runs.groupby("replicate"):
        blocks = [block for _, block in replicate.groupby(["momentum", "decays"]) if len(block) >= 3]
        found = [stats.spearmanr(block["learning_rate"], block["test_accuracy"]).statistic for block in blocks]
        if len(found) >= 2:
            means.append(float(np.nanmean(found)))
    return np.array(means)


def momentum(tables: Tables) -> Evidence:
    """Evaluations until convergence with and without momentum, in matched pairs."""
    _, effect = grid_effect(tables, "momentum", "converged_k")
    return from_effect(
        effect, "Evaluations until within one point of the best, with − without momentum", 1.0, "evaluations", sign=-1.0
    )


def convergence_within(tables: Tables, limit: int, unit: str) -> Evidence:
    """How many runs need more than `limit` evaluations (`unit` says so in words).

    A run contradicts the claim where all its evaluations until then are farther from its best than one point and one
    standard error; nearer than that a few images of another sample could decide.
    """
    runs = grid_runs(tables)
    error = binomial_error(float(runs["validation_accuracy"].mean()), int(runs["n_validation"].iloc[0]))
    slow = runs[runs["converged_k"] > limit]
    curves = tables.curves_of(slow)
    until = curves[curves["k"] <= limit].groupby("run_id")["validation_accuracy"].max()
    far = slow["best"] - slow["run_id"].map(until) > WITHIN + error
    verdict = Verdict.SUPPORTED if slow.empty else Verdict.CONTRADICTED if far.any() else Verdict.UNDECIDED
    sentence = (
        f"{len(slow)} of {count(len(runs), 'run')} need more than {unit}; the slowest needs "
        f"{int(runs['converged_k'].max())} evaluations ({number_text(runs['converged_epoch'].max(), 1)} epochs), the "
        f"median {short_text(runs['converged_k'].median())}."
    )
    if verdict == Verdict.UNDECIDED:
        sentence += f" But none is then more than one standard error ({points_text(error)} points) short of it."
    numbers = (
        Number("largest", f"{int(runs['converged_k'].max())} evaluations"),
        Number("runs short of it by more than a standard error", str(int(far.sum()))),
    )
    return Evidence(sentence, run_ids_of(runs), numbers, verdict)


def decay(tables: Tables) -> Evidence:
    """Test accuracy with and without decay, in matched pairs."""
    _, effect = grid_effect(tables, "decays", "test_accuracy")
    resolution = resolution_of(tables.complete("linear-grid"))
    return from_effect(effect, "Test accuracy with − without decay", 100.0, "points", resolution=resolution)
