"""The sentences of the page: what a study found, how far its choice may be trusted, what is not finished."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.claims.evidence import Verdict, owner_of
from analysis.claims.judge import Finding
from analysis.optimism import selects
from analysis.statistics.intervals import clipped
from analysis.studies import Studies, Study
from analysis.trials import unfinished
from analysis.wording import count, interval_text, percent_text, signed_points

MAX_NAMED = 3
"""Claims whose verdicts the answer names; of more it counts the verdicts."""


@dataclass(frozen=True)
class Said:
    """A sentence, and what to type about it."""

    text: str
    command: str = ""


def heading(page: str, studies: Sequence[Study]) -> str:
    """The heading of a page: its own title, the one question on it, or that there are several."""
    if page:
        return page
    return studies[0].question if len(studies) == 1 else f"{len(studies)} questions and what the runs answer"


def summary(studies: Sequence[Study]) -> str:
    """How much is on a page."""
    runs = sum(len(study.all_runs) for study in studies)
    trials = sum(study.all_runs["trial_id"].nunique() for study in studies)
    data = ", ".join(dict.fromkeys(study.dataset for study in studies))
    of = f" in {len(studies)} studies" if len(studies) > 1 else ""
    return f"{count(runs, 'run')} of {count(trials, 'trial')}{of} on {data}."


def tally(findings: Iterable[Finding]) -> list[tuple[Verdict, int]]:
    """How many claims came out how, the verdicts that occur alone."""
    counts = Counter(finding.verdict for finding in findings)
    return [(verdict, counts[verdict]) for verdict in Verdict if counts[verdict]]


def verdicts(findings: Sequence[Finding]) -> str:
    """What became of the claims, in a sentence or a few."""
    if len(findings) <= MAX_NAMED:
        return " ".join(f"{finding.claim.claim.rstrip('. ')}: {finding.verdict}." for finding in findings)
    counts = ", ".join(f"{number} {verdict}" for verdict, number in tally(findings))
    return f"Its {len(findings)} claims: {counts}."


def best(study: Study, studies: Studies) -> str:
    """The configuration that is best on validation, and what it reaches on test, with its uncertainty."""
    if not study.has_results:
        return "No run is complete yet."
    trial, runs = study.selected, studies.chosen_runs(study)
    interval = clipped(owner_of(studies, runs).replicated.interval(runs["test_accuracy"]), 0, 1)
    is_fresh = runs["study"].iloc[0] != study.name
    over = count(len(runs), "run") + (" with fresh seeds" if is_fresh else "")
    spread = "no interval" if not interval.known else interval_text(interval.low, interval.high, percent_text, over)
    return (
        f"{'Selected' if selects(study) else 'Best'} on validation: {study.describe(trial)}. It reaches "
        f"{percent_text(interval.estimate)} on test ({spread if interval.known else over})."
    )


def notices(study: Study, studies: Studies) -> list[Said]:
    """What the reader must know before the rest of a study: that it, or its confirmation, is not finished."""
    found = []
    for each in filter(None, (study, studies.confirming(study))):
        left = unfinished(each.all_runs)
        parts = [
            f"{count(left.open_runs, 'run')} not finished" if left.open_runs else "",
            f"{count(left.missing_trials, 'trial')} without a run" if left.missing_trials else "",
            f"{count(left.failed_runs, 'run')} failed" if left.failed_runs else "",
        ]
        if left:
            text = f"{each.name} is incomplete: {', '.join(part for part in parts if part)}. Go on with:"
            found.append(Said(text, each.commands.again))
    return found


def selection(study: Study, row: Mapping[str, Any] | None) -> list[Said]:
    """Of the row of `optimism`, how the choice fared with fresh seeds, and whether it is frozen."""
    if row is None:
        return []
    text = (
        f"The best of {count(row['n_trials'], 'trial')} (trial {row['trial_number']}) had "
        f"{percent_text(row['validation'])} on validation and {percent_text(row['test'])} on test."
    )
    if not row["n_confirmations"]:
        text += " It is not confirmed with fresh seeds, so its value is likely to be optimistic. Confirm it with:"
        return [Said(text, study.commands.confirm()), _frozen(study, row)]
    text += (
        f" With {row['n_confirmations']} fresh seeds it reaches {percent_text(row['confirmed_validation'])} on "
        f"validation: the selected value {_verdict_on_optimism(row)} ({signed_points(row['optimism'])} "
        f"points{_bounds(row)}). Its confirmed test accuracy is {percent_text(row['confirmed_test'])}."
    )
    return [Said(text), _frozen(study, row)]


def _verdict_on_optimism(row: Mapping[str, Any]) -> str:
    if row["optimism_low"] > 0:
        return "was optimistic"
    return "was pessimistic" if row["optimism_high"] < 0 else "cannot be told from theirs"


def _bounds(row: Mapping[str, Any]) -> str:
    if not np.isfinite(row["optimism_low"]):
        return ""
    return f", {interval_text(row['optimism_low'], row['optimism_high'], signed_points, 'the fresh seeds')}"


def _frozen(study: Study, row: Mapping[str, Any]) -> Said:
    """Whether the choice that this page makes is the one that is frozen in the database."""
    frozen, command = study.frozen, study.commands.select()
    if frozen is None:
        return Said("The choice is not frozen yet. Freeze it with:", command)
    if frozen["trial_number"] != row["trial_number"]:
        return Said(
            f"Frozen was trial {frozen['trial_number']} (selection {frozen['selection_id']}); the study has changed "
            "since. Choose again with:",
            command,
        )
    grown = frozen["n_trials"] != row["n_selectable"]
    more = f" (then the best of {frozen['n_trials']}; the study has grown since)" if grown else ""
    return Said(f"The choice is frozen: selection {frozen['selection_id']} of {frozen['selected_at'][:10]}{more}.")
