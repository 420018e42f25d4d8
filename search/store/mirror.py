"""The studies as Optuna sees them: a projection of our trials into Optuna's own tables of the same file.

The study itself is made through Optuna's public interface. Its trials are written as rows, in the same
transaction as our own, for two reasons: the two can never disagree, and Optuna's interface costs about a
millisecond for each reported value, which a fast study would notice. The layout of those rows is Optuna's
storage schema 12, which is checked; the tests read every row back through Optuna's public interface.

Only validation values go there; a test value never does.
"""

import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, delete, func, insert, select, update

from engine.configuration import DOMAINS
from engine.errors import DigitsweepError
from search.space import Choices, Params, Space, Value
from search.store.optuna_tables import close_storage, optuna_storage

OPTUNA_SCHEMA = 12
METRIC = "validation accuracy"
"""What the dashboard calls a trial's value."""

_NOTE_PIECE = 2_045

_STATES = {
    "waiting": "WAITING",
    "running": "RUNNING",
    "interrupted": "WAITING",
    "complete": "COMPLETE",
    "pruned": "PRUNED",
    "diverged": "FAIL",
    "failed": "FAIL",
}


class MirrorError(DigitsweepError, RuntimeError):
    """The installed Optuna stores its studies in a way this version does not know."""


@dataclass
class MirroredTrial:
    """A trial as it is to stand in Optuna's tables.

    Attributes:
        number: the trial's number, the same on both sides.
        params: the searched hyperparameters.
        state: our state; Optuna's follows from it.
        curve: validation accuracy by k, mean over the replicates that got there.
        value: validation accuracy the trial ended with; of a pruned one, where it stood; None for others.
        attributes: what the dashboard shows beside the trial.
    """

    number: int
    params: Params
    state: str
    curve: Mapping[int, float] = field(default_factory=dict)
    value: float | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


def distribution_of(name: str, axis_values: Iterable[Value], *, log: bool) -> Any:
    """Optuna's distribution that holds these values; numbers as an interval, so that grids may grow."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    values = list(axis_values)
    domain = DOMAINS[name]
    if domain.kind is bool:
        return CategoricalDistribution([False, True])
    if domain.choices:
        return CategoricalDistribution(domain.choices)
    numbers = [v for v in values if isinstance(v, int | float)]
    if len(numbers) < len(values) or not numbers:
        return CategoricalDistribution([str(v) for v in values])
    log = log and min(numbers) > 0
    if domain.kind is int:
        return IntDistribution(int(min(numbers)), int(max(numbers)), log=log)
    return FloatDistribution(float(min(numbers)), float(max(numbers)), log=log)


def distributions(space: Space) -> dict[str, Any]:
    """Optuna's distribution of every axis; numeric axes on a log scale where their values are spread so."""
    result = {}
    for name, axis in space.items():
        if isinstance(axis, Choices):
            numbers = [v for v in axis.values if isinstance(v, int | float) and not isinstance(v, bool)]
            spread = len(numbers) > 1 and min(numbers) > 0 and max(numbers) / min(numbers) >= 5
            result[name] = distribution_of(name, axis.values, log=spread)
        else:
            result[name] = distribution_of(name, (axis.low, axis.high), log=axis.log)
    return result


class Mirror:
    """Writes one study's trials into Optuna's tables, inside transactions that the caller opens."""

    def __init__(self, engine: Engine, study: str, space: Space, *, note: str) -> None:
        self._distributions = distributions(space)
        self._study_id = _create_study(engine, study, note)
        metadata = MetaData()
        names = (
            "trials",
            "trial_params",
            "trial_values",
            "trial_intermediate_values",
            "trial_user_attributes",
        )
        self._tables = {name: Table(name, metadata, autoload_with=engine) for name in names}
        trials = self._tables["trials"]
        self._reported: dict[int, set[int]] = {}
        with engine.connect() as connection:
            known = connection.execute(
                select(trials.c.number, trials.c.trial_id).where(trials.c.study_id == self._study_id)
            )
            self._trial_ids = {row.number: row.trial_id for row in known}

    def project(self, connection: Connection, mirrored: Iterable[MirroredTrial]) -> None:
        """Bring these trials' rows up to date."""
        for trial in mirrored:
            trial_id = self._trial_ids.get(trial.number)
            if trial_id is None:
                trial_id = self._insert(connection, trial)
            self._update(connection, trial_id, trial)

    def _insert(self, connection: Connection, trial: MirroredTrial) -> int:
        from optuna.distributions import distribution_to_json

        row = insert(self._tables["trials"]).values(
            study_id=self._study_id, number=trial.number, state="WAITING", datetime_start=None
        )
        trial_id = int(connection.execute(row).inserted_primary_key[0])  # type: ignore[index]
        params = []
        for name, value in trial.params.items():
            distribution = self._distributions.get(name) or distribution_of(name, [value], log=False)
            if type(distribution).__name__ == "CategoricalDistribution" and value not in distribution.choices:
                shown: Value = str(value)
            else:
                shown = value
            params.append(
                {
                    "trial_id": trial_id,
                    "param_name": name,
                    "param_value": distribution.to_internal_repr(shown),
                    "distribution_json": distribution_to_json(distribution),
                }
            )
        if params:
            connection.execute(insert(self._tables["trial_params"]), params)
        self._trial_ids[trial.number] = trial_id
        return trial_id

    def _update(self, connection: Connection, trial_id: int, trial: MirroredTrial) -> None:
        state = _STATES[trial.state]
        ended = state in ("COMPLETE", "PRUNED", "FAIL")
        trials = self._tables["trials"]
        moment = datetime.now(UTC).astimezone().replace(tzinfo=None)
        values: dict[str, Any] = {"state": state, "datetime_complete": moment if ended else None}
        if state != "WAITING":
            values["datetime_start"] = func.coalesce(trials.c.datetime_start, moment)
        connection.execute(update(trials).where(trials.c.trial_id == trial_id).values(values))
        self._report(connection, trial_id, trial)
        if ended:
            found = [] if trial.value is None else [{"objective": 0, "value": trial.value, "value_type": "FINITE"}]
            self._replace(connection, "trial_values", trial_id, found)
            attributes = [{"key": key, "value_json": json.dumps(value)} for key, value in trial.attributes.items()]
            self._replace(connection, "trial_user_attributes", trial_id, attributes)

    def _report(self, connection: Connection, trial_id: int, trial: MirroredTrial) -> None:
        """The trial's curve: whole at first, then what is new, since a mean over all runs does not change."""
        reported = self._reported.setdefault(trial.number, set())
        rows = [
            {"step": k, "intermediate_value": accuracy, "intermediate_value_type": "FINITE"}
            for k, accuracy in sorted(trial.curve.items())
            if k not in reported
        ]
        if reported and rows:
            table = self._tables["trial_intermediate_values"]
            connection.execute(insert(table), [{"trial_id": trial_id} | row for row in rows])
        elif rows:
            self._replace(connection, "trial_intermediate_values", trial_id, rows)
        reported.update(trial.curve)

    def _replace(self, connection: Connection, name: str, trial_id: int, rows: list[dict[str, Any]]) -> None:
        table = self._tables[name]
        connection.execute(delete(table).where(table.c.trial_id == trial_id))
        if rows:
            connection.execute(insert(table), [{"trial_id": trial_id} | row for row in rows])


def _create_study(engine: Engine, name: str, note: str) -> int:
    """Make the study through Optuna's interface, with its note; its id in Optuna's tables."""
    import optuna

    storage = optuna_storage(engine.url, str(engine.url.database))
    version = storage.get_current_version()
    with engine.connect() as connection:
        table = Table("version_info", MetaData(), autoload_with=connection)
        schema = connection.execute(select(table.c.schema_version)).scalar_one()
    if schema != OPTUNA_SCHEMA:
        raise MirrorError(
            f"Optuna's storage schema must be {OPTUNA_SCHEMA}, but is {schema} ({version}); "
            "install the locked versions with `make clean` and the command again"
        )
    study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
    if study.metric_names != [METRIC]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # marked experimental; the version is locked
            study.set_metric_names([METRIC])
    _save_note(storage, study._study_id, note)
    close_storage(storage)
    return int(study._study_id)


def _save_note(storage: Any, study_id: int, note: str) -> None:
    """The study's note as optuna-dashboard keeps it; importing its own `save_note` takes seconds."""
    known = storage.get_study_system_attrs(study_id)
    pieces = [note[i : i + _NOTE_PIECE] for i in range(0, len(note), _NOTE_PIECE)]
    if [known.get(f"dashboard:note_str:{i}") for i in range(len(pieces))] == pieces:
        return
    storage.set_study_system_attr(study_id, "dashboard:note_ver", int(known.get("dashboard:note_ver", 0)) + 1)
    for i, piece in enumerate(pieces):
        storage.set_study_system_attr(study_id, f"dashboard:note_str:{i}", piece)
