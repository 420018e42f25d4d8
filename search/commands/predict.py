"""`digitsweep predict`: which digit a picture shows."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from search.commands.common import console, warn
from search.commands.options import ModelFile, Pictures


def predict(model: ModelFile, images: Pictures) -> None:
    """Say which digit a picture shows, with the probability of each of the ten."""
    import numpy as np

    from engine.model_file import load_model
    from search.pictures import as_input, read_gray

    loaded = load_model(model)
    inputs = [as_input(read_gray(image), loaded.n_features, loaded.dataset) for image in images]
    probabilities = loaded.predict_proba(np.stack([found.pixels for found in inputs]))
    for image, found in zip(images, inputs, strict=True):
        if found.steps:
            warn(f"{image}: {'; '.join(found.steps)}")
    console.print(_table([str(image) for image in images], probabilities.tolist()))


def _table(names: Sequence[str], probabilities: Sequence[Sequence[float]]) -> Table:
    """One row for each picture: the most probable class, and the probability of every class."""
    table = Table(title="Probability of each class")
    table.add_column("picture", overflow="fold")
    table.add_column("shows", justify="right", style="bold")
    for label in range(len(probabilities[0])):
        table.add_column(str(label), justify="right")
    for name, row in zip(names, probabilities, strict=True):
        best = max(range(len(row)), key=row.__getitem__)
        cells = [Text(f"{p:.1%}", style="bold" if label == best else "") for label, p in enumerate(row)]
        table.add_row(name, str(best), *cells)
    return table
