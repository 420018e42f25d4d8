"""The database while a study runs: locked, full, deleted, replaced. Real files and processes, and nothing is lost."""

import os
import resource
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager

import pytest

from search import run_study
from search.execution import saving
from search.execution.progress import SilentDisplay
from tests.search.execution.test_interrupts import ROOT, SHORT, finish, has_evaluations, start, study, wait_until
from tests.search.helpers import all_evaluations, make_spec, query

# Its patience is short; then it is the command line as it is.
HASTY = (
    "import search.execution.saving as saving; saving.PATIENCE_SECONDS = 1.0; "
    "import search.cli; search.cli.main()"
)  # fmt: skip
FIXED = {"hidden_layers": 1, "hidden_size": 4, "epochs": 2, "evaluations_per_epoch": 3}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What the study of `SHORT` comes to when nothing disturbs it."""
    folder = tmp_path_factory.mktemp("whole")
    finish(start(folder, study(folder, SHORT)))
    return all_evaluations(folder / "runs.sqlite")


@contextmanager
def held(database):
    """Another program is writing."""
    with closing(sqlite3.connect(database, timeout=60, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other
        if other.in_transaction:
            other.execute("ROLLBACK")


def start_hasty(folder, spec):
    return subprocess.Popen(
        [sys.executable, "-c", HASTY, "run", spec, "--jobs", "2"], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
    )  # fmt: skip


def end(child):
    out, errors = child.communicate(timeout=120)
    assert "Traceback" not in out + errors
    return out + errors


class HeldWhile(SilentDisplay):
    """From a number of evaluations on, another program holds the database: until a first line says so, or for good."""

    def __init__(self, database, at, seconds):
        super().__init__()
        self._database, self._at, self._seconds, self.other = database, at, seconds, None

    def update(self, counts):
        if self.other is None and counts.evaluations_done >= self._at:
            self.other = sqlite3.connect(self._database, timeout=60, isolation_level=None, check_same_thread=False)
            self.other.execute("BEGIN IMMEDIATE")

    def say(self, message):
        super().say(message)
        if self._seconds is not None and "another program is writing it" in message:
            threading.Timer(self._seconds, self.other.rollback).start()


@pytest.mark.parametrize("at", [0, pytest.param(4, marks=pytest.mark.slow)])
def test_a_lock_that_another_program_holds_is_waited_for_with_one_line(tmp_path, tiny, at):
    undisturbed, database = str(tmp_path / "undisturbed.sqlite"), str(tmp_path / "runs.sqlite")
    spec = make_spec(fixed=FIXED)
    run_study(spec, tiny, database=undisturbed, n_jobs=2)
    display = HeldWhile(database, at, seconds=1.5)
    result = run_study(spec, tiny, database=database, n_jobs=2, display=display)
    display.other.close()
    assert (result.n_trained, result.not_saved, result.recovered) == (6, None, None)
    assert all_evaluations(database) == all_evaluations(undisturbed)
    said = [line.split(": ", 1)[1] for line in display.messages if "sav" in line]
    assert len(said) == 2
    assert said[0].startswith(f"{database} cannot be written: another program is writing it. What is trained is kept")
    assert said[1] == "saved again; nothing is lost."


def test_patience_ends_with_what_could_not_be_saved_and_the_same_bits_follow(tmp_path, tiny, monkeypatch):
    undisturbed, database = str(tmp_path / "undisturbed.sqlite"), str(tmp_path / "runs.sqlite")
    spec = make_spec(fixed=FIXED)
    run_study(spec, tiny, database=undisturbed, n_jobs=1)
    monkeypatch.setattr(saving, "PATIENCE_SECONDS", 0.5)
    display = HeldWhile(database, 4, seconds=None)
    result = run_study(spec, tiny, database=database, n_jobs=1, display=display)
    display.other.close()
    assert "another program is writing it" in result.not_saved
    assert "of 1 run could not be saved" in result.not_saved
    assert result.n_complete < 6
    assert run_study(spec, tiny, database=database, n_jobs=1).n_complete == 6
    assert all_evaluations(database) == all_evaluations(undisturbed)


@pytest.mark.slow
def test_the_command_ends_with_1_or_when_interrupted_with_130_and_says_how_to_go_on(tmp_path, whole):
    spec, database = study(tmp_path, SHORT), tmp_path / "runs.sqlite"
    child = start_hasty(tmp_path, spec)
    wait_until(child, has_evaluations(database, 30))
    with held(database):
        said = end(child)
    assert child.returncode == 1
    assert "could not be saved, and will be trained again" in said
    assert "Go on with:" in said
    ((n,),) = query(database, "SELECT COUNT(*) FROM evaluations")
    child = start(tmp_path, spec)
    wait_until(child, has_evaluations(database, n + 30))
    with held(database):
        time.sleep(2)  # into the failing
        child.send_signal(signal.SIGINT)
        said = end(child)
    assert child.returncode == 130
    assert "interrupted" in said
    assert "could not be saved" in said
    finish(start(tmp_path, spec))
    assert all_evaluations(database) == whole


def delete(database):
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink(missing_ok=True)


def replace(database):
    other = database.with_name("other.sqlite")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE mine (x)")
        connection.commit()
    other.replace(database)


def delete_log(database):
    database.with_name(f"{database.name}-wal").unlink()


@pytest.mark.parametrize(
    "disturb", [delete, pytest.param(replace, marks=pytest.mark.slow), pytest.param(delete_log, marks=pytest.mark.slow)]
)
def test_a_database_that_is_gone_leaves_its_results_in_a_file_that_is_named(tmp_path, whole, disturb):
    spec, database = study(tmp_path, SHORT), tmp_path / "runs.sqlite"
    child = start(tmp_path, spec)
    wait_until(child, has_evaluations(database, 300))
    disturb(database)
    said = end(child)
    assert child.returncode == 1
    (kept,) = tmp_path.glob("runs-recovered-????????-??????.sqlite")
    assert has_evaluations(kept, 300)()
    assert "running" not in {state for (state,) in query(kept, "SELECT state FROM runs")}
    command = said.split("Go on with:\n")[1].strip().splitlines()[0].strip()
    words = shlex.split(command)
    assert words[-2:] == ["--db", str(kept)]
    again = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert all_evaluations(kept) == whole
    assert query(kept, "SELECT COUNT(*), COUNT(DISTINCT state) FROM trials") == [(3, 1)], "Optuna's tables went along"
    if disturb is replace:
        with closing(sqlite3.connect(database)) as connection:
            assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]


@pytest.mark.slow
def test_a_folder_that_is_gone_leaves_its_results_where_one_stands(tmp_path):
    spec, folder = study(tmp_path, SHORT), tmp_path / "folder"
    folder.mkdir()
    child = start(tmp_path, spec, "--db", str(folder / "runs.sqlite"))
    wait_until(child, has_evaluations(folder / "runs.sqlite", 100))
    shutil.rmtree(folder)
    said = end(child)
    assert child.returncode == 1
    (kept,) = tmp_path.glob("runs-recovered-*.sqlite")
    assert str(kept) in said
    assert has_evaluations(kept, 100)()


# Root may write whatever the rights are, unless it does without that.
RIGHTS = "-dac_override,-dac_read_search"
BOUND = ["setpriv", f"--bounding-set={RIGHTS}", f"--inh-caps={RIGHTS}"] if os.geteuid() == 0 else []


def is_bound():
    """Whether rights bind whoever is started under `BOUND`."""
    if BOUND and shutil.which("setpriv") is None:
        return False
    return subprocess.run([*BOUND, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not is_bound(), reason="root is not bound by rights, and setpriv is not there to bind it")
def test_rights_that_are_taken_away_and_a_deleted_lock_end_nothing_that_is_open(tmp_path, whole):
    spec, database = study(tmp_path, SHORT), tmp_path / "runs.sqlite"
    child = start(tmp_path, spec, under=BOUND)
    wait_until(child, has_evaluations(database, 30))
    for lock in tmp_path.glob("*.lock"):
        lock.unlink()
    database.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        said = end(child)
    finally:
        tmp_path.chmod(0o755)
    assert child.returncode == 1
    assert "All results are saved, but no choice could be frozen" in said
    assert "cannot be written" in said
    assert all_evaluations(database) == whole


@pytest.mark.slow
def test_files_that_may_not_grow_are_waited_for(tmp_path, whole):
    """As on a full disk: what is appended beyond a limit is an error of the operating system."""
    spec, database = study(tmp_path, SHORT), tmp_path / "runs.sqlite"
    child = start(tmp_path, spec)
    wait_until(child, has_evaluations(database, 30))
    log = database.with_name(f"{database.name}-wal")
    before = resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, resource.RLIM_INFINITY))
    time.sleep(3)
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, before)
    said = end(child)
    assert child.returncode == 0, said
    assert said.count("cannot be written: the disk") == 1
    assert said.count("saved again; nothing is lost") == 1
    assert all_evaluations(database) == whole


def test_a_full_disk_is_waited_for(tmp_path, whole):
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", place]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        spec, database = study(place, SHORT), place / "runs.sqlite"
        child = start(place, spec)
        wait_until(child, has_evaluations(database, 30))
        filler = place / "filler"
        with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        time.sleep(3)
        filler.unlink()
        said = end(child)
        assert child.returncode == 0, said
        assert said.count("cannot be written: the disk is full") == 1
        assert all_evaluations(database) == whole
    finally:
        subprocess.run(["umount", "-l", place], check=True)
