"""Fetching a source's files over HTTPS: from the first mirror that delivers what was expected.

A body goes into a temporary name in the target folder, is checked there, and only then gets its name. What is
under the final name is therefore always whole and verified, whatever interrupts.
"""

import http.client
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.files import written_whole

DownloadProgress = Callable[[str, int, int | None], None]
"""Called as progress(file name, bytes done, bytes in all or None where the mirror does not say)."""


@dataclass(frozen=True)
class Patience:
    """When a mirror is given up.

    Attributes:
        silence_seconds: without a single byte.
        answer_seconds: until the answer's headers are complete, however many bytes drip in.
        window_seconds: in which the body has to grow by at least `window_bytes`.
        window_bytes: see there; by default 8 kB a second, with which MNIST takes 24 minutes.
    """

    silence_seconds: float = 10.0
    answer_seconds: float = 30.0
    window_seconds: float = 30.0
    window_bytes: int = 240_000


PATIENCE = Patience()
PIECE = 1 << 16
USER_AGENT = "digitsweep (hyperparameter-search experiments)"


class DownloadError(Exception):
    """No mirror delivered the file; `reasons` holds (address, why) for each."""

    def __init__(self, name: str, reasons: Sequence[tuple[str, str]]) -> None:
        super().__init__(f"{name}: " + "; ".join(f"{address}: {why}" for address, why in reasons))
        self.name = name
        self.reasons = tuple(reasons)


def _reason(error: Exception, patience: Patience) -> str:
    """Why an attempt failed, in a few words."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(getattr(error.reason, "strerror", None) or error.reason)
    if isinstance(error, TimeoutError):
        return f"no answer within {patience.silence_seconds:g} s"
    return str(error) or type(error).__name__


def _open(address: str, patience: Patience) -> Any:
    """The response at `address`, its headers read; ValueError where they take too long.

    A socket's timeout is for one byte, so that headers can drip for ever; they are waited for from outside.
    """
    request = urllib.request.Request(address, headers={"User-Agent": USER_AGENT})
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    given_up = threading.Event()

    def ask() -> None:
        try:
            response = urllib.request.urlopen(request, timeout=patience.silence_seconds)
        except Exception as error:  # raised again by whoever waits
            answers.put(error)
        else:
            answers.put(response)
            if given_up.is_set():
                response.close()

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=patience.answer_seconds)
    except queue.Empty:
        given_up.set()
        raise ValueError(f"no complete answer within {patience.answer_seconds:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _fetch(
    address: str, name: str, path: Path, max_bytes: int, patience: Patience, progress: DownloadProgress | None
) -> None:
    """Write the body at `address` to `path`; one that ends early, goes on too long or only drips is a ValueError."""
    with closing(_open(address, patience)) as response, path.open("wb") as file:
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        done = 0
        if progress:
            progress(name, done, total)
        window_start, done_before = time.monotonic(), 0
        while piece := response.read1(PIECE):
            done += len(piece)
            if (seconds := time.monotonic() - window_start) >= patience.window_seconds:
                if done - done_before < patience.window_bytes:
                    raise ValueError(f"too slow: {done - done_before:,} bytes in {seconds:.0f} s")
                window_start, done_before = time.monotonic(), done
            if done > max_bytes:
                raise ValueError(f"more than the {max_bytes:,} bytes that the file can have")
            file.write(piece)
            if progress:
                progress(name, done, total)
        if total is not None and done != total:
            raise ValueError(f"truncated: {done:,} of {total:,} bytes")


class _UnusableError(Exception):
    """A mirror did not deliver what was expected; the text says why."""


def _deliver(
    address: str,
    name: str,
    path: Path,
    check: Callable[[Path], None],
    max_bytes: int,
    patience: Patience,
    progress: DownloadProgress | None,
) -> None:
    try:
        _fetch(address, name, path, max_bytes, patience, progress)
        check(path)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise _UnusableError(_reason(error, patience)) from error


def download(
    name: str,
    mirrors: Sequence[str],
    folder: Path,
    *,
    check: Callable[[Path], None],
    max_bytes: int,
    patience: Patience = PATIENCE,
    progress: DownloadProgress | None = None,
) -> Path:
    """Fetch one file into a folder.

    Args:
        name: the file's name at the mirrors and in `folder`.
        mirrors: addresses that `name` completes, tried in this order.
        folder: where the file goes; made where missing.
        check: called with the temporary file; raises an exception whose text says what is wrong with it.
        max_bytes: a body longer than this is given up.
        patience: when a mirror is given up.
        progress: see `DownloadProgress`; starts again from 0 with each mirror.

    Returns:
        The file's path, in place and checked.

    Raises:
        DownloadError: every mirror failed.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reasons: list[tuple[str, str]] = []
    for mirror in mirrors:
        try:
            with written_whole(folder / name) as file:
                _deliver(mirror + name, name, Path(file.name), check, max_bytes, patience, progress)
        except _UnusableError as error:
            reasons.append((mirror + name, str(error)))
        else:
            return folder / name
    raise DownloadError(name, reasons)
