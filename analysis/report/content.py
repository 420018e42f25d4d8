"""What the report says, before it looks like anything: tables → Content, the same for HTML and Markdown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.claims import Finding, examine
from analysis.commands import STUDIES
from analysis.evidence import CONTRADICTED, NOT_RUN, SUPPORTED, UNDECIDED
from analysis.figures.common import count, describe
from analysis.figures.drawing import NAMES, Result, compute
from analysis.health import Remark, health, optimism
from analysis.selection import RULES
from analysis.statistics import MIN_BOOTSTRAP, MIN_FLIPS, MIN_REPLICATES
from analysis.tables import Tables, ranked_trials, unfinished

METHODS = (
    (
        "A run is read at the evaluation with the best validation accuracy (ties: lower validation loss, "
        "then the earlier one), unless "
        "its study says the last."
    ),
    (
        f"Intervals are at 95 %. Those of a mean are studentised bootstraps that resample whole units from "
        f"{MIN_BOOTSTRAP} independent units on, with fewer Student's t, with one there is none. Runs and never "
        "evaluations are resampled. A rank correlation of candidates has a BCa bootstrap over them, the probability "
        "that one run beats another DeLong's interval on the logit scale, and MLP against linear a normal one from "
        "images and seeds."
    ),
    (
        "Pairs agree in everything but one factor and in the seeds of their replicate. From "
        f"{MIN_REPLICATES} replicates on the replicates are "
        "the independent units. With fewer the learning rates of the linear grid are, each averaged over the third "
        "factor: such an interval says nothing about other seeds."
    ),
    (
        f"p values come from sign flips ({MIN_FLIPS} units or more) or Student's t, for MLP against linear from the "
        "normal distribution, and are corrected (Holm) over the claims that have one. Claims about a level, about "
        "single runs and about rankings have none: their criterion is stated with each."
    ),
    (
        "No difference of accuracies is called real that is smaller than the binomial standard error √(p "
        "(1 − p) / n) of one accuracy "
        "on the n test images."
    ),
    "Within 1 % means within one percentage point of the run's own best validation accuracy.",
    (
        "Expected best against number of trials is the unbiased estimate of Tang et al. (2020) with "
        "Dvoretzky–Kiefer–Wolfowitz bands."
    ),
    (
        "The report's captions 4 and 5 and its text refer to each other's figures; here 4 is momentum and "
        "5 is decay, as captioned."
    ),
)
TOP = 5
N_CONFIGURATIONS = {"linear-grid": 32}


@dataclass(frozen=True)
class Cell:
    """A table cell: what is read, and what it is sorted by (a number, or the text itself)."""

    text: str
    key: float | str = ""
    runs: str = ""

    @property
    def is_number(self) -> bool:
        """Whether it sorts (and aligns) as a number."""
        return isinstance(self.key, float)


@dataclass(frozen=True)
class Table:
    """A sortable table."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Content:
    """Everything on the page."""

    dataset: str
    title: str
    summary: str
    notices: tuple[str, ...]
    verdicts: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...]
    figures: tuple[Result, ...]
    remarks: tuple[tuple[str, tuple[Remark, ...]], ...]
    selection_sentences: tuple[str, ...]
    selection: Table
    best: Table
    studies: Table
    missing: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]
    left_aside: tuple[str, ...]
    selection_rules: tuple[str, ...]
    methods: tuple[str, ...] = METHODS


def ranges(run_ids: Iterable[Any]) -> str:
    """Run ids as text: `1–32, 40`."""
    ids = sorted({int(run_id) for run_id in run_ids})
    parts: list[list[int]] = []
    for run_id in ids:
        if parts and run_id == parts[-1][1] + 1:
            parts[-1][1] = run_id
        else:
            parts.append([run_id, run_id])
    return ", ".join(str(low) if low == high else f"{low}–{high}" for low, high in parts)


def _text(value: Any) -> Cell:
    return Cell(str(value), str(value))


def _number(value: float, text: str, runs: str = "") -> Cell:
    missing = value is None or not np.isfinite(value)
    return Cell("–" if missing else text, float("-inf") if missing else float(value), runs)


def _accuracy(value: float, runs: Iterable[Any] = ()) -> Cell:
    return _number(value, f"{100 * value:.2f} %", ranges(runs))


def content(tables: Tables) -> Content:
    """Compute everything on the page."""
    findings = examine(tables)
    remarks = health(tables)
    verdicts = [
        (name, sum(f.verdict == name for f in findings)) for name in (SUPPORTED, CONTRADICTED, UNDECIDED, NOT_RUN)
    ]
    missing = [(study, tables.command(study)) for study in STUDIES if study not in tables.studies]
    by_study = [(study, tuple(r for r in remarks if r.study == study)) for study in tables.studies]
    complete = tables.runs[tables.runs["state"] == "complete"]
    title = (
        "What MNIST says about the report"
        if tables.dataset == "mnist"
        else f"A rehearsal on {tables.dataset}, not MNIST"
    )
    summary = (
        f"{count(len(tables.runs), 'run')} of {count(tables.runs['trial_id'].nunique(), 'trial')} in "
        f"{len(tables.studies)} studies on {tables.dataset}; {len(complete):,} runs complete. "
        f"Of {len(findings)} claims drawn from the report, {verdicts[0][1]} are supported, {verdicts[1][1]} "
        "contradicted, "
        f"{verdicts[2][1]} undecided and {verdicts[3][1]} not run."
    )
    selection = optimism(tables)
    return Content(
        dataset=tables.dataset,
        title=title,
        summary=summary,
        notices=tuple(_notices(tables, missing)),
        verdicts=tuple(verdicts),
        findings=tuple(findings),
        figures=tuple(compute(name, tables) for name in NAMES),
        remarks=tuple(by_study),
        selection_sentences=tuple(_selection_sentences(selection)),
        selection=_selection_table(selection),
        best=_best_table(tables),
        studies=_studies_table(tables),
        missing=tuple(missing),
        environment=tuple(_environment(tables.runs)),
        left_aside=tables.left_aside,
        selection_rules=tuple(RULES[read_at] for read_at in sorted(tables.runs["read_at"].unique())),
    )


def _notices(tables: Tables, missing: list[tuple[str, str]]) -> list[str]:
    notices = []
    if tables.dataset != "mnist":
        notices.append(
            f"These runs are on {tables.dataset}, not on MNIST. Numbers of the report cannot be "
            "compared with them; claims "
            "about its levels are not tested."
        )
    for row in unfinished(tables).to_dict("records"):
        parts = [
            f"{row['open_runs']} runs are not finished" if row["open_runs"] else "",
            f"{row['missing_trials']} trials have no run" if row["missing_trials"] else "",
            f"{row['failed_runs']} runs failed" if row["failed_runs"] else "",
        ]
        notices.append(
            f"Study {row['study']} is incomplete: {', '.join(part for part in parts if part)}. Finish "
            "it with: "
            f"{tables.command(row['study'])}"
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


def _selection_sentences(selection: pd.DataFrame) -> list[str]:
    sentences = []
    for row in selection.to_dict("records"):
        text = (
            f"{row['study']}: the best of {row['n_trials']} trials (trial {row['trial_number']}) had "
            f"{100 * row['validation']:.2f} % on validation and {100 * row['test']:.2f} % on test."
        )
        if row["n_confirmations"]:
            amount = f"{100 * row['optimism']:+.2f}".replace("-", "−")
            text += (
                f" With {row['n_confirmations']} fresh seeds it reaches "
                f"{100 * row['confirmed_validation']:.2f} % on validation: the selected value "
                f"{_verdict_on_optimism(row)} ({amount} points{_bounds(row)}). Its confirmed test accuracy is "
                f"{100 * row['confirmed_test']:.2f} %."
            )
        else:
            text += " It is not confirmed with fresh seeds, so its value is likely to be optimistic."
        sentences.append(f"{text} {_frozen(row)}")
    return sentences


def _verdict_on_optimism(row: Mapping[Any, Any]) -> str:
    if row["optimism_low"] > 0:
        return "was optimistic"
    return "was pessimistic" if row["optimism_high"] < 0 else "cannot be told from theirs"


def _bounds(row: Mapping[Any, Any]) -> str:
    if not np.isfinite(row["optimism_low"]):
        return ""
    low, high = (f"{100 * row[f'optimism_{end}']:+.2f}".replace("-", "−") for end in ("low", "high"))
    return f", 95 % interval over the fresh seeds {low} to {high}"


def _frozen(row: Mapping[Any, Any]) -> str:
    """Whether the choice that this page makes is the one that is frozen in the database."""
    if pd.isna(row["selection_id"]):
        return f"The choice is not frozen yet: make select STUDY={row['study']}."
    if row["frozen_trial"] != row["trial_number"]:
        return (
            f"Frozen was trial {row['frozen_trial']} (selection {row['selection_id']}); the study has changed since, "
            f"so choose again: make select STUDY={row['study']}."
        )
    more = (
        f" (then the best of {row['frozen_from']}; the study has grown since)"
        if row["frozen_from"] != row["n_selectable"]
        else ""
    )
    return f"It is selection {row['selection_id']}, frozen on {row['frozen_at'][:10]}{more}."


def _selection_table(selection: pd.DataFrame) -> Table:
    columns = (
        "study",
        "trial",
        "of",
        "validation",
        "test",
        "confirmed validation",
        "confirmed test",
        "fresh seeds",
        "optimism (points)",
        "frozen as",
        "runs",
    )
    rows = [
        (
            _text(row["study"]),
            _number(row["trial_number"], str(row["trial_number"])),
            _number(row["n_trials"], f"{row['n_trials']:,}"),
            _accuracy(row["validation"]),
            _accuracy(row["test"]),
            _accuracy(row["confirmed_validation"]),
            _accuracy(row["confirmed_test"]),
            _number(row["n_confirmations"], str(row["n_confirmations"])),
            _number(row["optimism"], f"{100 * row['optimism']:+.2f}".replace("-", "−")),
            _text("–" if pd.isna(row["selection_id"]) else f"selection {row['selection_id']}"),
            _text(ranges(row["run_ids"])),
        )
        for row in selection.to_dict("records")
    ]
    return Table("The selected configuration of each search, before and after confirmation.", columns, tuple(rows))


def _best_table(tables: Tables) -> Table:
    columns = ("study", "trial", "configuration", "validation", "test", "train", "runs in mean", "run ids")
    rows = []
    for study in tables.studies:
        runs = tables.runs
        runs = runs[(runs["study"] == study) & (runs["state"] == "complete") & runs["full_fidelity"]]
        if runs.empty:
            continue
        for _, trial in ranked_trials(runs).head(TOP).iterrows():
            rows.append(
                (
                    _text(study),
                    _number(trial["trial_number"], str(trial["trial_number"])),
                    _text(describe(trial)),
                    _accuracy(trial["validation_accuracy"]),
                    _accuracy(trial["test_accuracy"]),
                    _accuracy(trial["train_accuracy"]),
                    _number(trial["n_runs"], str(trial["n_runs"])),
                    _text(ranges(trial["run_ids"])),
                )
            )
    return Table(
        f"The best {TOP} configurations of each study by validation accuracy (means over replicates).",
        columns,
        tuple(rows),
    )


def _studies_table(tables: Tables) -> Table:
    columns = (
        "study",
        "driver",
        "trials",
        "runs",
        "complete",
        "diverged",
        "other",
        "training (minutes)",
        "make it with",
        "run ids",
    )
    rows = []
    for study, runs in tables.runs.groupby("study"):
        states = runs["state"].value_counts()
        complete, diverged = int(states.get("complete", 0)), int(states.get("diverged", 0))
        minutes = float(runs["train_seconds"].sum()) / 60
        other = len(runs) - complete - diverged
        n_trials = runs["trial_number"].nunique()
        rows.append(
            (
                _text(runs["study_name"].iloc[0]),
                _text(runs["driver"].iloc[0]),
                _number(n_trials, f"{n_trials:,}"),
                _number(len(runs), f"{len(runs):,}"),
                _number(complete, f"{complete:,}"),
                _number(diverged, f"{diverged:,}"),
                _number(other, f"{other:,}"),
                _number(minutes, f"{minutes:,.1f}" if minutes >= 1 else f"{minutes:.2f}"),
                _text(tables.command(str(study))),
                _text(ranges(runs["run_id"])),
            )
        )
    return Table("The studies behind this page.", columns, tuple(rows))


def _environment(runs: pd.DataFrame) -> list[tuple[str, str]]:
    """What the runs say about themselves: each property with all values it took."""
    found: dict[str, set[str]] = {
        "data (SHA-256)": set(runs["data_sha256"].astype(str)),
        "code version": set(runs["code_version"].astype(str)),
        "images (train, validation, test)": {
            ", ".join(f"{int(number):,}" for number in row)
            for row in runs[["n_train", "n_validation", "n_test"]].drop_duplicates().to_numpy()
        },
        "last run finished": {str(runs["finished_at"].dropna().max())},
    }
    seen: set[int] = set()
    for environment in runs["environment"]:
        if id(environment) in seen or not isinstance(environment, dict):
            continue
        seen.add(id(environment))
        for name, value in environment.items():
            found.setdefault(str(name), set()).add(str(value))
    return [
        (name, ", ".join(sorted(values)) if len(values) <= 8 else f"{len(values)} values")
        for name, values in found.items()
    ]
