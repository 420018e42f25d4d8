"""What the linear studies say about the claims of the report's section 2.4."""

import numpy as np

from analysis.evidence import (
    ALPHA,
    CONTRADICTED,
    SUPPORTED,
    UNDECIDED,
    Evidence,
    Number,
    Z,
    from_effect,
    percent_text,
    resolution_of,
    run_ids_of,
)
from analysis.figures.common import count, decays
from analysis.figures.paired import grid_effect, grid_runs
from analysis.statistics import mean_interval
from analysis.tables import NotApplicableError, Tables, by_trial


def lowest_linear(tables: Tables) -> Evidence:
    """The lowest test accuracy of the grid against 91.8 %; one run more than a standard error below contradicts."""
    everything = tables.all_runs("linear-grid")
    runs = tables.complete("linear-grid")
    worst = runs.iloc[int(runs["test_accuracy"].to_numpy().argmin())]
    lowest, error = float(worst["test_accuracy"]), resolution_of(runs)
    n_diverged = int((everything["state"] == "diverged").sum())
    below = int((runs["test_accuracy"] < 0.918).sum())
    if n_diverged or lowest < 0.918 - error:
        verdict = CONTRADICTED
    elif lowest >= 0.918:
        verdict = SUPPORTED
    else:
        verdict = UNDECIDED
    sentence = (
        f"The lowest of {count(len(runs), 'run')} of "
        f"{count(runs['trial_number'].nunique(), 'configuration')} reaches "
        f"{percent_text(lowest)} (run {int(worst['run_id'])}); {below} below 91.8 %, {n_diverged} diverged."
    )
    if verdict == UNDECIDED:
        sentence += " That is below 91.8 % by less than one standard error."
    return Evidence(
        sentence,
        run_ids_of(everything),
        (Number("lowest", percent_text(lowest)), Number("standard error", percent_text(error))),
        verdict,
    )


def mean_linear(tables: Tables) -> Evidence:
    """The interval of the mean over configurations against 92.2 %, within a standard error."""
    runs = tables.complete("linear-grid")
    trials = by_trial(runs)
    interval, error = mean_interval(trials["test_accuracy"]), resolution_of(runs)
    low, high = (
        (interval.low, interval.high)
        if interval.known
        else (interval.estimate - Z * error, interval.estimate + Z * error)
    )
    if low >= 0.922 - error and high <= 0.922 + error:
        verdict = SUPPORTED
    else:
        verdict = CONTRADICTED if high < 0.922 - error or low > 0.922 + error else UNDECIDED
    sentence = (
        f"The mean over {count(len(trials), 'configuration')} is {percent_text(interval.estimate)} (95 % "
        f"interval {percent_text(low)} to "
        f"{percent_text(high)}), to be compared with 92.2 % within one standard error of {100 * error:.2f} "
        "points."
    )
    return Evidence(
        sentence,
        run_ids_of(runs),
        (Number("mean", percent_text(interval.estimate)), Number("interval", interval.method)),
        verdict,
    )


def rate_and_accuracy(tables: Tables, study: str) -> Evidence:
    """Rank correlation of rate and accuracy within blocks of the other factors, and any difference."""
    from scipy import stats

    runs = tables.complete(study).assign(decays=lambda table: decays(table["decay"]))
    n_diverged = int((tables.all_runs(study)["state"] == "diverged").sum())
    wide = runs.pivot_table(index=["momentum", "decays"], columns="learning_rate", values="test_accuracy")
    if min(wide.shape) < 2 or wide.shape[1] < 3:
        raise NotApplicableError("at least three learning rates in at least two blocks of the other factors are needed")
    # A diverged run is the worst of its block, which ranks can say; means are over what is there.
    ranks = wide.fillna(-1.0).rank(axis=1)
    rates = np.tile(wide.columns.to_numpy(dtype=float), len(wide))
    correlation = stats.spearmanr(rates, ranks.to_numpy().ravel())
    friedman = stats.friedmanchisquare(*[ranks[rate] for rate in ranks])
    levels = wide.mean()
    span, error = float(levels.max() - levels.min()), resolution_of(runs)
    p = float(min(1.0, 2 * min(correlation.pvalue, friedman.pvalue)))
    real = span > error or n_diverged > 0
    verdict = SUPPORTED if not real else CONTRADICTED if p < ALPHA else UNDECIDED
    sentence = (
        f"Between {levels.index.min():.3g} and {levels.index.max():.3g} the mean test accuracy of the "
        "learning rates differs by up to "
        f"{100 * span:.2f} points (standard error of one accuracy {100 * error:.2f}); rank correlation "
        f"{correlation.statistic:+.2f}, "
        f"p = {p:.2g} for correlation or any difference; {n_diverged} runs diverged."
    ).replace("-0.", "−0.")
    if runs["replicate"].nunique() == 1:
        sentence += (
            " All runs share one seed, so this says nothing about others; more replicates do "
            f"({tables.command(study)} REPLICATES=5)."
        )
    numbers = (
        Number(
            "Spearman correlation within blocks",
            f"{correlation.statistic:.2f} (p = {correlation.pvalue:.2g})",
        ),
        Number("Friedman test over rates", f"p = {friedman.pvalue:.2g}"),
        Number("best rate", f"{levels.idxmax():.3g}, mean {percent_text(float(levels.max()))}"),
    )
    return Evidence(sentence, run_ids_of(tables.all_runs(study)), numbers, verdict, p=p)


def momentum(tables: Tables) -> Evidence:
    """Evaluations until convergence with and without momentum, in matched pairs."""
    _, effect = grid_effect(tables, "momentum", "converged_k")
    return from_effect(
        effect,
        "Evaluations until within one point of the best, with − without momentum",
        1.0,
        "evaluations",
        sign=-1.0,
    )


def convergence_within(tables: Tables, limit: int, unit: str) -> Evidence:
    """How many runs need more than `limit` evaluations (`unit` says so in words)."""
    runs = grid_runs(tables)
    slow = runs[runs["converged_k"] > limit]
    verdict = CONTRADICTED if len(slow) else SUPPORTED
    sentence = (
        f"{len(slow)} of {count(len(runs), 'run')} need more than {unit}; the slowest needs "
        f"{int(runs['converged_k'].max())} evaluations "
        f"({runs['converged_epoch'].max():.1f} epochs), the median {runs['converged_k'].median():.3g}."
    )
    return Evidence(
        sentence, run_ids_of(runs), (Number("largest", f"{int(runs['converged_k'].max())} evaluations"),), verdict
    )


def decay(tables: Tables) -> Evidence:
    """Test accuracy with and without decay, in matched pairs."""
    _, effect = grid_effect(tables, "decays", "test_accuracy")
    resolution = resolution_of(tables.complete("linear-grid"))
    return from_effect(effect, "Test accuracy with − without decay", 100.0, "points", resolution=resolution)
