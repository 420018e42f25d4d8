"""What a process is born into: notebooks' variables, full disks, folders that are gone, a compiler that is off.

One tiny database for all; each command is a process of its own, as a user's is.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from search.execution.coordinator import run_study
from tests.conftest import make_dataset
from tests.search.helpers import make_spec

ROOT = Path(__file__).parents[2]
full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    folder = tmp_path_factory.mktemp("surroundings")
    spec = make_spec(study="small", space={"learning_rate": [0.01, 0.1]})
    run_study(spec, make_dataset(), database=str(folder / "runs.sqlite"), n_jobs=1)
    return folder


def digitsweep(line, cwd, **variables):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    shell = line.replace("digitsweep", f"{sys.executable} -m search.cli", 1)
    return subprocess.run(["bash", "-c", shell], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def one_line(result, code):
    assert result.returncode == code, result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert "should not have happened" not in result.stderr
    return result.stderr


@pytest.mark.parametrize(
    ("command", "backend"),
    [
        ("figures", "module://matplotlib_inline.backend_inline"),
        pytest.param("report", "nonsense", marks=pytest.mark.slow),
    ],
)
def test_a_notebooks_backend_does_not_matter(studied, tmp_path, command, backend):
    result = digitsweep(f"digitsweep {command} --db {studied}/runs.sqlite --out .", tmp_path, MPLBACKEND=backend)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("command", ["run small.yaml", "run small.yaml --dry-run"])
def test_a_compiler_that_is_off_is_one_message_and_nothing_is_made(tmp_path, command):
    (tmp_path / "small.yaml").write_text(
        "study: small\nquestion: Does it?\ndriver: grid\ndataset: digits\nspace: {learning_rate: [0.01]}\n"
    )
    result = digitsweep(f"digitsweep {command}", tmp_path, NUMBA_DISABLE_JIT="1")
    assert "unset NUMBA_DISABLE_JIT" in one_line(result, 2)
    assert [file.name for file in tmp_path.iterdir()] == ["small.yaml"]


@pytest.mark.parametrize("command", ["select small@tiny", pytest.param("report", marks=pytest.mark.slow)])
def test_what_trains_nothing_needs_no_compiler(studied, tmp_path, command):
    result = digitsweep(f"digitsweep {command} --db {studied}/runs.sqlite", tmp_path, NUMBA_DISABLE_JIT="1")
    assert (result.returncode, result.stderr) == (0, "")


@full_device
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_on_a_full_device_is_one_message(studied, unbuffered):
    result = digitsweep("digitsweep status >/dev/full", studied, PYTHONUNBUFFERED=unbuffered)
    assert "does not fit any more: No space left on device" in one_line(result, 1)


@full_device
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_message_on_a_full_device_is_its_exit_code_alone(tmp_path, unbuffered):
    result = digitsweep("digitsweep bogus 2>/dev/full", tmp_path, PYTHONUNBUFFERED=unbuffered)
    assert result.returncode == 2


def test_a_folder_that_is_gone_is_one_message(studied, tmp_path):
    gone = "mkdir gone; cd gone; rmdir ../gone;"
    assert "is not a path that can be used" in one_line(digitsweep(f"{gone} digitsweep status", tmp_path), 2)
    for command in ("report", "figures", "export", "train-best small@tiny"):
        result = digitsweep(f"{gone} digitsweep {command} --db {studied}/runs.sqlite", tmp_path)
        assert "--out" in one_line(result, 2)
    result = digitsweep(f"{gone} digitsweep status --db {studied}/runs.sqlite", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("columns", ["0", "20"])
def test_any_width_and_a_plain_terminal_will_do(studied, columns):
    result = digitsweep(
        "digitsweep status", studied, COLUMNS=columns, TERM="dumb", LC_ALL="C", PYTHONIOENCODING="ascii"
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "small@tiny" in result.stdout


@pytest.mark.slow
def test_no_home_and_no_cache_will_do(studied, tmp_path):
    (tmp_path / "file").write_text("")
    nowhere = {"HOME": str(tmp_path / "file"), "XDG_CACHE_HOME": str(tmp_path / "file"), "DIGITSWEEP_CACHE": ""}
    result = digitsweep(f"digitsweep export --db {studied}/runs.sqlite", tmp_path, **nowhere)
    assert (result.returncode, result.stderr) == (0, "")
    result = digitsweep(f"digitsweep report --db {studied}/runs.sqlite", tmp_path, **nowhere)
    assert (result.returncode, result.stdout) == (0, "report/report.html\n")
