"""What single images say of the selected configuration."""

import base64
import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.predictions import Predictions
from analysis.report.images import confusion, image_tables
from tests.analysis.claims.helpers import alone, study_of

LABELS = np.array([0, 0, 1, 1, 2, 2, 2, 2, 1, 0], dtype="<u1")
N = len(LABELS)
SAID = {
    "relu": [[0, 1, 1, 1, 2, 2, 2, 0, 1, 0], [0, 1, 1, 1, 2, 2, 2, 2, 1, 0]],
    "tanh": [[1, 1, 1, 1, 2, 2, 2, 0, 0, 0], [1, 1, 1, 2, 2, 2, 2, 0, 1, 0]],
}


@pytest.fixture
def study():
    """Two configurations, two replicates, ten test images."""
    right = {name: np.equal(said, LABELS) for name, said in SAID.items()}
    found = study_of({"activation": list(SAID)}, lambda p, r: float(right[p["activation"]][r].mean()), replicates=2)
    runs = found.all_runs.assign(n_test=N)
    rows = [
        {"run_id": run.run_id, "k": 1, "n": N, "correct": np.packbits(said == LABELS).tobytes(),
         "mistaken": said[said != LABELS].astype("u1").tobytes()}
        for run in runs.itertuples()
        for said in [np.array(SAID[run.activation][run.replicate])]
    ]  # fmt: skip

    class Labelled(Predictions):
        def labels(self, split, n):
            return LABELS

    return dataclasses.replace(
        found, all_runs=runs, predictions=Labelled("unread", "mine", {"test": pd.DataFrame(rows)})
    )


def texts(table):
    return [tuple(cell.text for cell in row) for row in table.rows]


def test_the_selected_configuration_is_told_image_by_image(study):
    by_class, confusions, hardest, second = image_tables(study, alone(study))
    assert [row[:2] for row in texts(by_class)] == [("0", "66.67 %"), ("1", "100.00 %"), ("2", "87.50 %")]
    assert texts(confusions) == [("0", "2.0", "1.0", "·"), ("1", "·", "3.0", "·"), ("2", "0.5", "·", "3.5")]
    assert texts(hardest)[:3] == [("1", "0", "1", "100 %"), ("7", "2", "0", "75 %"), ("0", "0", "1", "50 %")]
    assert len(hardest.rows) == 5  # the others every run gets right
    assert texts(second) == [("0", "2", "0", "p = 0.5"), ("1", "3", "0", "p = 0.25")]


def test_the_hardest_images_are_shown_where_somebody_has_them(study):
    def pictures(of, split, images):
        assert (of.name, split) == ("mine", "test")
        return [f"png {image}".encode() for image in images]

    hardest = image_tables(study, alone(study), pictures)[2]
    for row in hardest.rows:
        assert base64.b64decode(row[0].picture.partition("base64,")[2]) == f"png {row[0].text}".encode()
    assert not any(row[0].picture for row in image_tables(study, alone(study))[2].rows)


def test_confusion_counts_every_image_once(study):
    rows = study.predictions.rows(study.complete, "test")
    assert confusion(rows, LABELS).sum() == N
    assert np.trace(confusion(rows, LABELS)) == pytest.approx(N * study.complete["test_accuracy"].mean())


def test_nothing_is_told_of_images_that_are_not_known(study):
    bare = dataclasses.replace(study, predictions=Predictions())
    assert image_tables(bare, alone(bare)) == ()
