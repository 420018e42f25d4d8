"""A user's own file through the command line: what it asks for is settled where it says, and is kept with the study."""

import shlex

import numpy as np
import pytest
from PIL import Image

from search.commands.common import data_source

SPEC = """
study: own
question: Does my own file work?
driver: grid
fixed: {epochs: 1, evaluations_per_epoch: 2}
space: {learning_rate: [0.1, 0.2]}
"""


@pytest.mark.parametrize(
    ("dataset", "stated", "keys", "expected"),
    [
        (None, "auto", {}, "auto"),
        ("digits", {"path": "a.csv", "label": "y"}, {}, "digits"),
        (None, {"path": "a.csv", "label": "y"}, {}, {"path": "a.csv", "label": "y"}),
        ("b.csv", {"path": "a.csv", "label": "y"}, {}, {"path": "b.csv", "label": "y"}),
        ("b.csv", "auto", {"scale": "16", "ignore": None}, {"path": "b.csv", "scale": "16"}),
        (None, {"path": "a.csv", "label": "y"}, {"label": "z"}, {"path": "a.csv", "label": "z"}),
    ],
)
def test_data_source_keeps_what_is_stated_unless_it_is_given(dataset, stated, keys, expected):
    assert data_source(dataset, stated, **keys) == expected


def test_own_file_is_asked_about_and_then_kept_with_its_keys(tmp_path, digitsweep):
    random = np.random.default_rng(0)
    rows = [f"{i},{i % 2},{i % 2 * 9 + random.integers(0, 8)},{random.integers(0, 17)}" for i in range(100)]
    (tmp_path / "digits.csv").write_text("id,target,a,b\n" + "\n".join(rows) + "\n")
    (tmp_path / "own.yaml").write_text(SPEC)

    asked = digitsweep("run", "own.yaml", "--dataset", "digits.csv", "--jobs", 1, cwd=tmp_path)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "column 1 ('id') is called like a row's number" in asked.stderr
    assert "whole numbers from 0 to 16" in asked.stderr
    assert not (tmp_path / "runs.sqlite").exists()

    typed = shlex.split(asked.stderr.strip().splitlines()[-1])
    assert typed == ["--dataset", "digits.csv", "--ignore", "id", "--scale", "16"]
    run = digitsweep("run", "own.yaml", *typed, "--jobs", 1, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "own@file:digits.csv: 2 runs trained" in run.stdout

    (stated,) = [line for line in asked.stderr.splitlines() if line.startswith("  dataset: ")]
    (tmp_path / "own.yaml").write_text(SPEC + stated.strip() + "\n")
    again = digitsweep("run", "own.yaml", "--jobs", 1, cwd=tmp_path)
    assert "nothing to do" in again.stdout, again.stderr
    assert digitsweep("reproduce", 1, cwd=tmp_path).returncode == 0

    (tmp_path / "moved").mkdir()
    (tmp_path / "digits.csv").rename(tmp_path / "moved" / "digits.csv")
    lost = digitsweep("confirm", "own", "--replicates", 1, "--top", 1, cwd=tmp_path)
    assert lost.returncode == 2
    assert lost.stderr.count("--dataset") == 1, lost.stderr
    confirmed = digitsweep(
        "confirm", "own", "--dataset", "moved/digits.csv", "--replicates", 1, "--top", 1, "--jobs", 1, cwd=tmp_path
    )
    assert confirmed.returncode == 0, confirmed.stderr


def test_a_model_of_data_that_were_scaled_otherwise_takes_no_pictures(tmp_path, digitsweep):
    random = np.random.default_rng(0)
    y = np.arange(100) % 2
    X = random.integers(0, 17, (100, 64)) + 3 * y[:, None]
    np.savez(tmp_path / "own.npz", X_train=X, y_train=y)
    Image.fromarray(X[0].reshape(8, 8).astype(np.uint8)).save(tmp_path / "row.png")
    for scale, says in (("standardise", "was trained on values from -"), ("none", "from 0 to 19"), ("19", "")):
        (tmp_path / "own.yaml").write_text(f"{SPEC}dataset: {{path: own.npz, scale: {scale}}}\n")
        for words in (["run", "own.yaml", "--db", f"{scale}.sqlite"], ["train-best", "own", "--db", f"{scale}.sqlite"]):
            done = digitsweep(*words, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
        predicted = digitsweep("predict", "model.npz", "row.png", cwd=tmp_path)
        assert (predicted.returncode, says in predicted.stderr) == (2 if says else 0, True), predicted.stderr
