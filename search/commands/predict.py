"""`digitsweep predict`: which digit a picture shows."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from search.commands.common import console, say, warn
from search.commands.options import ModelFile, Pictures, ShowInput

UNSURE = 0.6
"""Probability of the likeliest class below which a picture is said to be doubtful."""


def predict(model: ModelFile, images: Pictures, show: ShowInput = False) -> None:
    """Say which digit a picture shows, with the probability of each of the ten."""
    import numpy as np

    from engine.model_file import load_model
    from search.pictures import as_input, check_takes_pictures, read_gray

    loaded = load_model(model)
    check_takes_pictures(loaded)
    inputs = [as_input(read_gray(image), loaded.n_features, loaded.dataset, str(image)) for image in images]
    probabilities = loaded.predict_proba(np.stack([found.pixels for found in inputs]))
    for image, found, row in zip(images, inputs, probabilities, strict=True):
        if found.steps:
            warn(f"{image}: {'; '.join(found.steps)}")
        doubts = list(found.doubts)
        if row.max() < UNSURE:
            doubts.append(f"the likeliest class has {row.max():.0%}")
        if doubts:
            warn(f"warning: {image} may show no digit, or not one alone: {'; '.join(doubts)}")
        if show:
            say(f"{image}, as the network sees it:\n{found.as_text()}")
    console.print(_table([str(image) for image in images], probabilities.tolist(), console.width))


def _table(names: Sequence[str], probabilities: Sequence[Sequence[float]], width: int) -> Table:
    """One row for each picture: the likeliest class, and the probability of every class, or of the two likeliest.

    Args:
        names: of the pictures, which are folded where they do not fit; numbers never are.
        probabilities: (pictures, classes).
        width: characters of a line; every class takes nine, the rest of the table thirty.
    """
    n = len(probabilities[0])
    whole = width >= 9 * n + 30
    table = Table(title="Probability of each class" if whole else "The two likeliest classes")
    table.add_column("picture", overflow="fold")
    headings = ("shows", *map(str, range(n))) if whole else ("shows", "probability", "else", "probability")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True, style="bold" if heading == "shows" else "")
    for name, row in zip(names, probabilities, strict=True):
        best, second = sorted(range(n), key=row.__getitem__, reverse=True)[:2]
        if whole:
            cells = [Text(f"{p:.1%}", style="bold" if label == best else "") for label, p in enumerate(row)]
            table.add_row(name, str(best), *cells)
        else:
            table.add_row(name, str(best), f"{row[best]:.1%}", str(second), f"{row[second]:.1%}")
    return table
