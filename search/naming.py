"""What a study is called in a database, and what the dashboard says about it."""

import re
from collections.abc import Mapping
from typing import Any

from engine.data.dataset import Dataset
from search.spec.replication import in_words
from search.spec.study import DEFAULT_SEED, StudySpec


def study_name(spec: StudySpec, dataset: Dataset) -> str:
    """The study's name in a database: the file's, with what sets it apart from the study as published.

    Data other than MNIST and a seed other than the default are part of a study's identity, so they are part
    of its name: `linear-grid@digits`, `linear-grid#7`. (Another sampler than the file's is part of it already,
    as in `mlp-optuna-cmaes`: see `StudySpec.revised`.)
    """
    data = "" if dataset.name == "mnist" else f"@{dataset.name}"
    seed = "" if spec.seed == DEFAULT_SEED else f"#{spec.seed}"
    return f"{spec.study}{data}{seed}"


def stored_source(named: str | dict[str, Any], dataset: str) -> str | dict[str, Any]:
    """What to load to have a stored study's data again.

    Args:
        named: as the study's file names it.
        dataset: name of the data set that it was.
    """
    return dataset if named == "auto" else named


def driver_label(spec: Mapping[str, Any]) -> str:
    """What proposes the trials, for a person: `grid`, `optuna (cmaes)`, `optuna (tpe, hyperband)`."""
    details = [spec[key] for key in ("sampler", "pruner") if spec.get(key) not in (None, "none")]
    return f"{spec['driver']} ({', '.join(details)})" if details else str(spec["driver"])


_BEGIN = "<!-- digitsweep: from here to its end this note is written anew by each run; write above or below -->"
_END = "<!-- digitsweep: end -->"
_MARKED = re.compile(rf"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
# As it was written before there were marks.
_UNMARKED = re.compile(
    r"\*\*(?:(?!\*\*).)+\*\*\n\nStudy `[^`\n]+`: driver [^\n]+\n\n"
    r"The values are validation accuracies; [^\n]+\n\nResume or extend: `[^`\n]*`",
    re.DOTALL,
)


def study_note(spec: StudySpec, name: str, dataset: Dataset, command: str) -> str:
    """Our part of what the dashboard shows beside a study: its question, its data, how to go on with it."""
    return (
        f"{_BEGIN}\n\n**{spec.question.strip()}**\n\n"
        f"Study `{name}`: driver {driver_label(spec.model_dump())}, data {dataset.name} "
        f"({len(dataset.train):,} / {len(dataset.validation):,} / {len(dataset.test):,} images), "
        f"seed {spec.seed}, {in_words(spec)}.\n\n"
        f"The values are validation accuracies; step k is the k-th evaluation. "
        f"Test values are kept out of this dashboard.\n\nResume or extend: `{command}`\n\n{_END}\n"
    )


def renewed_note(note: str, ours: str) -> str:
    """A note with our part of it renewed and everything else in it kept.

    Our part is what stands between our marks, or, without them, what is worded as ours was before there were any. Where
    neither is found it comes first, above what somebody has written instead.

    Args:
        note: as the dashboard has it.
        ours: from `study_note`.
    """
    found = _MARKED.search(note) or _UNMARKED.search(note)
    if found is None:
        return f"{ours}\n{note}" if note.strip() else ours
    before, after = note[: found.start()], note[found.end() :]
    return f"{before}{ours.strip()}{after}"


def reworded_note(note: str, words: Mapping[str, str]) -> str:
    """A note with other words in our part of it, and everything else in it kept.

    Args:
        note: as the dashboard has it.
        words: what is said, and what is to be said in its place.
    """

    def reworded(ours: re.Match[str]) -> str:
        text = ours[0]
        for before, after in words.items():
            text = text.replace(before, after)
        return text

    return _MARKED.sub(reworded, note)
