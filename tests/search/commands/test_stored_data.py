"""Commands that train again find the data of a study that was started in another folder, or say how to name it."""

import shutil

import numpy as np
import pytest

from tests.search.commands.test_typed import digitsweep


def make_study(folder):
    random = np.random.default_rng(1)
    y = np.tile(np.arange(4), 30)
    X = random.random((120, 12), dtype=np.float32) * 0.2
    X[np.arange(120), y] += 0.7
    np.savez(folder / "own.npz", x_train=X, y_train=y, x_test=X[:40], y_test=y[:40])
    (folder / "own.yaml").write_text(
        "study: own\nquestion: Is it found?\ndriver: grid\ndataset: own.npz\n"
        "fixed: {epochs: 1, evaluations_per_epoch: 2}\nspace: {learning_rate: [0.01, 0.1]}\n"
    )
    result = digitsweep("run", "own.yaml", cwd=folder)
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_data_is_looked_for_from_the_databases_folder(tmp_path):
    make_study(tmp_path)
    below = tmp_path / "below"
    below.mkdir()
    for command in (["confirm", "own", "--replicates", 2], ["reproduce", 1], ["train-best", "own"]):
        result = digitsweep(*command, "--db", "../runs.sqlite", cwd=below)
        assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_data_that_is_nowhere_can_be_named(tmp_path):
    make_study(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(tmp_path / "own.npz", elsewhere / "own.npz")
    missing = digitsweep("confirm", "own", cwd=tmp_path)
    assert missing.returncode == 2
    assert "name the study's data with --dataset" in " ".join(missing.stderr.split())
    found = digitsweep("confirm", "own", "--dataset", "elsewhere/own.npz", "--replicates", 2, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
