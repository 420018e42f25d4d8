"""What the data say about each claim: tables → Evidence, before any correction for several claims.

One function per claim. Each takes the runs that answer it, applies a statistic, and returns the result in words, the
numbers and runs behind it, and either a signed difference with its interval (positive supports the claim) or a verdict.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.figures.common import count, decays, describe, one_factor_runs
from analysis.figures.paired import grid_effect, grid_runs
from analysis.health import confirmed
from analysis.statistics import (
    Effect,
    binomial_error,
    mean_interval,
    paired_differences,
    paired_effect,
    probability_of_superiority,
)
from analysis.tables import NotApplicableError, StudyMissingError, Tables, by_trial, selected_trial

SUPPORTED, CONTRADICTED, UNDECIDED, NOT_RUN = "supported", "contradicted", "undecided", "not run"
ALPHA = 0.05
Z = 1.959963984540054
"""97.5 % quantile of the standard normal distribution."""


@dataclass(frozen=True)
class Number:
    """One number behind a verdict: `name`, `value` and its unit as text."""

    name: str
    text: str


@dataclass(frozen=True)
class Evidence:
    """What the data say, before multiplicity.

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
    verdict: str | None = None
    difference: float = np.nan
    low: float = np.nan
    high: float = np.nan
    p: float = np.nan
    resolution: float = 0.0


def _ids(runs: pd.DataFrame) -> tuple[int, ...]:
    return tuple(sorted(int(number) for number in runs["run_id"]))


def _percent(value: float, digits: int = 2) -> str:
    return f"{100 * value:.{digits}f} %"


def _points(value: float) -> str:
    return f"{100 * value:+.2f}".replace("-", "−")


def _resolution(runs: pd.DataFrame) -> float:
    return binomial_error(float(runs["test_accuracy"].mean()), int(runs["n_test"].iloc[0]))


def _from_effect(
    effect: Effect, what: str, scale: float, unit: str, *, sign: float = 1.0, resolution: float = 0.0
) -> Evidence:
    """Evidence of a paired comparison; `sign` turns it so that positive supports the claim."""
    interval = effect.difference
    ends = sorted((sign * interval.low, sign * interval.high))

    def show(value: float) -> str:
        return f"{scale * value:+.2f}".replace("-", "−")

    bounds = f", 95 % interval {show(interval.low)} to {show(interval.high)}" if interval.known else ""
    plural = "s" if interval.n != 1 else ""
    units = f"{interval.n} {effect.unit}{plural}, {count(effect.n_pairs, 'pair')}"
    sentence = f"{what}: {show(interval.estimate)} {unit} on average{bounds} ({units})."
    numbers = (
        Number("mean difference", f"{show(interval.estimate)} {unit}"),
        Number(
            "effect size (Hedges' g)",
            "does not apply" if np.isnan(effect.effect_size) else f"{effect.effect_size:.2f}",
        ),
        Number("pairs with the larger value", _percent(effect.probability, 0)),
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


def lowest_linear(tables: Tables) -> Evidence:
    """The lowest test accuracy of the grid against 91.8 %; one run more than a standard error below contradicts."""
    everything = tables.all_runs("linear-grid")
    runs = tables.complete("linear-grid")
    worst = runs.iloc[int(runs["test_accuracy"].to_numpy().argmin())]
    lowest, error = float(worst["test_accuracy"]), _resolution(runs)
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
        f"{_percent(lowest)} (run {int(worst['run_id'])}); {below} below 91.8 %, {n_diverged} diverged."
    )
    if verdict == UNDECIDED:
        sentence += " That is below 91.8 % by less than one standard error."
    return Evidence(
        sentence,
        _ids(everything),
        (Number("lowest", _percent(lowest)), Number("standard error", _percent(error))),
        verdict,
    )


def mean_linear(tables: Tables) -> Evidence:
    """The interval of the mean over configurations against 92.2 %, within a standard error."""
    runs = tables.complete("linear-grid")
    trials = by_trial(runs)
    interval, error = mean_interval(trials["test_accuracy"]), _resolution(runs)
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
        f"The mean over {count(len(trials), 'configuration')} is {_percent(interval.estimate)} (95 % "
        f"interval {_percent(low)} to "
        f"{_percent(high)}), to be compared with 92.2 % within one standard error of {100 * error:.2f} "
        "points."
    )
    return Evidence(
        sentence,
        _ids(runs),
        (Number("mean", _percent(interval.estimate)), Number("interval", interval.method)),
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
    span, error = float(levels.max() - levels.min()), _resolution(runs)
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
        Number("best rate", f"{levels.idxmax():.3g}, mean {_percent(float(levels.max()))}"),
    )
    return Evidence(sentence, _ids(tables.all_runs(study)), numbers, verdict, p=p)


def momentum(tables: Tables) -> Evidence:
    """Evaluations until convergence with and without momentum, in matched pairs."""
    _, effect = grid_effect(tables, "momentum", "converged_k")
    return _from_effect(
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
        sentence, _ids(runs), (Number("largest", f"{int(runs['converged_k'].max())} evaluations"),), verdict
    )


def decay(tables: Tables) -> Evidence:
    """Test accuracy with and without decay, in matched pairs."""
    _, effect = grid_effect(tables, "decays", "test_accuracy")
    resolution = _resolution(tables.complete("linear-grid"))
    return _from_effect(effect, "Test accuracy with − without decay", 100.0, "points", resolution=resolution)


def best_runs(tables: Tables, *studies: str) -> pd.DataFrame:
    """Runs of the configuration selected on validation in the first of `studies` that is there.

    With fresh seeds where the selected configuration is confirmed, else those that selected it.

    Raises:
        StudyMissingError: None of the studies is there; it names the first.
    """
    for study in studies:
        try:
            runs = tables.complete(study)
        except StudyMissingError:
            continue
        number = selected_trial(runs)["trial_number"]
        again = confirmed(tables, study)
        fresh = None if again is None else again[again["source_trial_number"] == number]
        chosen: pd.DataFrame = runs[runs["trial_number"] == number]
        return chosen if fresh is None or fresh.empty else fresh
    raise StudyMissingError(studies[0], tables.command(studies[0]))


def best_mlp_runs(tables: Tables) -> pd.DataFrame:
    """Runs of the MLP that a search of the report's space selected."""
    return best_runs(tables, "mlp-random", "mlp-optuna")


def mlp_against_linear(tables: Tables) -> Evidence:
    """The selected MLP against the selected linear model on test; the interval is that of two samples of images."""
    from scipy import stats

    best = best_mlp_runs(tables)
    linear = best_runs(tables, "linear-grid")
    a, b = float(best["test_accuracy"].mean()), float(linear["test_accuracy"].mean())
    error = float(np.hypot(_resolution(best), _resolution(linear)))
    all_mlp = tables.complete(str(best["study"].iloc[0]).removesuffix("-confirm"))
    all_linear = tables.complete("linear-grid")
    superiority = probability_of_superiority(all_mlp["test_accuracy"], all_linear["test_accuracy"])
    sentence = (
        f"The MLP selected on validation reaches {_percent(a)} on test ({count(len(best), 'run')}), "
        f"the linear model {_percent(b)} "
        f"({count(len(linear), 'run')}): {_points(a - b)} points, 95 % interval "
        f"{_points(a - b - Z * error)} to {_points(a - b + Z * error)} "
        "from the number of images. A random complete run of the MLP study beats one of the linear "
        f"grid with probability {superiority.estimate:.2f}."
    )
    numbers = (
        Number(
            "probability that a random MLP run beats a linear run",
            f"{superiority.estimate:.3f} ({superiority.n} runs)",
        ),
    )
    ids = tuple(sorted({*_ids(best), *_ids(linear), *_ids(all_mlp), *_ids(all_linear)}))
    return Evidence(
        sentence,
        ids,
        numbers,
        difference=a - b,
        low=a - b - Z * error,
        high=a - b + Z * error,
        p=float(2 * stats.norm.sf(abs(a - b) / error)),
        resolution=error,
    )


def level_reached(runs: pd.DataFrame, level: float, *, above: bool) -> Evidence:
    """Whether the selected configuration reaches `level` within an error, or is surely above."""
    value, error = float(runs["test_accuracy"].mean()), _resolution(runs)
    reached = value - Z * error > level if above else value >= level - error
    verdict = SUPPORTED if reached else CONTRADICTED if value + Z * error < level else UNDECIDED
    seeds = mean_interval(runs["test_accuracy"])
    spread = f"95 % interval over seeds {_percent(seeds.low)} to {_percent(seeds.high)}"
    measured = f"the mean of {len(runs)} runs, {spread}" if seeds.known else count(len(runs), "run")
    sentence = (
        f"The configuration selected on validation ({describe(runs.iloc[0])}; study "
        f"{runs['study'].iloc[0]}) reaches {_percent(value)} on test "
        f"({measured}); {int(runs['n_test'].iloc[0]):,} images measure that with a standard error of "
        f"{100 * error:.2f} points."
    )
    numbers = (
        Number("test accuracy", _percent(value)),
        Number(
            "lowest and highest run",
            f"{_percent(runs['test_accuracy'].min())}, {_percent(runs['test_accuracy'].max())}",
        ),
        Number("interval over seeds", f"{spread} ({seeds.method})" if seeds.known else "needs two runs"),
        Number("standard error from the number of images", f"{100 * error:.2f} points"),
    )
    return Evidence(sentence, _ids(runs), numbers, verdict)


def beyond(tables: Tables) -> Evidence:
    """Whether the configuration selected in mlp-best lies above 98 %."""
    return level_reached(best_runs(tables, "mlp-best"), 0.98, above=True)


def width(tables: Tables, high: int, low: int | None = None) -> Evidence:
    """Test accuracy at `high` units (0: the largest size) against `low` (None: the smallest), same seeds."""
    runs = one_factor_runs(tables, "ofat-hidden-size")
    sizes = sorted(int(size) for size in runs["hidden_size"].unique())
    wide = max(sizes) if high == 0 else high
    narrow = min(sizes) if low is None else low
    if wide not in sizes or narrow not in sizes or wide <= narrow:
        raise NotApplicableError(
            f"runs of ofat-hidden-size at two sizes are needed ({narrow} and a larger one), but sizes are {sizes}"
        )
    pairs = paired_differences(runs, "hidden_size", (wide, narrow), "test_accuracy", ["activation"])
    if pairs.empty:
        raise NotApplicableError(f"no complete pair of runs at {narrow} and {wide} units")
    # Activations are two fixed levels, not a sample of them: the replicates are what is independent.
    effect = paired_effect(pairs, [])
    evidence = _from_effect(
        effect,
        f"Test accuracy at {wide} − {narrow} units per layer",
        100.0,
        "points",
        resolution=_resolution(runs),
    )
    within = runs[runs["hidden_size"].between(narrow, wide)]
    steps = within.groupby("hidden_size")["test_accuracy"].mean().diff().dropna()
    extra = Number("steps between neighbouring sizes that go up", f"{int((steps > 0).sum())} of {len(steps)}")
    return replace(evidence, numbers=(*evidence.numbers, extra))


def relu(tables: Tables) -> Evidence:
    """Test accuracy of ReLU against tanh, same size and seeds."""
    try:
        runs, match = one_factor_runs(tables, "ofat-hidden-size"), ["hidden_size"]
        pairs = paired_differences(runs, "activation", ("relu", "tanh"), "test_accuracy", match)
    except StudyMissingError:
        runs, match = one_factor_runs(tables, "ofat-activation"), []
        pairs = paired_differences(runs, "activation", ("relu", "tanh"), "test_accuracy", match)
    if pairs.empty:
        raise NotApplicableError("no two complete runs differ in the activation only")
    return _from_effect(
        paired_effect(pairs, match),
        "Test accuracy of ReLU − tanh",
        100.0,
        "points",
        resolution=_resolution(runs),
    )


def small_sets(tables: Tables) -> Evidence:
    """Whether the smallest training set ranks the candidates as a larger one does.

    Successive halving drops candidates between rungs. Where the correlation is over the best of the smallest rung only,
    it is biased towards zero: it can support the claim, but not contradict it.
    """
    from analysis.figures.fidelity import agreement, cost, describe_agreement, place_of_winner, rungs

    table, runs = rungs(tables)
    compared = agreement(tables, table, runs)
    found = compared.correlation
    place, n_candidates = place_of_winner(table)
    verdict = UNDECIDED
    if found.known and found.low >= 0.5:
        verdict = SUPPORTED
    elif found.known and found.high < 0.5 and compared.is_whole:
        verdict = CONTRADICTED
    smallest = int(table.loc[table["rung"] == table["rung"].min(), "images"].max())
    share = f"{100 * cost(table):.0f} %"
    sentence = (
        f"Over the {count(found.n, 'candidate')} (of {n_candidates}) trained on {smallest:,} images and with "
        f"{compared.larger}, the rankings agree with a Kendall correlation of "
        f"{describe_agreement(found)}; 0.5 would be three of four pairs in the right order. "
        f"The candidate that is best at the end was number {place} on the smallest set. Halving trained on {share} of "
        "the images that all candidates in full would have needed."
    )
    numbers = (
        Number("Kendall correlation", f"{found.estimate:.2f}"),
        Number("rank of the best on the smallest set", str(place)),
        Number("images trained on, of those for all candidates in full", share),
    )
    return Evidence(sentence, tuple(sorted({*_ids(runs), *compared.run_ids})), numbers, verdict)
