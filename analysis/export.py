"""Tidy files of runs and evaluations, as CSV and Parquet, for tools that do not read the database.

    runs.csv / runs.parquet                 one row per run, the configuration's keys as columns
    evaluations.csv / evaluations.parquet   one row per run, evaluation and split
"""

import json
from pathlib import Path

import pandas as pd

from analysis.tables import Tables, read_tables

_DROPPED = ("config", "run_key")
_AS_TEXT = ("params", "attributes", "environment")


def tidy_runs(tables: Tables) -> pd.DataFrame:
    """One row per run; JSON columns as text with sorted keys."""
    runs = tables.runs.drop(columns=[name for name in _DROPPED if name in tables.runs])
    for name in _AS_TEXT:
        runs[name] = [json.dumps(value, sort_keys=True) for value in runs[name]]
    return runs.sort_values("run_id", ignore_index=True)


def tidy_evaluations(tables: Tables) -> pd.DataFrame:
    """One row per run, evaluation and split: `run_id`, `study`, `k`, `epoch`, `learning_rate`, `split`, `loss`, `accuracy`."""
    shared = ["run_id", "study", "k", "epoch", "learning_rate"]
    parts = []
    for split in ("train", "validation", "test"):
        part = tables.curves[[*shared, f"{split}_loss", f"{split}_accuracy"]].copy()
        part.columns = [*shared, "loss", "accuracy"]
        part.insert(len(shared), "split", split)
        parts.append(part)
    long = pd.concat(parts, ignore_index=True)
    long["study"] = long["study"].astype(str)
    return long.sort_values(["run_id", "k", "split"], ignore_index=True)


def export(database: str, out: Path, dataset: str | None = None) -> list[Path]:
    """Write the four files into `out` and return their paths.

    Args:
        database: Path of an SQLite file, or an SQLAlchemy URL.
        out: Folder of the files; made if missing.
        dataset: By default MNIST where there is any.
    """
    tables = read_tables(database, dataset)
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, table in (("runs", tidy_runs(tables)), ("evaluations", tidy_evaluations(tables))):
        csv, parquet = out / f"{name}.csv", out / f"{name}.parquet"
        table.to_csv(csv, index=False, lineterminator="\n")
        table.to_parquet(parquet, index=False)
        paths += [csv, parquet]
    return paths
