"""What the studies of perceptrons say about the claims of the report's section 3.4."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.claims.evidence import Evidence, Number, Verdict, from_effect, resolution_of, run_ids_of
from analysis.commands import CONFIRM
from analysis.statistics.intervals import Z, share_interval
from analysis.statistics.pairs import paired_differences, paired_effect
from analysis.statistics.ranks import probability_of_superiority
from analysis.studies import best_runs, one_factor_runs
from analysis.tables import NotApplicableError, StudyMissingError, Tables
from analysis.trials import selected_trial
from analysis.wording import count, describe, interval_text, number_text, percent_text, points_text, signed_points


def best_mlp_runs(tables: Tables) -> pd.DataFrame:
    """Runs of the MLP that a random or adaptive search selected."""
    return best_runs(tables, "mlp-random", "mlp-optuna")


def mlp_against_linear(tables: Tables) -> Evidence:
    """The selected MLP against the selected linear model on test.

    The error adds what seeds contribute, where there are fresh ones, to that of two samples of images; both models
    see the same images, so this is rather too large.
    """
    from scipy import stats

    best, linear = best_mlp_runs(tables), best_runs(tables, "linear-grid")
    a, b = (float(runs["test_accuracy"].mean()) for runs in (best, linear))
    seeds = [runs["test_accuracy"].std(ddof=1) / np.sqrt(len(runs)) for runs in (best, linear) if len(runs) > 1]
    images = float(np.hypot(resolution_of(best), resolution_of(linear)))
    error = float(np.sqrt(images**2 + sum(seed**2 for seed in seeds)))
    all_mlp = tables.complete(str(best["study"].iloc[0]).removesuffix(CONFIRM))
    all_linear = tables.complete("linear-grid")
    superiority = probability_of_superiority(all_mlp["test_accuracy"], all_linear["test_accuracy"])
    bounds = f" ({interval_text(superiority.low, superiority.high)})" if superiority.known else ""
    sentence = (
        f"The MLP selected on validation reaches {percent_text(a)} on test ({count(len(best), 'run')}), the linear "
        f"model {percent_text(b)} ({count(len(linear), 'run')}): {signed_points(a - b)} points, "
        f"{interval_text(a - b - Z * error, a - b + Z * error, signed_points)} from images and seeds. A random "
        "complete run of the MLP study beats one of the linear grid with probability "
        f"{number_text(superiority.estimate)}{bounds}, ties counted half."
    )
    numbers = (
        Number(
            "probability that a random MLP run beats a linear run",
            f"{number_text(superiority.estimate, 3)}{bounds}, {len(all_mlp)} against {count(len(all_linear), 'run')}",
        ),
        Number("interval of it", superiority.method),
    )
    run_ids = {*run_ids_of(best), *run_ids_of(linear), *run_ids_of(all_mlp), *run_ids_of(all_linear)}
    return Evidence(
        sentence,
        tuple(sorted(run_ids)),
        numbers,
        difference=a - b,
        low=a - b - Z * error,
        high=a - b + Z * error,
        p=float(2 * stats.norm.sf(abs(a - b) / error)),
        resolution=images,
    )


def level_reached(runs: pd.DataFrame, level: float, *, above: bool) -> Evidence:
    """Whether the selected configuration reaches `level`, or is surely `above` it, as far as images can tell."""
    value, error = float(runs["test_accuracy"].mean()), resolution_of(runs)
    reached = value - Z * error > level if above else value >= level
    verdict = Verdict.SUPPORTED if reached else Verdict.CONTRADICTED if value + Z * error < level else Verdict.UNDECIDED
    seeds = share_interval(runs["test_accuracy"])
    spread = interval_text(seeds.low, seeds.high, percent_text, "seeds")
    measured = f"the mean of {len(runs)} runs, {spread}" if seeds.known else count(len(runs), "run")
    sentence = (
        f"The configuration selected on validation ({describe(runs.iloc[0])}; study {runs['study'].iloc[0]}) reaches "
        f"{percent_text(value)} on test ({measured}); {int(runs['n_test'].iloc[0]):,} images measure that with a "
        f"standard error of {points_text(error)} points."
    )
    numbers = (
        Number("test accuracy", percent_text(value)),
        Number(
            "lowest and highest run",
            f"{percent_text(runs['test_accuracy'].min())}, {percent_text(runs['test_accuracy'].max())}",
        ),
        Number("interval over seeds", f"{spread} ({seeds.method})" if seeds.known else "needs two runs"),
        Number("standard error from the number of images", f"{points_text(error)} points"),
    )
    return Evidence(sentence, run_ids_of(runs), numbers, verdict)


def beyond(tables: Tables) -> Evidence:
    """Whether the widest network of the one-factor study lies above 98 %; beside it, what `mlp-best` reaches.

    The second also has dropout, batches and another schedule, so it cannot be credited to width and length alone.
    """
    runs = one_factor_runs(tables, "ofat-hidden-size")
    widest = runs[runs["hidden_size"] == runs["hidden_size"].max()]
    chosen = widest[widest["trial_number"] == selected_trial(widest)["trial_number"]]
    found = level_reached(chosen, 0.98, above=True)
    try:
        best = best_runs(tables, "mlp-best")
    except StudyMissingError:
        return found
    more = level_reached(best, 0.98, above=True)
    sentence = f"{found.sentence} With dropout, batches and a cosine as well: {more.sentence}"
    numbers = (*found.numbers, Number("test accuracy of mlp-best", more.numbers[0].text))
    return replace(found, sentence=sentence, numbers=numbers, run_ids=tuple(sorted({*found.run_ids, *more.run_ids})))


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
        effect, f"Test accuracy at {wide} − {narrow} units per layer", 100.0, "points", resolution=resolution_of(runs)
    )
    within = runs[runs["hidden_size"].between(narrow, wide)]
    means = within.groupby(["activation", "hidden_size"])["test_accuracy"].mean().unstack("hidden_size")
    steps = means.mean().diff().dropna()
    each = "; ".join(
        f"{activation} {signed_points(sizes[wide] - sizes[narrow])} points, best at {sizes.idxmax()} units"
        for activation, sizes in means.iterrows()
    )
    extra = (
        Number("by activation", each),
        Number("steps between neighbouring sizes that go up", f"{int((steps > 0).sum())} of {len(steps)}"),
    )
    return replace(
        evidence, sentence=f"{evidence.sentence} By activation: {each}.", numbers=(*evidence.numbers, *extra)
    )


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
        paired_effect(pairs, match), "Test accuracy of ReLU − tanh", 100.0, "points", resolution=resolution_of(runs)
    )


def small_sets(tables: Tables) -> Evidence:
    """Whether the smallest training set ranks the candidates as a larger one does.

    Successive halving drops candidates between rungs. Where the correlation is over the best of the smallest rung only,
    it is biased towards zero: it can support the claim, but not contradict it.
    """
    from analysis.fidelity import agreement, cost, describe_agreement, place_of_winner, rungs

    table, runs = rungs(tables)
    compared = agreement(tables, table, runs)
    found = compared.correlation
    place, n_candidates = place_of_winner(table)
    verdict = Verdict.UNDECIDED
    if found.known and found.low >= 0.5:
        verdict = Verdict.SUPPORTED
    elif found.known and found.high < 0.5 and compared.is_whole:
        verdict = Verdict.CONTRADICTED
    first = table[table["rung"] == table["rung"].min()].iloc[0]
    smallest, epochs = int(first["images"]), int(first["epochs"])
    share = f"{percent_text(cost(table), 0)}"
    sentence = (
        f"{count(found.n, 'candidate')} of {n_candidates} were trained on {smallest:,} images for "
        f"{count(epochs, 'epoch')} and on {compared.larger}; the rankings agree with a Kendall correlation of "
        f"{describe_agreement(found)}; 0.5 would be three of four pairs in the right order. The candidate that is best "
        f"at the end, one of those kept, was number {place} on the smallest set. Halving trained on {share} of the "
        "images that all candidates in full would have needed."
    )
    numbers = (
        Number("Kendall correlation", number_text(found.estimate)),
        Number("rank of the best on the smallest set", str(place)),
        Number("images trained on, of those for all candidates in full", share),
    )
    return Evidence(sentence, tuple(sorted({*run_ids_of(runs), *compared.run_ids})), numbers, verdict)
