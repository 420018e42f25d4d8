"""Commands that train: a study, a confirmation."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import DigitsweepError
from search.commands.common import (
    Database,
    DataFolder,
    DatasetName,
    DryRun,
    Jobs,
    StudyName,
    TimeBudget,
    console,
    errors,
    load_data,
    program,
    seconds,
)
from search.output import print_confirmation, print_forecast, print_selection

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from search.execution.coordinator import StudyResult
    from search.spec import StudySpec


def run(
    spec: Annotated[Path, typer.Argument(help="Study file, e.g. experiments/linear_grid.yaml.")],
    db: Database = "runs.sqlite",
    jobs: Jobs = None,
    dataset: DatasetName = None,
    data: DataFolder = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the seed in the file.")] = None,
    replicates: Annotated[int | None, typer.Option(min=1, help="Runs of each trial.")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Trials in all, for random and adaptive studies.")] = None,
    sampler: Annotated[
        str | None, typer.Option(help="tpe, gp, cmaes, qmc or nsgaii instead of the file's, for adaptive studies.")
    ] = None,
    time: TimeBudget = None,
    dry_run: DryRun = False,
) -> None:
    """Run a study, or whatever of it is missing; then name the best configuration."""
    from search.spec import load_spec

    study = load_spec(spec).revised(dataset=dataset, seed=seed, replicates=replicates, trials=trials, sampler=sampler)
    if study.sampler:
        from search.drivers.samplers import require_packages

        require_packages(study.sampler)
    images = load_data(study.dataset, data)
    # The number of jobs too: with one an adaptive search can be reproduced.
    command = _command_again(
        spec, db=db, jobs=jobs, dataset=dataset, seed=seed, replicates=replicates, trials=trials, sampler=sampler
    )
    if dry_run:
        _show_forecast(study, images, db=db, jobs=jobs)
        return
    result = _run(study, images, db=db, jobs=jobs, command=command, time=time)
    _finish(result, db, command)


def _command_again(spec: Path, **options: object) -> str:
    """What to type to go on with a study: the options that were given."""
    given = "".join(f" --{name} {value}" for name, value in options.items() if value is not None)
    return f"{program()} run {spec}{given}"


def _show_forecast(study: "StudySpec", images: "Dataset", *, db: str, jobs: int | None, **options: Any) -> None:
    from engine.kernels.launch import compile_kernels
    from search.execution.dry_run import forecast

    compile_kernels(lambda message: console.print(message, highlight=False, markup=False))
    found = forecast(study, images, database=db, n_jobs=jobs or os.cpu_count() or 1, **options)
    print_forecast(console, found, sampler=study.sampler, pruned=study.pruner not in (None, "none"))


def _run(
    study: "StudySpec",
    images: "Dataset",
    *,
    db: str,
    jobs: int | None,
    command: str,
    time: str | None = None,
    **options: Any,
) -> "StudyResult":
    from engine.kernels.launch import compile_kernels
    from search.execution.coordinator import run_study
    from search.execution.progress import terminal_display

    compile_kernels(lambda message: console.print(message, highlight=False, markup=False))
    with terminal_display(console) as display:
        return run_study(
            study,
            images,
            database=db,
            n_jobs=jobs,
            display=display,
            command=command,
            max_seconds=seconds(time) if time else None,
            **options,
        )


def _finish(result: "StudyResult", db: str, command: str) -> None:
    """Say what was done, show the selection, and leave with the exit code that fits."""
    from search.select import select
    from search.store.candidates import NothingToSelectError
    from search.store.database import open_database

    if result.interrupted:
        lines = f"\n{result.study}: interrupted; nothing is lost. Go on with:\n  {command}"
        console.print(lines, markup=False, soft_wrap=True)
        raise typer.Exit(130)
    if result.n_trained == result.n_failed == 0 and not result.out_of_time:
        done = f"nothing to do: all {result.n_trials} trials are in {db}"
    else:
        done = f"{result.n_trained} runs trained in {result.seconds:.1f} s"
    diverged = f", {result.n_diverged} trials diverged" if result.n_diverged else ""
    pruned = f", {result.n_pruned} of {result.n_trials} trials pruned" if result.n_pruned else ""
    console.print(f"{result.study}: {done}{diverged}{pruned}.", highlight=False, markup=False)
    if result.out_of_time:
        lines = f"The time budget is used up. Go on with:\n  {command}"
        console.print(lines, highlight=False, markup=False, soft_wrap=True)
    engine = open_database(db, create=False)
    try:
        print_selection(console, select(engine, result.study), engine)
    except NothingToSelectError as error:
        console.print(str(error), markup=False)
    finally:
        engine.dispose()
    if result.n_failed:
        errors.print(
            f"{result.n_failed} runs failed; v_runs has their errors, and the same command tries them again:\n"
            f"  {command}",
            markup=False,
        )
        raise typer.Exit(1)


def confirm(
    study: StudyName,
    db: Database = "runs.sqlite",
    top: Annotated[int, typer.Option(min=1, help="How many of the best configurations.")] = 4,
    replicates: Annotated[int, typer.Option(min=1, help="Runs of each, with fresh seeds.")] = 8,
    jobs: Jobs = None,
    dataset: DatasetName = None,
    data: DataFolder = None,
    time: TimeBudget = None,
    dry_run: DryRun = False,
) -> None:
    """Train the best configurations of a study again with fresh seeds, and say how lucky the selection was."""
    from search.confirm import confirmation, confirmation_driver, confirmation_spec

    source = confirmation(db, study, top)
    images = load_data(dataset or source.data_source, data)
    if images.sha256 != source.data_sha256:
        raise DigitsweepError(
            f"{source.study} was run on data {source.data_sha256[:12]}…, but {images.name} here is "
            f"{images.sha256[:12]}…; name its data with --dataset or --data"
        )
    command = f"{program()} confirm {source.study} --db {db} --top {top} --replicates {replicates}"
    spec, driver = confirmation_spec(source, replicates), confirmation_driver(source)
    if dry_run:
        _show_forecast(spec, images, db=db, jobs=jobs, driver=driver, name=source.name)
        return
    result = _run(spec, images, db=db, jobs=jobs, command=command, time=time, driver=driver, name=source.name)
    _finish(result, db, command)
    print_confirmation(console, db, source.study, source.name)
