"""The command that a person typed, so that it can be given back: to go on with a study, or to try again.

    digitsweep run 'my study.yaml' --db /tmp/a.sqlite         as typed, quoted for the shell
    make linear-grid DB=/tmp/a.sqlite                         where make called: what was typed there

The Makefile passes its own command line on in `DIGITSWEEP_COMMAND`, quoted for the shell.
"""

import os
import shlex
import sys
from pathlib import Path
from shutil import which

MAKE = "DIGITSWEEP_COMMAND"


def typed_command(database: str | None = None) -> str:
    """What to type to do the same again, here; in another database where one is named."""
    made = os.environ.get(MAKE)
    # Taken apart and put together again, since make cannot know which words need quotes.
    words = shlex.split(made) if made else [*program(), *sys.argv[1:]]
    if database is not None:  # of an option that is given twice the last counts, and of make's variables too
        words += [f"DB={database}"] if made else ["--db", database]
    return shlex.join(words)


def program() -> list[str]:
    """How this program was called: by its name where the shell finds it so, else by its path, or as a module."""
    called = Path(sys.argv[0]).name
    if called != "digitsweep":
        module = "search" if called == "__main__.py" else "search.cli"
        return [sys.executable, *([sys.argv[0]] if called == "digitsweep.py" else ["-m", module])]
    return ["digitsweep" if sys.argv[0] == which("digitsweep") else sys.argv[0]]
