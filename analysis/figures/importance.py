"""Which hyperparameters a search found to matter: permutation importance under a surrogate, held out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.errors import NotApplicableError
from analysis.figures.design import model_of
from analysis.figures.requests import Importance
from analysis.figures.style import MODELS, MUTED, new_figure
from analysis.statistics.importance import MIN_TRIALS, importance
from analysis.studies import Studies, Study, with_runs
from analysis.trials import by_trial
from analysis.wording import count, factor_name, number_text, percent_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MIN_R2 = 0.2
"""Share of held-out variance that the surrogate must predict before importances are shown."""


def offers(study: Study, _studies: Studies) -> list[Importance]:
    """One, of a search over several axes with trials enough."""
    is_search = study.driver in ("random", "optuna") and len(study.axes) > 1
    return [Importance()] if is_search and len(study.ranked) >= MIN_TRIALS else []


def table(study: Study, _studies: Studies, _request: Importance) -> pd.DataFrame:
    """Rows of `statistics.importance` on the complete trials.

    Raises:
        NotApplicableError: There are too few, or the surrogate predicts unseen ones too badly.
    """
    runs = study.complete
    trials = by_trial(runs)
    params = sorted({name for params in runs["params"] for name in params if name in trials})
    # Ranks: a few trials that learned nothing would otherwise be all of the variance.
    trials = trials.assign(rank=trials["validation_accuracy"].rank(pct=True))
    out, r2 = importance(trials, params, "rank")
    if r2 < MIN_R2:
        raise NotApplicableError(
            f"a surrogate must predict at least {MIN_R2} of the variance of unseen trials before "
            "importances mean anything, but "
            f"R² is {number_text(r2)} with {len(trials)} trials"
        )
    return with_runs(out.assign(r2=r2, n_trials=len(trials), model=model_of(study)), runs["run_id"])


def draw(table: pd.DataFrame) -> Figure:
    """Horizontal bars with the spread over the folds."""
    look = MODELS[table["model"].iloc[0]]
    figure, (panel,) = new_figure(height=0.38 * len(table) + 1.1)
    places = range(len(table))
    panel.barh(places, table["importance"], color=look.color, alpha=0.6, height=0.6)
    panel.hlines(
        places, table["importance"] - table["spread"], table["importance"] + table["spread"], color=look.color, lw=2
    )
    panel.set_yticks(places, [factor_name(name) for name in table["parameter"]])
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
