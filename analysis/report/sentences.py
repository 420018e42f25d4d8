"""The sentences of the page: what it is about, what is missing, what was selected."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.claims.evidence import Verdict
from analysis.commands import REPORT_DATASET, Commands
from analysis.tables import Tables
from analysis.trials import unfinished
from analysis.wording import count, interval_text, percent_text, signed_points

N_CONFIGURATIONS = {"linear-grid": 32}


def title(dataset: str) -> str:
    """The heading of the page."""
    return "What MNIST says about the report" if dataset == REPORT_DATASET else f"A rehearsal on {dataset}, not MNIST"


def summary(tables: Tables, verdicts: Mapping[Verdict, int]) -> str:
    """What is there, and how many claims came out how."""
    n_complete = int((tables.runs["state"] == "complete").sum())
    return (
        f"{count(len(tables.runs), 'run')} of {count(tables.runs['trial_id'].nunique(), 'trial')} in "
        f"{len(tables.studies)} studies on {tables.dataset}; {n_complete:,} runs complete. Of {sum(verdicts.values())} "
        f"claims drawn from the report, {verdicts[Verdict.SUPPORTED]} are supported, {verdicts[Verdict.CONTRADICTED]} "
        f"contradicted, {verdicts[Verdict.UNDECIDED]} undecided and {verdicts[Verdict.NOT_RUN]} not run."
    )


def notices(tables: Tables, missing: list[tuple[str, str]]) -> list[str]:
    """What the reader must know before the rest: other data, unfinished studies, studies that are not there."""
    notices = []
    if tables.dataset != REPORT_DATASET:
        notices.append(
            f"These runs are on {tables.dataset}, not on MNIST. Numbers of the report cannot be compared with them; "
            "claims about its levels are not tested."
        )
    for row in unfinished(tables).to_dict("records"):
        parts = [
            f"{row['open_runs']} runs are not finished" if row["open_runs"] else "",
            f"{row['missing_trials']} trials have no run" if row["missing_trials"] else "",
            f"{row['failed_runs']} runs failed" if row["failed_runs"] else "",
        ]
        notices.append(
            f"Study {row['study']} is incomplete: {', '.join(part for part in parts if part)}. Finish it with: "
            f"{tables.commands.again(row['study'])}"
        )
    for study, expected in N_CONFIGURATIONS.items():
        n_there = tables.runs.loc[tables.runs["study"] == study, "trial_number"].nunique()
        if 0 < n_there < expected:
            notices.append(f"Study {study} holds {n_there} of the report's {expected} configurations.")
    if missing:
        notices.append(
            f"{len(missing)} of the studies that this page draws on are not in the database; what they "
            "would show is left out."
        )
    return notices


def selection_sentences(selection: pd.DataFrame, commands: Commands) -> list[str]:
    """Of each row of `optimism`, what was selected, how it fared with fresh seeds, and whether it is frozen."""
    sentences = []
    for row in selection.to_dict("records"):
        text = (
            f"{row['study']}: the best of {row['n_trials']} trials (trial {row['trial_number']}) had "
            f"{percent_text(row['validation'])} on validation and {percent_text(row['test'])} on test."
        )
        if row["n_confirmations"]:
            amount = signed_points(row["optimism"])
            text += (
                f" With {row['n_confirmations']} fresh seeds it reaches {percent_text(row['confirmed_validation'])} on "
                f"validation: the selected value {_verdict_on_optimism(row)} ({amount} points{_bounds(row)}). Its "
                f"confirmed test accuracy is {percent_text(row['confirmed_test'])}."
            )
        else:
            text += " It is not confirmed with fresh seeds, so its value is likely to be optimistic."
        sentences.append(f"{text} {_frozen(row, commands.select(row['study']))}")
    return sentences


def _verdict_on_optimism(row: Mapping[Any, Any]) -> str:
    if row["optimism_low"] > 0:
        return "was optimistic"
    return "was pessimistic" if row["optimism_high"] < 0 else "cannot be told from theirs"


def _bounds(row: Mapping[Any, Any]) -> str:
    if not np.isfinite(row["optimism_low"]):
        return ""
    return f", {interval_text(row['optimism_low'], row['optimism_high'], signed_points, 'the fresh seeds')}"


def _frozen(row: Mapping[Any, Any], command: str) -> str:
    """Whether the choice that this page makes is the one that is frozen in the database."""
    if pd.isna(row["selection_id"]):
        return f"The choice is not frozen yet: {command}."
    if row["frozen_trial"] != row["trial_number"]:
        return (
            f"Frozen was trial {row['frozen_trial']} (selection {row['selection_id']}); the study has changed since, "
            f"so choose again: {command}."
        )
    more = (
        f" (then the best of {row['frozen_from']}; the study has grown since)"
        if row["frozen_from"] != row["n_selectable"]
        else ""
    )
    return f"It is selection {row['selection_id']}, frozen on {row['frozen_at'][:10]}{more}."
