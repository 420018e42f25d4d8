"""The lock of a study: beside the database, one for every spelling, gone when done, free when its owner is."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from search import run_study
from search.store.location import DatabaseUnusableError
from search.store.lock import StudyBusyError, file_lock, study_lock
from tests.search.helpers import make_spec

ROOT = Path(__file__).parents[3]
HOLDER = """
import sys
from search.store.lock import study_lock
with study_lock(sys.argv[1], "study"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(database):
    """Another process that holds the lock of `study`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_lock_lies_beside_the_database_and_is_removed_when_done(tmp_path, database):
    with study_lock(database, "linear-grid@digits#7"):
        assert [file.name for file in tmp_path.iterdir()] == ["runs.sqlite.linear-grid@digits#7.lock"]
    assert not list(tmp_path.iterdir())


def test_a_busy_study_names_who_runs_it(database, tiny):
    with (
        study_lock(database, "tiny-grid@tiny"),
        pytest.raises(StudyBusyError, match=rf"process {os.getpid()} on {socket.gethostname()} since 2"),
    ):
        run_study(make_spec(), tiny, database=database, n_jobs=1)
    assert run_study(make_spec(), tiny, database=database, n_jobs=1).n_trained == 6


def test_every_spelling_of_a_path_is_one_lock(tmp_path, database, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "folder").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path)
    (tmp_path / "link.sqlite").symlink_to(database)
    spellings = ["runs.sqlite", "./folder/../runs.sqlite", "~/runs.sqlite", "linked/runs.sqlite", "link.sqlite",
                 "sqlite:///runs.sqlite", f"sqlite:///{database}"]  # fmt: skip
    with study_lock(database, "study"):
        for spelling in spellings:
            with pytest.raises(StudyBusyError), study_lock(spelling, "study"):
                pass
        with study_lock(database, "another study"), study_lock(str(tmp_path / "other.sqlite"), "study"):
            pass


def test_folders_for_temporary_files_do_not_matter(tmp_path, database, holder, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    with pytest.raises(StudyBusyError, match=f"process {holder.pid} "), study_lock(database, "study"):
        pass


def test_a_killed_owner_is_succeeded(tmp_path, database, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "runs.sqlite.study.lock").exists()
    with study_lock(database, "study"):
        pass
    assert not (tmp_path / "runs.sqlite.study.lock").exists()


def test_no_link_is_followed(tmp_path, database):
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    (tmp_path / "runs.sqlite.study.lock").symlink_to(precious)
    with pytest.raises(DatabaseUnusableError, match="symbolic link"), study_lock(database, "study"):
        pass
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_something_else_in_its_place_is_one_message(tmp_path, database, make):
    make(tmp_path / "runs.sqlite.study.lock")
    with pytest.raises(DatabaseUnusableError, match=r"study\.lock"), study_lock(database, "study"):
        pass


def test_names_of_any_length_and_letters_have_locks_of_their_own(tmp_path, database):
    names = ["a/b", "a%2Fb", "ä" * 200, "ä" * 199 + "b", "..", " ", "🙂"]
    with study_lock(database, names[0]):
        for name in names[1:]:
            with study_lock(database, name):
                assert len(list(tmp_path.iterdir())) == 2
    assert not list(tmp_path.iterdir())


def test_one_at_a_time_also_when_the_file_is_removed_and_made_again_and_again(tmp_path):
    path, inside, most = tmp_path / "lock", [0], [0]

    def enter():
        for _ in range(100):
            with file_lock(path, wait=lambda owner: None):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                os.sched_yield()
                inside[0] -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == ([0], [1])
    assert not list(tmp_path.iterdir())
