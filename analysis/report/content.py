"""What the report says, before it looks like anything: tables → Content, the same for HTML and Markdown."""

from dataclasses import dataclass

import pandas as pd

from analysis.claims.evidence import Verdict
from analysis.claims.judge import Finding, examine
from analysis.commands import STUDIES
from analysis.figures.drawing import NAMES, Result, compute
from analysis.health import Remark, health
from analysis.optimism import optimism
from analysis.report import sentences
from analysis.report.methods import METHODS
from analysis.report.tables import Table, best_table, selection_table, studies_table
from analysis.selection_rule import RULES
from analysis.tables import Tables


@dataclass(frozen=True)
class Content:
    """Everything on the page."""

    dataset: str
    title: str
    summary: str
    notices: tuple[str, ...]
    verdicts: tuple[tuple[Verdict, int], ...]
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


def content(tables: Tables) -> Content:
    """Compute everything on the page."""
    findings = examine(tables)
    remarks = health(tables)
    verdicts = {verdict: sum(finding.verdict is verdict for finding in findings) for verdict in Verdict}
    missing = [(study, tables.commands.make(study)) for study in STUDIES if study not in tables.studies]
    by_study = [(study, tuple(r for r in remarks if r.study == study)) for study in tables.studies]
    selection = optimism(tables)
    return Content(
        dataset=tables.dataset,
        title=sentences.title(tables.dataset),
        summary=sentences.summary(tables, verdicts),
        notices=tuple(sentences.notices(tables, missing)),
        verdicts=tuple(verdicts.items()),
        findings=tuple(findings),
        figures=tuple(compute(name, tables) for name in NAMES),
        remarks=tuple(by_study),
        selection_sentences=tuple(sentences.selection_sentences(selection, tables.commands)),
        selection=selection_table(selection),
        best=best_table(tables),
        studies=studies_table(tables),
        missing=tuple(missing),
        environment=tuple(_environment(tables.runs)),
        left_aside=tables.left_aside,
        selection_rules=tuple(RULES[read_at] for read_at in sorted(tables.runs["read_at"].unique())),
    )


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
