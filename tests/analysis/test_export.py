"""Export: a complete, tidy copy of the views, the same in both formats."""

import pandas as pd

from analysis import load_runs
from analysis.export import export
from search import run_study
from search.confirm import ConfirmDriver, confirmation, confirmation_spec
from tests.search.helpers import make_spec


def test_export_writes_every_run_and_evaluation_in_both_formats(synthetic_database, tables, tmp_path):
    paths = export(synthetic_database, tmp_path)
    assert [path.name for path in paths] == ["runs.csv", "runs.parquet", "evaluations.csv", "evaluations.parquet"]
    runs, evaluations = pd.read_parquet(paths[1]), pd.read_parquet(paths[3])
    assert sorted(runs["run_id"]) == sorted(tables.runs["run_id"])
    assert len(evaluations) == 3 * len(tables.curves)
    csv = pd.read_csv(paths[2])
    pd.testing.assert_frame_equal(csv, evaluations, check_dtype=False)
    first = tables.curves.iloc[0]
    row = evaluations[(evaluations["run_id"] == first["run_id"]) & (evaluations["k"] == 1)].set_index("split")
    assert row["accuracy"].to_dict() == {s: first[f"{s}_accuracy"] for s in ("test", "train", "validation")}


def test_export_holds_every_dataset(digits_database, tmp_path):
    runs = pd.read_parquet(export(digits_database, tmp_path)[1])
    assert set(runs["study"]) == {"linear-grid@digits", "linear-grid@digits#7"}


def test_export_is_the_same_twice(digits_database, tmp_path):
    first, second = export(digits_database, tmp_path / "a"), export(digits_database, tmp_path / "b")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_a_hyperparameter_that_does_not_exist_has_no_value_in_export_frames_and_confirmation(database, tiny, tmp_path):
    space = {"hidden_layers": [0, 1], "hidden_size": [4, 8]}
    spec = make_spec(space=space, when={"hidden_size": {"hidden_layers": 1}})
    run_study(spec, tiny, database=database, n_jobs=1)
    source = confirmation(database, "tiny-grid", 3)
    again = confirmation_spec(source, 1)
    run_study(again, tiny, database=database, n_jobs=1, driver=ConfirmDriver(source.ranked), name=source.name)
    for runs in (pd.read_parquet(export(database, tmp_path)[1]), load_runs(database)):
        assert len(runs) == 6
        assert runs["hidden_size"].isna().tolist() == (runs["hidden_layers"] == 0).tolist()
