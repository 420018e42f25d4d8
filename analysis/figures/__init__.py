"""One file per figure: `table` computes what is shown, `draw` shows it.

    style.py      size, ink, one colour per thing
    drawing.py    the list of figures, and writing them as PNG, SVG and CSV

From the report: momentum_bowl (1), linear_curves (2), linear_accuracy (3), momentum_effect (4),
decay_effect (5), component_chain (6), linear_against_mlp (7), mlp_curves (8), hidden_size (9),
activation_curves (10). Beyond it: learning_rate_response, grid_effects, one_factor, expected_best,
importance, confirmation, fidelity.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from analysis.commands import DATABASE

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from analysis.figures.drawing import Result


def draw_all(database: "str | Engine", out: Path, dataset: str | None = None, called: str = DATABASE) -> "list[Result]":
    """Draw every figure that `database` has the studies for into `out`, as PNG, SVG and CSV.

    Args:
        database: Path of an SQLite file, an SQLAlchemy URL, or an engine.
        out: Folder of the files; made if missing.
        dataset: By default MNIST where there is any.
        called: What commands call the database.

    Returns:
        One result per figure, drawn or left out with the command that would make its study.

    Raises:
        OutputError: The files cannot be written; none of them is.
    """
    from analysis.figures.drawing import draw_all

    return draw_all(database, out, dataset, called)
