"""Successive halving from small training sets to the full one: do the rungs rank the candidates alike?"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.figures.common import count, with_runs
from analysis.figures.style import INK, MODELS, MUTED, new_figure, percent
from analysis.statistics import MIN_BOOTSTRAP, Interval, bootstrap_interval
from analysis.tables import NotApplicableError, StudyMissingError, Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "From small training sets to the full one"
REPORT = ""
FULL = "mlp-random"
"""The study that trains the same candidates in full: the same space, drawn from the same seed."""


def rungs(tables: Tables) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Validation accuracy of each candidate at each rung it reached, and the runs behind it.

    Returns:
        One row per candidate and rung (`candidate`, `rung`, `images`, `epochs`, `accuracy`); and the complete runs.
    """
    runs = tables.complete("mlp-fidelity", full_fidelity=False)
    ladder = pd.DataFrame(list(runs["attributes"]), index=runs.index)
    if not {"candidate", "rung", "n_rungs"} <= set(ladder.columns):
        raise NotApplicableError("trials of mlp-fidelity do not say which candidate and rung they are")
    images = runs["train_images"].astype(float).fillna(runs["n_train"].astype(float))
    runs = runs.assign(candidate=ladder["candidate"], rung=ladder["rung"], images=images)
    grouped = runs.groupby(["candidate", "rung"])
    table = grouped.agg(
        images=("images", "max"), epochs=("epochs", "max"), accuracy=("validation_accuracy", "mean")
    ).reset_index()
    if table["rung"].nunique() < 2:
        raise NotApplicableError("runs of mlp-fidelity must be complete on at least two rungs, but they are on one")
    return table, runs


@dataclass(frozen=True)
class Agreement:
    """How the ranking on the smallest training set compares with that on a larger one.

    Attributes:
        correlation: Kendall's τ-b with its interval over candidates.
        larger: The larger training in words: `50,000 images for 5 epochs in mlp-random`.
        is_whole: Whether all candidates are compared, and not only those that successive halving let go on.
        pairs: `candidate`, `low` and `high`, the validation accuracies on the smallest and the larger set.
        run_ids: The runs of the larger training, where they are another study's.
    """

    correlation: Interval
    larger: str
    is_whole: bool
    pairs: pd.DataFrame
    run_ids: tuple[int, ...] = ()


def agreement(tables: Tables, table: pd.DataFrame, runs: pd.DataFrame) -> Agreement:
    """Kendall's τ-b of the smallest rung with a larger training.

    Best with the random search, which trains the same candidates in full where it has the same seed. Else with the
    highest rung that enough candidates reached: those are the best on the smallest rung, whose differences there are
    small, so that the correlation tends to be lower than over all.

    Raises:
        NotApplicableError: Fewer than two candidates were trained twice.
    """
    wide = table.pivot(index="candidate", columns="rung", values="accuracy")
    first = int(wide.columns.min())
    low = wide[first].dropna()
    twins = trained_in_full(tables, runs)
    shared = twins[twins["candidate"].isin(low.index)]
    if len(shared) >= MIN_BOOTSTRAP:
        pairs = pd.DataFrame(
            {"candidate": shared["candidate"], "low": low[shared["candidate"]].to_numpy(), "high": shared["accuracy"]}
        )
        larger = f"{_size(shared['images'].max(), shared['epochs'].max())} in {FULL}"
        run_ids = tuple(int(run_id) for ids in shared["run_ids"] for run_id in ids)
        return Agreement(_kendall(pairs), larger, len(pairs) == len(low), pairs, run_ids)
    reached = wide[wide[first].notna()].notna().sum()
    n_shared = {rung: int(reached[rung]) for rung in sorted(set(table["rung"])) if rung != first}
    enough = [rung for rung, n in n_shared.items() if n >= MIN_BOOTSTRAP]
    second = max(enough) if enough else max(n_shared, key=lambda rung: n_shared[rung])
    both = wide[[first, second]].dropna()
    if len(both) < 2:
        raise NotApplicableError("at least two candidates must have reached two rungs of mlp-fidelity")
    pairs = both.set_axis(["low", "high"], axis=1).reset_index()
    size = table[table["rung"] == second].iloc[0]
    return Agreement(_kendall(pairs), _size(size["images"], size["epochs"]), len(both) == len(low), pairs)


def trained_in_full(tables: Tables, runs: pd.DataFrame) -> pd.DataFrame:
    """The candidates that the random search has too: `candidate`, `accuracy`, `images`, `epochs`, `run_ids`.

    Two configurations are one candidate where all but training images and epochs agree.
    """
    try:
        full = tables.complete(FULL)
    except StudyMissingError:
        return pd.DataFrame(columns=["candidate", "accuracy", "images", "epochs", "run_ids"])
    candidates = {_identity(config): int(c) for config, c in zip(runs["config"], runs["candidate"], strict=True)}
    images = full["train_images"].astype(float).fillna(full["n_train"].astype(float))
    known = [candidates.get(_identity(config), -1) for config in full["config"]]
    full = full.assign(candidate=known, images=images)
    full = full[full["candidate"] >= 0]
    found = full.groupby("candidate").agg(
        accuracy=("validation_accuracy", "mean"),
        images=("images", "max"),
        epochs=("epochs", "max"),
        run_ids=("run_id", list),
    )
    return found.reset_index()


def _identity(config: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in config.items() if name not in ("train_images", "epochs")}
    return json.dumps(kept, sort_keys=True)


def _size(images: float, epochs: float) -> str:
    return f"{int(images):,} images for {count(int(epochs), 'epoch')}"


def cost(table: pd.DataFrame) -> float:
    """Images trained on, as a share of what all candidates at the highest rung would have needed."""
    work = table["images"] * table["epochs"]
    return float(work.sum() / (work.max() * table["candidate"].nunique()))


def _kendall(pairs: pd.DataFrame) -> Interval:
    return kendall_interval(pairs["low"].to_numpy(), pairs["high"].to_numpy())


def kendall_interval(a: Any, b: Any) -> Interval:
    """Kendall's τ-b with a BCa bootstrap over the candidates.

    A candidate that is drawn twice is tied with itself. With A and B the signs of all differences of `a` and of `b`,
    and w how often each candidate is drawn, τ-b = wᵀ(A ∘ B)w / √(wᵀ|A|w · wᵀ|B|w).
    """
    A, B = (np.sign(np.subtract.outer(x, x)) for x in (np.asarray(a, np.float64), np.asarray(b, np.float64)))

    def correlation(index: Any, axis: int = -1) -> Any:
        rows = np.moveaxis(np.asarray(index, dtype=int), axis, -1)
        drawn = (rows[..., None] == np.arange(len(A))).sum(axis=-2, dtype=np.float64)

        def form(M: Any) -> Any:
            return ((drawn @ M) * drawn).sum(axis=-1)

        scale = np.sqrt(form(np.abs(A)) * form(np.abs(B)))
        return np.divide(form(A * B), scale, out=np.zeros_like(scale), where=scale > 0)

    return bootstrap_interval(np.arange(len(A)), correlation, n_resamples=1999)


def place_of_winner(table: pd.DataFrame) -> tuple[int, int]:
    """The rank on the smallest rung of the candidate that is best on the highest one, and of how many."""
    last = table[table["rung"] == table["rung"].max()]
    winner = last["candidate"].iloc[int(last["accuracy"].argmax())]
    first = table[table["rung"] == table["rung"].min()].set_index("candidate")["accuracy"]
    return int((first > first[winner]).sum()) + 1, len(first)


def table(tables: Tables) -> pd.DataFrame:
    """The rows of `rungs` with the agreement between rungs repeated in each."""
    rows, runs = rungs(tables)
    found = agreement(tables, rows, runs)
    place, n_candidates = place_of_winner(rows)
    in_full = found.pairs.set_index("candidate")["high"]
    rows = rows.assign(
        larger_accuracy=rows["candidate"].map(in_full),
        kendall=found.correlation.estimate,
        kendall_low=found.correlation.low,
        kendall_high=found.correlation.high,
        kendall_candidates=found.correlation.n,
        kendall_with=found.larger,
        place_of_winner=place,
        n_candidates=n_candidates,
        cost=cost(rows),
    )
    return with_runs(rows, [*runs["run_id"], *found.run_ids])


def draw(table: pd.DataFrame) -> "Figure":
    """Above, a line per candidate over the rungs it reached, the best at the end drawn strongly.

    Below, each candidate's accuracy in the larger training against that on the smallest set.
    """
    figure, (panel, below) = new_figure(2, 1, height=6.6, height_ratios=[1.1, 1])
    look = MODELS["MLP"]
    last = table[table["rung"] == table["rung"].max()]
    winner = last["candidate"].iloc[int(last["accuracy"].argmax())]
    reached = table.groupby("candidate")["rung"].max()
    for candidate, line in table.groupby("candidate"):
        if candidate == winner:
            continue
        went_on = reached[candidate] == table["rung"].max()
        color, alpha = (look.color, 0.75) if went_on else (MUTED, 0.5)
        panel.plot(line["rung"], line["accuracy"], marker="o", ms=3.4, color=color, alpha=alpha, lw=1)
    best = table[table["candidate"] == winner]
    panel.plot(best["rung"], best["accuracy"], marker="D", ms=5.5, color=look.color, lw=2.4)
    panel.annotate(
        "best at the end",
        (best["rung"].iloc[-1], best["accuracy"].iloc[-1]),
        xytext=(0, 8),
        textcoords="offset points",
        ha="right",
        color=look.color,
        fontsize=8.5,
    )
    sizes = table.drop_duplicates("rung").sort_values("rung")
    names = [f"{int(row['images']):,}\n{int(row['epochs'])} epochs" for row in sizes.to_dict("records")]
    panel.set_xticks(sizes["rung"], names)
    # Candidates that learned nothing would flatten the rest; the caption counts them.
    panel.set_ylim(bottom=floor(table))
    panel.margins(x=0.07, y=0.1)
    percent(panel.yaxis)
    panel.set_xlabel("training images, and epochs")
    panel.set_ylabel("validation accuracy")
    panel.grid(visible=False, axis="x")
    _draw_agreement(below, table, winner)
    return figure


def _draw_agreement(panel: Any, table: pd.DataFrame, winner: int) -> None:
    """The candidates by their accuracy on the smallest set (x) and in the larger training (y)."""
    look = MODELS["MLP"]
    first = table[table["rung"] == table["rung"].min()].dropna(subset=["larger_accuracy"])
    others, best = first[first["candidate"] != winner], first[first["candidate"] == winner]
    panel.plot(others["accuracy"], others["larger_accuracy"], "o", color=look.color, alpha=0.65, ms=5)
    panel.plot(best["accuracy"], best["larger_accuracy"], "D", color=look.color, ms=7, mec=INK)
    for row in best.to_dict("records"):
        panel.annotate(
            "best at the end",
            (row["accuracy"], row["larger_accuracy"]),
            xytext=(-8, 2),
            textcoords="offset points",
            ha="right",
            color=look.color,
            fontsize=8.5,
        )
    low = floor(first)
    panel.set_xlim(left=low)
    panel.set_ylim(bottom=floor(first.assign(accuracy=first["larger_accuracy"])))
    panel.margins(x=0.05, y=0.1)
    percent(panel.xaxis)
    percent(panel.yaxis)
    size = first.iloc[0]
    panel.set_xlabel(f"validation accuracy, {_size(size['images'], size['epochs'])}")
    panel.set_ylabel("validation accuracy,\n" + str(size["kendall_with"]).replace(" in ", "\nin "))


def floor(table: pd.DataFrame) -> float:
    """Where the accuracy axis begins: at the lowest value, but not more than 12 points below the median."""
    return max(float(table["accuracy"].min()) - 0.005, float(table["accuracy"].median()) - 0.12)


def describe_agreement(found: Interval) -> str:
    """Kendall's correlation with its interval, in words."""
    if not found.known:
        return f"{found.estimate:.2f} (too few candidates for an interval)".replace("-", "−")
    return f"{found.estimate:.2f} (95 % interval {found.low:.2f} to {found.high:.2f})".replace("-", "−")


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    first = table.iloc[0]
    found = Interval(
        first["kendall"], first["kendall_low"], first["kendall_high"], int(first["kendall_candidates"]), ""
    )
    below = table.loc[table["accuracy"] < floor(table), "candidate"].nunique()
    smallest = table[table["rung"] == table["rung"].min()].iloc[0]
    text = (
        f"{count(int(first['n_candidates']), 'candidate')}; grey: dropped on the way. The one that is best at the end "
        f"was number {int(first['place_of_winner'])} on the smallest training set, and had to be among the best "
        "there to be kept. Kendall rank correlation of "
        f"{_size(smallest['images'], smallest['epochs'])} with {first['kendall_with']}, over "
        f"{count(found.n, 'candidate')} trained on both: {describe_agreement(found)}. The rungs trained on "
        f"{100 * first['cost']:.0f} % of the images that all candidates at the last rung would have needed."
    )
    return text + (f" {count(below, 'candidate')} partly below the axis." if below else "")
