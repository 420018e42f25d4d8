"""What becomes of an exception that ends a command: a line, an exit code, and a file where nobody expected it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from search.cli import app
from search.failures import KEPT, exit_code

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")

    def run(*arguments):
        code = exit_code(lambda: app(list(arguments), standalone_mode=False))
        return code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("bogus", "No such command 'bogus'"),
        ("--bogus", "No such option: --bogus"),
        ("run", "Missing argument 'spec'"),
        ("run s.yaml extra", "Got unexpected extra argument"),
        ("run s.yaml --job 3", "No such option: --job"),
        ("run s.yaml --jobs 0", "'--jobs': a whole number from 1 to 1,024 was expected, but got '0'"),
        ("run s.yaml --jobs -1", "but got '-1'"),
        ("run s.yaml --jobs 1000000000", "but got '1000000000'"),
        ("run s.yaml --jobs 2.5", "but got '2.5'"),
        (f"run s.yaml --jobs {'9' * 9000}", "but got '9999"),
        ("run s.yaml --seed -1", "'--seed': a whole number from 0 to 2,147,483,647"),
        ("run s.yaml --seed 1e30", "but got '1e30'"),
        ("run s.yaml --replicates -3", "'--replicates': a whole number from 1 to 10,000"),
        ("run s.yaml --trials nan", "'--trials': a whole number from 1 to 100,000"),
        ("run s.yaml --time 5x", "'--time': a duration like 90s, 10m or 1h30m was expected, but got '5x'"),
        ("run s.yaml --time inf", "a duration like"),
        ("run s.yaml --time -1m", "a duration like"),
        ("run s.yaml --time 0", "above 0"),
        ("run s.yaml --time ²s", "a duration like"),
        (f"run s.yaml --time {'9' * 400}h", "of at most 1,000 days"),
        ("run s.yaml --db=", "'--db': a name was expected, but got nothing"),
        ("run s.yaml --dataset=", "'--dataset': a name was expected"),
        ("run a\x1b[31m.yaml", r"readable text was expected, but got 'a\x1b[31m.yaml'"),
        ("run a\udcff.yaml", r"readable text was expected, but got 'a\udcff.yaml'"),
        ("select a\0b", "readable text"),
        (f"run {'a' * 5000}", "at most 4,096 characters were expected, but got 5,000"),
        (f"run {'a' * 3000}", "cannot be read: File name too long"),
        ("run nowhere.yaml", "no study file at nowhere.yaml"),
        ("select x --top 0", "'--top': a whole number from 1"),
        ("select x", "no database at runs.sqlite"),
        ("confirm x --top 2 --replicates 0", "'--replicates': a whole number from 1"),
        ("confirm x", "no database at runs.sqlite"),
        ("reproduce 99999999999999999999", "'RUN_ID': a whole number from 1"),
        ("dashboard --port 80999", "'--port': a whole number from 1 to 65,535 was expected, but got '80999'"),
        ("figures --out file", "'--out': a folder was expected, but file is a file"),
        ("figures --out=", "'--out': a name was expected, but got nothing"),
        ("run s.yaml --data=", "'--data': a name was expected, but got nothing"),
        ("report --out file/below", "is a file"),
        ("export --out new", "no database at runs.sqlite"),
        ("train-best x -o nowhere/m.npz", "there is no folder nowhere"),
        ("train-best x -o .", "a file was expected, but . is a folder"),
        ("train-best x --replicate -1", "'--replicate': a whole number from 0"),
        ("status --db [/red].sqlite", "no database at [/red].sqlite"),
        ("data [/red]", "'[/red]'"),
        ("predict none.npz", "Missing argument 'images'"),
        (f"predict {'x' * 300} a.png", "cannot be read: File name too long"),
    ],
)  # fmt: skip
def test_a_bad_command_line_is_one_line_and_exit_code_2_and_makes_nothing(run, arguments, says):
    code, error = run(*arguments.split(" "))
    assert code == 2
    assert says in error
    assert error.count("\n") == 1
    assert len(error) < 600
    assert [path.name for path in Path.cwd().iterdir()] == ["file"]


def test_what_should_not_happen_is_a_line_and_a_file_with_the_whole_of_it(run, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITSWEEP_CACHE", str(tmp_path / "cache"))

    def fail():
        raise KeyError("deep\ninside" + "x" * 1000)

    assert exit_code(fail) == 1
    error = capsys.readouterr().err
    assert error.startswith("digitsweep: this should not have happened: KeyError: 'deep")
    assert error.count("\n") == 1
    assert len(error) < 600
    (file,) = (tmp_path / "cache" / "errors").iterdir()
    assert error.rstrip().endswith(str(file))
    assert "in fail" in file.read_text()
    assert str(sys.argv) in file.read_text()


def test_only_the_newest_error_files_are_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DIGITSWEEP_CACHE", str(tmp_path))
    folder = tmp_path / "errors"
    folder.mkdir()
    for i in range(KEPT + 5):
        (folder / f"digitsweep-error-2000-01-{i:02}.txt").write_text("")
    assert exit_code(lambda: 1 / 0) == 1
    left = sorted(file.name for file in folder.iterdir())
    assert len(left) == KEPT
    assert left[0] == "digitsweep-error-2000-01-06.txt"
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_without_a_cache_the_error_file_is_in_the_temporary_folder(tmp_path, monkeypatch, capsys):
    (tmp_path / "cache").write_text("in the way")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("DIGITSWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    assert exit_code(lambda: 1 / 0) == 1
    (file,) = (tmp_path / "tmp").iterdir()
    assert str(file) in capsys.readouterr().err


def test_an_interrupt_is_exit_code_130(capsys):
    def interrupted():
        raise KeyboardInterrupt

    assert exit_code(interrupted) == 130
    assert capsys.readouterr().err == "digitsweep: interrupted\n"


def digitsweep(command, cwd, **environment):
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    line = command.replace("digitsweep", f"{sys.executable} -m search.cli")
    return subprocess.run(["bash", "-c", line], cwd=cwd, env=variables, capture_output=True, text=True, check=False)


def test_a_reader_that_has_gone_is_no_error(tmp_path):
    result = digitsweep("digitsweep run --help | true; echo ${PIPESTATUS[0]}", tmp_path)
    assert result.stderr == ""
    assert result.stdout.strip() in ("0", "1")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_are_no_error(tmp_path, closed):
    result = digitsweep(f"digitsweep data mnist {closed}; echo code $? >> out; cat out", tmp_path)
    assert result.stdout.strip().splitlines()[-1] == "code 0"
    assert "Traceback" not in result.stderr


def test_a_terminal_without_the_characters_gets_codes(tmp_path):
    result = digitsweep("digitsweep status --db ü.sqlite", tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == 2
    assert r"no database at \xfc.sqlite" in result.stderr
