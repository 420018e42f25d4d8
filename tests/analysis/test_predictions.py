"""Which images runs got right, as the analysis reads it."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from analysis.studies import read_studies
from benchmarks import synthetic


@pytest.fixture
def database(tmp_path):
    """A small study of which all runs but the last have predictions of twelve test images."""
    path = str(tmp_path / "runs.sqlite")
    synthetic.write(path, only=("linear-grid",))
    (study,) = read_studies(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for row in study.complete.iloc[:-1].itertuples():
            bits = np.arange(12) % (2 + row.run_id % 2) == 0
            wrong = np.arange((~bits).sum(), dtype=np.uint8).tobytes()
            values = (row.run_id, "test", row.read_k, 12, np.packbits(bits).tobytes(), wrong)
            connection.execute("INSERT INTO predictions VALUES (?, ?, ?, ?, ?, ?)", values)
        labels = np.arange(12, dtype="<u2").tobytes()
        connection.execute("INSERT INTO labels VALUES (?, ?, ?, ?)", (study.data_sha256, "test", 12, labels))
    return path


def test_correct_has_a_row_for_each_run_in_their_order(database):
    (study,) = read_studies(database)
    runs = study.complete.iloc[[3, 0, 2]]
    bits = np.unpackbits(study.correct(runs, "test"), axis=1, count=12)
    assert bits.tolist() == [(np.arange(12) % (2 + run_id % 2) == 0).tolist() for run_id in runs["run_id"]]
    assert study.predictions.labels("test", 12).tolist() == list(range(12))


def test_correct_is_none_unless_it_is_known_of_every_run_where_it_is_read(database):
    (study,) = read_studies(database)
    assert study.correct(study.complete, "test") is None
    assert study.correct(study.complete.iloc[:2], "validation") is None
    assert study.correct(study.complete.iloc[:2], "train") is None
    elsewhere = study.complete.iloc[:2].assign(read_k=lambda runs: runs["read_k"] - 1)
    assert study.correct(elsewhere, "test") is None
    with pytest.raises(LookupError, match="validation labels"):
        study.predictions.labels("validation", 12)


def test_runs_on_several_cuts_share_their_test_images_and_no_others(database):
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "INSERT INTO predictions SELECT run_id, 'validation', k, n, correct, mistaken FROM predictions"
        )
        connection.execute("UPDATE runs SET data_sha256 = 'cut ' || (run_id % 2)")
        connection.execute("DELETE FROM labels")
        for cut in ("cut 0", "cut 1"):
            for split, first in (("test", 0), ("validation", 100 * int(cut[-1]))):
                classes = np.arange(first, first + 12, dtype="<u2").tobytes()
                connection.execute("INSERT INTO labels VALUES (?, ?, ?, ?)", (cut, split, 12, classes))
    (study,) = read_studies(database)
    runs = study.complete.iloc[:2]
    assert study.correct(runs, "test").shape == (2, 2)
    assert study.predictions.labels("test", 12).tolist() == list(range(12))
    assert study.correct(runs, "validation") is None
    with pytest.raises(LookupError, match="of 2 cuts"):
        study.predictions.labels("validation", 12)


def test_a_database_without_predictions_is_read_as_before(database):
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript("DROP VIEW v_correct; DROP TABLE predictions; DROP TABLE labels")
    (study,) = read_studies(database)
    assert study.correct(study.complete.iloc[:2], "test") is None
