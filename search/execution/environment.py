"""What made a run: the code, the versions and the machine, as stored beside it."""

import hashlib
import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import engine


@cache
def code_version() -> str:
    """The package's version with a digest of the engine's source, which is what decides a run's bits."""
    digest = hashlib.sha256()
    root = Path(engine.__path__[0])
    for file in sorted(root.rglob("*.py")):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    try:
        release = version("digitsweep")
    except PackageNotFoundError:
        release = "0"
    return f"{release}+engine.{digest.hexdigest()[:12]}"


@cache
def environment() -> dict[str, str]:
    """Versions and processor; no name of a machine or person."""
    found = {name: version(name) for name in ("numpy", "numba", "optuna")}
    return {
        "python": platform.python_version(),
        **found,
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
