"""Text of others in Markdown: what would be markup in it is shown as it is."""

import re

from markupsafe import Markup

_LINES = re.compile(r"[\r\n\t]+")
_MARKUP = re.compile(r"[\\`*\[\]|]|~(?=~)|(?<![^\W_])_|_(?![^\W_])|^[#>]|^[+-](?=[\s-])|(?<=^\d)[.)](?=\s)")
_ENTITY = re.compile(r"&(?=#|\w+;)")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def text(value: object) -> Markup:
    """A value as Markdown that reads as the value does; what is Markdown already stays."""
    if isinstance(value, Markup):
        return value
    line = _LINES.sub(" ", str(value))
    line = _MARKUP.sub(lambda found: f"\\{found[0]}", line)
    return Markup(_TAG.sub("&lt;", _ENTITY.sub("&amp;", line)))


def code(value: object) -> Markup:
    """A value as a code span, in more backticks than it has in a row."""
    line = _LINES.sub(" ", str(value))
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    room = " " if line.startswith("`") or line.endswith("`") else ""
    return Markup(f"{fence}{room}{line}{room}{fence}")


def block(value: object) -> Markup:
    """Lines as a code block: indented, so that nothing in them can end it."""
    return Markup("\n".join(f"    {line}" for line in str(value).splitlines()))
