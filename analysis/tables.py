"""The views as data frames: each is read once.

    database ──read_tables──▶ Tables(runs, curves, studies, selections) ──studies.py──▶ Study, …

`runs` has one row per run (a trial trained once with one seed), read at the evaluation its study says, with the
configuration's keys as columns. `curves` has one row per run and evaluation. Accuracy is a share in [0, 1], loss is in
nats, `k` counts evaluations from 1.
"""

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.conditions import inactive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

SPLIT_NAMES = ("train", "validation", "test")

RUN_KEYS = ("study", "trial_number", "replicate")
_JSON = ("params", "config", "attributes", "environment", "streams", "cut")
# Only what a figure or a statistic uses: the rest of v_curves can be joined from v_runs by run_id.
_CURVES = (
    "SELECT run_id, k, epoch, learning_rate, train_loss, train_accuracy, validation_loss, validation_accuracy, "
    "test_loss, test_accuracy FROM v_curves ORDER BY run_id, k"
)
_SELECTIONS = "SELECT study, selection_id, trial_number, n_trials, selected_at FROM v_selections ORDER BY selection_id"


@dataclass(frozen=True)
class Tables:
    """Everything the analysis reads.

    Attributes:
        runs: One row per run: `v_runs` with its JSON decoded and the keys of the configuration as columns.
        curves: One row per run and evaluation, ordered by (run_id, k).
        studies: `v_studies`, in the order in which they were made; `spec` decoded.
        selections: Frozen choices, the newest of each study: `study`, `selection_id`, `trial_number`, `n_trials`,
            `selected_at`.
        predictions: Where what runs took each image for can be read (`analysis.predictions`); None where it is not
            kept, as in a database before schema 4.
    """

    runs: pd.DataFrame
    curves: pd.DataFrame
    studies: pd.DataFrame
    selections: pd.DataFrame
    predictions: "str | Engine | None" = None


@contextmanager
def connected(database: "str | Engine") -> "Iterator[Connection]":
    """A connection to a path, an SQLAlchemy URL, or an engine that the caller opened and disposes of.

    Raises:
        FileNotFoundError: A path at which there is no file (SQLite would create an empty one).
    """
    from sqlalchemy import URL, create_engine

    if not isinstance(database, str):
        with database.connect() as connection:
            yield connection
        return
    if "://" not in database and not Path(database).is_file():
        raise FileNotFoundError(f"the database must exist, but there is no file {database}; digitsweep run makes one")
    sql = create_engine(database if "://" in database else URL.create("sqlite", database=database))
    try:
        with sql.connect() as connection:
            yield connection
    finally:
        sql.dispose()


def _decode(column: pd.Series) -> list[Any]:
    """JSON as SQLite returns it (text) or as PostgreSQL does (already decoded)."""
    known: dict[str, Any] = {}
    decoded = []
    for cell in column:
        if isinstance(cell, str):
            if cell not in known:
                known[cell] = _parse(cell)
            decoded.append(known[cell])
        else:
            decoded.append(cell if cell is not None else {})
    return decoded


def _parse(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError as error:
        raise LookupError(f"the database must hold JSON where it has {cell[:20]!r}, but is damaged there") from error


def read_tables(database: "str | Engine") -> Tables:
    """Read the views of `database`.

    Args:
        database: Path of an SQLite file, an SQLAlchemy URL, or an engine.

    Raises:
        FileNotFoundError: `database` is a path without a file.
        LookupError: The database has no run, or was written by an earlier version.
    """
    from sqlalchemy import inspect, text

    with connected(database) as connection:
        runs = read_runs(connection)
        if runs.empty:
            raise LookupError("the database must hold runs, but it has none; digitsweep run makes some")
        curves = pd.read_sql(text(_CURVES), connection)
        selections = pd.read_sql(text(_SELECTIONS), connection)
        studies = read_stored(connection)
        has_predictions = inspect(connection).has_table("v_correct")
    runs = tidy_runs(runs, studies)
    # A study may be running: evaluations that arrived after the runs were read belong to the next reading.
    curves = curves[curves["run_id"].isin(runs["run_id"])].reset_index(drop=True)
    newest = selections.drop_duplicates("study", keep="last").reset_index(drop=True)
    return Tables(runs, curves, studies, newest, database if has_predictions else None)


def read_runs(connection: "Connection") -> pd.DataFrame:
    """`v_runs` as it is.

    Raises:
        LookupError: The database was written by an earlier version.
    """
    from sqlalchemy import text

    runs = pd.read_sql(text("SELECT * FROM v_runs"), connection)
    if "base_name" not in runs:
        raise LookupError("the database must be of schema 3, but is older; `digitsweep status` brings it up to date")
    # What schema 5 added is not known of the runs of schema 4.
    return runs.assign(**{name: None for name in ("streams", "cut") if name not in runs})


def read_stored(connection: "Connection") -> pd.DataFrame:
    """`v_studies` in the order in which they were made, each file decoded."""
    from sqlalchemy import text

    studies = pd.read_sql(text("SELECT * FROM v_studies ORDER BY study_id"), connection)
    return studies.assign(spec=pd.Series(_decode(studies["spec"]), index=studies.index, dtype=object))


def tidy_runs(runs: pd.DataFrame, studies: pd.DataFrame) -> pd.DataFrame:
    """`v_runs` with JSON decoded and the configuration's keys as columns, nothing where one does not exist in a run.

    Args:
        runs: `v_runs`.
        studies: From `read_stored`, whose files say under which conditions a hyperparameter exists.
    """
    runs = runs.reset_index(drop=True)
    for column in _JSON:
        runs[column] = pd.Series(_decode(runs[column]), index=runs.index, dtype=object)
    config = pd.DataFrame(list(runs["config"]), index=runs.index)
    config = config.drop(columns=[name for name in config if name in runs.columns])
    runs = _existing(pd.concat([runs, config], axis=1), studies)
    runs["full_fidelity"] = runs["full_fidelity"].astype(bool)
    return runs.sort_values([*RUN_KEYS]).reset_index(drop=True)


def _existing(runs: pd.DataFrame, studies: pd.DataFrame) -> pd.DataFrame:
    """The runs with nothing in place of a hyperparameter that does not exist in them."""
    when = {row["study"]: row["spec"]["when"] for row in studies.to_dict("records") if row["spec"].get("when")}
    missing = [
        inactive(when.get(study, {}), config) for study, config in zip(runs["study"], runs["config"], strict=True)
    ]
    shown: dict[str, Any] = {
        name: [None if name in absent else value for absent, value in zip(missing, runs[name], strict=True)]
        for name in sorted(set().union(*missing))
    }
    return runs.assign(**shown)
