"""Commands that a person can type: for every kind of data, database and name."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from analysis.commands import COMMANDS, STUDIES, Commands

ROOT = Path(__file__).parents[2]


def test_commands_name_what_differs_from_the_usual():
    assert Commands().make("mlp-random") == "make mlp-random N=50"
    assert Commands("digits").make("mlp-random") == "make mlp-random N=50 DATASET=digits"
    assert Commands(database="x y.sqlite").make("ofat-depth") == "make ofat DB='x y.sqlite'"
    assert Commands().make("other") == "make study SPEC=experiments/other.yaml"
    assert Commands().make("linear-grid", replicates=5) == "make linear-grid REPLICATES=5"


def test_a_confirmation_names_its_source_as_the_database_does():
    expected = "make confirm STUDY=mlp-random@digits TOP=4 REPLICATES=8 DATASET=digits"
    assert Commands("digits").make("mlp-random-confirm") == expected
    here = Commands(names={"mlp-random": "mlp-random#7"}, database="b.sqlite")
    assert here.make("mlp-random-confirm") == "make confirm STUDY='mlp-random#7' TOP=4 REPLICATES=8 DB=b.sqlite"
    assert here.select("mlp-random") == "make select STUDY='mlp-random#7' DB=b.sqlite"


def test_a_users_own_file_is_named_by_its_path():
    own = Commands("file:base.npz", "data/base.npz")
    assert own.make("linear-grid") == "make linear-grid DATASET=data/base.npz"
    assert Commands("file:wine.csv", {"path": "wine.csv"}).make("ofat-depth") == "make ofat DATASET=wine.csv"


def test_data_that_need_keys_are_given_to_digitsweep():
    source = {"path": "my wine.csv", "label": "class", "ignore": ["id", "no"], "header": False, "scale": 16}
    assert Commands("file:my-wine.csv", source, "b.sqlite").make("ofat-depth", replicates=2) == (
        "digitsweep run experiments/ofat_depth.yaml --dataset 'my wine.csv' --label class --ignore id --ignore no "
        "--no-header --scale 16 --replicates 2 --db b.sqlite"
    )
    # A confirmation takes the keys from the study that it confirms.
    assert Commands("file:w.csv", {**source, "path": "w.csv"}).make("linear-grid-confirm") == (
        "make confirm STUDY=linear-grid@file:w.csv TOP=4 REPLICATES=8 DATASET=w.csv"
    )


def test_every_study_that_needs_keys_has_a_file_and_options_that_exist(tmp_path):
    from typer.main import get_command

    from search.cli import app

    options = {
        name for option in get_command(app).commands["run"].params for name in (*option.opts, *option.secondary_opts)
    }
    source = {"path": "w", "label": "y", "ignore": ["i"], "keep": ["k"], "header": True, "scale": 16}
    for study in COMMANDS:
        words = shlex.split(Commands("file:w", source, "d").make(study, replicates=2))
        assert (ROOT / words[2]).is_file()
        assert {word for word in words if word.startswith("--")} <= options
    assert set(COMMANDS) < set(STUDIES)


def test_what_is_at_hand_goes_on_as_the_database_says():
    here = Commands("digits", stored={"linear-grid": "digitsweep run 'my grid.yaml'"})
    assert here.again("linear-grid") == "digitsweep run 'my grid.yaml'"
    assert here.again("mlp-random") == here.make("mlp-random")


@pytest.mark.parametrize("path", ["a b.npz", "it's.npz", "$HOME.npz", "a#b.npz", "a$(x).npz", "[x]?*.npz", "a\\b.npz"])
def test_make_hands_the_path_on_as_it_is(tmp_path, path):
    """GNU make itself, and the way in which the Makefile quotes."""
    (tmp_path / "Makefile").write_text(
        "quote = '$(subst ','\\'',$(1))'\nofat:\n\t@printf %s $(call quote,$(DATASET))\n"
    )
    command = Commands(f"file:{path}", path).make("ofat-depth")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    shown = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout == path
