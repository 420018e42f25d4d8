"""`digitsweep data`: where a data set's files are looked for, and what was found."""

from search.commands.common import say
from search.commands.options import DataFolder, DataSource


def data(name: DataSource = "mnist", folder: DataFolder = None) -> None:
    """Show where a data set's files are looked for, and what was found."""
    from engine.data.load import describe_places

    for place in describe_places(name, folder):
        found = "complete" if place.complete else f"{len(place.found)} of its files"
        say(f"{place.role:<10} {place.folder}: {found}")
