"""What the commands that train share: the plan shown, the study trained, and what is said at its end."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from rich.table import Table

from search.commands.common import console, leave, say, warn
from search.commands.options import seconds
from search.commands.select import select_and_print
from search.commands.tables import fitting
from search.commands.typed import typed_command
from search.wording import count, duration, heading, hyperparameter, left_aside

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from search.execution.dry_run import DryRun
    from search.execution.result import StudyResult
    from search.spec.study import StudySpec


def show_dry_run(study: "StudySpec", images: "Dataset", *, db: str, jobs: int | None, **options: Any) -> None:
    """Print what the command would do; `options` as of `search.execution.dry_run.dry_run`."""
    from engine.kernels.launch import compile_kernels
    from search.execution.dry_run import dry_run

    compile_kernels(say)
    found = dry_run(study, images, database=db, n_jobs=jobs or os.cpu_count() or 1, **options)
    if found.trials:
        console.print(_plan(found, console.width))
    lines = []
    if found.n_to_come:
        who = f"{study.sampler} proposes them" if study.sampler else "the best so far are taken"
        lines.append(f"{count(found.n_to_come, 'trial')} to come: {who} as results arrive.")
    resumed = f", {found.n_resumed} of them from a checkpoint" if found.n_resumed else ""
    lines.append(f"{found.study}: {found.n_runs_done} runs are done, {found.n_runs_to_do} to do{resumed}.")
    if found.n_runs_to_do:
        ends_early = [
            words
            for words, is_so in (
                ("trials are pruned", study.pruner not in (None, "none")),
                ("runs stop early", "early_stopping" in {*study.fixed, *study.varied}),
            )
            if is_so
        ]
        less = f", less where {' or '.join(ends_early)}" if ends_early else ""
        lines.append(
            f"That takes about {duration(found.seconds)} on {count(found.n_jobs, 'worker')}{less}: the speed of "
            f"{found.n_measured} of {count(found.n_kinds, 'kind')} of run was measured just now."
        )
    if found.without_kernel:
        times = f"{found.slower:.0f}" if found.slower >= 10 else f"{found.slower:.1f}"
        lines.append(
            f"No kernel trains runs with {', '.join(found.without_kernel)}: components do, in about {times} "
            "times the time of runs without."
        )
    if found.n_left_aside:
        lines.append(left_aside(found.n_left_aside))
    lines.append("Nothing was trained or written (--dry-run).")
    say("\n".join(lines))


def _plan(found: "DryRun", width: int) -> Table:
    """The trials; hyperparameters that tell least of them apart are left out where not all fit."""
    names = list(dict.fromkeys(name for trial in found.trials for name in trial.params))
    lines = [
        {"trial": str(trial.trial_number)}
        | {heading(name): hyperparameter(trial.params[name]) if name in trial.params else "" for name in names}
        | {"runs done": str(trial.n_done), "to do": str(trial.n_to_do), "state": trial.state}
        for trial in found.trials
    ]
    optional = sorted(map(heading, names), key=lambda name: len({line[name] for line in lines}))
    dim = [not trial.n_to_do for trial in found.trials]
    return fitting(f"{found.study}: the plan", lines, width, ["state", *optional], text=("state",), dim=dim)


def train(
    study: "StudySpec",
    images: "Dataset",
    *,
    db: str,
    jobs: int | None,
    time: str | None = None,
    **options: Any,
) -> "StudyResult":
    """Run the study with a live display; `options` as of `search.run_study`."""
    from engine.kernels.launch import compile_kernels
    from search.execution.coordinator import run_study
    from search.execution.progress import terminal_display

    compile_kernels(say)
    try:
        with terminal_display(console) as display:
            return run_study(
                study,
                images,
                database=db,
                n_jobs=jobs,
                display=display,
                command=typed_command(),
                max_seconds=seconds(time) if time else None,
                **options,
            )
    except KeyboardInterrupt:  # the third signal
        leave_interrupted(f"stopped; what was saved is kept. Go on with:\n  {typed_command()}")


def leave_interrupted(message: str) -> NoReturn:
    """Say how to go on, and leave as an interrupted program does."""
    with suppress(OSError):  # the terminal may be the reason
        say(message)
    leave(130)


def finish(result: "StudyResult", db: str) -> None:
    """Say what was done, show the selection, and leave with the exit code that fits."""
    from sqlalchemy.exc import SQLAlchemyError

    from search.select import NothingToSelectError
    from search.store.database import open_for_writing
    from search.store.location import DatabaseUnusableError, locate

    if result.interrupted:
        lost = f"{result.not_saved}" if result.not_saved else "nothing is lost"
        place = f"; all results are in {result.recovered}" if result.recovered else ""
        again = typed_command(result.recovered)
        leave_interrupted(f"\n{result.study}: interrupted; {lost}{place}. Go on with:\n  {again}")
    if result.recovered or result.not_saved:
        if result.not_saved:
            warn(f"{result.study}: {result.not_saved}.")
        if result.recovered:
            warn(f"{result.study}: {db} is gone or another file; all results are in {result.recovered}.")
        warn(f"Go on with:\n  {typed_command(result.recovered)}")
        raise typer.Exit(1)
    if result.n_started == 0 and not result.out_of_time:
        done = f"nothing to do, {count(result.n_trials, 'trial')} in {locate(db).name}"
    else:
        done = f"{count(result.n_trained, 'run')} trained in {duration(result.seconds)}"
    diverged = f", {count(result.n_diverged, 'trial')} diverged" if result.n_diverged else ""
    pruned = f", {result.n_pruned} of {count(result.n_trials, 'trial')} pruned" if result.n_pruned else ""
    say(f"{result.study}: {done}{diverged}{pruned}.")
    if result.out_of_time:
        say(f"The time budget is used up. Go on with:\n  {typed_command()}")
    try:
        sql = open_for_writing(db, create=False)
        try:
            select_and_print(sql, result.study)
        finally:
            sql.dispose()
    except NothingToSelectError as error:
        say(str(error))
    except (DatabaseUnusableError, SQLAlchemyError) as error:
        reason = str(getattr(error, "orig", None) or error)
        warn(f"All results are saved, but no choice could be frozen: {reason}. Try again with:\n  {typed_command()}")
        raise typer.Exit(1) from error
    if result.n_failed:
        warn(
            f"{count(result.n_failed, 'run')} failed; v_runs has the errors, and the same command tries again:\n"
            f"  {typed_command()}"
        )
        raise typer.Exit(1)
