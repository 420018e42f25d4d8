"""Fetching a source's files over HTTPS: from the first mirror that delivers what was expected.

A body goes into a temporary name in the target folder, is checked there, and only then gets its name. What is
under the final name is therefore always whole and verified, whatever interrupts.
"""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.files import written_whole

DownloadProgress = Callable[[str, int, int | None], None]
"""Called as progress(file name, bytes done, bytes in all or None where the mirror does not say)."""

TIMEOUT_SECONDS = 10.0
PIECE = 1 << 16
USER_AGENT = "digitsweep (hyperparameter-search experiments)"


class DownloadError(Exception):
    """No mirror delivered the file; `reasons` holds (address, why) for each."""

    def __init__(self, name: str, reasons: Sequence[tuple[str, str]]) -> None:
        super().__init__(f"{name}: " + "; ".join(f"{address}: {why}" for address, why in reasons))
        self.name = name
        self.reasons = tuple(reasons)


def _reason(error: Exception) -> str:
    """Why an attempt failed, in a few words."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(getattr(error.reason, "strerror", None) or error.reason)
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    return str(error) or type(error).__name__


def _fetch(address: str, name: str, path: Path, max_bytes: int, progress: DownloadProgress | None) -> None:
    """Write the body at `address` to `path`; a body that ends early or goes on too long is a ValueError."""
    request = urllib.request.Request(address, headers={"User-Agent": USER_AGENT})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response, path.open("wb") as file:
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        done = 0
        if progress:
            progress(name, done, total)
        while piece := response.read(PIECE):
            done += len(piece)
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
    progress: DownloadProgress | None,
) -> None:
    try:
        _fetch(address, name, path, max_bytes, progress)
        check(path)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise _UnusableError(_reason(error)) from error


def download(
    name: str,
    mirrors: Sequence[str],
    folder: Path,
    *,
    check: Callable[[Path], None],
    max_bytes: int,
    progress: DownloadProgress | None = None,
) -> Path:
    """Fetch one file into a folder.

    Args:
        name: the file's name at the mirrors and in `folder`.
        mirrors: addresses that `name` completes, tried in this order.
        folder: where the file goes; made where missing.
        check: called with the temporary file; raises an exception whose text says what is wrong with it.
        max_bytes: a body longer than this is given up.
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
                _deliver(mirror + name, name, Path(file.name), check, max_bytes, progress)
        except _UnusableError as error:
            reasons.append((mirror + name, str(error)))
        else:
            return folder / name
    raise DownloadError(name, reasons)
