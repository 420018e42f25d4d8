"""What the docstrings say of a class and of its attributes, for documents that are made from them."""

import inspect
import re
from functools import cache

from pydantic import BaseModel

_ATTRIBUTE = re.compile(r"(\w+): (.*)")
_SOURCE = re.compile(r"(.*?)(?: \[([^\]]+)\])?", re.DOTALL)


def summary(what: object) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(what) or "").split("\n\n")[0].split())


@cache
def attributes(model: type) -> dict[str, str]:
    """The text of each attribute that a class or one that it inherits from describes, on one line."""
    found: dict[str, str] = {}
    for owner in reversed([owner for owner in model.__mro__ if owner is not BaseModel]):
        name = ""
        text = inspect.cleandoc(owner.__dict__.get("__doc__") or "")
        for line in text.partition("\nAttributes:\n")[2].splitlines():
            if not line.startswith("    "):
                break
            begins = _ATTRIBUTE.fullmatch(line[4:])
            if begins:
                name, found[begins[1]] = begins[1], begins[2]
            else:
                found[name] += f" {line.strip()}"
    return found


def without_source(text: str) -> tuple[str, str]:
    """A description, and the source in brackets at its end, as in `how much [Polyak 1964]`."""
    match = _SOURCE.fullmatch(text.removesuffix("."))
    assert match
    return match[1], match[2] or ""
