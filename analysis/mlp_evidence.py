"""What the studies of perceptrons say about the claims of the report's section 3.4."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.evidence import (
    CONTRADICTED,
    SUPPORTED,
    UNDECIDED,
    Evidence,
    Number,
    Z,
    from_effect,
    percent_text,
    points_text,
    resolution_of,
    run_ids_of,
)
from analysis.figures.common import count, describe, one_factor_runs
from analysis.health import confirmed
from analysis.statistics import mean_interval, paired_differences, paired_effect, probability_of_superiority
from analysis.tables import NotApplicableError, StudyMissingError, Tables, selected_trial


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
    error = float(np.hypot(resolution_of(best), resolution_of(linear)))
    all_mlp = tables.complete(str(best["study"].iloc[0]).removesuffix("-confirm"))
    all_linear = tables.complete("linear-grid")
    superiority = probability_of_superiority(all_mlp["test_accuracy"], all_linear["test_accuracy"])
    sentence = (
        f"The MLP selected on validation reaches {percent_text(a)} on test ({count(len(best), 'run')}), "
        f"the linear model {percent_text(b)} "
        f"({count(len(linear), 'run')}): {points_text(a - b)} points, 95 % interval "
        f"{points_text(a - b - Z * error)} to {points_text(a - b + Z * error)} "
        "from the number of images. A random complete run of the MLP study beats one of the linear "
        f"grid with probability {superiority.estimate:.2f}."
    )
    numbers = (
        Number(
            "probability that a random MLP run beats a linear run",
            f"{superiority.estimate:.3f} ({superiority.n} runs)",
        ),
    )
    ids = tuple(sorted({*run_ids_of(best), *run_ids_of(linear), *run_ids_of(all_mlp), *run_ids_of(all_linear)}))
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
    value, error = float(runs["test_accuracy"].mean()), resolution_of(runs)
    reached = value - Z * error > level if above else value >= level - error
    verdict = SUPPORTED if reached else CONTRADICTED if value + Z * error < level else UNDECIDED
    seeds = mean_interval(runs["test_accuracy"])
    spread = f"95 % interval over seeds {percent_text(seeds.low)} to {percent_text(seeds.high)}"
    measured = f"the mean of {len(runs)} runs, {spread}" if seeds.known else count(len(runs), "run")
    sentence = (
        f"The configuration selected on validation ({describe(runs.iloc[0])}; study "
        f"{runs['study'].iloc[0]}) reaches {percent_text(value)} on test "
        f"({measured}); {int(runs['n_test'].iloc[0]):,} images measure that with a standard error of "
        f"{100 * error:.2f} points."
    )
    numbers = (
        Number("test accuracy", percent_text(value)),
        Number(
            "lowest and highest run",
            f"{percent_text(runs['test_accuracy'].min())}, {percent_text(runs['test_accuracy'].max())}",
        ),
        Number("interval over seeds", f"{spread} ({seeds.method})" if seeds.known else "needs two runs"),
        Number("standard error from the number of images", f"{100 * error:.2f} points"),
    )
    return Evidence(sentence, run_ids_of(runs), numbers, verdict)


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
    evidence = from_effect(
        effect,
        f"Test accuracy at {wide} − {narrow} units per layer",
        100.0,
        "points",
        resolution=resolution_of(runs),
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
    return from_effect(
        paired_effect(pairs, match),
        "Test accuracy of ReLU − tanh",
        100.0,
        "points",
        resolution=resolution_of(runs),
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
    return Evidence(sentence, tuple(sorted({*run_ids_of(runs), *compared.run_ids})), numbers, verdict)
