"""Successive halving from small training sets to the full one: do the rungs rank the candidates alike?"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from analysis.errors import NotApplicableError, NothingThereError
from analysis.fidelity import agreement, cost, describe_agreement, has_rungs, place_of_winner, rungs, size_text
from analysis.figures.requests import Fidelity
from analysis.figures.style import INK, MODELS, MUTED, new_figure, percent
from analysis.statistics.intervals import Interval
from analysis.studies import Studies, Study, with_runs
from analysis.wording import count, percent_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def offers(study: Study, _studies: Studies) -> list[Fidelity]:
    """One, where the study trains at several fidelities."""
    return [Fidelity()] if has_rungs(study) else []


def table(study: Study, studies: Studies, request: Fidelity) -> pd.DataFrame:
    """The rows of `rungs` with the agreement between rungs repeated in each.

    Raises:
        NotApplicableError: The study trains at one fidelity, or its runs are on one rung.
    """
    if not has_rungs(study):
        raise NotApplicableError(f"study {study.name} trains at one fidelity")
    rows, runs = rungs(study)
    other = None
    if request.against is not None:
        with suppress(NothingThereError):
            other = studies.beside(study, request.against)
    found = agreement(study, rows, runs, other)
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


def draw(table: pd.DataFrame) -> Figure:
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
    panel.set_xlabel("training examples, and epochs")
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
    panel.set_xlabel(f"validation accuracy, {size_text(size['images'], size['epochs'])}")
    panel.set_ylabel("validation accuracy,\n" + str(size["kendall_with"]).replace(" in ", "\nin "))


def floor(table: pd.DataFrame) -> float:
    """Where the accuracy axis begins: at the lowest value, but not more than 12 points below the median."""
    return max(float(table["accuracy"].min()) - 0.005, float(table["accuracy"].median()) - 0.12)


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
        f"{size_text(smallest['images'], smallest['epochs'])} with {first['kendall_with']}, over "
        f"{count(found.n, 'candidate')} trained on both: {describe_agreement(found)}. The rungs trained on "
        f"{percent_text(first['cost'], 0)} of the examples that all candidates at the last rung would have needed."
    )
    return text + (f" {count(below, 'candidate')} partly below the axis." if below else "")
