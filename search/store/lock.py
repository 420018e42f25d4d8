"""Locks beside the database, which the operating system takes back when their process ends.

    runs.sqlite.lock              while the file is made, or brought to another schema
    runs.sqlite.linear-grid.lock  while the study linear-grid is run

A lock is a file that names its owner and is removed when done. What counts is `flock` on it: it ends with the
process, however that ends, so a file that was left behind locks nothing and is taken over.
"""

import fcntl
import hashlib
import json
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from engine.errors import DigitsweepError
from search.store.location import DatabaseUnusableError, Location, locate
from search.store.server import LockHeldError, server_lock

_LONGEST_NAME = 80
_SAY_AFTER_SECONDS = 3.0


class StudyBusyError(DigitsweepError, RuntimeError):
    """Another process is running the same study in the same database."""


@contextmanager
def study_lock(database: str | Path, study: str) -> Iterator[None]:
    """Hold the study while the block runs: one coordinator for each study in a database.

    Raises:
        StudyBusyError: another process holds it.
        DatabaseUnusableError: there is no folder for the database, or no lock can be made in it.
    """
    location = locate(database)
    try:
        if location.path is None:
            with server_lock(location, study, wait=False):
                yield
            return
        location.check_folder()
        name = quote(study, safe="@#+ ")
        if len(name) > _LONGEST_NAME:
            name = f"{name[:_LONGEST_NAME]}-{hashlib.sha256(study.encode()).hexdigest()[:8]}"
        with file_lock(location.path.with_name(f"{location.path.name}.{name}.lock")):
            yield
    except LockHeldError as error:
        raise StudyBusyError(
            f"study {study} is being run by {error} in the same database; "
            "wait for it, or stop it with Ctrl-C and run this command again"
        ) from error


@contextmanager
def making_lock(location: Location, notify: Callable[[str], None]) -> Iterator[None]:
    """Hold the database itself while it is made or brought to another schema; waits for others that do."""
    if location.path is None:
        with server_lock(location, "digitsweep's schema", wait=True):
            yield
        return
    location.check_folder()
    path = location.path.with_name(f"{location.path.name}.lock")
    with file_lock(path, wait=lambda owner: notify(f"{location.name} is being prepared by {owner}; waiting for it")):
        yield


@contextmanager
def file_lock(path: Path, wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock `path` while the block runs.

    Args:
        path: of the lock; its folder must exist.
        wait: called with the owner when the wait is long; None is not to wait.

    Raises:
        LockHeldError: another process holds it, and `wait` is None.
        DatabaseUnusableError: the lock cannot be made.
    """
    descriptor = _acquire(path, wait)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(_self()).encode(), 0)
        yield
    finally:
        # While it is still held: who opened the file before this line finds by its inode that it is gone.
        with suppress(OSError):
            if _is_at(descriptor, path):
                path.unlink()
        os.close(descriptor)


def _acquire(path: Path, wait: Callable[[str], None] | None) -> int:
    while True:
        descriptor, writable = _open(path)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if wait is None:
                    raise LockHeldError(_owner(descriptor)) from None
                _wait(descriptor, wait)
            # Its owner may have removed it between our opening and our locking: then it locks nothing.
            if _is_at(descriptor, path):
                if writable:
                    return descriptor
                path.unlink()  # left behind by another user, whose process is gone
        except OSError as error:
            os.close(descriptor)
            raise DatabaseUnusableError(f"{path} cannot be locked: {error.strerror}") from error
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _wait(descriptor: int, wait: Callable[[str], None]) -> None:
    """Wait for the lock, and say so once it has taken longer than anybody would notice."""
    deadline = time.monotonic() + _SAY_AFTER_SECONDS
    while time.monotonic() < deadline:
        time.sleep(0.02)
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
    wait(_owner(descriptor))
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def _open(path: Path) -> tuple[int, bool]:
    """A descriptor of the lock's file, and whether it may be written; links are not followed."""
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    writable = True
    try:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666)
        except PermissionError:
            descriptor, writable = os.open(path, os.O_RDONLY | flags), False
    except FileNotFoundError as error:
        # Not there, and not to be made: the folder is what must not be written.
        raise DatabaseUnusableError(
            f"{path.parent} cannot be written, so nothing can be trained into a database there; "
            "status, report, figures and export do work"
        ) from error
    except OSError as error:
        link = "; it is a symbolic link, which a lock never is: remove it" if path.is_symlink() else ""
        raise DatabaseUnusableError(f"no lock can be made at {path}: {error.strerror}{link}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DatabaseUnusableError(f"no lock can be made at {path}: something else is there; remove it")
    return descriptor, writable


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file is the one that has this name now."""
    try:
        there = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)


def _self() -> dict[str, str | int]:
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": since}


def _owner(descriptor: int) -> str:
    """Who holds the lock, in words; its owner may be about to write its name."""
    try:
        owner = json.loads(os.pread(descriptor, 1_000, 0))
        return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
