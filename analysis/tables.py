"""The views `v_runs`, `v_curves` and `v_selections` as data frames: each is read once, for one dataset at a time.

    database ──read_tables──▶ Tables(runs, curves, selections) ──▶ statistics, figures, claims

`runs` has one row per run (a trial trained once with one seed), read at the evaluation its study says,
with the configuration's keys as columns. `curves` has one row per run and evaluation. Accuracy is a
share in [0, 1], loss is in nats, `k` counts evaluations from 1.
"""

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from analysis.commands import DATABASE, REPORT_DATASET, Commands, study_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Engine

SPLIT_NAMES = ("train", "validation", "test")
Known = TypeVar("Known")

RUN_KEYS = ("study", "trial_number", "replicate")
_JSON = ("params", "config", "attributes", "environment")
# Only what a figure or a statistic uses: the rest of v_curves can be joined from v_runs by run_id.
_CURVE_COLUMNS = (
    "run_id, k, epoch, learning_rate, train_loss, train_accuracy, "
    "validation_loss, validation_accuracy, test_loss, test_accuracy"
)
_SELECTION_COLUMNS = "study, selection_id, trial_number, n_trials, selected_at"


class StudyMissingError(LookupError):
    """A study that a figure or a claim needs is not in the database, or has no finished run in it."""

    def __init__(self, study: str, command: str, reason: str = "is not in the database") -> None:
        super().__init__(f"study {study!r} {reason}; make it with: {command}")
        self.study = study
        self.command = command
        self.reason = reason


class NotApplicableError(ValueError):
    """The study is there, but a statistic's conditions do not hold for it."""


def known(table: "Mapping[Any, Known]", name: Any, what: str) -> "Known":
    """The entry of `name` in a table of names that the analysis knows.

    Raises:
        NotApplicableError: It is not one of them; the message says which are.
    """
    if name not in table:
        raise NotApplicableError(f"{what} must be one of {', '.join(map(str, table))}, but got {name}")
    return table[name]


@dataclass(frozen=True)
class Tables:
    """Everything the analysis reads.

    Attributes:
        dataset: The one dataset these tables are about.
        runs: One row per run; columns of `v_runs` with `study` as in the study's file (`base_name`; the name in
            the database is `study_name`) and the keys of the configuration.
        curves: One row per run and evaluation, ordered by (run_id, k).
        left_aside: Names of studies in the database that are not used here (other data, other seed).
        selections: Frozen choices, the newest of each study: `study` as in `runs`, `selection_id`,
            `trial_number`, `n_trials`, `selected_at`.
        commands: What to type for a study.
    """

    dataset: str
    runs: pd.DataFrame
    curves: pd.DataFrame
    left_aside: tuple[str, ...] = ()
    selections: pd.DataFrame = field(default_factory=pd.DataFrame)
    commands: Commands = field(default_factory=Commands)

    @property
    def studies(self) -> list[str]:
        """Names of the studies at hand, sorted."""
        return sorted(self.runs["study"].unique())

    def all_runs(self, study: str) -> pd.DataFrame:
        """Every run of the study, whatever its state.

        Raises:
            StudyMissingError: There is none.
        """
        found = self.runs[self.runs["study"] == study]
        if found.empty:
            raise StudyMissingError(study, self.commands.make(study))
        return found

    def complete(self, study: str, *, full_fidelity: bool = True) -> pd.DataFrame:
        """The complete runs of the study, by default those trained at full fidelity only.

        Raises:
            StudyMissingError: There is none.
        """
        found = self.all_runs(study)
        found = found[found["state"] == "complete"]
        if full_fidelity:
            found = found[found["full_fidelity"]]
        if found.empty:
            raise StudyMissingError(study, self.commands.again(study), "has no complete run")
        return found

    def curves_of(self, runs: pd.DataFrame) -> pd.DataFrame:
        """The curves of `runs`."""
        return self.curves[self.curves["run_id"].isin(runs["run_id"])]


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
        raise FileNotFoundError(
            f"the database must exist, but there is no file {database}; make one with: make linear-grid"
        )
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


def choose_dataset(run_counts: dict[str, int]) -> str:
    """MNIST if any run has it, otherwise the dataset with the most runs (ties: the first by name)."""
    if REPORT_DATASET in run_counts:
        return REPORT_DATASET
    return min(run_counts, key=lambda name: (-run_counts[name], name))


def read_tables(database: "str | Engine", dataset: str | None = None, called: str = DATABASE) -> Tables:
    """Read the views of `database` for one dataset.

    Args:
        database: Path of an SQLite file, an SQLAlchemy URL, or an engine.
        dataset: By default MNIST where there is any, otherwise the one there is.
        called: What commands call the database.

    Raises:
        FileNotFoundError: `database` is a path without a file.
        LookupError: The database has no run, or none on `dataset`.
    """
    from sqlalchemy import text

    with connected(database) as connection:
        runs = read_runs(connection)
        if runs.empty:
            raise LookupError("the database must hold runs, but it has none; make some with: make linear-grid")
        chosen = dataset or choose_dataset({str(name): int(n) for name, n in runs["dataset"].value_counts().items()})
        if chosen not in set(runs["dataset"]):
            there = ", ".join(sorted(runs["dataset"].unique()))
            raise LookupError(f"dataset must be one of {there}, but got {chosen}")
        runs = runs[runs["dataset"] == chosen]
        used, left_aside = _one_study_each(runs)
        runs = tidy_runs(runs[runs["study"].isin(used)])
        query = text(f"SELECT {_CURVE_COLUMNS} FROM v_curves WHERE dataset = :dataset")
        curves = pd.read_sql(query, connection, params={"dataset": chosen})
        query = text(f"SELECT {_SELECTION_COLUMNS} FROM v_selections WHERE dataset = :dataset ORDER BY selection_id")
        selections = pd.read_sql(query, connection, params={"dataset": chosen})
        query = text("SELECT study, spec, command FROM v_studies WHERE dataset = :dataset ORDER BY study_id")
        studies = pd.read_sql(query, connection, params={"dataset": chosen})
    # A study may be running: evaluations that arrived after the runs were read belong to the next reading.
    curves = curves[curves["run_id"].isin(runs["run_id"])]
    curves = curves.sort_values(["run_id", "k"], ignore_index=True)
    selections = (
        selections[selections["study"].isin(used)].sort_values("selection_id").drop_duplicates("study", keep="last")
    )
    base_names = dict(zip(runs["study_name"], runs["study"], strict=True))
    commands = _commands(studies, base_names, chosen, called)
    selections = selections.assign(study=selections["study"].map(base_names)).reset_index(drop=True)
    return Tables(chosen, runs, curves, tuple(left_aside), selections, commands)


def _commands(studies: pd.DataFrame, base_names: "Mapping[str, str]", dataset: str, called: str) -> Commands:
    """The commands for the studies at hand and for those that are missing beside them: on the same data."""
    used = studies[studies["study"].isin(list(base_names))]
    named = next((spec["dataset"] for spec in reversed(_decode(used["spec"])) if spec.get("dataset")), "auto")
    names = {base_names[name]: name for name in used["study"]}
    stored = dict(zip(names, used["command"], strict=True))
    return Commands(dataset, None if named == "auto" else named, called, names, stored)


def read_runs(connection: "Connection") -> pd.DataFrame:
    """`v_runs` as it is.

    Raises:
        LookupError: The database was written by an earlier version.
    """
    from sqlalchemy import text

    runs = pd.read_sql(text("SELECT * FROM v_runs"), connection)
    if "base_name" not in runs:
        raise LookupError("the database must be of schema 3, but is older; `digitsweep status` brings it up to date")
    return runs


def _one_study_each(runs: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Names of the studies that are used, and of those left aside.

    Of several seeds of a study the one as published is used, else the lowest; never a mixture. A confirmation goes
    with the study that it confirms.
    """
    studies = runs.drop_duplicates("study")
    confirms = studies["driver"] == "confirm"
    published = [study_name(*names) for names in zip(studies["base_name"], studies["dataset"], strict=True)]
    ordered = studies.assign(other=studies["study"] != published)[~confirms].sort_values(
        ["other", "study_seed", "study"]
    )
    used = ordered.drop_duplicates("base_name")["study"].tolist()
    sources = [attributes["source_study"] for attributes in _decode(studies.loc[confirms, "attributes"])]
    used += [name for name, source in zip(studies.loc[confirms, "study"], sources, strict=True) if source in used]
    return used, sorted(set(studies["study"]) - set(used))


def tidy_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """`v_runs` with JSON decoded, the configuration's keys as columns, and study names without suffixes."""
    runs = runs.reset_index(drop=True)
    for column in _JSON:
        runs[column] = pd.Series(_decode(runs[column]), index=runs.index, dtype=object)
    config = pd.DataFrame(list(runs["config"]), index=runs.index)
    config = config.drop(columns=[name for name in config if name in runs.columns])
    runs = pd.concat([runs, config], axis=1)
    runs = runs.rename(columns={"study": "study_name", "base_name": "study"})
    runs["full_fidelity"] = runs["full_fidelity"].astype(bool)
    return runs.sort_values([*RUN_KEYS]).reset_index(drop=True)
