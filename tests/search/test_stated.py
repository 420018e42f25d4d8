"""Claims of study files for studies that were stored without any."""

import json
import sqlite3
from contextlib import closing

import pytest
import yaml

from search import load_spec, run_study
from search.stated import stated_in_files
from search.store.database import open_for_reading

FILE = {
    "study": "small",
    "question": "Does momentum help?",
    "driver": "grid",
    "fixed": {"epochs": 1, "evaluations_per_epoch": 1},
    "space": {"learning_rate": [0.1], "momentum": [False, True]},
}
ANSWER = {
    "claims": [
        {"claim": "It helps.", "expect": "higher", "compare": {"factor": "momentum", "level": True, "against": False}}
    ],
    "figures": [{"figure": "paired", "factor": "momentum"}],
    "page": "Momentum",
}


def write(file, **changes):
    file.write_text(yaml.dump({**FILE, **changes}))


@pytest.fixture
def old(tmp_path, tiny, monkeypatch):
    """A database as it was before study files had claims, whose study's file has some by now."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "my study.yaml"
    write(file)
    run_study(load_spec("my study.yaml"), tiny, database="runs.sqlite", n_jobs=1)
    with closing(sqlite3.connect("runs.sqlite")) as connection, connection:
        ((spec,),) = connection.execute("SELECT spec FROM sweep_studies")
        before = {key: value for key, value in json.loads(spec).items() if key not in ANSWER}
        connection.execute("UPDATE sweep_studies SET spec = ?", [json.dumps(before)])
    write(file, **ANSWER)
    return file


def stated():
    said = []
    sql = open_for_reading("runs.sqlite")
    found = stated_in_files(sql, said.append)
    sql.dispose()
    return found, said


def test_the_file_that_the_command_names_states_the_claims(old):
    found, said = stated()
    assert found == {"small@tiny": ANSWER}
    assert said == ["Claims and figures of studies that an earlier version made are those of my study.yaml."]


def test_of_a_make_target_the_files_in_experiments_are_looked_through(old):
    (old.parent / "experiments").mkdir()
    old.rename(old.parent / "experiments" / "small.yaml")
    write(old.parent / "experiments" / "another.yaml", study="another")
    with closing(sqlite3.connect("runs.sqlite")) as connection, connection:
        connection.execute("UPDATE sweep_studies SET command = 'make small JOBS=2'")
    assert stated()[0] == {"small@tiny": ANSWER}


@pytest.mark.parametrize(
    "changes",
    [{"study": "other"}, {"driver": "random", "trials": 2, "claims": []}, {"fixed": {"epochs": 2}}, {"at": "last"}],
)
def test_a_file_that_became_another_study_states_nothing(old, changes):
    write(old, **{**ANSWER, **changes})
    assert stated() == ({}, [])


def test_a_file_that_cannot_be_read_is_named_and_one_that_is_gone_is_not(old):
    write(old, **{**ANSWER, "claims": [{"clam": "x"}]})
    found, (line,) = stated()
    assert found == {}
    assert "small@tiny: its claims cannot be read" in line
    assert "did you mean 'claim'" in line
    old.unlink()
    assert stated() == ({}, [])


def test_a_study_that_is_stored_with_its_claims_or_with_none_keeps_them(old, tiny):
    write(old)
    run_study(load_spec("my study.yaml"), tiny, database="runs.sqlite", n_jobs=1)
    write(old, **ANSWER)
    assert stated() == ({}, [])


def test_what_is_stated_counts_for_the_analysis(old):
    from analysis.studies import read_studies

    (study,) = read_studies("runs.sqlite", stated=stated()[0])
    assert {key: study.spec[key] for key in ANSWER} == ANSWER
    assert study.spec["space"] == FILE["space"]
    (study,) = read_studies("runs.sqlite")
    assert study.spec.get("claims") is None
