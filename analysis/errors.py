"""What the analysis raises where something is not there, not applicable, or not known."""

from collections.abc import Mapping
from typing import Any, TypeVar

Known = TypeVar("Known")


class NotApplicableError(ValueError):
    """The study is there, but a statistic's conditions do not hold for it."""


class NothingThereError(LookupError):
    """A study is not in the database, or has no complete run in it.

    Attributes:
        command: What would make what is missing; "" where nobody but the reader can know.
    """

    def __init__(self, reason: str, command: str = "") -> None:
        super().__init__(reason)
        self.command = command


def known(table: Mapping[Any, Known], name: Any, what: str) -> Known:
    """The entry of `name` in a table of names that the analysis knows.

    Raises:
        NotApplicableError: It is not one of them; the message says which are.
    """
    if name not in table:
        raise NotApplicableError(f"{what} must be one of {', '.join(map(str, table))}, but got {name}")
    return table[name]
