"""The Makefile: how it calls the command line and keeps its environment; programs that note their words stand in."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTES = '#!/bin/sh\nprintf "%s\\n" "${0##*/}" "$@" >>"{log}"\nprintf "%s\\n" "$DIGITSWEEP_COMMAND" >"{log}.typed"\n'
# A Python that makes environments with a pip in them, unless a file says that it cannot.
PYTHON = """#!/bin/sh
printf '%s\\n' "python $*" >>"{log}"
case "$1 $2" in
  "-m venv") test ! -e "{log}.broken" || exit 1
    rm -rf .venv; mkdir -p .venv/bin; touch .venv/pyvenv.cfg
    cp "$0" .venv/bin/python; cp "{digitsweep}" .venv/bin/digitsweep ;;
esac
"""


@pytest.fixture
def project(tmp_path):
    """A folder with the Makefile and an environment whose programs note how they were called."""
    folder = tmp_path / "a project"
    (folder / "requirements").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    for name in ("requirements/runtime.lock", "requirements/dev.lock", "pyproject.toml"):
        (folder / name).write_text("")
    log, digitsweep, python = folder / "log", folder / "digitsweep", folder / "python"
    digitsweep.write_text(NOTES.replace("{log}", str(log)))
    python.write_text(PYTHON.format(log=log, digitsweep=digitsweep))
    for program in (digitsweep, python):
        program.chmod(0o755)
    return folder


def make(folder, *words, python=None):
    variables = ("MAKE", "DIGITSWEEP", "DB", "JOBS", "SEED", "DATA", "N", "OUT", "PORT", "TIME", "TOP", "STUDY", "SPEC")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(variables)}
    command = ["make", *words, f"PYTHON='{python or folder / 'python'}'"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def called(folder):
    words = (folder / "log").read_text().splitlines()
    return words[words.index("digitsweep") :]


def test_make_hands_every_variable_on_as_one_word(project):
    result = make(
        project, "study", "SPEC=my study.yaml", "DB=it's runs?.sqlite", "DATA=a b", "REPLICATES=3", "DRY_RUN=0"
    )
    assert result.returncode == 0, result.stderr
    words = called(project)
    assert words[:5] == ["digitsweep", "run", "my study.yaml", "--db", "it's runs?.sqlite"]
    assert words[words.index("--data") + 1] == "a b"
    assert words[words.index("--replicates") + 1] == "3"
    assert "--dry-run" not in words


def test_studies_are_shown_checked_renamed_and_deleted(project, monkeypatch):
    monkeypatch.setenv("YES", "1")  # of some other program's
    for words, expected in (
        (["show", "STUDY=a/3"], ["show", "a/3", "--db", "runs.sqlite"]),
        (["validate", "SPEC=my study.yaml", "DATA=d"], ["validate", "my study.yaml", "--data", "d"]),
        (["rename", "STUDY=a", "TO=b", "YES=1"], ["rename", "a", "b", "--db", "runs.sqlite", "--yes"]),
        (["delete", "STUDY=a", "YES=0", "DB=x"], ["delete", "a", "--db", "x"]),
        (["delete", "STUDY=a"], ["delete", "a", "--db", "runs.sqlite"]),
    ):
        (project / "log").unlink(missing_ok=True)
        result = make(project, *words)
        assert (result.returncode, called(project)[1:]) == (0, expected), result.stderr
        missing = make(project, words[0])
        assert (missing.returncode, f"make {words[0]} needs" in missing.stderr) == (2, True)


def test_figures_and_report_together_are_one_call(project):
    for words, expected in (
        (["figures", "report"], [["report", "--figures"]]),
        (["report", "figures"], [["report", "--figures"]]),
        (["figures"], [["figures"]]),
        (["report"], [["report"]]),
    ):
        make(project, *words)
        calls = " ".join(called(project)).split("digitsweep ")[1:]
        assert [[word for word in call.split() if word in {"figures", "report", "--figures"}] for call in calls] == [
            [expected[0][0], "report", *expected[0][1:]]
        ]
        (project / "log").unlink()


def test_a_study_files_own_data_and_seed_stand_unless_others_are_given(project):
    make(project, "linear-grid")
    assert not {"--dataset", "--seed"} & set(called(project))
    (project / "log").unlink()
    make(project, "linear-grid", "DATASET=auto", "SEED=7")
    assert "--dataset auto" in " ".join(called(project))
    assert "--seed 7" in " ".join(called(project))


def test_ofat_runs_every_one_of_its_files(project):
    (project / "experiments").mkdir()
    for name in ("ofat_b.yaml", "ofat_a.yaml", "other.yaml"):
        (project / "experiments" / name).write_text("")
    make(project, "ofat")
    assert [word for word in called(project) if word.endswith(".yaml")] == [
        "experiments/ofat_a.yaml", "experiments/ofat_b.yaml",
    ]  # fmt: skip


def test_every_variable_is_explained_and_part_of_the_command_to_go_on(project):
    text = (ROOT / "Makefile").read_text()
    read = set(re.findall(r"\$\(call (?:option|given),[a-z-]+,([A-Z_]+)\)", text))
    read |= set(re.findall(r"\$\(call (?:quote,\$\((?:or \$\()?|switch,[a-z-]+,)([A-Z_]+)\b", text))
    assert len(read) > 10
    (kept,) = re.findall(r"^VARIABLES := (.*)$", text, re.MULTILINE)
    assert read <= set(kept.split())
    shown = make(project, "help").stdout
    assert all(f" {name}=" in shown for name in kept.split() if name != "PYTHON")


# How one's own file is read: with make, the study's file says it.
OF_OWN_FILES = {"--label", "--ignore", "--keep", "--header", "--no-header", "--scale"}


@pytest.mark.parametrize("name", ["run", "confirm", "decide"])
def test_make_hands_on_every_option_of_a_command_that_trains(name):
    from typer.main import get_command

    from search.cli import app

    text = (ROOT / "Makefile").read_text()
    beginning = {"run": "RUN    ="}.get(name, f"{name}:")
    recipe = text[text.index(f"\n{beginning}") :].split("\nBUDGET" if name == "run" else "\n\n")[0]
    (budget,) = re.findall(r"^BUDGET = .*$", text, re.MULTILINE)
    (shared,) = re.findall(r"^FROM   = .*$", text, re.MULTILINE)
    targets = text[text.index("\nlinear-grid:") : text.index("\nconfirm:")] if name == "run" else ""
    options = {word for p in get_command(app).commands[name].params for word in p.opts if word.startswith("--")}
    assert len(options) > 5
    assert not {word for word in options - OF_OWN_FILES if word not in recipe + budget + shared + targets}


@pytest.mark.parametrize(("value", "is_dry"), [("1", True), ("yes", True), ("0", False), ("no", False), ("", False)])
def test_dry_run_is_a_switch(project, value, is_dry):
    make(project, "linear-grid", f"DRY_RUN={value}")
    assert ("--dry-run" in called(project)) is is_dry


def test_make_says_what_was_typed(project):
    make(project, "confirm", "STUDY=a", "DB=my runs.sqlite", "TOP=2")
    typed = (project / "log.typed").read_text().strip()
    assert typed.startswith("make confirm DB='my runs.sqlite' STUDY='a' TOP='2'")
    assert called(project)[:5] == ["digitsweep", "confirm", "a", "--db", "my runs.sqlite"]


def test_environment_is_made_once(project):
    make(project, "status")
    make(project, "status")
    assert (project / "log").read_text().count("-m venv") == 1


@pytest.mark.parametrize("harm", ["moved", "without python"])
def test_environment_that_does_not_work_any_more_is_made_anew(project, harm):
    make(project, "status")
    if harm == "moved":
        project = project.rename(project.with_name("elsewhere"))
        for program in ("python", "digitsweep"):
            file = project / program
            file.write_text(file.read_text().replace("a project", "elsewhere"))
    else:
        (project / ".venv/bin/python").unlink()
    result = make(project, "status")
    assert result.returncode == 0, result.stderr
    assert (project / "log").read_text().count("-m venv") == 2


def test_environment_without_pip_is_made_anew(project):
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".venv/pyvenv.cfg").write_text("")
    python = project / ".venv/bin/python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    result = make(project, "status")
    assert result.returncode == 0, result.stderr
    assert called(project) == ["digitsweep", "status", "--db", "runs.sqlite"]


def test_python_that_cannot_make_environments_is_named_and_leaves_nothing(project):
    (project / "log.broken").write_text("")
    result = make(project, "status")
    assert result.returncode == 2
    assert "apt install python3-venv" in result.stderr
    assert not (project / ".venv").exists()


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_is_no_environment_of_the_project_is_left_alone(project, kind):
    other = project / "other"
    (other / "bin").mkdir(parents=True)
    (other / "precious").write_text("kept")
    if kind == "link":
        (other / "pyvenv.cfg").write_text("")
        (project / ".venv").symlink_to(other)
    else:
        other.rename(project / ".venv")
    result = make(project, "status")
    assert result.returncode == 2
    assert "move it away" in result.stderr
    assert (project / ".venv/precious").read_text() == "kept"
