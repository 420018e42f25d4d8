"""`digitsweep confirm`: the best again with fresh seeds, beside what they were selected by."""

from engine.errors import DigitsweepError
from search.commands.common import console, load_stored_data
from search.commands.options import (
    BestTrials,
    Database,
    DataFolder,
    DatasetName,
    DryRun,
    FreshRuns,
    Jobs,
    StudyName,
    TimeBudget,
)
from search.commands.tables import fitting
from search.commands.training import finish, show_dry_run, train
from search.wording import count, interval, percent, points


def confirm(
    study: StudyName,
    db: Database = "runs.sqlite",
    top: BestTrials = 4,
    replicates: FreshRuns = 8,
    jobs: Jobs = None,
    dataset: DatasetName = None,
    data: DataFolder = None,
    time: TimeBudget = None,
    dry_run: DryRun = False,
) -> None:
    """Train the best configurations of a study again with fresh seeds, and say how lucky the selection was."""
    from search.confirm import ConfirmDriver, confirmation, confirmation_spec

    source = confirmation(db, study, top)
    images = load_stored_data(source.data_source, db, dataset, data)
    if images.sha256 != source.data_sha256:
        raise DigitsweepError(
            f"{source.study} was run on data {source.data_sha256[:12]}…, but {images.name} here is "
            f"{images.sha256[:12]}…; name its data with --dataset or --data"
        )
    spec, driver = confirmation_spec(source, replicates), ConfirmDriver(source.ranked)
    if dry_run:
        show_dry_run(spec, images, db=db, jobs=jobs, driver=driver, name=source.name)
        return
    result = train(spec, images, db=db, jobs=jobs, time=time, driver=driver, name=source.name)
    finish(result, db)
    _print_confirmed(db, source.study, source.name)


def _print_confirmed(db: str, study: str, confirmed: str) -> None:
    """Each confirmed trial as selected and with fresh seeds."""
    from search.confirm import confirmed_trials

    lines = [
        {
            "trial": str(row.source_trial_number),
            "validation, selected": percent(row.selected_validation),
            "validation, again": percent(row.validation),
            "optimism": points(row.selected_validation - row.validation),
            "test, mean": f"{percent(row.test)} ({count(row.n_runs, 'run')})",
            "95 % interval": interval(*row.test_interval) if row.n_runs > 1 else "needs two runs",
        }
        for row in confirmed_trials(db, study, confirmed)
    ]
    optional = ("validation, selected", "validation, again", "optimism")
    console.print(fitting(f"{study}: selected and confirmed", lines, console.width, optional))
