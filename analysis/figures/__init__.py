"""Figures by form: each file of this folder is one form, `table` computes what is shown, `draw` shows it.

    requests.py   what a study file may ask for
    design.py     what a study's form allows to be drawn
    style.py      size, ink, one look per thing
    drawing.py    which figures a study has, and writing them as PNG, SVG and CSV

curves, distribution, paired, response, interaction, one_factor, expected_best, importance, fidelity, confirmation and
pareto are offered to every study that can feed them; momentum_bowl and component_chain are drawn where a file asks.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.figures.drawing import Drawable


def draw_all(*arguments: Any, **options: Any) -> "list[Drawable]":
    """See `analysis.figures.drawing.draw_all`."""
    from analysis.figures.drawing import draw_all

    return draw_all(*arguments, **options)
