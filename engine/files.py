"""Files that are written whole or not at all."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def written_whole(path: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A new file, open for writing, that gets the name `path` when the block ends without an error.

    Whatever interrupts, what was under that name before is there unchanged. The temporary file lies beside the target
    (beside what a symbolic link points to), because a rename works within one file system only; and its content is on
    the disk before it gets its name, so that not even a power failure leaves half a file under it.

    Args:
        path: where the file goes; the folder must be there.
        mode: who may read it, before the process's mask is applied.

    Raises:
        OSError: the file cannot be written, or what is there is no regular file.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "what is there is no regular file", str(path))
    temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(8)}.part")
    try:
        with open(temporary, "x+b", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        # After a success there is nothing under this name any more.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
