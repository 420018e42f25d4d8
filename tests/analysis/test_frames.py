"""Results in two lines."""

import dataclasses
import re
import subprocess
import sys

import pytest

import analysis
from analysis import load_curves, load_runs
from engine.configuration import Configuration

HYPERPARAMETERS = {field.name for field in dataclasses.fields(Configuration)}


@pytest.mark.parametrize("load", [load_runs, load_curves])
def test_every_column_is_in_the_docstring_and_every_name_there_is_a_column(synthetic_database, load):
    returns = load.__doc__.split("Returns:")[1].split("Raises:")[0]
    values = {"best", "last", "train", "validation", "test"}  # of columns, not names of them
    named = set(re.findall(r"`(\w+)`", returns)) - values - {"load_runs"}
    columns = set(load(synthetic_database).columns)
    assert columns - HYPERPARAMETERS == named - HYPERPARAMETERS
    assert named <= columns


def test_runs_are_tidy_and_one_study_is_a_part_of_all(synthetic_database):
    runs, one = load_runs(synthetic_database), load_runs(synthetic_database, "mlp-random")
    assert runs["run_id"].is_unique
    assert set(one["study"]) == {"mlp-random"}
    assert set(one["run_id"]) == set(runs.loc[runs["study"] == "mlp-random", "run_id"])


def test_curves_have_a_row_for_each_run_evaluation_and_split(synthetic_database):
    curves = load_curves(synthetic_database, "linear-grid")
    assert not curves.duplicated(["run_id", "k", "split"]).any()
    assert len(curves) == 32 * 25 * 3
    assert set(curves["run_id"]) == set(load_runs(synthetic_database, "linear-grid")["run_id"])


def test_importing_the_analysis_is_light():
    code = (
        "import sys, analysis; assert 'pandas' not in sys.modules; analysis.load_runs; assert 'pandas' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="load_nothing"):
        _ = analysis.load_nothing
