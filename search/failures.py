"""What becomes of an exception that ends a command: one line, and an exit code.

2     what was asked for is wrong           1   something failed that should not; a file has the whole of it
130   interrupted                           1   nobody takes the output: a line, or silence where the reader has gone
"""

import errno
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import typer
from typer.exceptions import TyperException

from engine.data.catalogue import cache_folder
from engine.errors import DigitsweepError, excerpt

KEPT = 20
"""Error files that are kept, the newest."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_PLACE = (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS)
"""What the system says of a path that nobody can use so: a name was typed that is too long, a folder is protected."""
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def exit_code(command: Callable[[], object]) -> int:
    """Run a command of the command line to its end; what the process is to exit with."""
    try:
        result = command()
        sys.stdout.flush()
        code = result if isinstance(result, int) else 0
    except BaseException as error:
        code = _ended_by(error)
    # What a stream does not take goes nowhere, so that it does not fail once more when Python ends.
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return code


def _ended_by(error: BaseException) -> int:
    """Say what ended a command; its exit code."""
    if isinstance(error, TyperException):
        _say(" ".join(error.format_message().split()), of=error)
        return 2
    if isinstance(error, DigitsweepError):
        _say(str(error))
        return 2
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        _say("interrupted")
        return 130
    if isinstance(error, BrokenPipeError):
        return 1
    if isinstance(error, OSError) and error.errno in _FULL:
        _say(f"what was to be written or said does not fit any more: {error.strerror}")
        return 1
    if isinstance(error, OSError) and error.errno in _NO_PLACE and error.filename is not None:
        _say(f"{excerpt(os.fsdecode(error.filename), 200)} cannot be used: {error.strerror}")
        return 2
    if not isinstance(error, Exception):
        raise error
    last = excerpt(" ".join("".join(traceback.format_exception_only(error)).split()), 300)
    _say(f"this should not have happened: {last}; {_keep(error)}")
    return 1


def _say(message: str, *, of: TyperException | None = None) -> None:
    """One message on standard error; a mistake on the command line names the command and where its options stand."""
    place = getattr(getattr(of, "ctx", None), "command_path", "digitsweep")
    hint = "" if of is None else f" ({place} --help)"
    line = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", message)
    line = line if len(line) <= 2_000 else line[:2_000] + "…"
    with suppress(OSError):  # nobody is there to be told
        print(f"{place}: {line}{hint}", file=sys.stderr)


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "a folder that is gone"


def _keep(error: Exception) -> str:
    """Write the traceback to a file in the user's cache, or else in the temporary folder; in words, where it is."""
    moment = datetime.now(UTC)
    text = "".join(traceback.format_exception(error))
    head = f"{moment.isoformat(timespec='seconds')}\n{sys.argv}\nPython {sys.version}\nin {_folder()}\n\n"
    name = f"{moment:%Y-%m-%dT%H-%M-%S}-{os.getpid()}.txt"
    for folder in (cache_folder() / "errors", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / f"digitsweep-error-{name}"
            file.write_text(head + text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        for old in sorted(folder.glob("digitsweep-error-*.txt"))[:-KEPT]:
            with suppress(OSError):  # another user's, in the temporary folder
                old.unlink()
        return f"the whole of it is in {file}"
    print(text, file=sys.stderr)
    return "the whole of it stands above, since it could be written nowhere"
