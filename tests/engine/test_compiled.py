"""The disk cache of machine code: where it goes, and when it is stale. A package of one small kernel stands in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import engine.compiled
import engine.errors
import engine.sources

FILES = {
    "kernels/__init__.py": "",
    "kernels/module.py": """
from small.compiled import is_cached, kernel
from small.kernels import piece

value = piece.value

@kernel
def add(x):
    return x + value()

if __name__ == "__main__":
    before = is_cached(add)
    print(before, add(1), sum(add.stats.cache_hits.values()))
""",
    "kernels/piece.py": """
from typing import TYPE_CHECKING

from small.compiled import inlined
from small.deep.below import VALUE

if TYPE_CHECKING:
    from small.unrelated import Type

@inlined
def value():
    return VALUE + 0
""",
    "deep/__init__.py": "",
    "deep/below.py": "VALUE = 1\n",
    "unrelated.py": "Type = int\n",
}


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "small"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for module in (engine.compiled, engine.errors, engine.sources):
        text = Path(module.__file__).read_text()
        (folder / Path(module.__file__).name).write_text(text.replace("from engine.", "from small."))
    return folder


def change(package, name, before, after):
    text = (package / name).read_text()
    assert before in text
    (package / name).write_text(text.replace(before, after))


def run(package):
    environment = {**os.environ, "XDG_CACHE_HOME": str(package.parent / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("NUMBA_CACHE_DIR", None)
    result = subprocess.run(
        [sys.executable, "-m", "small.kernels.module"],
        cwd=package.parent, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return result.stdout.split()


def test_second_process_takes_the_first_ones_machine_code(package):
    assert run(package) == ["False", "2", "0"]
    assert run(package) == ["True", "2", "1"]


def test_machine_code_is_stale_when_a_piece_of_it_changes(package):
    run(package)
    change(package, "kernels/piece.py", "VALUE + 0", "VALUE + 40")
    assert run(package) == ["False", "42", "0"]


def test_machine_code_is_stale_when_something_changes_that_a_piece_imports(package):
    run(package)
    change(package, "deep/below.py", "1", "41")
    assert run(package) == ["False", "42", "0"]


def test_machine_code_is_not_stale_when_another_module_of_the_package_changes(package):
    run(package)
    change(package, "unrelated.py", "int", "float")
    (package / "new.py").write_text("")
    assert run(package) == ["True", "2", "1"]


@pytest.mark.slow
def test_machine_code_of_sources_that_come_back_is_there(package):
    run(package)
    change(package, "deep/below.py", "1", "41")
    run(package)
    change(package, "deep/below.py", "41", "1")
    assert run(package) == ["True", "2", "1"]


@pytest.mark.slow
def test_package_that_cannot_be_written_caches_in_the_users_folder(package):
    # A file where the folder would be: nobody can write into it, not even root.
    (package / "kernels" / "__pycache__").write_text("")
    assert run(package) == ["False", "2", "0"]
    assert run(package) == ["True", "2", "1"]
    assert list((package.parent / "cache").rglob("*.nbi"))


@pytest.mark.slow
def test_nowhere_to_write_means_compiling_in_every_process(package):
    (package / "kernels" / "__pycache__").write_text("")
    (package.parent / "cache").write_text("")
    assert run(package) == ["False", "2", "0"]
    assert run(package) == ["False", "2", "0"]
