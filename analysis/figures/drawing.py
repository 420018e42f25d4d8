"""Which figures a study has, and drawing them: study → figures → PNG, SVG, CSV.

    asked for in its file ─┐
    what its claims say ───┼─▶ figures_of ─▶ Drawable (table, caption) ─▶ draw ─▶ files
    offered by the forms ──┘

The same database gives the same bytes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, cast

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from analysis.commands import DATABASE
from analysis.errors import NotApplicableError, NothingThereError, known
from analysis.figures import (
    component_chain,
    confirmation,
    curves,
    distribution,
    expected_best,
    fidelity,
    importance,
    interaction,
    momentum_bowl,
    noise,
    one_factor,
    paired,
    pareto,
    response,
)
from analysis.figures.requests import Curves, Distribution, Fidelity, Paired, Request, StatedFigure
from analysis.figures.style import freeze, style
from analysis.files import write_csv, written_together
from analysis.studies import read_studies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from matplotlib.figure import Figure
    from sqlalchemy import Engine

    from analysis.studies import Studies, Study

MAX_OFFERED = 10
"""Figures that a study has at most without asking for them."""
_IN_PATHS = str.maketrans({":": "=", "#": "+"})
"""What a study's name may have and a folder's or a link's had better not."""
_STATED: TypeAdapter[Request] = TypeAdapter(StatedFigure)
IN_FRONT = 3
"""Figures in front of a study that neither asks for one nor makes a claim."""


class Form(Protocol):
    """What each form of figure is: one module of this folder."""

    def offers(self, study: Study, studies: Studies) -> list[Request]:
        """Every instance that the study can feed, the most telling first; none where it cannot."""

    def title(self, study: Study, request: Request) -> str:
        """Its heading, made from the study; two requests of one title show the same."""

    def table(self, study: Study, studies: Studies, request: Request) -> pd.DataFrame:
        """What is shown, with its runs in `attrs`; NothingThereError or NotApplicableError where it cannot be."""

    def draw(self, table: pd.DataFrame) -> Figure:
        """The drawing of that table."""

    def caption(self, table: pd.DataFrame) -> str:
        """What is shown, over how many runs, in one to three sentences."""


_OFFERED = (
    noise, response, paired, interaction, one_factor, fidelity, importance, expected_best, confirmation, distribution,
    curves, pareto,
)  # fmt: skip
FORMS: Mapping[str, Form] = MappingProxyType(
    {each.__name__.rpartition(".")[2]: cast("Form", each) for each in (*_OFFERED, momentum_bowl, component_chain)}
)
"""Every form, the one that answers most questions first."""


@dataclass(frozen=True)
class Drawable:
    """One figure of a study: drawn, or left out and why.

    Attributes:
        study: The study's name in the database.
        form: The form's name.
        title: Its heading.
        made_title: The heading that the form makes; figures of one form that share it show the same.
        number: What it is called elsewhere (`Figure 4`), or "".
        asked: Whether the study's file asks for it.
        front: Whether it stands in front; others are folded.
        stem: Its name on the page and in files, unique in the study: `03_paired_momentum`.
        drawn: Whether it is.
        caption: What is shown (drawn figures only).
        reason: Why it is left out.
        command: What would make what is missing; "" where a command would not help.
        files: Paths written.
        run_ids: Runs behind the figure.
        table: What is shown.
    """

    study: str
    form: str
    title: str
    number: str = ""
    asked: bool = False
    front: bool = False
    stem: str = ""
    drawn: bool = False
    caption: str = ""
    reason: str = ""
    command: str = ""
    files: tuple[Path, ...] = ()
    run_ids: tuple[int, ...] = ()
    made_title: str = ""
    table: pd.DataFrame = field(default_factory=pd.DataFrame)


def figures_of(study: Study, studies: Studies) -> list[Drawable]:
    """The figures of a study: those that its file asks for, then what its claims speak of and what the forms offer.

    In front stand those asked for; where none is, those of the claims; where there is neither, the first that are
    offered. None is shown twice.
    """
    found = [_asked(study, studies, stated) for stated in study.spec.get("figures") or ()]
    seen = {(figure.form, figure.made_title) for figure in found}
    n_asked, n_front = len(found), 0
    answers, is_answered = _answers(study), False
    for place, request in enumerate([*answers, *_offered(study, studies)]):
        figure = _compute(study, studies, request)
        if (figure.form, figure.made_title) in seen:
            continue
        seen.add((figure.form, figure.made_title))
        is_answered |= figure.drawn and place < len(answers)
        is_next = figure.drawn and (place < len(answers) or (not is_answered and n_front < IN_FRONT))
        n_front += is_next
        found.append(replace(figure, front=is_next and not n_asked))
        if len(found) == n_asked + MAX_OFFERED:
            break
    return [replace(figure, stem=f"{place:02d}_{figure.stem}") for place, figure in enumerate(found, start=1)]


def _asked(study: Study, studies: Studies, stated: Mapping[str, Any]) -> Drawable:
    """A figure of the study's file, which another version of the program may have written."""
    try:
        request = _STATED.validate_python(dict(stated))
    except ValidationError as error:
        form, first = str(stated.get("figure", "figure")), error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        reason = f"the study's file asks for it in words that are not known: {where}: {first['msg']}"
        title = str(stated.get("title") or form)
        return Drawable(study.name, form, title, str(stated.get("number", "")), True, True, form, reason=reason)
    return replace(_compute(study, studies, request), asked=True, front=True)


def _compute(study: Study, studies: Studies, request: Request) -> Drawable:
    """The figure's table and caption, or why there is none."""
    name = request.form
    form = known(FORMS, name, "figure")
    factor = next((value for key in ("factor", "axis", "by") if (value := getattr(request, key, None))), "")
    stem = f"{name}_{factor}" if factor else name
    figure = Drawable(study.name, name, request.title or name, request.number, stem=stem)
    try:
        made = request.HEADING or form.title(study, request)
        figure = replace(figure, title=request.title or made, made_title=made)
        table = form.table(study, studies, request)
    except NothingThereError as missing:
        return replace(figure, reason=str(missing), command=missing.command)
    except NotApplicableError as error:
        return replace(figure, reason=str(error))
    run_ids = tuple(table.attrs.get("run_ids", ()))
    return replace(figure, drawn=True, caption=form.caption(table), table=table, run_ids=run_ids)


def _answers(study: Study) -> list[Request]:
    """For each claim of the study the figure that shows what it speaks of."""
    found: list[Request] = []
    if not study.has_results:
        return found
    for claim in study.spec.get("claims") or ():
        metric = claim.get("metric") or "test_accuracy"
        said = {name: keys for name in ANSWERS if (keys := claim.get(name))}
        try:
            for name, keys in said.items():
                found.append(ANSWERS[name](study, metric, keys))
        except (ValidationError, NotApplicableError, KeyError):
            continue  # the claim itself is shown with what is wrong with it
    return found


def _trend(study: Study, metric: str, keys: Mapping[str, Any]) -> Request:
    return response.of_axis(study, study.axis(keys["factor"]), metric)


def _level(study: Study, metric: str, keys: Mapping[str, Any]) -> Request:
    del study
    return Curves() if keys["of"] == "selected" else Distribution(metric=metric)


ANSWERS: Mapping[str, Callable[[Study, str, Mapping[str, Any]], Request]] = {
    "compare": lambda _, metric, keys: Paired(metric=metric, **keys),
    "trend": _trend,
    "level": _level,
    "selected": lambda _, metric, keys: Distribution(metric=metric, beside=keys["against"]),
    "agreement": lambda _study, _metric, keys: Fidelity(against=keys.get("against")),
}
"""By the form of a claim, which figure shows what it speaks of."""


def _offered(study: Study, studies: Studies) -> list[Request]:
    """What the forms offer: the first of every form, then the second of each, ..."""
    if not study.all_runs["state"].eq("complete").any():
        return []
    offers = [cast("Form", form).offers(study, studies) for form in _OFFERED]
    return [request for rank in zip_longest(*offers) for request in rank if request is not None]


def draw(figure: Drawable) -> Figure:
    """The drawing of a computed figure; call it inside `style()`."""
    drawn = known(FORMS, figure.form, "figure").draw(figure.table)
    freeze(drawn)
    return drawn


def svg(figure: Figure) -> str:
    """The figure as SVG text without date, the same for the same figure."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def draw_all(
    database: str | Engine,
    out: Path,
    study: str | None = None,
    dataset: str | None = None,
    called: str = DATABASE,
    stated: Any = None,
) -> list[Drawable]:
    """See `analysis.figures.draw_all`."""
    given = {} if stated is None else {"stated": stated}
    studies = read_studies(database, study=study, dataset=dataset, called=called, **given)
    figures = []
    with written_together(out) as folder, style():
        for each in studies:
            for figure in figures_of(each, studies):
                if figure.drawn:
                    write(figure, folder)
                    figure = replace(figure, files=files_of(figure, out))
                figures.append(figure)
    return figures


def write(figure: Drawable, folder: Path, *, svg_only: bool = False) -> str:
    """Draw a computed figure into `folder`, inside `style()`: SVG, PNG and table, or the SVG alone; the SVG's text."""
    svg_file, png_file, csv_file = files_of(figure, folder)
    svg_file.parent.mkdir(parents=True, exist_ok=True)
    drawn = draw(figure)
    text = svg(drawn)
    svg_file.write_text(text, encoding="utf-8")
    if not svg_only:
        drawn.savefig(png_file, metadata={"Software": None})
        write_csv(figure.table, csv_file)
    return text


def files_of(figure: Drawable, out: Path) -> tuple[Path, ...]:
    """Where a figure's files are: SVG, PNG and CSV."""
    folder = out / "figures" / figure.study.translate(_IN_PATHS)
    return tuple(folder / f"{figure.stem}.{kind}" for kind in ("svg", "png", "csv"))
