"""What is promised about crashes, tried often with real processes: `make soak`, or `python -m tests.soak kills=20`.

Each attack starts the command line as a person would, disturbs it, gives the same command again until it is done, and
compares every stored evaluation with those of a study that was left in peace. The tests run each attack a few times.
"""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOLDS = 5.0  # seconds for which the attack `held lock` keeps the database from everybody else
SMALL = "fixed: {hidden_layers: 1, hidden_size: 24, epochs: 4, evaluations_per_epoch: 5}\n"
STUDIES = {
    "grid": "driver: grid\nfixed: {epochs: 4, evaluations_per_epoch: 5}\n"
    "space: {learning_rate: [0.01, 0.03, 0.1], momentum: [off, on]}\n",
    "random": f"driver: random\ntrials: 6\n{SMALL}space: {{learning_rate: {{low: 0.01, high: 0.3, scale: log}}}}\n",
    "adaptive": f"driver: optuna\ntrials: 6\n{SMALL}space: {{learning_rate: {{low: 0.01, high: 0.3, scale: log}}}}\n",
    "ofat": "driver: ofat\nreplicates: 2\nfixed: {hidden_layers: 1, hidden_size: 24, activation: relu, epochs: 2, "
    "evaluations_per_epoch: 5}\nspace: {activation: [relu, tanh], hidden_size: [16, 24]}\n",
    # Long enough for a checkpoint, which is written after two seconds of work: 4 to 6 s on a quiet machine.
    "long": "driver: random\ntrials: 2\nfixed: {hidden_layers: 2, hidden_size: 400, epochs: 12, "
    "evaluations_per_epoch: 20}\nspace: {learning_rate: {low: 0.001, high: 0.01, scale: log}}\n",
}
TABLES = (
    "SELECT s.name, t.config_hash, r.replicate, r.state, e.k, e.split, e.epoch, e.loss, e.accuracy, e.learning_rate "
    "FROM evaluations e JOIN runs r USING (run_id) JOIN sweep_trials t USING (trial_id) "
    "JOIN sweep_studies s USING (study_id) ORDER BY 1, 2, 3, 5, 6"
)


class Attacks:
    """A folder with study files, and the bits that each study has when nothing disturbs it."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.n_databases = 0
        self.found: Counter[str] = Counter()
        for name, body in STUDIES.items():
            text = f"# For the soak.\nstudy: {name}\nquestion: Does it survive?\ndataset: digits\n{body}"
            (folder / f"{name}.yaml").write_text(text)

    def database(self) -> Path:
        self.n_databases += 1
        return self.folder / f"runs{self.n_databases}.sqlite"

    def start(
        self, database: Path, study: str, *, prefix: tuple[str, ...] = (), **environment: str
    ) -> subprocess.Popen[str]:
        # One job where results depend on timing.
        jobs = "1" if study == "adaptive" else "2"
        command = [sys.executable, "-m", "search.cli", "run", f"{study}.yaml", "--db", str(database), "--jobs", jobs]
        return subprocess.Popen(
            [*prefix, *command], cwd=self.folder, env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def end(self, child: subprocess.Popen[str]) -> tuple[int, str]:
        """Exit code and everything it said; a traceback is counted."""
        output, errors = child.communicate(timeout=300)
        said = output + errors
        self.found["tracebacks"] += "Traceback" in said
        if "Traceback" in said:
            print(said, file=sys.stderr)
        return child.returncode, said

    def finish(self, database: Path, study: str) -> None:
        """The same command again, undisturbed; then the bits must be those of a study left in peace."""
        code, said = self.end(self.start(database, study))
        self.found["commands that failed afterwards"] += code != 0
        if code != 0:
            print(said, file=sys.stderr)
        self.compare(database, study)

    def compare(self, database: Path, *studies: str) -> None:
        expected = sorted(row for study in studies for row in self.undisturbed(study))
        same = sorted(bits(database)) == expected
        self.found["studies with the same bits" if same else "studies with OTHER bits"] += 1
        for left in database.parent.glob(f"{database.name}*"):
            if same:
                left.unlink()

    @cache  # noqa: B019 (lives as long as the program)
    def undisturbed(self, study: str) -> list[tuple[object, ...]]:
        database = self.folder / f"undisturbed-{study}.sqlite"
        code, said = self.end(self.start(database, study))
        assert code == 0, said
        return bits(database)

    @cache  # noqa: B019
    def seconds(self, study: str) -> float:
        started = time.monotonic()
        self.end(self.start(self.database(), study))
        return time.monotonic() - started


def bits(database: Path) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(TABLES).fetchall()


def wait_until(condition: Callable[[], bool], child: subprocess.Popen[str], seconds: float = 120) -> None:
    """Until a condition holds or the child ends."""
    limit = time.monotonic() + seconds
    while child.poll() is None and time.monotonic() < limit and not condition():
        time.sleep(0.001)


def kills(attacks: Attacks, n: int) -> None:
    """SIGKILL: half within 100 ms of the file's appearing, the others anywhere, some beyond the first checkpoint."""
    for i in range(n):
        study = "long" if i % 10 == 9 else ("grid", "random", "adaptive", "ofat")[i % 4]
        database = attacks.database()
        child = attacks.start(database, study)
        if i % 2 == 0:
            wait_until(database.exists, child)
            delay = attacks.random.uniform(0, 0.1)
        else:
            delay = attacks.random.uniform(0, attacks.seconds(study))
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(delay)
        child.kill()
        child.communicate()
        attacks.found["kills"] += child.returncode == -signal.SIGKILL
        attacks.finish(database, study)


def fresh(attacks: Attacks, n: int) -> None:
    """Four studies at once on a database that none of them finds."""
    four = ("grid", "random", "adaptive", "ofat")
    for _ in range(n):
        database = attacks.database()
        for child in [attacks.start(database, study) for study in four]:
            attacks.found["failed"] += attacks.end(child)[0] != 0
        attacks.found["rounds"] += 1
        attacks.compare(database, *four)


def pairs(attacks: Attacks, n: int) -> None:
    """Two coordinators on one study, with different folders for temporary files: one runs, the other says who does."""
    for _ in range(n):
        database = attacks.database()
        places = [tempfile.mkdtemp(dir=attacks.folder) for _ in range(2)]
        children = [attacks.start(database, "long", TMPDIR=place) for place in places]
        ends = [attacks.end(child) for child in children]
        attacks.found["rounds"] += 1
        attacks.found["one ran and one was refused"] += sorted(code for code, _ in ends) == [0, 2]
        attacks.compare(database, "long")


def signals(attacks: Attacks, n: int) -> None:
    """SIGHUP to the program, and SIGTERM to the whole group of processes of a `make` that runs it."""
    for i in range(n):
        for number, by_make in ((signal.SIGHUP, False), (signal.SIGTERM, True)):
            database = attacks.database()
            if by_make:
                makefile = attacks.folder / f"soak{i}.mk"
                python = (
                    f"PYTHONPATH='{ROOT}' '{sys.executable}' -m search.cli run long.yaml --db '{database}' --jobs 2"
                )
                makefile.write_text(f"all:\n\t@{python}\n")
                child = subprocess.Popen(
                    ["make", "-f", makefile], cwd=attacks.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    text=True, start_new_session=True,
                )  # fmt: skip
            else:
                child = attacks.start(database, "long")
            wait_until(has_results(database), child)
            time.sleep(attacks.random.uniform(0, 1))
            os.killpg(child.pid, number) if by_make else child.send_signal(number)
            code, said = attacks.end(child)
            name = f"SIG{signal.Signals(number).name.removeprefix('SIG')}{' through make' if by_make else ''}"
            attacks.found[f"{name}: ended with what to do next"] += code != 0 and "run long.yaml" in said
            attacks.found[f"{name}: evaluations kept"] += n_evaluations(database)
            attacks.finish(database, "long")


def has_results(database: Path) -> Callable[[], bool]:
    return lambda: n_evaluations(database) > 0


def n_evaluations(database: Path) -> int:
    try:
        return len(bits(database))
    except sqlite3.Error:  # not there yet, or in the middle of being made
        return 0


def held_lock(attacks: Attacks, n: int) -> None:
    """Another program holds the database for longer than a write waits."""
    for _ in range(n):
        database = attacks.database()
        child = attacks.start(database, "grid")
        wait_until(has_results(database), child)
        with contextlib.closing(sqlite3.connect(database, timeout=30)) as other:
            other.execute("BEGIN IMMEDIATE")
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(HOLDS)
            other.rollback()
        attacks.end(child)
        attacks.found["rounds"] += 1
        attacks.finish(database, "grid")


def deleted_file(attacks: Attacks, n: int) -> None:
    """The database is deleted while a study runs: it must end with an error, and name where the results so far are."""
    for _ in range(n):
        database = attacks.database()
        child = attacks.start(database, "long")
        wait_until(has_results(database), child)
        for file in database.parent.glob(f"{database.name}*"):
            if not file.name.endswith(".lock"):
                file.unlink(missing_ok=True)
        code, said = attacks.end(child)
        kept = [file for file in database.parent.glob(f"{database.stem}*.sqlite") if file != database]
        attacks.found["rounds"] += 1
        attacks.found["noticed, and results kept in a file that is named"] += bool(
            code != 0 and kept and kept[0].name in "".join(said.split()) and n_evaluations(kept[0]) > 0
        )
        attacks.finish(database, "long")


def full_disk(attacks: Attacks, n: int) -> None:
    """The disk is full: a small file system of its own, where this may be made, filled up while a study runs."""
    for _ in range(n):
        place = Path(tempfile.mkdtemp(dir=attacks.folder))
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", place], capture_output=True, check=False
        )
        if mounted.returncode:
            attacks.found["left out: no file system can be mounted here"] += 1
            continue
        try:
            database = place / "runs.sqlite"
            child = attacks.start(database, "long")
            wait_until(has_results(database), child)
            with contextlib.suppress(OSError), (place / "filler").open("wb", buffering=0) as filler:
                while True:
                    filler.write(bytes(65536))
                    filler.flush()
            wait_until(lambda: False, child, seconds=3)
            (place / "filler").unlink()
            code, said = attacks.end(child)
            attacks.found["rounds"] += 1
            attacks.found["went on or said how to"] += code == 0 or "run long.yaml" in said
            attacks.finish(database, "long")
        finally:
            subprocess.run(["umount", "-l", place], check=False)


def many_trials(attacks: Attacks, n: int) -> None:
    """Thousands of trials in one process: processor time a trial, memory and open files of each thousand."""
    (attacks.folder / "many.yaml").write_text(
        f"study: many\nquestion: Does it stay as quick?\ndataset: digits\ndriver: random\ntrials: {n}\n"
        "fixed: {hidden_layers: 0, epochs: 1, evaluations_per_epoch: 2}\n"
        "space: {learning_rate: {low: 0.001, high: 0.1, scale: log}}\n"
    )
    database = attacks.database()
    child = attacks.start(database, "many")
    marks: dict[int, tuple[float, int, int]] = {}
    while child.poll() is None:
        done = n_runs(database) // 1000
        if done not in marks and (usage := usage_of(child.pid)):
            marks[done] = usage
        time.sleep(0.05)
    code, _ = attacks.end(child)
    attacks.found["finished"] += code == 0 and n_runs(database) == n
    for i in sorted(marks)[:-1]:
        seconds = marks[i + 1][0] - marks[i][0]
        attacks.found[f"thousand {i + 1}: µs of processor time a trial"] = round(1000 * seconds)
        attacks.found[f"thousand {i + 1}: MiB of memory at its end"] = marks[i + 1][1]
        attacks.found[f"thousand {i + 1}: open files at its end"] = marks[i + 1][2]


def n_runs(database: Path) -> int:
    """Complete runs in a database, 0 where there is none yet."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT COUNT(*) FROM runs WHERE state = 'complete'").fetchone()[0])
    except sqlite3.Error:
        return 0


def usage_of(process: int) -> tuple[float, int, int] | None:
    """Processor seconds, MiB of memory and open files of a running process; None where it has just ended."""
    try:
        user, system = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        files = len(list(Path(f"/proc/{process}/fd").iterdir()))
    except OSError:
        return None
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") >> 20, files


ATTACKS = {
    "kills": (kills, 200), "fresh": (fresh, 100), "pairs": (pairs, 50), "signals": (signals, 20),
    "held_lock": (held_lock, 20), "deleted_file": (deleted_file, 20), "full_disk": (full_disk, 20),
    "many_trials": (many_trials, 5000),
}  # fmt: skip


def attack(name: str, n: int, folder: Path, seed: int = 0) -> Counter[str]:
    """What was found in `n` rounds of one attack."""
    attacks = Attacks(folder, seed)
    ATTACKS[name][0](attacks, n)
    return attacks.found


def main() -> None:
    """All attacks with their usual numbers of rounds, or those that are named as NAME=ROUNDS."""
    asked = dict(word.split("=") for word in sys.argv[1:])
    failed = False
    for name, (_, usual) in ATTACKS.items():
        n = int(asked.get(name, 0 if asked else usual))
        if not n:
            continue
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            found = attack(name, n, Path(folder))
        failed |= any(
            found[bad] for bad in ("tracebacks", "studies with OTHER bits", "commands that failed afterwards")
        )
        print(f"{name}: {n} rounds in {time.monotonic() - started:.0f} s", flush=True)
        for what, count in sorted(found.items()):
            print(f"  {count:5d}  {what}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
