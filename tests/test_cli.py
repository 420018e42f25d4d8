"""The command line as a stranger meets it: exit codes, messages, help; and that what is documented exists."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def in_a_process(*arguments, cwd, **environment):
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160", "NO_COLOR": "1", **environment}
    command = [sys.executable, "-m", "search.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)


@pytest.fixture
def spec(tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(
        "# Does the command line work?\nstudy: small\nquestion: Does it?\ndriver: grid\ndataset: digits\n"
        "fixed: {epochs: 1, evaluations_per_epoch: 2}\nspace: {learning_rate: [0.01, 0.1], momentum: [off, on]}\n"
    )
    return file


def test_run_select_status_reproduce_export(tmp_path, spec, digitsweep):
    first = in_a_process("run", spec, "--jobs", 2, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "4 runs trained" in first.stdout
    assert "Selected: trial" in first.stdout
    assert "test accuracy" in first.stdout
    again = digitsweep("run", spec, cwd=tmp_path)
    assert "nothing to do" in again.stdout
    assert "small@digits" in digitsweep("status", cwd=tmp_path).stdout
    assert "frozen before" in digitsweep("select", "small", cwd=tmp_path).stdout
    same = digitsweep("reproduce", 2, cwd=tmp_path)
    assert same.returncode == 0
    assert "identical, 6 evaluations" in same.stdout
    exported = digitsweep("export", cwd=tmp_path)
    assert sorted(p.name for p in (tmp_path / "export").iterdir()) == [
        "evaluations.csv", "evaluations.parquet", "runs.csv", "runs.parquet",
    ]  # fmt: skip
    assert exported.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "nowhere.yaml"], "no study file at nowhere.yaml"),
        (["status"], "no database at runs.sqlite"),
        (["select", "x", "--db", "none.sqlite"], "no database at none.sqlite"),
        (["run", "small.yaml", "--dataset", "mnits"], "did you mean 'mnist'"),
        (["run", "small.yaml", "--dataset", "none.csv"], "none.csv"),
        (["run", "small.yaml", "--dataset", "none.csv", "--db", "mysql://h/x"], "a database must be a SQLite file or"),
        (["run", "small.yaml", "--dataset", "none.csv", "--db", "no/x.sqlite"], "so no/x.sqlite cannot be made there"),
        (["run", "small.yaml", "--dataset", "none.csv", "--db", "small.yaml"], "it is not a SQLite file"),
        (["run", "small.yaml", "--trials", "3"], "trials belongs to the driver"),
        (["run", "small.yaml", "--jobs", "0"], "--jobs"),
        (["run", "small.yaml", "--sampler", "tpe"], "sampler belongs to the driver optuna"),
        (["reproduce", "1"], "no database"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(tmp_path, spec, arguments, says, digitsweep):
    result = digitsweep(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert says in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr + result.stdout


@pytest.fixture
def adaptive(tmp_path):
    file = tmp_path / "adaptive.yaml"
    file.write_text(
        "# Does it learn?\nstudy: adaptive\nquestion: Does it?\ndriver: optuna\ntrials: 12\ndataset: digits\n"
        "fixed: {epochs: 1, evaluations_per_epoch: 2}\nspace: {learning_rate: {low: 0.001, high: 0.1, scale: log}}\n"
    )
    return file


@pytest.mark.slow
def test_an_adaptive_study_is_run_extended_shown_and_confirmed(tmp_path, adaptive, digitsweep):
    first = digitsweep("run", adaptive, "--jobs", 2, "--sampler", "qmc", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "12 runs trained" in first.stdout
    assert "Selected: trial" in first.stdout
    more = digitsweep("run", adaptive, "--jobs", 1, "--sampler", "qmc", "--trials", 14, cwd=tmp_path)
    assert "2 runs trained" in more.stdout
    stopped = digitsweep(
        "run", adaptive, "--jobs", 1, "--sampler", "qmc", "--trials", 16, "--time", "0.001s", cwd=tmp_path
    )
    assert f"run {adaptive} --jobs 1 --sampler qmc --trials 16 --time 0.001s\n" in stopped.stdout
    timed = digitsweep("run", adaptive, "--jobs", 2, "--trials", 3, cwd=tmp_path)
    assert "depend on timing" in timed.stdout
    shown = digitsweep("status", cwd=tmp_path).stdout
    assert "adaptive-qmc@digits" in shown
    assert "optuna (qmc)" in shown
    assert "optuna (tpe)" in shown
    confirmed = digitsweep("confirm", "adaptive-qmc@digits", "--top", 1, "--replicates", 2, cwd=tmp_path)
    assert confirmed.returncode == 0, confirmed.stderr
    report = digitsweep("report", "--dataset", "digits", cwd=tmp_path)
    assert report.returncode == 0, report.stderr


def test_a_dry_run_shows_the_plan_and_makes_nothing(tmp_path, spec, digitsweep):
    shown = digitsweep("run", spec, "--dry-run", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "0 runs are done, 4 to do" in shown.stdout
    assert "learning rate" in shown.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["small.yaml"]
    digitsweep("run", spec, cwd=tmp_path)
    assert "4 runs are done, 0 to do" in digitsweep("run", spec, "--dry-run", cwd=tmp_path).stdout
    confirming = digitsweep("confirm", "small", "--top", 2, "--replicates", 3, "--dry-run", cwd=tmp_path)
    assert "0 runs are done, 6 to do" in confirming.stdout
    assert "confirm" not in digitsweep("status", cwd=tmp_path).stdout


def test_the_selection_becomes_a_model_that_predicts(tmp_path, spec, digitsweep):
    from PIL import Image, ImageDraw

    digitsweep("run", spec, cwd=tmp_path)
    trained = digitsweep("train-best", "small", "-o", "best.npz", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert "Identical to the stored run" in trained.stdout
    image = Image.new("L", (60, 80), 255)
    ImageDraw.Draw(image).ellipse([12, 10, 48, 70], outline=0, width=9)
    image.save(tmp_path / "zero.png")
    shown = digitsweep("predict", "best.npz", "zero.png", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    row = next(line for line in shown.stdout.splitlines() if "zero.png" in line)
    assert len(re.findall(r"\d+\.\d%", row)) == 10
    assert "inverted" in shown.stderr
    narrow = in_a_process("predict", "best.npz", "zero.png", "--show", cwd=tmp_path, COLUMNS="60")
    assert len(re.findall(r" \d+\.\d% ", narrow.stdout)) == 2
    assert "@@" in narrow.stdout
    assert max(map(len, narrow.stdout.splitlines())) <= 60
    wrong = digitsweep("predict", "best.npz", spec, cwd=tmp_path)
    assert (wrong.returncode, "is no picture in a format read here" in wrong.stderr) == (2, True)


def test_a_sampler_without_its_package_is_one_message_and_nothing_is_written(tmp_path, adaptive):
    hidden = (
        "import importlib.util as u; find = u.find_spec;"
        "u.find_spec = lambda name, *rest: None if name == 'torch' else find(name, *rest);"
        "from search.cli import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", hidden, "run", str(adaptive), "--sampler", "gp"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "sampler gp needs the package torch" in " ".join(result.stderr.split())
    assert "pip install torch" in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["adaptive.yaml"]


def test_a_mistake_ends_a_process_with_one_line_and_exit_code_2(tmp_path):
    result = in_a_process("run", "nowhere.yaml", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines() == ["digitsweep: no study file at nowhere.yaml"]


def test_a_module_of_the_same_name_on_the_path_does_not_disturb(tmp_path):
    (tmp_path / "search.py").write_text("raise ImportError('not this one')")
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__init__.py").write_text("raise ImportError('nor this one')")
    command = [sys.executable, str(ROOT / "digitsweep.py"), "status"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("digitsweep: no database at runs.sqlite")


def test_a_file_that_is_no_database_is_named(tmp_path, digitsweep):
    (tmp_path / "runs.sqlite").write_text("This is not a database, but long enough to be taken for one. " * 20)
    result = digitsweep("status", cwd=tmp_path)
    assert result.returncode == 2
    assert "runs.sqlite cannot be used as a database" in result.stderr


def test_an_unknown_study_names_the_nearest(tmp_path, spec, digitsweep):
    digitsweep("run", spec, cwd=tmp_path)
    result = digitsweep("select", "smal", cwd=tmp_path)
    assert result.returncode == 2
    assert "did you mean 'small@digits'" in result.stderr


@pytest.mark.parametrize("replicates", ["split: {folds: 3}", "vary: {split: 2, initialisation: 2, order: 2}"])
def test_a_study_on_several_cuts_of_the_data_has_its_page(tmp_path, digitsweep, replicates):
    (tmp_path / "cuts.yaml").write_text(
        f"study: cuts\nquestion: Whose is the noise?\ndriver: grid\ndataset: digits\n{replicates}\n"
        "fixed: {epochs: 1, evaluations_per_epoch: 1}\nspace: {learning_rate: [0.01, 0.1]}\n"
    )
    for words in (["run", "cuts.yaml"], ["report"]):
        result = digitsweep(*words, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
    page = (tmp_path / "report" / "report.md").read_text()
    assert "Test accuracy of the selected configuration by class" in page


def test_figures_and_report_of_an_empty_database_say_what_is_missing(tmp_path, digitsweep):
    from search.store.database import open_for_writing

    open_for_writing(tmp_path / "runs.sqlite", create=True).dispose()
    for command in ("figures", "report"):
        result = digitsweep(command, cwd=tmp_path)
        assert result.returncode == 2, result.stderr
        assert "Traceback" not in result.stderr


def test_confirmation_on_other_data_is_refused(tmp_path, spec, digitsweep):
    digitsweep("run", spec, cwd=tmp_path)
    rows = "\n".join(f"{i % 2},{i % 7 / 8},{i % 5 / 8}" for i in range(80))
    (tmp_path / "other.csv").write_text(f"label,a,b\n{rows}\n")
    result = digitsweep("confirm", "small", "--dataset", "other.csv", cwd=tmp_path)
    assert result.returncode == 2
    assert "was run on data" in result.stderr


@pytest.mark.parametrize("arguments", [["--version"], ["-h"], ["status", "-h"]])
def test_version_and_help_are_said_without_anything_else(tmp_path, digitsweep, arguments):
    shown = digitsweep(*arguments, cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert ("digitsweep 0." if arguments == ["--version"] else "Usage: ") in shown.stdout
    assert not list(tmp_path.iterdir())


def test_the_package_is_a_command_too(tmp_path):
    command = [sys.executable, "-m", "search", "new", "mine"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert f"{sys.executable} -m search run mine.yaml" in result.stdout


def test_every_command_and_option_has_help():
    from typer.main import get_command

    from search.cli import app

    for name, command in get_command(app).commands.items():
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.name}"


def test_every_make_target_in_the_documents_exists():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    for file in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"`make ([a-z-]+)", file.read_text()):
            assert target in targets, f"{file.name}: make {target}"


def test_make_help_lists_every_target():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split():
        assert f"make {target}" in shown


def test_the_readme_opens_with_the_two_commands():
    code = re.findall(r"```[a-z]*\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]
    assert code.split("\n")[:2] == ["make linear-grid", "make test"]


def test_every_column_of_the_schema_is_documented():
    from search.store.schema import VIEWS, metadata

    text = (ROOT / "docs" / "schema.md").read_text()
    for table in metadata.tables.values():
        assert f"`{table.name}`" in text
        for column in table.columns:
            assert f"`{column.name}`" in text, f"{table.name}.{column.name}"
    for view in VIEWS:
        assert f"`{view}`" in text
