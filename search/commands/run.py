"""`digitsweep run`: a study file, trained as far as the database lacks it."""

from search.commands.common import load_data
from search.commands.options import (
    Database,
    DataFolder,
    DatasetName,
    DryRun,
    Jobs,
    Replicates,
    Sampler,
    Seed,
    StudyFile,
    TimeBudget,
    Trials,
)
from search.commands.training import finish, show_dry_run, train


def run(
    spec: StudyFile,
    db: Database = "runs.sqlite",
    jobs: Jobs = None,
    dataset: DatasetName = None,
    data: DataFolder = None,
    seed: Seed = None,
    replicates: Replicates = None,
    trials: Trials = None,
    sampler: Sampler = None,
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
