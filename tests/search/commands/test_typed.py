"""The command to go on is the one that was typed, and a shell takes it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from search.commands.typed import MAKE, typed_command
from tests.search.helpers import query

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def digitsweep(*arguments, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-m", "search.cli", *map(str, arguments)],
        cwd=cwd, env={**ENVIRONMENT, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def spec(tmp_path):
    file = tmp_path / "my study.yaml"
    file.write_text(
        "study: typed\nquestion: Is it given back?\ndriver: grid\ndataset: digits\n"
        "fixed: {epochs: 1, evaluations_per_epoch: 2}\nspace: {learning_rate: [0.01, 0.1]}\n"
    )
    return file


def test_what_was_typed_is_given_back_stored_and_taken_by_a_shell(tmp_path, spec):
    (tmp_path / "my data").mkdir()
    typed = ["run", spec.name, "--db", "my runs.sqlite", "--jobs", "1", "--data", "my data", "--time", "0.001s"]
    stopped = digitsweep(*typed, cwd=tmp_path)
    assert stopped.returncode == 0, stopped.stderr
    line = stopped.stdout.split("Go on with:\n")[1].splitlines()[0].strip()
    assert shlex.split(line) == [sys.executable, "-m", "search.cli", *typed]
    assert query(tmp_path / "my runs.sqlite", "SELECT command FROM sweep_studies") == [(line,)]
    again = subprocess.run(line, shell=True, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr


@pytest.mark.slow
def test_a_confirmation_names_its_data_and_jobs_too(tmp_path, spec):
    assert digitsweep("run", spec, cwd=tmp_path).returncode == 0
    typed = ["confirm", "typed", "--dataset", "digits", "--jobs", "1", "--time", "0.001s"]
    stopped = digitsweep(*typed, cwd=tmp_path)
    line = shlex.join([sys.executable, "-m", "search.cli", *typed])
    assert f"Go on with:\n  {line}\n" in stopped.stdout
    stored = "SELECT command FROM sweep_studies WHERE name = 'typed-confirm@digits'"
    assert query(tmp_path / "runs.sqlite", stored) == [(line,)]


def test_where_make_called_its_own_command_is_given_back(tmp_path, spec):
    made = "make 'study' SPEC='my study.yaml' DB='runs.sqlite' TIME='0.001s'"
    stopped = digitsweep("run", spec, "--time", "0.001s", cwd=tmp_path, **{MAKE: made})
    assert "  make study 'SPEC=my study.yaml' DB=runs.sqlite TIME=0.001s\n" in stopped.stdout


@pytest.mark.parametrize("path", ["bin/digitsweep", "./bin/digitsweep"])
def test_a_program_that_the_shell_does_not_find_is_named_by_its_path(monkeypatch, path):
    monkeypatch.delenv(MAKE, raising=False)
    monkeypatch.setattr(sys, "argv", [path, "run", "x's.yaml"])
    assert shlex.split(typed_command()) == [path, "run", "x's.yaml"]


def test_a_program_that_the_shell_finds_is_named_by_its_name(monkeypatch, tmp_path):
    program = tmp_path / "digitsweep"
    program.touch(mode=0o755)
    monkeypatch.delenv(MAKE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(program), "run", "x.yaml"])
    assert typed_command() == "digitsweep run x.yaml"


def test_a_file_that_python_was_given_is_named_with_its_python(monkeypatch):
    monkeypatch.delenv(MAKE, raising=False)
    monkeypatch.setattr(sys, "argv", ["a b/digitsweep.py", "run", "x.yaml"])
    assert shlex.split(typed_command()) == [sys.executable, "a b/digitsweep.py", "run", "x.yaml"]


@pytest.mark.parametrize("made", [None, "make linear-grid DB=old.sqlite"])
def test_another_database_takes_the_place_of_the_one_that_was_typed(monkeypatch, made):
    monkeypatch.setattr(sys, "argv", ["digitsweep", "run", "x.yaml", "--db", "old.sqlite"])
    monkeypatch.delenv(MAKE, raising=False)
    if made:
        monkeypatch.setenv(MAKE, made)
    words = shlex.split(typed_command("new one.sqlite"))
    assert words[-1 if made else -2 :] == (["DB=new one.sqlite"] if made else ["--db", "new one.sqlite"])
