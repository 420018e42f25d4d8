"""`digitsweep run`: a study file, trained as far as the database lacks it."""

from search.commands.common import data_source, load_data
from search.commands.options import (
    Database,
    DataFolder,
    DatasetName,
    DryRun,
    Header,
    Ignore,
    Jobs,
    Keep,
    Label,
    Replicates,
    Sampler,
    Scale,
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
    label: Label = None,
    ignore: Ignore = None,
    keep: Keep = None,
    header: Header = None,
    scale: Scale = None,
    seed: Seed = None,
    replicates: Replicates = None,
    trials: Trials = None,
    sampler: Sampler = None,
    time: TimeBudget = None,
    dry_run: DryRun = False,
) -> None:
    """Run a study, or whatever of it is missing; then name the best configuration."""
    from search.spec.study import load_spec
    from search.store.location import locate

    study = load_spec(spec)
    source = data_source(dataset, study.dataset, label=label, ignore=ignore, keep=keep, header=header, scale=scale)
    study = study.revised(dataset=source, seed=seed, replicates=replicates, trials=trials, sampler=sampler)
    if study.sampler:
        from search.drivers.samplers import require_packages

        require_packages(study.sampler)
    locate(db).check()  # before data is read or downloaded
    images = load_data(study.dataset, data)
    if dry_run:
        show_dry_run(study, images, db=db, jobs=jobs)
        return
    finish(train(study, images, db=db, jobs=jobs, time=time), db)
