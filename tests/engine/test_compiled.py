"""The disk cache of machine code: where it goes, and when it is stale. A package of one small kernel stands in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import engine.compiled

MODULE = """
from {package}.compiled import inlined, is_cached, kernel
from {package}.piece import piece

@kernel
def add(x):
    return x + piece()

if __name__ == "__main__":
    before = is_cached(add)
    print(before, add(1), add.stats.cache_hits[next(iter(add.stats.cache_hits))] if add.stats.cache_hits else 0)
"""


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    shutil.copy(Path(engine.compiled.__file__), folder / "compiled.py")
    (folder / "module.py").write_text(MODULE.format(package="small"))
    write_piece(folder, 1)
    return folder


def write_piece(folder, value):
    (folder / "piece.py").write_text(
        f"from small.compiled import inlined\n\n@inlined\ndef piece():\n    return {value}\n"
    )


def run(package):
    environment = {**os.environ, "XDG_CACHE_HOME": str(package.parent / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("NUMBA_CACHE_DIR", None)
    result = subprocess.run(
        [sys.executable, "-m", "small.module"],
        cwd=package.parent, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return result.stdout.split()


def test_second_process_takes_the_first_ones_machine_code(package):
    assert run(package) == ["False", "2", "0"]
    assert run(package) == ["True", "2", "1"]


def test_machine_code_is_stale_when_a_piece_of_it_changes(package):
    run(package)
    write_piece(package, 41)
    assert run(package) == ["False", "42", "0"]


def test_package_that_cannot_be_written_caches_in_the_users_folder(package):
    # A file where the folder would be: nobody can write into it, not even root.
    (package / "__pycache__").write_text("")
    assert run(package) == ["False", "2", "0"]
    assert run(package) == ["True", "2", "1"]
    assert list((package.parent / "cache").rglob("*.nbi"))


def test_nowhere_to_write_means_compiling_in_every_process(package):
    (package / "__pycache__").write_text("")
    (package.parent / "cache").write_text("")
    assert run(package) == ["False", "2", "0"]
    assert run(package) == ["False", "2", "0"]
