"""One command line in a process of its own, forked from this one with everything imported: what it did, cost and left.

A fork costs some milliseconds where a new process costs two seconds of imports, so thousands of inputs can be tried.
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SECONDS = 5.0
"""Of processor time that a command may take, however busy the machine is with other work."""
WAITING = 60.0
"""Seconds after which a command hangs."""
BYTES = 1 << 30
_MOST = 6 << 30  # address space of a child: a bomb must not take the machine with it
N_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
"""Inputs of each kind; `make soak` sets more."""


@dataclass(frozen=True)
class Ending:
    """How a command ended.

    Attributes:
        code: exit code; negative for the signal that ended it.
        said: standard output and standard error.
        seconds: of processor time.
        peak: most memory it held beyond what this process has already, in bytes.
        made: files that were not there before.
    """

    code: int
    said: str
    seconds: float
    peak: int
    made: frozenset[str]


@cache
def _kernels_are_compiled() -> None:
    """Once on a machine, which takes longer than a command may; in another process, since this one is forked."""
    compiling = "from engine.kernels.launch import compile_kernels; compile_kernels(print)"
    subprocess.run([sys.executable, "-c", compiling], check=True, capture_output=True)


def run(folder: Path, *arguments: str) -> Ending:
    """`digitsweep` with these arguments in this folder; killed after some seconds too many."""
    import search.commands  # noqa: F401 (imported before the fork, once)
    from search.cli import main

    _kernels_are_compiled()
    before = {str(path) for path in folder.rglob("*")}
    held = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    with tempfile.TemporaryFile() as output:
        sys.stdout.flush()
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            code = 70
            try:
                os.setsid()
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
                sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
                resource.setrlimit(resource.RLIMIT_AS, (_MOST, _MOST))
                os.chdir(folder)
                os.environ["COLUMNS"] = "100"
                sys.argv = ["digitsweep", *arguments]
                code = _end_of(main)
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        status, usage = _wait(child, started)
        output.seek(0)
        said = output.read(1_000_000).decode(errors="replace")
    made = frozenset({str(path) for path in folder.rglob("*")} - before)
    peak = max(0, usage.ru_maxrss * 1024 - held)
    return Ending(os.waitstatus_to_exitcode(status), said, usage.ru_utime + usage.ru_stime, peak, made)


def _end_of(main: object) -> int:
    import traceback

    try:
        main()  # type: ignore[operator]
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 71
    return 0


def _wait(child: int, started: float) -> tuple[int, resource.struct_rusage]:
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            return status, usage
        if time.monotonic() - started > WAITING:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)


def assert_answered(ending: Ending, *, may_work: bool = True) -> None:
    """One message and exit code 2 with nothing made, or work done; no traceback, no flood, no hang."""
    assert "Traceback" not in ending.said, ending.said
    assert ending.code in ((0, 2) if may_work else (2,)), ending
    assert ending.seconds < SECONDS, ending
    assert ending.peak < BYTES, ending
    if ending.code == 2:
        assert ending.said.strip(), ending
        assert len(ending.said) < 3_000, ending
        assert not ending.made, ending
