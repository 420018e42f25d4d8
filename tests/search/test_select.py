"""Freezing a choice: the same inputs, one row, however many ask."""

import subprocess
import sys
from pathlib import Path

import pytest

from search import run_study
from search.select import NothingToSelectError, select
from search.store.database import open_for_writing
from tests.search.helpers import make_spec, query

# Every process is ready before any selects, so that they do so together.
CHILD = """
import sys
from search.select import select
from search.store.database import open_for_writing
sql = open_for_writing(sys.argv[1], create=False)
print("ready", flush=True)
sys.stdin.readline()
print(select(sql, "tiny-grid").selection_id)
"""


def test_four_processes_at_once_freeze_one_choice(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    for n_rows in (1, 2):
        children = [
            subprocess.Popen(
                [sys.executable, "-c", CHILD, database], cwd=Path(__file__).parents[2], text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for _ in range(4)
        ]  # fmt: skip
        for child in children:
            assert child.stdout.readline() == "ready\n"
        for child in children:
            child.stdin.write("go\n")
            child.stdin.flush()
        found = [child.communicate(timeout=60) for child in children]
        assert {child.returncode for child in children} == {0}, found
        assert len({out for out, _ in found}) == 1
        assert query(database, "SELECT COUNT(*) FROM selections") == [(n_rows,)]
        wider = make_spec(space={"learning_rate": [0.01, 0.05, 0.1, 0.2], "momentum": [False, True]})
        run_study(wider, tiny, database=database, n_jobs=1)


def test_the_same_inputs_give_the_same_row_and_more_of_them_another(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    sql = open_for_writing(database, create=False)
    first = select(sql, "tiny-grid").selection_id
    assert select(sql, "tiny-grid@tiny").selection_id == first
    run_study(make_spec(replicates=2), tiny, database=database, n_jobs=1)
    assert select(sql, "tiny-grid").selection_id != first
    sql.dispose()


def test_a_study_without_a_complete_run_has_nothing_to_select(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1, max_seconds=1e-9)
    sql = open_for_writing(database, create=False)
    with pytest.raises(NothingToSelectError, match="tiny-grid@tiny has no complete run"):
        select(sql, "tiny-grid")
    sql.dispose()
