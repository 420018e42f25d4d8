"""`digitsweep select`: the choice on validation, frozen, and only then its test accuracy."""

from typing import TYPE_CHECKING, Any

from rich.table import Table

from search.commands.common import console, print_json, say
from search.commands.options import AsJson, Database, RankingRows, StudyName
from search.commands.tables import fitting
from search.wording import count, heading, hyperparameter, left_aside, percent

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from search.select import Selected


def select(
    study: StudyName,
    db: Database = "runs.sqlite",
    top: RankingRows = 5,
    as_json: AsJson = False,
) -> None:
    """Choose the best configuration on validation, freeze the choice, then read its test accuracy."""
    from search.select import select as freeze
    from search.store.database import open_for_writing

    sql = open_for_writing(db, create=False)
    try:
        if as_json:
            print_json(_as_values(freeze(sql, study), top))
            return
        selected = select_and_print(sql, study, top)
    finally:
        sql.dispose()
    if selected.left_aside:
        say(left_aside(selected.left_aside))


def select_and_print(sql: "Engine", study: str, rows: int = 5) -> "Selected":
    """Freeze the choice, then print the ranking, the choice with its test accuracy, and what all runs reached.

    Raises:
        NoSuchStudyError: no study of that name.
        NothingToSelectError: it has no complete run.
    """
    from search.select import select as freeze
    from search.store.reading import test_summary

    selected = freeze(sql, study)
    console.print(_ranking(selected, rows, console.width))
    n, best = selected.validation_n, selected.choice.best
    standard_error = (best.validation_accuracy * (1 - best.validation_accuracy) / n) ** 0.5
    say(
        f"Selected: trial {best.trial_number} (selection {selected.selection_id}, frozen before the test value was "
        f"read): test accuracy {percent(selected.test_accuracy)} on {selected.dataset}, "
        f"{count(len(selected.test_accuracies), 'run')}. One standard error of a validation accuracy is "
        f"{percent(standard_error)}."
    )
    with sql.connect() as connection:
        summary = test_summary(connection, selected.study)
    if summary:
        say(
            f"Over all {summary['n']} complete runs: highest test accuracy reached by each is at least "
            f"{percent(summary['lowest_peak'])}, mean {percent(summary['mean_peak'])}; read where validation is best: "
            f"at least {percent(summary['lowest_read'])}, mean {percent(summary['mean_read'])}."
        )
    if selected.unfinished:
        say(f"Not ended yet: {count(selected.unfinished, 'trial')} of this study.")
    return selected


def _as_values(selected: "Selected", rows: int) -> dict[str, Any]:
    """The choice as plain values; the test value of the chosen trial alone."""
    return {
        "study": selected.study,
        "dataset": selected.dataset,
        "selection_id": selected.selection_id,
        "trial": selected.choice.best.trial_number,
        "params": selected.params[selected.choice.best.trial_id],
        "validation_accuracy": selected.choice.best.validation_accuracy,
        "test_accuracy": selected.test_accuracy,
        "n_runs": len(selected.test_accuracies),
        "ranking": [
            {
                "trial": candidate.trial_number,
                "params": selected.params[candidate.trial_id],
                "validation_accuracy": candidate.validation_accuracy,
            }
            for candidate in selected.choice.ranking[:rows]
        ],
        "unfinished_trials": selected.unfinished,
        "trials_left_aside": selected.left_aside,
    }


def _ranking(selected: "Selected", rows: int, width: int) -> Table:
    """The best trials; hyperparameters that they share are the first to be left out where not all fit."""
    lines = []
    shown = selected.choice.ranking[:rows]
    names = list(dict.fromkeys(name for candidate in shown for name in selected.params[candidate.trial_id]))
    values = {
        name: [hyperparameter(selected.params[candidate.trial_id].get(name)) for candidate in shown] for name in names
    }
    for i, candidate in enumerate(shown):
        line = {"trial": str(candidate.trial_number)} | {heading(name): values[name][i] for name in names}
        # The test value of the chosen trial alone: to show others would invite a second choice.
        test = percent(selected.test_accuracy) if candidate is selected.choice.best else ""
        lines.append(line | {"validation": percent(candidate.validation_accuracy), "test": test})
    title = f"{selected.study}: best on validation ({count(len(selected.choice.ranking), 'trial')})"
    optional = [heading(name) for name in sorted(names, key=lambda name: len(set(values[name])))]
    return fitting(title, lines, width, optional, bold=[candidate is selected.choice.best for candidate in shown])
