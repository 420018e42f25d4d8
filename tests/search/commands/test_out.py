"""--out: a place that cannot be written to is one message, and nothing is left there, or what was there before."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from search.execution.coordinator import run_study
from search.failures import exit_code
from tests.search.helpers import make_spec

ROOT = Path(__file__).parents[3]
UNPRIVILEGED = ["setpriv", "--bounding-set=-all"] if os.geteuid() == 0 else []
needs_setpriv = pytest.mark.skipif(bool(UNPRIVILEGED) and not shutil.which("setpriv"), reason="root without setpriv")
FOLDERS = ["export", "report", "figures"]
COMMANDS = [*FOLDERS, "train-best small@tiny"]


@pytest.fixture
def studied(tmp_path, tiny, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = make_spec(study="small", space={"learning_rate": [0.01, 0.1]})
    run_study(spec, tiny, database="runs.sqlite", n_jobs=1)
    return tmp_path


@pytest.fixture
def run(capsys):
    from search.cli import app

    def run(command, *more):
        code = exit_code(lambda: app([*command.split(), *more], standalone_mode=False))
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


@pytest.mark.parametrize("command", FOLDERS)
def test_a_file_in_the_folders_place_is_one_message_and_stays(studied, run, command):
    (studied / "mine").write_text("mine")
    for out in ("mine", "mine/below"):
        code, _, error = run(command, "--out", out)
        assert (code, error.count("\n"), "is a file" in error) == (2, 1, True)
    assert (studied / "mine").read_text() == "mine"


@needs_setpriv
@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_must_not_be_written_is_one_message(studied, command):
    (studied / "closed").mkdir(mode=0o555)
    for out in ("closed", "closed/new"):
        line = [*UNPRIVILEGED, sys.executable, "-m", "search.cli", *command.split(), "--out", f"{out}/x"]
        result = subprocess.run(
            line, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
        )
        assert (result.returncode, len(result.stderr.splitlines())) == (2, 1), result.stderr
    assert list((studied / "closed").iterdir()) == []


@pytest.mark.parametrize("name", ["a b", "[red]x[/red]", "what?", "100%", "ü'\"$HOME", "-x"])
def test_every_character_of_a_name_is_itself(studied, run, name):
    code, out, error = run("export", f"--out={name}")
    assert (code, error) == (0, "")
    assert out.splitlines()[0] == f"{name}/runs.csv"
    assert (studied / name / "runs.csv").exists()


@pytest.mark.parametrize(
    "command", [pytest.param(name, marks=[] if name == "export" else pytest.mark.slow) for name in FOLDERS]
)
def test_a_disk_that_is_full_in_the_middle_leaves_what_was_there(studied, run, command):
    """A limit on the size of files stands for the disk: writing fails in the same place."""
    code, *_ = run(command, "--out", "old")
    assert code == 0
    with closing(sqlite3.connect("runs.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # whose readers write nothing at all
    before = {file: file.read_bytes() for file in (studied / "old").rglob("*") if file.is_file()}
    for out in ("old", "new/folder"):
        result = subprocess.run(
            ["bash", "-c", f"trap '' XFSZ; ulimit -f 4; exec {sys.executable} -m search.cli {command} --out {out}"],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode == 2, result.stderr
        assert f"{out} cannot be written" in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert {file: file.read_bytes() for file in (studied / "old").rglob("*") if file.is_file()} == before
    assert [file.name for file in (studied / "old").iterdir() if file.suffix == ".part"] == []
    assert not (studied / "new").exists()


def test_a_name_that_is_taken_by_a_folder_is_one_message_and_nothing_changes(studied, run):
    (studied / "out" / "report.html").mkdir(parents=True)
    code, _, error = run("report", "--out", "out")
    assert (code, error) == (2, "digitsweep: out cannot be written: report.html is a folder\n")
    assert [file.name for file in (studied / "out").iterdir()] == ["report.html"]
