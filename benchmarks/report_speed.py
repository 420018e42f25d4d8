"""Time and memory of figures and report on synthetic databases: the project's own size, and 10,000 runs.

    python benchmarks/report_speed.py [--runs 10000]

Each command runs in a process of its own, as `make figures report` does. Allowed: 30 s for both at the project's own
size, 60 s and 2 GB at 10,000 runs of 25 evaluations on three splits.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import synthetic

_MEASURED = """
import resource, sys, time
from pathlib import Path
start = time.perf_counter()
command, database, out = sys.argv[1:]
if command == "figures":
    from analysis.figures import draw_all
    draw_all(database, Path(out))
else:
    from analysis.report import build
    build(database, Path(out))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{time.perf_counter() - start:.1f} {peak:.0f}")
"""


def measure(command: str, database: Path, out: Path) -> tuple[float, float]:
    """Seconds and megabytes at peak (Linux) of one command."""
    arguments = [sys.executable, "-c", _MEASURED, command, str(database), str(out)]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure figures and report.")
    parser.add_argument("--runs", type=int, default=10_000, help="runs in the large database")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for n_runs in (None, arguments.runs):
            database = Path(folder) / f"{n_runs or 'own'}.sqlite"
            written = synthetic.write(str(database), n_runs=n_runs)
            measured = {name: measure(name, database, Path(folder) / "out") for name in ("figures", "report")}
            total = sum(seconds for seconds, _ in measured.values())
            print(f"{written:,} runs: {total:.1f} s in total")
            for name, (seconds, megabytes) in measured.items():
                print(f"    {name:8} {seconds:5.1f} s  {megabytes:5.0f} MB")


if __name__ == "__main__":
    main()
