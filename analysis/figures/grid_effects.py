"""Exact main effects and interactions on the balanced linear grid.

How much each hyperparameter moves test accuracy.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures.style import MODELS, around_zero, new_figure
from analysis.statistics.factorial import grid_effects
from analysis.statistics.intervals import binomial_error
from analysis.studies import GRID_FACTORS, with_runs
from analysis.tables import Tables, known
from analysis.trials import by_trial
from analysis.wording import count, level_name, percent_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Main effects and interactions in the linear grid"
REPORT = ""
_LEVELS: Mapping[str, Callable[[str], object]] = {"learning_rate": float, "momentum": "True".__eq__, "decay": str}
"""What a factor's level is, from its text."""


def table(tables: Tables) -> pd.DataFrame:
    """Rows of `statistics.factorial.grid_effects` on the trials' mean test accuracy."""
    runs = tables.complete("linear-grid")
    trials = by_trial(runs)
    effects = grid_effects(trials, GRID_FACTORS, "test_accuracy")
    effects["binomial_error"] = binomial_error(float(trials["test_accuracy"].mean()), int(trials["n_test"].iloc[0]))
    effects["n_trials"] = len(trials)
    return with_runs(effects, runs["run_id"])


def _name(term: str, level: str) -> str:
    """The level, which the table has as text, in words."""
    if level == "constant":
        return "constant rate"
    return level_name(term, known(_LEVELS, term, "factor")(level))


def draw(table: pd.DataFrame) -> "Figure":
    """Main effects of each level above, share of the variation of each term below."""
    look = MODELS["linear"]
    main = table[~table["term"].str.contains("×")].reset_index(drop=True)
    shares = table.drop_duplicates("term")[["term", "share"]]
    rest = pd.DataFrame([{"term": "three-way and rest", "share": max(0.0, 1 - shares["share"].sum())}])
    shares = pd.concat([shares, rest], ignore_index=True)
    figure, (above, below) = new_figure(2, 1, height=5.6, height_ratios=[len(main), len(shares) + 1])
    around_zero(above, table)
    above.hlines(main.index, 0, 100 * main["effect"], color=look.color, lw=1.4)
    above.plot(100 * main["effect"], main.index, look.marker, color=look.color, ms=6)
    above.set_yticks(main.index, [_name(*names) for names in zip(main["term"], main["level"], strict=True)])
    above.invert_yaxis()
    above.grid(visible=False, axis="y")
    above.set_xlabel("main effect on test accuracy (percentage points)")
    places = range(len(shares))
    below.barh(places, 100 * shares["share"], color=look.color, alpha=0.6, height=0.62)
    for place, share in zip(places, shares["share"], strict=True):
        below.annotate(
            f"{percent_text(share, 0)}",
            (100 * share, place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
        )
    below.set_yticks(places, [term.replace("_", " ") for term in shares["term"]])
    below.invert_yaxis()
    below.grid(visible=False, axis="y")
    below.margins(x=0.12)
    below.set_xlabel("share of the variation between configurations (%)")
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    n_trials = int(table["n_trials"].iloc[0])
    return (
        f"Exact averages over the balanced grid of {count(n_trials, 'configuration')}; effects inside "
        "the grey band are smaller than one "
        "binomial standard error of a single accuracy. Three-way interaction and seed noise are one."
    )
