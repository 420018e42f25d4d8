"""What a study is called in a database, and what the dashboard says about it."""

from engine.data import Dataset
from search.spec import DEFAULT_SEED, StudySpec


def study_name(spec: StudySpec, dataset: Dataset) -> str:
    """The study's name in a database: the file's, with what sets it apart from the study as published.

    Data other than MNIST and a seed other than the default are part of a study's identity, so they are part
    of its name: `linear-grid@digits`, `linear-grid#7`.
    """
    data = "" if dataset.name == "mnist" else f"@{dataset.name}"
    seed = "" if spec.seed == DEFAULT_SEED else f"#{spec.seed}"
    return f"{spec.study}{data}{seed}"


def study_note(spec: StudySpec, name: str, dataset: Dataset, command: str) -> str:
    """What the dashboard shows beside a study: its question, its data, how to go on with it."""
    return (
        f"**{spec.question.strip()}**\n\n"
        f"Study `{name}`: driver {spec.driver}, data {dataset.name} "
        f"({len(dataset.train):,} / {len(dataset.validation):,} / {len(dataset.test):,} images), "
        f"seed {spec.seed}, replicates {spec.replicates}.\n\n"
        f"The values are validation accuracies; step k is the k-th evaluation. "
        f"Test values are kept out of this dashboard.\n\nResume or extend: `{command}`\n"
    )
