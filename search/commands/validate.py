"""`digitsweep validate`: a study file checked, without a database."""

from search.commands.common import load_data, say
from search.commands.options import DataFolder, StudyFile
from search.wording import count


def validate(spec: StudyFile, data: DataFolder = None) -> None:
    """Check a study file and its data as `run --dry-run` does, without a database and without measuring any speed."""
    from search.drivers import make_driver
    from search.naming import driver_label, study_name
    from search.spec.fits import check_plan
    from search.spec.study import load_spec

    study = load_spec(spec)
    if study.sampler:
        from search.drivers.samplers import require_packages

        require_packages(study.sampler)
    images = load_data(study.dataset, data)
    driver = make_driver(study, images.n_classes)
    proposals = list(driver.proposals({}, 0, 0))
    check_plan(study, [proposal.configuration for proposal in proposals], images)
    n = study.trials if study.sampler else len(proposals)
    say(
        f"{spec}: fine. {study_name(study, images)}, {driver_label(study.model_dump())}, {count(n or 0, 'trial')} of "
        f"{count(study.replicates, 'run')} on {images.name}, {count(len(study.claims), 'claim')}."
    )
