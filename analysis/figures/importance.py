"""Which hyperparameters the random search found to matter.

Permutation importance under a surrogate, held out.
"""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures.style import MODELS, MUTED, new_figure
from analysis.statistics.importance import importance
from analysis.studies import with_runs
from analysis.tables import NotApplicableError, Tables
from analysis.trials import by_trial
from analysis.wording import count, number_text, percent_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Importance of hyperparameters in the random search"
REPORT = ""
MIN_R2 = 0.2
"""Share of held-out variance that the surrogate must predict before importances are shown."""


def table(tables: Tables) -> pd.DataFrame:
    """Rows of `statistics.importance` on the complete trials of the random search."""
    runs = tables.complete("mlp-random")
    trials = by_trial(runs)
    params = sorted({name for params in runs["params"] for name in params if name in trials})
    # Ranks: a few trials that learned nothing would otherwise be all of the variance.
    trials = trials.assign(rank=trials["validation_accuracy"].rank(pct=True))
    out, r2 = importance(trials, params, "rank")
    if r2 < MIN_R2:
        raise NotApplicableError(
            f"a surrogate must predict at least {MIN_R2} of the variance of unseen trials before "
            "importances mean anything, but "
            f"R² is {number_text(r2)} with {len(trials)} trials; more trials may help "
            f"({tables.commands.make('mlp-random')})"
        )
    return with_runs(out.assign(r2=r2, n_trials=len(trials)), runs["run_id"])


def draw(table: pd.DataFrame) -> "Figure":
    """Horizontal bars with the spread over the folds."""
    look = MODELS["MLP"]
    figure, (panel,) = new_figure(height=0.38 * len(table) + 1.1)
    places = range(len(table))
    panel.barh(places, table["importance"], color=look.color, alpha=0.6, height=0.6)
    panel.hlines(
        places, table["importance"] - table["spread"], table["importance"] + table["spread"], color=look.color, lw=2
    )
    panel.set_yticks(places, [name.replace("_", " ") for name in table["parameter"]])
    panel.invert_yaxis()
    panel.axvline(0, color=MUTED, lw=0.8)
    panel.grid(visible=False, axis="y")
    panel.set_xlabel("squared error added by permuting it\n(in variances of the rank by validation accuracy)")
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    row = table.iloc[0]
    return (
        f"Random forest on {count(int(row['n_trials']), 'complete trial')}, importance measured on held-out folds "
        f"(line: standard deviation over the folds); the forest explains {percent_text(row['r2'], 0)} of the held-out "
        "variance of ranks. Diverged trials have no value and are left out."
    )
