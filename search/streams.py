"""Standard input, output and error as the rest of the program needs them: open, and never failing on a character."""

import io
import os
import sys


def ready_streams() -> None:
    """Put the null device in place of streams that are closed, and codes in place of characters a terminal lacks.

    A closed stream (`>&-`) is None in Python, and its number would be given to the next file that is opened, which
    may be the database.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))
        elif name != "stdin" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
