"""Studies shown, checked, renamed and deleted: in our tables and in Optuna's, asked about, never while they run."""

import io
import json
import re

import optuna
import pytest

from search.store.location import locate
from search.store.lock import study_lock
from search.store.optuna_tables import close_storage, optuna_storage
from tests.search.helpers import query

SPEC = (
    "study: small\nquestion: Is it kept?\ndriver: grid\ndataset: digits\n"
    "fixed: {epochs: 1, evaluations_per_epoch: 2}\nspace: {learning_rate: [0.01, 0.1], momentum: [off, on]}\n"
)


@pytest.fixture
def stored(tmp_path, digitsweep):
    (tmp_path / "small.yaml").write_text(SPEC)
    for words in (["run", "small.yaml"], ["confirm", "small", "--top", 1, "--replicates", 2]):
        result = digitsweep(*words, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
    return str(tmp_path / "runs.sqlite")


def in_optuna(database):
    storage = optuna_storage(locate(database).url, database)
    studies = {
        study.study_name: [
            (t.number, t.state, t.params, t.distributions, t.value, t.intermediate_values, t.user_attrs)
            for t in optuna.load_study(study_name=study.study_name, storage=storage).get_trials()
        ]
        for study in optuna.get_all_study_summaries(storage)
    }
    close_storage(storage)
    return studies


def test_a_renamed_study_and_its_confirmation_go_on_under_the_new_name(tmp_path, stored, digitsweep):
    before = in_optuna(stored)
    result = digitsweep("rename", "small", "large", "--yes", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    after = in_optuna(stored)
    assert list(after) == ["large@digits", "large-confirm@digits"]
    assert after["large@digits"] == before["small@digits"]
    assert [t[6]["source_study"] for t in after["large-confirm@digits"]] == ["large@digits"]
    assert query(stored, "SELECT command FROM sweep_studies WHERE driver = 'confirm'") == [
        ("digitsweep confirm large --top 1 --replicates 2",)
    ]
    notes = query(stored, "SELECT value_json FROM study_system_attributes WHERE key LIKE 'dashboard:note_str:%'")
    assert [note for (note,) in notes if re.search(r"small(?!\.yaml)", note)] == []
    (tmp_path / "large.yaml").write_text(SPEC.replace("small", "large"))
    assert "nothing to do" in digitsweep("run", "large.yaml", cwd=tmp_path).stdout
    again = digitsweep("confirm", "large", "--top", 1, "--replicates", 2, cwd=tmp_path)
    assert "nothing to do" in again.stdout, again.stderr
    assert in_optuna(stored) == after
    assert query(stored, "SELECT count(*) FROM sweep_studies WHERE spec LIKE '%small%'") == [(0,)]


def test_a_deleted_study_leaves_nothing_and_can_be_run_anew(tmp_path, stored, digitsweep):
    (tmp_path / "other.yaml").write_text(SPEC.replace("small", "other"))
    assert digitsweep("run", "other.yaml", cwd=tmp_path).returncode == 0
    kept = in_optuna(stored)["other@digits"]
    short = digitsweep("delete", "small", "--yes", cwd=tmp_path)
    assert (short.returncode, "whole name alone, here small@digits" in short.stderr) == (2, True)
    assert digitsweep("delete", "small@digits", "--yes", cwd=tmp_path).returncode == 0
    assert in_optuna(stored) == {"other@digits": kept}
    counted = "SELECT (SELECT count(*) FROM sweep_studies), (SELECT count(*) FROM runs), (SELECT count(*) FROM labels)"
    assert query(stored, counted) == [(1, 4, 2)]
    assert digitsweep("delete", "other@digits", "--yes", cwd=tmp_path).returncode == 0
    assert query(stored, counted) == [(0, 0, 0)]
    assert "holds no studies" in digitsweep("status", cwd=tmp_path).stdout
    assert "4 runs trained" in digitsweep("run", "small.yaml", cwd=tmp_path).stdout


@pytest.mark.parametrize("words", [["delete", "small@digits"], ["rename", "small", "large"]])
def test_nothing_is_changed_unasked_or_while_the_study_runs(tmp_path, stored, digitsweep, monkeypatch, words):
    before = in_optuna(stored)
    unasked = digitsweep(*words, cwd=tmp_path)
    assert (unasked.returncode, "Say so with --yes" in unasked.stderr) == (2, True)
    assert "Invalid value" not in unasked.stderr

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert "Nothing was" in digitsweep(*words, cwd=tmp_path).stdout
    with study_lock(stored, "small-confirm@digits"):
        held = digitsweep(*words, "--yes", cwd=tmp_path)
    assert (held.returncode, "small-confirm@digits is being run" in held.stderr) == (2, True)
    assert in_optuna(stored) == before
    assert query(stored, "SELECT count(*) FROM runs") == [(6,)]


def test_a_name_that_cannot_be_given_is_refused(tmp_path, stored, digitsweep):
    for words, says in (
        (["small", "Small!"], "a study's name has small letters"),
        (["small", "small"], "there is a study small@digits already"),
        (["small-confirm", "other"], "small-confirm@digits is a confirmation"),
    ):
        result = digitsweep("rename", *words, "--yes", cwd=tmp_path)
        assert (result.returncode, says in result.stderr) == (2, True), result.stderr


def test_a_study_a_trial_and_a_run_are_shown_and_no_test_value_with_them(tmp_path, stored, digitsweep):
    shown = [digitsweep("show", what, cwd=tmp_path).stdout for what in ("small", "small/2", "1")]
    assert all("Is it kept?" in shown[0] and "learning rate" in text for text in shown)
    study, trial, run = (
        json.loads(digitsweep("show", what, "--json", cwd=tmp_path).stdout) for what in ("small", "small/2", "1")
    )
    assert [t["params"] for t in study["trials"]][:1] == [{"learning_rate": 0.01, "momentum": False}]
    assert trial["runs"][0]["validation_accuracy"] == study["trials"][2]["validation_accuracy"]
    assert [point["k"] for point in run["evaluations"]] == [1, 2]
    assert not any("test" in key for key in run["evaluations"][0])
    for what, says in (("small/9", "no trial '9'"), ("99", "no run 99"), ("smal", "did you mean")):
        assert says in digitsweep("show", what, cwd=tmp_path).stderr


def test_a_study_of_several_factors_has_a_column_for_each_and_every_trial_its_value(tmp_path, digitsweep):
    (tmp_path / "two.yaml").write_text(
        "study: two\nquestion: Are all there?\ndriver: ofat\ndataset: digits\n"
        "fixed: {epochs: 1, evaluations_per_epoch: 2, hidden_layers: 1, hidden_size: 10, learning_rate: 0.01}\n"
        "space: {hidden_size: [10, 20], learning_rate: [0.01, 0.1]}\n"
    )
    ran = digitsweep("run", "two.yaml", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert {"hidden size", "learning rate"} <= set(re.findall(r"hidden size|learning rate", ran.stdout))
    trials = json.loads(digitsweep("show", "two", "--json", cwd=tmp_path).stdout)["trials"]
    values = {(t["params"]["hidden_size"], t["params"]["learning_rate"]) for t in trials}
    assert values == {(10, 0.01), (20, 0.01), (10, 0.1)}
    assert "None" not in ran.stdout + digitsweep("show", "two", cwd=tmp_path).stdout


def test_status_and_selection_are_json_for_programs(tmp_path, stored, digitsweep):
    names = [row["name"] for row in json.loads(digitsweep("status", "--json", cwd=tmp_path).stdout)]
    assert names == ["small@digits", "small-confirm@digits"]
    chosen = json.loads(digitsweep("select", "small", "--json", cwd=tmp_path).stdout)
    assert chosen["ranking"][0]["trial"] == chosen["trial"]
    assert 0 < chosen["test_accuracy"] < 1


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["select", "small"],
        ["show", "small"],
        ["show", "1"],
        ["confirm", "small", "--top", 1, "--replicates", 2],
    ],
)
def test_a_table_fits_its_terminal_and_cuts_no_number(tmp_path, stored, digitsweep, width, words):
    wide = digitsweep(*words, cwd=tmp_path).stdout
    narrow = [line for line in digitsweep(*words, cwd=tmp_path, width=width).stdout.splitlines() if line[:1] in "┏┃│┗└"]
    assert max(map(len, narrow)) <= width
    numbers = re.findall(r"\d+\.\d+%", " ".join(narrow))
    assert numbers
    assert set(numbers) <= set(re.findall(r"\d+\.\d+%", wide))


def test_a_study_file_is_checked_without_a_database(tmp_path, digitsweep):
    (tmp_path / "small.yaml").write_text(SPEC)
    assert "4 trials of 1 run on digits" in digitsweep("validate", "small.yaml", cwd=tmp_path).stdout
    (tmp_path / "large.yaml").write_text(SPEC.replace("epochs: 1", "epochs: 1, train_images: 1000000"))
    for file, says in (("large.yaml", "train_images"), ("none.yaml", "no study file")):
        result = digitsweep("validate", file, cwd=tmp_path)
        assert (result.returncode, says in result.stderr) == (2, True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["large.yaml", "small.yaml"]
