"""Tables that fit a terminal: columns are left out, words are folded, and no number is cut."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.table import Table

SENTENCE = 13
"""Characters of a line in which a sentence can still be read."""


def fitting(
    title: str,
    rows: Sequence[Mapping[str, str]],
    width: int,
    optional: Sequence[str],
    *,
    text: Sequence[str] = (),
    sentences: Sequence[str] = (),
    bold: Sequence[bool] = (),
    dim: Sequence[bool] = (),
) -> Table:
    """A table of `rows` that is at most `width` characters wide, as far as its numbers let it.

    Args:
        title: above it.
        rows: cells by heading; the headings are those of all rows, and a row may lack some.
        width: characters of a line.
        optional: headings that may be left out where not all fit, those that are missed least first; a line below the
            table names them.
        text: headings of words, which stand on the left and are folded where leaving out is not enough.
        sentences: headings of whole sentences, which are folded before anything is left out.
        bold: which rows stand out.
        dim: which rows stand back.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    left_out: list[str] = []

    # A heading of several words may take several lines; a value may not.
    values = {name: max(cell_len(row.get(name, "")) for row in rows) for name in names}
    widths = {name: max(values[name], *map(cell_len, name.split())) for name in names}

    for name in optional:
        if sum((min(widths[name], SENTENCE) if name in sentences else widths[name]) + 3 for name in names) < width:
            break
        if name in names:
            names.remove(name)
            left_out.append(name)
    caption = f"left out at {width} characters: {'; '.join(left_out)}" if left_out else None
    table = Table(title=title, caption=caption)
    whole = sum(max(widths[name], cell_len(name)) + 3 for name in names) < width
    for name in names:
        if name in text or name in sentences:
            table.add_column(name, overflow="fold")
        else:
            table.add_column(name, justify="right", overflow="fold", width=None if whole else widths[name])
    for i, row in enumerate(rows):
        is_bold, is_dim = any(bold[i : i + 1]), any(dim[i : i + 1])
        style = "bold" if is_bold else "dim" if is_dim else None
        table.add_row(*(row.get(name, "") for name in names), style=style)
    return table
