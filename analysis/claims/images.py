"""Differences and means over seeds and images together, where it is known which images each run got right.

    matched pairs ──paired_two_way──▶ Effect, TwoWay ──from_effect──▶ Evidence

Verdicts follow from the interval on such images; one on these says what other seeds would do to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from analysis.claims.evidence import Margin, Number, run_ids_of
from analysis.statistics.intervals import ALPHA, Z
from analysis.statistics.pairs import Effect, effect_of, paired_effect
from analysis.statistics.two_way import TwoWay, two_way_accuracy, two_way_difference, two_way_sum
from analysis.wording import INTERVAL, interval_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from analysis.claims.claim import Claim
    from analysis.metrics import Metric
    from analysis.studies import Study

MIN_SEEDS = 2
"""Seeds from which something is known of them."""
ONE_SIDED = NormalDist().inv_cdf(1 - ALPHA)
"""Standard errors to one side where the normal distribution holds."""
_OF_PAIR = ["replicate", "high", "low", "difference", "run_id_high", "run_id_low"]


@dataclass(frozen=True)
class OnImages:
    """A difference of matched pairs over seeds and images.

    Attributes:
        effect: The difference, its interval and tests those on such images; the units are seeds.
        two_way: It on these and on such images.
    """

    effect: Effect
    two_way: TwoWay

    def bounds(self, metric: Metric) -> str:
        """Both intervals in words, to stand behind the mean."""
        return bounds(self.two_way, metric.show_difference)

    def numbers(self, metric: Metric) -> tuple[Number, ...]:
        """Where the error comes from."""
        return errors(self.two_way, metric)


def bounds(found: TwoWay, show: Callable[[float], str]) -> str:
    """`95 % interval +0.17 to +0.29 on these examples (other seeds), +0.11 to +0.35 on such examples (other …)`."""
    these, such = found.these.interval, found.such.interval
    on_these = interval_text(these.low, these.high, show)
    on_such = interval_text(such.low, such.high, show).removeprefix(f"{INTERVAL} ")
    return f"{on_these} on these examples (other seeds), {on_such} on such examples (other seeds and examples)"


def errors(found: TwoWay, metric: Metric) -> tuple[Number, ...]:
    """The standard error of each kind of repetition."""
    each = (f"{metric.show_size(scope.error)} {metric.unit}" for scope in (found.these, found.such))
    return (Number("standard error on these examples, on such examples", ", ".join(each)),)


def other_images(claim: Claim, found: OnImages | None) -> Margin | None:
    """What other images may do to a difference: what it must exceed where no interval has them in it.

    Returns:
        None where it is not known, or where the claim has a margin.
    """
    if found is None or claim.margin is not None or claim.expect in ("same", "neither"):
        return None
    two_way, metric = found.two_way, claim.measured
    # With one seed nothing parts what an image does from what a run of it does: both are taken.
    variance = two_way.such.error**2 if two_way.n_seeds == 1 else most_of_images(two_way) / two_way.n_images
    size = Z * float(np.sqrt(variance))
    return Margin(size, f"the {metric.show_size(size)} {metric.unit} that other examples may do to it")


def most_of_images(found: TwoWay) -> float:
    """The variance that images may have in D: the upper end of a one-sided 95 % interval, from two seeds on.

    The estimate itself is cut at zero, where it often is with hundreds of images, whatever these do.
    """
    S, I, rest = found.n_seeds, found.n_images, found.rest_variance  # noqa: E741
    squares = S * found.image_variance + rest
    error = np.sqrt(2 * (squares**2 + rest**2 / (S - 1)) / (I - 1)) / S
    return float(found.image_variance + ONE_SIDED * error)


def paired_two_way(study: Study, pairs: pd.DataFrame, metric: Metric, *, min_seeds: int = MIN_SEEDS) -> OnImages | None:
    """The difference of matched pairs of a study over seeds and images.

    Args:
        study: Whose runs they are.
        pairs: From `Study.pairs`, of `metric`.
        metric: An accuracy.
        min_seeds: 1 for what images alone do where there is one seed.

    Returns:
        None where it is not known of every run which images it got right, where there are fewer seeds, or where
        replicates are on cuts that share examples.
    """
    if metric.split is None or study.replicated.parts:
        return None
    counts = pairs.groupby("replicate")["difference"].count()
    pairs = pairs[pairs["replicate"].isin(counts.index[counts == counts.max()])]
    # A pair is the same one in every replicate: two replicates may lack different ones.
    settings = pairs.columns.difference(_OF_PAIR)
    cells = (
        pairs.groupby(list(settings), dropna=False, sort=False).ngroup() if len(settings) else pairs["replicate"] * 0
    )
    n_seeds = pairs["replicate"].nunique()
    whole = cells.map(cells.value_counts()) == n_seeds
    pairs, cells = pairs[whole], cells[whole]
    if n_seeds < min_seeds or pairs.empty:
        return None
    order = pairs.assign(cell=cells).sort_values(["cell", "replicate"])
    runs = study.all_runs.set_index("run_id", drop=False)
    sides = []
    for side in ("run_id_high", "run_id_low"):
        bits = study.correct(runs.loc[order[side]], metric.split)
        if bits is None:
            return None
        sides.append(bits.reshape(-1, n_seeds, bits.shape[1]))
    found = two_way_difference(*sides, n_images=int(runs[f"n_{metric.split}"].iloc[0]))
    such = found.such
    effect = paired_effect(pairs, [])
    return OnImages(replace(effect, difference=such.interval, p=such.p, one_sided=such.one_sided), found)


def line_two_way(
    study: Study, runs: pd.DataFrame, series: pd.DataFrame, metric: Metric, *, min_seeds: int = MIN_SEEDS
) -> OnImages | None:
    """The change along a fitted line over seeds and images, the mean over the blocks that every replicate has whole.

    Args:
        study: Whose runs they are.
        runs: With the column `scaled`, the factor on the scale of the line.
        series: From `series_of`, of these runs.
        metric: An accuracy.
        min_seeds: As in `paired_two_way`.

    Returns:
        None where it is not known of every run which images it got right, or there are fewer seeds.
    """
    blocks = list(series.columns.difference(["replicate", "difference", "correlation"]))
    n_seeds, span = series["replicate"].nunique(), float(np.ptp(runs["scaled"]))
    if metric.split is None or study.replicated.parts or n_seeds < min_seeds:
        return None
    runs = runs.merge(series[[*blocks, "replicate"]], on=[*blocks, "replicate"])
    block = runs.groupby(blocks, dropna=False, sort=False).ngroup() if blocks else runs["replicate"] * 0
    of_level = runs.groupby([block, "scaled"])["replicate"].transform("size")
    whole = (of_level == n_seeds).groupby(block).transform("all")
    order = runs.assign(block=block)[whole].sort_values(["block", "scaled", "replicate"])
    if order.empty:
        return None
    bits = study.correct(order, metric.split)
    if bits is None:
        return None
    cells = order.iloc[::n_seeds]
    centred = cells["scaled"] - cells.groupby("block")["scaled"].transform("mean")
    squares = (centred**2).groupby(cells["block"]).transform("sum")
    weights = centred / squares * span / cells["block"].nunique()
    found = two_way_sum(
        bits.reshape(-1, n_seeds, bits.shape[1]), weights, n_images=int(order[f"n_{metric.split}"].iloc[0])
    )
    such, each = found.such, series.groupby("replicate")["difference"].mean().to_numpy(dtype=np.float64)
    effect = effect_of(each, series["difference"].to_numpy(dtype=np.float64), "replicate", run_ids_of(order))
    return OnImages(replace(effect, difference=such.interval, p=such.p, one_sided=such.one_sided), found)


def by_seed(one: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As many runs of two configurations, row by row with one seed where they share at least `MIN_SEEDS` of them.

    Otherwise their seeds have nothing to do with each other, and any order of them is one.
    """
    one, other = one.sort_values("seed"), other.sort_values("seed")
    shared = one[one["seed"].isin(other["seed"])]
    if len(shared) >= MIN_SEEDS:
        return shared, other[other["seed"].isin(one["seed"])]
    n = min(len(one), len(other))
    return one.head(n), other.head(n)


def chosen_two_way(one: Study, other: Study, runs: tuple[pd.DataFrame, pd.DataFrame], metric: Metric) -> TwoWay | None:
    """The difference of two configurations of two studies on the same data, over seeds and images.

    Args:
        one: Whose the first runs are.
        other: Whose the second ones are.
        runs: From `by_seed`.
        metric: An accuracy.

    Returns:
        None where it is not known of every run which images it got right, where there is one seed, or where replicates
        are on cuts that share examples.
    """
    if metric.split is None or len(runs[0]) < MIN_SEEDS or one.replicated.parts or other.replicated.parts:
        return None
    a, b = one.correct(runs[0], metric.split), other.correct(runs[1], metric.split)
    if a is None or b is None:
        return None
    return two_way_difference(a, b, n_images=int(runs[0][f"n_{metric.split}"].iloc[0]))


def accuracy_two_way(study: Study, runs: pd.DataFrame, metric: Metric) -> TwoWay | None:
    """The mean accuracy of configurations over seeds and images, each counted alike.

    Args:
        study: Whose runs they are.
        runs: Of one configuration or of several.
        metric: An accuracy.

    Returns:
        None where it is not known of every run which images it got right, where there is one seed, or where the
        configurations do not all have the same.
    """
    n_seeds = runs["replicate"].nunique()
    if metric.split is None or study.replicated.parts or n_seeds < MIN_SEEDS:
        return None
    if len(runs) != runs["trial_number"].nunique() * n_seeds:
        return None
    bits = study.correct(runs.sort_values(["trial_number", "replicate"]), metric.split)
    if bits is None:
        return None
    cells = bits.reshape(-1, n_seeds, bits.shape[1])
    return two_way_accuracy(cells, n_images=int(runs[f"n_{metric.split}"].iloc[0]))
