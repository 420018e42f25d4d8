"""Tidy files of all runs and evaluations, as CSV and Parquet, for tools that do not read the database.

runs.csv / runs.parquet                 one row per run, the configuration's keys as columns
evaluations.csv / evaluations.parquet   one row per run, evaluation and split
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.files import write_csv, written_together
from analysis.tables import SPLIT_NAMES, connected, read_runs, read_stored, tidy_runs

if TYPE_CHECKING:
    from sqlalchemy import Engine

_AS_TEXT = ("params", "attributes", "environment", "streams", "cut")
_SHARED = ["run_id", "study", "k", "epoch", "learning_rate"]


def runs_table(view: pd.DataFrame, studies: pd.DataFrame) -> pd.DataFrame:
    """`v_runs` with the configuration's keys as columns; the other JSON as text with sorted keys.

    `study` is the name in the database, `base_name` the one without suffixes of data and seed. A hyperparameter that
    does not exist in a run has no value there.
    """
    runs = tidy_runs(view, studies).drop(columns="config")
    for name in _AS_TEXT:
        runs[name] = [json.dumps(value, sort_keys=True) for value in runs[name]]
    return runs.sort_values("run_id", ignore_index=True)


def evaluations_table(view: pd.DataFrame) -> pd.DataFrame:
    """`v_curves` in long form: `run_id`, `study`, `k`, `epoch`, `learning_rate`, `split`, `loss` (nats).

    `accuracy`.
    """
    parts = []
    for split in SPLIT_NAMES:
        part = view[[*_SHARED, f"{split}_loss", f"{split}_accuracy"]].copy()
        part.columns = pd.Index([*_SHARED, "loss", "accuracy"])
        part.insert(len(_SHARED), "split", split)
        parts.append(part)
    return pd.concat(parts, ignore_index=True).sort_values(["run_id", "k", "split"], ignore_index=True)


def export(database: "str | Engine", out: Path) -> list[Path]:
    """Write the four files into `out` and return their paths.

    Args:
        database: Path of an SQLite file, an SQLAlchemy URL, or an engine.
        out: Folder of the files; made if missing.

    Raises:
        OutputError: They cannot be written; none of them is.
    """
    from sqlalchemy import text

    with connected(database) as connection:
        runs = runs_table(read_runs(connection), read_stored(connection))
        evaluations = evaluations_table(pd.read_sql(text("SELECT * FROM v_curves"), connection))
    tables = {"runs": runs, "evaluations": evaluations}
    with written_together(out) as folder:
        for name, table in tables.items():
            write_csv(table, folder / f"{name}.csv")
            table.to_parquet(folder / f"{name}.parquet", index=False)
    return [out / f"{name}.{kind}" for name in tables for kind in ("csv", "parquet")]
