"""Commands that a person can type: for a study at hand, in any database, under any name."""

import shlex
import subprocess

import pytest

from analysis.commands import Commands


def test_a_study_goes_on_as_the_database_says():
    assert Commands("own", "digitsweep run 'my grid.yaml'").again == "digitsweep run 'my grid.yaml'"


def test_what_was_typed_decides_the_form_of_every_command():
    by_make = Commands("linear#7", "make linear SEED=7", "b.sqlite")
    assert by_make.replicates(5) == "make linear SEED=7 REPLICATES=5"
    assert by_make.confirm() == "make confirm STUDY='linear#7' TOP=4 REPLICATES=8 DB=b.sqlite"
    assert by_make.select() == "make select STUDY='linear#7' DB=b.sqlite"
    typed = Commands("own@file:w.csv", "digitsweep run own.yaml", "b.sqlite")
    assert typed.replicates(5) == "digitsweep run own.yaml --replicates 5"
    assert typed.confirm(1, 2) == "digitsweep confirm own@file:w.csv --db b.sqlite --top 1 --replicates 2"
    assert typed.select() == "digitsweep select own@file:w.csv --db b.sqlite"


def test_the_usual_database_is_not_named():
    assert Commands("own", "make study SPEC=own.yaml").select() == "make select STUDY=own"
    assert Commands("own", "digitsweep run own.yaml").select() == "digitsweep select own"


def test_options_exist():
    from typer.main import get_command

    from search.cli import app

    commands = get_command(app).commands
    typed = Commands("own", "digitsweep run own.yaml", "b.sqlite")
    for command in (typed.replicates(5), typed.confirm(), typed.select()):
        _, name, *words = shlex.split(command)
        options = {name for option in commands[name].params for name in option.opts}
        assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("path", ["a b.sqlite", "it's.sqlite", "$HOME.sqlite", "a#b.sqlite", "a$(x).sqlite", "[x]?*"])
def test_make_hands_the_path_on_as_it_is(tmp_path, path):
    """GNU make itself, and the way in which the Makefile quotes."""
    (tmp_path / "Makefile").write_text("quote = '$(subst ','\\'',$(1))'\nselect:\n\t@printf %s $(call quote,$(DB))\n")
    command = Commands("own", "make study", path).select()
    shown = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    assert shown.stdout == path
