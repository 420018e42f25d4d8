"""`make bench`: this project beside its peers, in one run, in turns, on one core.

    python -m benchmarks --out bench [--rounds 5] [--data FOLDER] [--quick]

Writes performance.json (every number), performance.png and performance.md into the folder, prints the ratios, and
ends with exit code 1 where one of the ratios that this project promises does not hold.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import measure
from benchmarks.document import write
from benchmarks.floor import vector_nanoseconds
from benchmarks.ratios import Ratio, ratios
from engine.data.load import load_dataset
from engine.errors import DataError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("bench"), help="folder for the results")
    parser.add_argument("--rounds", type=int, default=5, help="how often each measurement is repeated (medians count)")
    parser.add_argument("--data", type=Path, help="folder that is searched first for MNIST")
    parser.add_argument("--quick", action="store_true", help="no growth and one round: a look, not a result")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds

    started = time.perf_counter()

    def say(message: str) -> None:
        print(f"{time.perf_counter() - started:6.0f} s  {message}", file=sys.stderr, flush=True)

    try:
        dataset = load_dataset("mnist", folder=options.data)
    except DataError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0, 1]
    core = cores[0]
    found = {
        "measured": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": "make bench",
        "rounds": rounds,
        "machine": measure.machine(),
        "pixels_per_image": len(dataset.train.rows.values) / len(dataset.train),
    }
    # Whole studies first: they use all cores, and nothing else is running yet.
    found["studies"] = measure.studies(min(rounds, 3), str(options.data or ""), say)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    say("the machine's floor")
    found["vector_nanoseconds"] = vector_nanoseconds()
    say("against C")
    found["against_c"] = measure.against_c(say)
    with tempfile.TemporaryDirectory() as scratch:
        peers = measure.Peers(measure.images_of(dataset), Path(scratch) / "images.npz", core, say)
        try:
            found["versions"] = peers.versions()
            found["missing"] = peers.missing
            found["units"] = []
            found["load"] = round(os.getloadavg()[0], 1)
            for training in measure.UNITS:
                say(str(training))
                found["units"] += peers.in_turns(training, rounds)
            found["start_up"] = peers.start_up(found["units"])
            found["two_cores"] = measure.two_cores(peers.path, cores, rounds, say) if len(cores) > 1 else []
            found["jobs"] = measure.jobs(peers, found["units"], min(rounds, 3), say)
            found["growth"] = [] if options.quick else measure.growth(peers, dataset, say)
        finally:
            peers.close()
    table = ratios(found)
    found["ratios"] = [ratio._asdict() for ratio in table]
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "performance.json").write_text(json.dumps(found, indent=1) + "\n")
    write(found, options.out)
    _show(table)
    say(f"written to {options.out}: performance.json, performance.md, performance.png")
    sys.exit(0 if all(ratio.holds for ratio in table) else 1)


def _show(table: list[Ratio]) -> None:
    print(f"{'':58s}{'measured':>10s}{'wanted':>10s}")
    for ratio in table:
        verdict = "" if ratio.holds else "  NOT REACHED"
        print(f"{ratio.what:58s}{ratio.value:10.2f}{ratio.sign:>4s}{ratio.wanted:6.2f}{verdict}")


if __name__ == "__main__":
    main()
