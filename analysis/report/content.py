"""What a page says, before it looks like anything: studies → Content, the same for HTML and Markdown.

Studies ──pages──▶ Content(sections) ──page.py──▶ HTML, Markdown
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.claims.evidence import Verdict
from analysis.claims.judge import Finding, examine
from analysis.figures.drawing import Drawable, figures_of
from analysis.health import Remark, health
from analysis.optimism import optimism
from analysis.report import sentences
from analysis.report.images import Pictures, image_tables, no_pictures
from analysis.report.methods import methods
from analysis.report.sentences import Said
from analysis.report.tables import Table, best_table, noise_table
from analysis.studies import Studies, Study
from analysis.tables import SPLIT_NAMES
from analysis.wording import minutes_text, ranges

MAIN = "report"


@dataclass(frozen=True)
class Section:
    """A study on a page.

    Attributes:
        study: The study.
        anchor: Its name in links.
        verdicts: What became of its claims, in words; "" where it makes none.
        best: What is best on validation and what that reaches on test.
        tally: How many claims came out how.
        notices: What is not finished.
        findings: Its claims.
        figures: Its figures, those in front first.
        selection: How far its choice may be trusted.
        ranking: Its best trials; None where none is complete.
        images: What single images say of its choice; none where it is not known which images its runs got right.
        noise: Whose the noise is; None where the study does not take it apart.
        remarks: The search's health.
        facts: How it was made.
        commands: What was typed for it, and for its confirmation.
        file: Its study file as stored.
    """

    study: Study
    anchor: str
    verdicts: str
    best: str
    tally: tuple[tuple[Verdict, int], ...]
    notices: tuple[Said, ...]
    findings: tuple[Finding, ...]
    figures: tuple[Drawable, ...]
    selection: tuple[Said, ...]
    ranking: Table | None
    images: tuple[Table, ...]
    noise: Table | None
    remarks: tuple[Remark, ...]
    facts: tuple[tuple[str, str], ...]
    commands: tuple[str, ...]
    file: str


@dataclass(frozen=True)
class Content:
    """Everything on a page.

    Attributes:
        name: Of its files, without suffix.
        title: Its heading.
        summary: What is on it, in a sentence.
        sections: Its studies.
        others: Further pages with studies of this one: their titles and names.
        methods: How things are measured and compared.
    """

    name: str
    title: str
    summary: str
    sections: tuple[Section, ...]
    others: tuple[tuple[str, str], ...]
    methods: tuple[str, ...]


def pages(studies: Studies, pictures: Pictures = no_pictures) -> list[Content]:
    """The main page with all studies shown, and one for each title that studies share in their files.

    A study that confirms another is part of that one's section, unless it is all that is asked for.

    Args:
        studies: What is shown.
        pictures: Where the data sets' examples can be had as pictures.
    """
    found = examine(studies)
    there = {study.name for study in studies.everything}
    shown = [study for study in studies if study.confirms not in there] or list(studies)
    sections = [_section(study, studies, [f for f in found if f.study == study.name], pictures) for study in shown]
    titles = dict.fromkeys(_page(section) for section in sections if _page(section))
    names = {title: slug(title) for title in titles} if len(sections) > 1 else {}
    main = _content(MAIN, "", sections, tuple(names.items()))
    return [main, *(_content(names[t], t, [s for s in sections if _page(s) == t]) for t in names)]


def slug(title: str) -> str:
    """A page's title as the name of a file: `the-report-of-2022`."""
    made = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "page"
    return f"{made}-page" if made == MAIN else made


def _page(section: Section) -> str:
    return str(section.study.spec.get("page") or "")


def _content(name: str, title: str, sections: Sequence[Section], others: tuple[tuple[str, str], ...] = ()) -> Content:
    studies = [section.study for section in sections]
    findings = [finding for section in sections for finding in section.findings]
    forms = {figure.form for section in sections for figure in section.figures if figure.drawn}
    return Content(
        name=name,
        title=sentences.heading(title, studies),
        summary=sentences.summary(studies),
        sections=tuple(sections),
        others=others,
        methods=tuple(methods(studies, findings, forms)),
    )


def _section(study: Study, studies: Studies, findings: Sequence[Finding], pictures: Pictures) -> Section:
    figures = sorted(figures_of(study, studies), key=lambda figure: not figure.front)
    again = studies.confirming(study)
    return Section(
        study=study,
        anchor=re.sub(r"[^a-z0-9]+", "-", study.name.lower()).strip("-"),
        verdicts=sentences.verdicts(findings),
        best=sentences.best(study, studies),
        tally=tuple(sentences.tally(findings)),
        notices=tuple(sentences.notices(study, studies)),
        findings=tuple(findings),
        # An asked figure that cannot be drawn is told; what a form merely offered and then could not is not.
        figures=tuple(figure for figure in figures if figure.drawn or figure.asked),
        selection=tuple(sentences.selection(study, optimism(study, studies))),
        ranking=best_table(study) if study.has_results else None,
        images=image_tables(study, studies, pictures),
        noise=noise_table(study) if any(figure.form == "noise" and figure.drawn for figure in figures) else None,
        remarks=tuple(health(study)),
        facts=tuple(_facts(study, again)),
        commands=tuple(each.commands.again for each in (study, again) if each is not None),
        file="\n".join(_file(study.spec)),
    )


def _facts(study: Study, again: Study | None) -> Iterator[tuple[str, str]]:
    """How a study was made: each property with all values that it took."""
    runs = study.all_runs
    first = runs.iloc[0]
    yield "study", f"{study.name} (driver {study.driver}, seed {study.seed})"
    yield "runs", _states(study)
    if again is not None:
        yield "runs with fresh seeds", f"{_states(again)}, in {again.name}"
    yield "training", f"{minutes_text(runs['train_seconds'].sum())} minutes of one worker"
    yield "data", study.dataset
    yield "data (SHA-256)", study.data_sha256
    yield "examples (train, validation, test)", ", ".join(f"{int(first[f'n_{split}']):,}" for split in SPLIT_NAMES)
    if first["n_classes"] == first["n_classes"]:  # an earlier version did not store it
        yield "classes", str(int(first["n_classes"]))
    yield "made", _time(study.created_at)
    yield "last run finished", _time(runs["finished_at"].dropna().max())
    yield "code version", ", ".join(sorted(set(runs["code_version"].astype(str))))
    found: dict[str, set[str]] = {}
    # Runs share few environments; the same mapping need not be read again.
    for environment in {id(value): value for value in runs["environment"] if isinstance(value, dict)}.values():
        for name, value in environment.items():
            found.setdefault(str(name), set()).add(str(value))
    if found:
        yield "environment", ", ".join(f"{name} {' or '.join(sorted(values))}" for name, values in found.items())


def _states(study: Study) -> str:
    states = study.all_runs["state"].value_counts()
    return f"{', '.join(f'{n:,} {state}' for state, n in states.items())} (run_id {ranges(study.all_runs['run_id'])})"


def _time(stored: object) -> str:
    """A stored time without fractions: `2026-11-25 08:01:27 UTC`."""
    text = str(stored)
    return f"{text[:10]} {text[11:19]} UTC" if re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text) else "not stored"


_PLAIN = re.compile(r"(?!(?:on|off|yes|no|true|false|null|y|n)$)[A-Za-z][\w.-]*", re.IGNORECASE)


def _file(spec: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a study's file as it is stored, in YAML, without what says nothing."""
    for name, value in spec.items():
        if value in (None, "", {}, []):
            continue
        if isinstance(value, Mapping) and name != "dataset":
            yield from (f"{name}:", *(f"  {key}: {_flow(each)}" for key, each in value.items()))
        elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
            yield from (f"{name}:", *(f"  - {_flow(each)}" for each in value))
        else:
            yield f"{name}: {_flow(value)}"


def _flow(value: object) -> str:
    """A value as YAML writes it on one line; JSON where a word alone would be read as something else."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return value if isinstance(value, str) and _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
