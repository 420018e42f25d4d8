"""The list of figures, and drawing them: tables → figure → PNG, SVG, CSV.

The same database gives the same bytes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

import pandas as pd

from analysis.commands import DATABASE
from analysis.figures.style import freeze, style
from analysis.files import write_csv, written_together
from analysis.tables import NotApplicableError, StudyMissingError, Tables, read_tables

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure
    from sqlalchemy import Engine

NAMES = (
    "momentum_bowl",
    "linear_curves",
    "linear_accuracy",
    "momentum_effect",
    "decay_effect",
    "grid_effects",
    "learning_rate_response",
    "component_chain",
    "linear_against_mlp",
    "mlp_curves",
    "hidden_size",
    "activation_curves",
    "one_factor",
    "expected_best",
    "importance",
    "confirmation",
    "fidelity",
)
"""Modules of this folder, in the order of the page."""

FILE_NAMES = {name: f"{position:02d}_{name}" for position, name in enumerate(NAMES, start=1)}


class FigureModule(Protocol):
    """What each module of this folder offers."""

    TITLE: str
    REPORT: str

    def table(self, tables: Tables) -> pd.DataFrame:
        """What is shown, with its runs in `attrs`.

        StudyMissingError or NotApplicableError if it can not be.
        """
        ...

    def draw(self, table: pd.DataFrame) -> Figure:
        """The drawing of that table."""
        ...

    def caption(self, table: pd.DataFrame) -> str:
        """What is shown, over how many runs, in one or two sentences."""
        ...


@dataclass(frozen=True)
class Result:
    """One figure: drawn, or left out and why.

    Attributes:
        name: Name of the figure's module.
        title: Its heading.
        report: The figure of the report that it redraws, or "".
        drawn: Whether it was.
        caption: What is shown (drawn figures only).
        reason: Why it was left out.
        command: What would make the missing study; "" where a command would not help.
        files: Paths written.
        run_ids: Runs behind the figure.
        table: What is shown.
    """

    name: str
    title: str
    report: str
    drawn: bool
    caption: str = ""
    reason: str = ""
    command: str = ""
    files: tuple[Path, ...] = ()
    run_ids: tuple[int, ...] = ()
    table: pd.DataFrame = field(default_factory=pd.DataFrame)


def module(name: str) -> FigureModule:
    """The figure's module, by its name."""
    return cast("FigureModule", import_module(f"analysis.figures.{name}"))


def compute(name: str, tables: Tables) -> Result:
    """The figure's table and caption, or why there is none."""
    figure = module(name)
    try:
        table = figure.table(tables)
    except StudyMissingError as missing:
        reason = f"study {missing.study} {missing.reason}"
        return Result(name, figure.TITLE, figure.REPORT, drawn=False, reason=reason, command=missing.command)
    except NotApplicableError as error:
        return Result(name, figure.TITLE, figure.REPORT, drawn=False, reason=str(error))
    return Result(
        name,
        figure.TITLE,
        figure.REPORT,
        drawn=True,
        caption=figure.caption(table),
        table=table,
        run_ids=tuple(table.attrs.get("run_ids", ())),
    )


def draw(result: Result) -> Figure:
    """The drawing of a computed figure; call it inside `style()`."""
    figure = module(result.name).draw(result.table)
    freeze(figure)
    return figure


def svg(figure: Figure) -> str:
    """The figure as SVG text without date, the same for the same figure."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def draw_all(database: str | Engine, out: Path, dataset: str | None = None, called: str = DATABASE) -> list[Result]:
    """See `analysis.figures.draw_all`."""
    tables = read_tables(database, dataset, called)
    results = [compute(name, tables) for name in NAMES]
    with written_together(out) as folder, style():
        for result in results:
            if result.drawn:
                figure = draw(result)
                svg_file, png_file, csv_file = _files(folder, result)
                svg_file.write_text(svg(figure), encoding="utf-8")
                figure.savefig(png_file, metadata={"Software": None})
                write_csv(result.table, csv_file)
    return [replace(result, files=_files(out, result)) if result.drawn else result for result in results]


def _files(folder: Path, result: Result) -> tuple[Path, ...]:
    return tuple(folder / f"{FILE_NAMES[result.name]}.{kind}" for kind in ("svg", "png", "csv"))
