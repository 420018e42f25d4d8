"""Successive halving from small training sets to the full one: do the rungs rank the candidates alike?"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.figures.common import count, with_runs
from analysis.figures.style import MODELS, MUTED, new_figure, percent
from analysis.statistics import MIN_BOOTSTRAP, Interval, bootstrap_interval
from analysis.tables import NotApplicableError, Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "From small training sets to the full one"
REPORT = ""


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


def agreement(table: pd.DataFrame) -> tuple[Interval, int, int]:
    """Kendall's τ-b of the smallest rung with the highest that enough candidates reached, and both rungs.

    Where candidates are dropped between rungs, it is over those that went on: the best on the smallest rung, whose
    differences there are small, so that it tends to be lower than over all.
    """
    wide = table.pivot(index="candidate", columns="rung", values="accuracy")
    first = int(wide.columns.min())
    reached = wide[wide[first].notna()].notna().sum()
    shared = {rung: int(reached[rung]) for rung in sorted(set(table["rung"])) if rung != first}
    enough = [rung for rung, n in shared.items() if n >= MIN_BOOTSTRAP]
    second = max(enough) if enough else max(shared, key=lambda rung: shared[rung])
    both = wide[[first, second]].dropna()
    if len(both) < 2:
        raise NotApplicableError("at least two candidates must have reached two rungs of mlp-fidelity")
    return kendall_interval(both[first].to_numpy(), both[second].to_numpy()), first, second


def kendall_interval(a: Any, b: Any) -> Interval:
    """Kendall's τ-b with a BCa bootstrap over the candidates."""
    from scipy import stats

    def correlation(index: Any, axis: int = -1) -> Any:
        rows = np.moveaxis(np.asarray(index, dtype=int), axis, -1)
        flat = rows.reshape(-1, rows.shape[-1])
        values = [np.nan_to_num(stats.kendalltau(a[row], b[row]).statistic) for row in flat]
        return np.reshape(values, rows.shape[:-1])

    return bootstrap_interval(np.arange(len(a)), correlation, n_resamples=499)


def place_of_winner(table: pd.DataFrame) -> tuple[int, int]:
    """The rank on the smallest rung of the candidate that is best on the highest one, and of how many."""
    last = table[table["rung"] == table["rung"].max()]
    winner = last["candidate"].iloc[int(last["accuracy"].argmax())]
    first = table[table["rung"] == table["rung"].min()].set_index("candidate")["accuracy"]
    return int((first > first[winner]).sum()) + 1, len(first)


def table(tables: Tables) -> pd.DataFrame:
    """The rows of `rungs` with the agreement between rungs repeated in each."""
    rows, runs = rungs(tables)
    found, first, second = agreement(rows)
    place, n_candidates = place_of_winner(rows)
    rows = rows.assign(
        kendall=found.estimate,
        kendall_low=found.low,
        kendall_high=found.high,
        kendall_candidates=found.n,
        kendall_rungs=f"{first}, {second}",
        place_of_winner=place,
        n_candidates=n_candidates,
    )
    return with_runs(rows, runs["run_id"])


def draw(table: pd.DataFrame) -> "Figure":
    """One line per candidate over the rungs it reached; the best at the end is drawn strongly."""
    figure, (panel,) = new_figure(height=3.7)
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
    return figure


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
    text = (
        f"{count(int(first['n_candidates']), 'candidate')}; the one that is best at the end was number "
        f"{int(first['place_of_winner'])} on the smallest training set. Kendall rank correlation between rungs "
        f"{first['kendall_rungs']} over the {found.n} candidates that reached both: {describe_agreement(found)}."
    )
    return text + (f" {count(below, 'candidate')} partly below the axis." if below else "")
