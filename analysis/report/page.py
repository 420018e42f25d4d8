"""Rendering: each Content → one self-contained HTML page, and the same as Markdown beside its figures."""

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.commands import DATABASE
from analysis.figures.drawing import Drawable, files_of, write
from analysis.figures.style import GRID, INK, MUTED, ON_DARK, PAPER, style
from analysis.files import written_together
from analysis.report import markdown
from analysis.report.content import Content, Section, pages
from analysis.report.images import Pictures, no_pictures
from analysis.studies import read_studies
from analysis.wording import p_text, ranges

if TYPE_CHECKING:
    from sqlalchemy import Engine

TEMPLATES = Path(__file__).parent / "templates"
_THEMED = {INK: "currentColor", GRID: "var(--grid)", MUTED: "var(--muted)", PAPER: "var(--card)"}


def inline_svg(text: str, name: str, title: str) -> str:
    """An SVG file as part of the page: no fixed size, its own ids, the page's colours."""
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    for color, themed in _THEMED.items():
        body = body.replace(color, themed)
    for color in ON_DARK:
        body = body.replace(color, f"var(--c{color[1:]})")
    opening, rest = body.split(">", 1)
    view = re.search(r'viewBox="[^"]+"', opening)
    shape = view.group(0) if view else ""
    # `xlink:href` and a namespace prefix are not needed inside HTML.
    rest = rest.replace("xlink:href", "href")
    return f'<svg {shape} role="img" aria-label="{title}">{rest}'


def _environment(**settings: Any) -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **settings,
    )
    environment.filters["ranges"] = ranges
    environment.filters["p"] = lambda p: p_text(p).removeprefix("p ").removeprefix("= ")
    environment.filters |= {"code": markdown.code, "block": markdown.block}
    return environment


def _write_drawings(content: Content, folder: Path, *, svg_only: bool) -> dict[str, str]:
    """Write every figure of a page; their SVG texts, by place: see `place_of`."""
    with style():
        return {
            place_of(section, figure): write(figure, folder, svg_only=svg_only)
            for section in content.sections
            for figure in section.figures
            if figure.drawn
        }


def place_of(section: Section, figure: Drawable) -> str:
    """A figure's name on a page, unique there."""
    return f"{section.anchor}-{figure.stem}"


def render_html(content: Content, svgs: Mapping[str, str]) -> str:
    """The page; everything it needs is inside it."""
    from markupsafe import Markup

    titles = {place_of(s, figure): figure.title for s in content.sections for figure in s.figures if figure.drawn}
    # Escaped as every text of the template is, but for the drawings, which are ours.
    inline = {place: Markup(inline_svg(svgs[place], place, escape(title))) for place, title in titles.items()}
    template = _environment(autoescape=True).get_template("report.html.j2")
    text = str(template.render(page=content, svgs=inline, colors=ON_DARK, place_of=place_of))
    return re.sub(r"(?<=\d) %", "\u00a0%", text)  # a number stays with its unit on a narrow screen


def render_markdown(content: Content) -> str:
    """The same content as Markdown, beside its figures."""
    environment = _environment(finalize=markdown.text)  # of every value that the template shows
    text = str(environment.get_template("report.md.j2").render(page=content, file_of=_svg_file))
    return re.sub(r"\n{3,}", "\n\n", text)


def _svg_file(figure: Drawable) -> str:
    return files_of(figure, Path())[0].as_posix()


def build(
    database: "str | Engine",
    out: Path,
    study: str | None = None,
    dataset: str | None = None,
    called: str = DATABASE,
    stated: Mapping[str, Mapping[str, Any]] | None = None,
    pictures: Pictures = no_pictures,
    *,
    figures: bool = False,
) -> list[Path]:
    """See `analysis.report.build`."""
    contents = pages(read_studies(database, study=study, dataset=dataset, called=called, stated=stated), pictures)
    with written_together(out) as folder:
        svgs = _write_drawings(contents[0], folder, svg_only=not figures)  # which has every study of the others
        for content in contents:
            (folder / f"{content.name}.html").write_text(render_html(content, svgs), encoding="utf-8")
            (folder / f"{content.name}.md").write_text(render_markdown(content), encoding="utf-8")
    return [out / f"{content.name}.html" for content in contents]
