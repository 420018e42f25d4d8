"""How often the statistics are right, in simulations: the tables of docs/statistics.md.

python -m benchmarks.simulations two-way [--studies 2000]
"""

import argparse
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.statistics.components import variance_components
from analysis.statistics.sequences import decide, mean_sequence, verdicts
from analysis.statistics.splits import repeated_splits
from analysis.statistics.two_way import two_way_accuracy, two_way_difference

Rows = Iterator[str]


class Images(NamedTuple):
    """How runs get images right.

    A run of configuration c with seed s is right on image i where m_c + h_i + u_ci + v_cs + e_csi > 0: normal variables
    whose variances sum to one, so that the accuracy on such images is Φ(m_c).
    """

    name: str
    n_images: int
    accuracy: float
    difference: float
    image: float
    """Variance of h: images are hard for both configurations."""
    image_by_configuration: float
    seed: float


REALISTIC = Images("MNIST's 10,000 images, 98 %", 10_000, 0.98, 0.002, 0.955, 0.017, 0.000005)
SETTINGS = [
    REALISTIC,
    Images("the same, runs that differ much", 10_000, 0.98, 0.002, 0.955, 0.017, 0.0005),
    Images("360 images, 95 %", 360, 0.95, 0.01, 0.8, 0.05, 0.005),
    Images("360 images, runs alike", 360, 0.95, 0.0, 0.9, 0.09, 0.0),
    Images("40 images, 90 %", 40, 0.9, 0.03, 0.6, 0.1, 0.02),
    Images("40 images, runs alike", 40, 0.9, 0.03, 0.75, 0.2, 0.0),
]


def correctness(
    images: Images, n_seeds: int, rng: np.random.Generator, n_cells: int = 1
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Runs of `n_cells` pairs of configurations on drawn images.

    Returns:
        Correctness of shape (2, n_cells, n_seeds, n_images), and each configuration's accuracy on these images with
        any seed, shape (2, n_cells). Cells share h and v, and each has a u of its own.
    """
    from scipy.special import ndtr, ndtri

    def normal(variance: float, *shape: int) -> npt.NDArray[np.float32]:
        return rng.standard_normal(shape, dtype=np.float32) * np.float32(np.sqrt(variance))

    half = images.difference / 2
    m = ndtri([images.accuracy + half, images.accuracy - half]).astype(np.float32)[:, None, None]
    level = m + normal(images.image, images.n_images)
    level = level + normal(images.image_by_configuration, 2, n_cells, images.n_images)
    rest = 1 - images.image - images.image_by_configuration - images.seed
    these = ndtr(level / np.sqrt(images.seed + rest)).mean(axis=2)
    seeds = normal(images.seed, 2, 1, n_seeds, 1)
    chance = ndtr((level[:, :, None, :] + seeds) / np.float32(np.sqrt(rest)))
    return rng.random(chance.shape, dtype=np.float32) < chance, these


def two_way_coverage(images: Images, n_seeds: int, n_studies: int, seed: int = 0, n_cells: int = 1) -> dict[str, float]:
    """How often the intervals hold the truth, of `n_studies` with `n_seeds` seeds."""
    rng = np.random.default_rng(seed)
    hits = {"these": 0, "such": 0, "level these": 0, "level such": 0, "real": 0}
    accuracy = images.accuracy + images.difference / 2
    for _ in range(n_studies):
        right, these = correctness(images, n_seeds, rng, n_cells)
        difference, level = two_way_difference(right[0], right[1]), two_way_accuracy(right[0])
        for key, scope, truth in (
            ("these", difference.these, float((these[0] - these[1]).mean())),
            ("such", difference.such, images.difference),
            ("level these", level.these, float(these[0].mean())),
            ("level such", level.such, accuracy),
        ):
            hits[key] += scope.interval.low - 1e-12 <= truth <= scope.interval.high + 1e-12
        hits["real"] += difference.such.p < 0.05
    return {key: value / n_studies for key, value in hits.items()}


def _two_way(n_studies: int) -> Rows:
    yield "| images | seeds | difference: these | such | accuracy: these | such |"
    yield "|:--|---:|---:|---:|---:|---:|"
    for images in SETTINGS:
        for n_seeds in (2, 3, 5, 10):
            found = two_way_coverage(images, n_seeds, n_studies if images.n_images < 5000 else n_studies // 2)
            cells = [f"{100 * found[key]:.1f}" for key in ("these", "such", "level these", "level such")]
            yield f"| {images.name} | {n_seeds} | {' | '.join(cells)} |"


Draw = Callable[[np.random.Generator, tuple[int, ...]], npt.NDArray[np.float64]]


def _of_few_images(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    return (rng.binomial(40, 0.95, shape) - rng.binomial(40, 0.95, shape)) / 40


def _of_a_failing_arm(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """One run in ten is lost and is 0.8 worse; the mean is 0."""
    return rng.normal(0, 0.002, shape) - 0.8 * (rng.random(shape) < 0.1) + 0.08


DIFFERENCES: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "heavy tails (t with 3)": lambda rng, shape: rng.standard_t(3, shape),
    "skewed (exponential)": lambda rng, shape: rng.standard_exponential(shape) - 1,
    "accuracies on 40 images": _of_few_images,
    "one arm fails in 10 %": _of_a_failing_arm,
}
LOOKS = (5, 64)
"""The first replicate after which the studies below are looked at, and the last."""
EFFECTS = (0.5, 0.7, 1.0, 1.5, 2.5)


def false_verdicts(draw: Draw, n_claims: int, n_studies: int, seed: int = 0) -> tuple[float, float]:
    """Studies without any difference that get a verdict, looked at after each replicate: here, and with p < 0.05."""
    rng = np.random.default_rng(seed)
    here = peeking = 0
    n = np.arange(LOOKS[0], LOOKS[1] + 1)
    critical = stats.t.ppf(0.975, n - 1)
    for _ in range(n_studies):
        d = draw(rng, (n_claims, LOOKS[1]))
        found = verdicts(mean_sequence(d, n_claims=n_claims, step=0.025 if draw is _of_few_images else 0), "higher")
        here += bool((found != "undecided").any())
        mean = np.cumsum(d, axis=1)[:, LOOKS[0] - 1 :] / n
        error = np.sqrt((np.cumsum(d**2, axis=1)[:, LOOKS[0] - 1 :] / n - mean**2).clip(1e-300) / (n - 1))
        peeking += bool((np.abs(mean) / error > critical).any())
    return here / n_studies, peeking / n_studies


def replicates_to_verdict(effect: float, n_claims: int, n_studies: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Replicates after which a difference of `effect` standard deviations is found, in each of `n_studies`."""
    found = verdicts(
        mean_sequence(np.random.default_rng(seed).normal(effect, 1, (n_studies, 400)), n_claims=n_claims), "higher"
    )
    return np.where((found != "undecided").any(axis=1), np.argmax(found != "undecided", axis=1) + 1, 401)


def fixed_design(effect: float, n_claims: int, power: float) -> int:
    """Replicates of a design that is looked at once: two-sided t test at 5 % / n_claims with this power."""
    n = np.arange(2, 401)
    critical = stats.t.ppf(1 - 0.025 / n_claims, n - 1)
    reached = stats.nct.sf(critical, n - 1, effect * np.sqrt(n)) >= power
    return int(n[np.argmax(reached)])


def _sequences(n_studies: int) -> Rows:
    yield "| differences | claims | a false verdict | peeking at p < 0.05 |"
    yield "|:--|---:|---:|---:|"
    for name, draw in DIFFERENCES.items():
        for n_claims in (1, 5, 15) if name == "normal" else (1, 15):
            here, peeking = false_verdicts(draw, n_claims, n_studies)
            yield f"| {name} | {n_claims} | {100 * here:.1f} % | {100 * peeking:.1f} % |"
    yield ""
    yield "| effect, sd | claims | half by | mean | nine in ten by | fixed, power 50 % | 80 % | 95 % |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    for n_claims in (1, 5, 15):
        for effect in EFFECTS:
            n = replicates_to_verdict(effect, n_claims, n_studies)
            fixed = " | ".join(str(fixed_design(effect, n_claims, power)) for power in (0.5, 0.8, 0.95))
            half, most = np.quantile(n, [0.5, 0.9], method="inverted_cdf")
            yield f"| {effect} | {n_claims} | {half:.0f} | {n.mean():.0f} | {most:.0f} | {fixed} |"
    yield ""
    yield "| forecast with | effect, sd | took of it, quarter | half | three quarters |"
    yield "|:--|---:|---:|---:|---:|"
    for start in (5, 10):
        for effect in EFFECTS[:3]:
            ratios = np.quantile(forecasts(effect, start, n_studies), [0.25, 0.5, 0.75])
            yield f"| {start} replicates | {effect} | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |"


def forecasts(effect: float, start: int, n_studies: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """Replicates that it took over those forecast after `start`, where it was undecided; 0 where none was forecast."""
    d = np.random.default_rng(seed).normal(effect, 1, (n_studies, 2000))
    ratios = []
    for row in d:
        now = decide(row[:start], "higher")
        if now.settled_at is None:
            end = decide(row, "higher").settled_at or len(row)
            ratios.append(end / (start + now.more) if now.more is not None else 0.0)
    return np.array(ratios)


class Crossed(NamedTuple):
    """A crossed design with normal effects; standard deviations in points, as in the terms of `variance_components`."""

    name: str
    levels: tuple[int, ...]
    runs_per_cell: int
    deviations: dict[str, float]


MEASURED = {"split": 0.038, "initialisation": 0.027, "order": 0.0, "rest": 0.105}
DESIGNS = [
    Crossed("64 runs, as measured on MNIST", (4, 4, 4), 1, MEASURED),
    Crossed("64 runs, all alike", (4, 4, 4), 1, dict.fromkeys(MEASURED, 0.1)),
    Crossed("27 runs, split large", (3, 3, 3), 1, MEASURED | {"split": 0.3}),
    Crossed("two, 5 × 5 × 2 runs", (5, 5), 2, {"split": 0.1, "order": 0.05, "split × order": 0.05, "rest": 0.1}),
]


def crossed_runs(design: Crossed, rng: np.random.Generator) -> pd.DataFrame:
    """Runs of a crossed design, a column for each factor, and `value`."""
    factors = [name for name in design.deviations if " × " not in name and name != "rest"]
    index = np.indices([*design.levels, design.runs_per_cell]).reshape(len(design.levels) + 1, -1)
    value = rng.normal(92, 1) + rng.normal(0, design.deviations["rest"], index.shape[1])
    for name in design.deviations.keys() - {"rest"}:
        axes = [factors.index(factor) for factor in name.split(" × ")]
        levels = rng.normal(0, design.deviations[name], [design.levels[axis] for axis in axes])
        value = value + levels[tuple(index[axis] for axis in axes)]
    return pd.DataFrame(dict(zip(factors, index, strict=False)) | {"value": value})


def components_coverage(design: Crossed, n_studies: int, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Of each source: how often its interval holds the truth, and the median upper end in standard deviations."""
    rng = np.random.default_rng(seed)
    factors = [name for name in design.deviations if " × " not in name and name != "rest"]
    hits, highs = dict.fromkeys(design.deviations, 0), {name: [] for name in design.deviations}
    for study in range(n_studies):
        table, interactions = crossed_runs(design, rng), any(" × " in name for name in design.deviations)
        for source in variance_components(table, factors, "value", interactions=interactions, seed=study).sources:
            found, truth = source.deviation, design.deviations[source.name]
            hits[source.name] += found.low <= truth <= found.high
            highs[source.name].append(found.high)
    return {name: (hits[name] / n_studies, float(np.median(highs[name]))) for name in hits}


def _components(n_studies: int) -> Rows:
    yield "| design | source | its standard deviation | covered | half of the upper ends below |"
    yield "|:--|:--|---:|---:|---:|"
    for design in DESIGNS:
        for name, (covered, high) in components_coverage(design, n_studies).items():
            yield f"| {design.name} | {name} | {design.deviations[name]} | {100 * covered:.1f} % | {high:.3f} |"


class Errors(NamedTuple):
    corrected: float
    naive: float


def false_splits(n_rows: int, n_splits: int, n_validation: int, n_studies: int, folds: bool, seed: int = 0) -> Errors:
    """Studies that find a difference between two learners that have none: with the corrected t, and with Student's.

    Both regress y = x₁ + x₂ + noise on one feature, each on its own one.
    """
    rng = np.random.default_rng(seed)
    corrected = naive = 0
    for _ in range(n_studies):
        x = rng.standard_normal((n_rows, 2))
        y = x.sum(axis=1) + rng.standard_normal(n_rows)
        orders = [rng.permutation(n_rows) for _ in range(1 if folds else n_splits)]
        parts = [orders[0][k::n_splits] for k in range(n_splits)] if folds else [o[:n_validation] for o in orders]
        d = []
        for validation in parts:
            train = np.setdiff1d(np.arange(n_rows), validation)
            slopes = (x[train] * y[train, None]).sum(axis=0) / (x[train] ** 2).sum(axis=0)
            errors = ((y[validation, None] - slopes * x[validation]) ** 2).mean(axis=0)
            d.append(errors[0] - errors[1])
        found = repeated_splits(d, n_rows - n_validation, n_validation)
        corrected += found.p < 0.05
        naive += bool(stats.ttest_1samp(d, 0).pvalue < 0.05)
    return Errors(corrected / n_studies, naive / n_studies)


def _splits(n_studies: int) -> Rows:
    yield "| cuts | rows | corrected | Student's t |"
    yield "|:--|---:|---:|---:|"
    for name, n_splits, n_validation, folds in (
        ("5 folds", 5, 40, True),
        ("10 folds", 10, 20, True),
        ("5 resamples of 20 %", 5, 40, False),
        ("15 resamples of 20 %", 15, 40, False),
        ("15 resamples of 50 %", 15, 100, False),
    ):
        found = false_splits(200, n_splits, n_validation, n_studies, folds)
        yield f"| {name} | 200 | {100 * found.corrected:.1f} % | {100 * found.naive:.1f} % |"


TABLES: dict[str, Callable[[int], Rows]] = {
    "two-way": _two_way,
    "sequences": _sequences,
    "components": _components,
    "splits": _splits,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=sorted(TABLES))
    parser.add_argument("--studies", type=int, default=2000, help="simulated studies behind each number")
    options = parser.parse_args()
    for row in TABLES[options.table](options.studies):
        print(row, flush=True)


if __name__ == "__main__":
    main()
