"""One coordinator per study: a lock that the operating system takes back when its process ends."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import DigitsweepError


class StudyBusyError(DigitsweepError, RuntimeError):
    """Another process is running the same study in the same database."""


@contextmanager
def study_lock(url: str, study: str) -> Iterator[None]:
    """Hold the study while the block runs.

    The lock is a file in the temporary folder, named by database and study; `flock` frees it even when
    the process is killed, so nothing has to be cleaned up by hand.

    Raises:
        StudyBusyError: another process holds it.
    """
    import fcntl

    place = str(Path(url.removeprefix("sqlite:///")).resolve()) if url.startswith("sqlite:///") else url
    digest = hashlib.sha256(f"{place}\n{study}".encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"digitsweep-{os.getuid()}-{digest}.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise StudyBusyError(
                f"study {study} is being run by process {file.read().strip() or '?'} in the same database; "
                "wait for it, or stop it with Ctrl-C and run this command again"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
