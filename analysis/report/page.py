"""Rendering: Content → one self-contained HTML page, and the same as Markdown beside its figures."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.commands import DATABASE
from analysis.figures.drawing import FILE_NAMES, draw, svg
from analysis.figures.style import GRID, INK, MUTED, ON_DARK, PAPER, style
from analysis.files import written_together
from analysis.report import markdown
from analysis.report.content import Content, content
from analysis.tables import read_tables
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
    environment.filters["code"] = markdown.code
    return environment


def drawings(page: Content) -> dict[str, str]:
    """The SVG text of every figure that can be drawn, by name."""
    with style():
        return {result.name: svg(draw(result)) for result in page.figures if result.drawn}


def render_html(page: Content, svgs: dict[str, str]) -> str:
    """The page; everything it needs is inside it."""
    from markupsafe import Markup

    # Escaped as every text of the template is, but for the drawings, which are ours.
    inline = {name: Markup(inline_svg(text, name, name.replace("_", " "))) for name, text in svgs.items()}
    text = str(
        _environment(autoescape=True).get_template("report.html.j2").render(page=page, svgs=inline, colors=ON_DARK)
    )
    return re.sub(r"(?<=\d) %", "\u00a0%", text)  # a number stays with its unit on a narrow screen


def render_markdown(page: Content) -> str:
    """The same content as Markdown."""
    environment = _environment(finalize=markdown.text)  # of every value that the template shows
    text = str(environment.get_template("report.md.j2").render(page=page, files=FILE_NAMES))
    return re.sub(r"\n{3,}", "\n\n", text)


def build(database: "str | Engine", out: Path, dataset: str | None = None, called: str = DATABASE) -> Path:
    """See `analysis.report.build`."""
    page = content(read_tables(database, dataset, called))
    svgs = drawings(page)
    texts = {"report.html": render_html(page, svgs), "report.md": render_markdown(page)}
    with written_together(out) as folder:
        (folder / "figures").mkdir()
        for name, text in svgs.items():
            (folder / "figures" / f"{FILE_NAMES[name]}.svg").write_text(text, encoding="utf-8")
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
    return out / "report.html"
