"""`digitsweep data`: where a data set's files are looked for, and what was found."""

from typing import Annotated

import typer

from search.commands.common import DataFolder, say


def data(
    name: Annotated[str, typer.Argument(help="mnist or fashion-mnist.")] = "mnist",
    folder: DataFolder = None,
) -> None:
    """Show where a data set's files are looked for, and what was found."""
    from engine.data.load import describe_places

    for place in describe_places(name, folder):
        found = "complete" if place.complete else f"{len(place.found)} of its files"
        say(f"{place.role:<10} {place.folder}: {found}")
