"""Tables for a person at a terminal: the selection, the studies, a confirmation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from search.execution.dry_run import Forecast
    from search.select import Selected


def print_selection(console: Console, selected: "Selected", engine: "Engine", rows: int = 5) -> None:
    """The ranking on validation, the frozen choice with its test accuracy, and what the study's runs reached."""
    from search.store.reading import test_summary

    names = list(selected.params[selected.choice.best.trial_id])
    table = Table(title=f"{selected.study}: best on validation ({len(selected.choice.ranking)} trials)")
    table.add_column("trial", justify="right")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    for heading in ("validation", "test"):
        table.add_column(heading, justify="right")
    for candidate in selected.choice.ranking[:rows]:
        best = candidate is selected.choice.best
        values = [_show(selected.params[candidate.trial_id].get(name)) for name in names]
        # The test value of the chosen trial alone: to show others would invite a second choice.
        test = f"{selected.test_accuracy:.2%}" if best else ""
        style = "bold" if best else None
        table.add_row(str(candidate.trial_number), *values, f"{candidate.validation_accuracy:.2%}", test, style=style)
    console.print(table)
    n = selected.validation_n
    p = selected.choice.best.validation_accuracy
    console.print(
        f"Selected: trial {selected.choice.best.trial_number} (selection {selected.selection_id}, frozen before "
        f"the test value was read): test accuracy {selected.test_accuracy:.2%} on {selected.dataset}, "
        f"{len(selected.test_accuracies)} run(s). One standard error of a validation accuracy is "
        f"{(p * (1 - p) / n) ** 0.5:.2%}.",
        highlight=False,
        markup=False,
    )
    with engine.connect() as connection:
        summary = test_summary(connection, selected.study)
    if summary:
        console.print(
            f"Over all {summary['n']} complete runs: highest test accuracy reached by each is at least "
            f"{summary['lowest_peak']:.2%}, mean {summary['mean_peak']:.2%}; read where validation is best: "
            f"at least {summary['lowest_read']:.2%}, mean {summary['mean_read']:.2%}.",
            highlight=False,
            markup=False,
        )
    if selected.unfinished:
        console.print(f"{selected.unfinished} trials of this study have not ended.", markup=False)


def _show(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def print_status(console: Console, db: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """One row for each study."""
    from search.naming import driver_label

    table = Table(title=f"Studies in {db}")
    # A name is what other commands take, so it is shown whole.
    table.add_column("study", overflow="fold")
    for heading in ("driver", "data"):
        table.add_column(heading)
    for heading in ("trials", "runs", "best validation", "training"):
        table.add_column(heading, justify="right")
    for row in rows:
        best = row["best_validation"]
        table.add_row(
            row["name"],
            driver_label({**row["spec"], "driver": row["driver"]}),
            row["dataset"],
            _by_state(row["trial_states"]),
            _by_state(row["run_states"]),
            "—" if best is None else f"{best:.2%}",
            f"{row['seconds']:.1f} s",
        )
    console.print(table)


def _by_state(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {state}" for state, n in sorted(counts.items())) or "none"


def print_confirmation(console: Console, db: str, study: str, confirmed: str) -> None:
    """Each confirmed trial as selected and with fresh seeds."""
    from search.confirm import confirmed_trials

    table = Table(title=f"{study}: selected and confirmed")
    for heading in ("trial", "validation, selected", "validation, again", "optimism", "test, mean", "95 % interval"):
        table.add_column(heading, justify="right")
    for row in confirmed_trials(db, study, confirmed):
        low, high = row.test_interval
        table.add_row(
            str(row.source_trial_number),
            f"{row.selected_validation:.2%}",
            f"{row.validation:.2%}",
            f"{100 * (row.selected_validation - row.validation):+.2f} points".replace("-0.00", "0.00"),
            f"{row.test:.2%} ({row.n_runs} runs)",
            f"{low:.2%} to {high:.2%}" if row.n_runs > 1 else "needs two runs",
        )
    console.print(table)


def print_forecast(console: Console, forecast: "Forecast", *, sampler: str | None, pruned: bool) -> None:
    """The plan with what is done of it, and how long the rest will take."""
    names = list(dict.fromkeys(name for trial in forecast.trials for name in trial.params))
    table = Table(title=f"{forecast.study}: the plan")
    table.add_column("trial", justify="right")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right", overflow="fold")
    for heading in ("runs done", "to do"):
        table.add_column(heading, justify="right")
    table.add_column("state")
    for trial in forecast.trials:
        values = [_show(trial.params[name]) if name in trial.params else "" for name in names]
        style = None if trial.n_to_do else "dim"
        table.add_row(str(trial.trial_number), *values, str(trial.n_done), str(trial.n_to_do), trial.state, style=style)
    if forecast.trials:
        console.print(table)
    lines = []
    if forecast.n_to_come:
        who = f"{sampler} proposes them" if sampler else "the best so far are taken"
        lines.append(f"{forecast.n_to_come} trials are to come: {who} as results arrive.")
    resumed = f", {forecast.n_resumed} of them from a checkpoint" if forecast.n_resumed else ""
    lines.append(f"{forecast.study}: {forecast.n_runs_done} runs are done, {forecast.n_runs_to_do} to do{resumed}.")
    if forecast.n_runs_to_do:
        workers = "1 worker" if forecast.n_jobs == 1 else f"{forecast.n_jobs} workers"
        less = ", less where trials are pruned" if pruned else ""
        lines.append(
            f"That takes about {duration(forecast.seconds)} on {workers}{less}: the speed of {forecast.n_measured} of "
            f"{forecast.n_kinds} kinds of run was measured just now."
        )
    lines.append("Nothing was trained or written (--dry-run).")
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """Seconds as a person says them: 5.2 s, 48 s, 3 min 20 s, 2 h 05 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def print_predictions(console: Console, names: Sequence[str], probabilities: Sequence[Sequence[float]]) -> None:
    """One row for each picture: the most probable class, and the probability of every class."""
    table = Table(title="Probability of each class")
    table.add_column("picture", overflow="fold")
    table.add_column("shows", justify="right", style="bold")
    for label in range(len(probabilities[0])):
        table.add_column(str(label), justify="right")
    for name, row in zip(names, probabilities, strict=True):
        best = max(range(len(row)), key=row.__getitem__)
        cells = [f"[bold]{p:.1%}[/]" if label == best else f"{p:.1%}" for label, p in enumerate(row)]
        table.add_row(escape(name), str(best), *cells)
    console.print(table)
