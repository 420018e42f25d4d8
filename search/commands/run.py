"""`digitsweep run`: a study file, trained as far as the database lacks it."""

from pathlib import Path
from typing import Annotated

import typer

from search.commands.common import Database, DataFolder, DatasetName, DryRun, Jobs, TimeBudget, load_data
from search.commands.training import finish, show_dry_run, train


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
    if dry_run:
        show_dry_run(study, images, db=db, jobs=jobs)
        return
    finish(train(study, images, db=db, jobs=jobs, time=time), db)
