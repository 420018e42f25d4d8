"""What made a run: the code, the versions and the machine, as stored beside it."""

import os
import platform
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import engine
from engine.sources import source_digest
from engine.versions import CHANGES, ENGINE_VERSION


@cache
def code_version() -> str:
    """The package's version, the engine's (`engine.versions`) and a digest of its source: what decides a run's bits."""
    root = Path(engine.__path__[0])
    try:
        release = version("digitsweep")
    except PackageNotFoundError:
        release = "0"
    return f"{release}+engine.{ENGINE_VERSION}.{source_digest(root.rglob('*.py'), root)[:12]}"


def changes_since(code: str) -> list[str]:
    """What has changed in the bits of runs since a `code_version`, in words, the oldest first."""
    # Before the second version none was named.
    named = re.search(r"\+engine\.(\d+)\.", code)
    made_by = int(named[1]) if named else 1
    return [f"engine {number}: {change}" for number, change in sorted(CHANGES.items()) if number > made_by]


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
