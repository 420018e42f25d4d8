"""The mirror that writes the rows of Optuna's tables, in the caller's transaction."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, MetaData, Table, delete, func, insert, select, update

from search.spec.space import Space
from search.store.location import DatabaseUnusableError
from search.store.mirrored import ENDED, STATES, Mirror, MirroredTrial, Say

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


class RowMirror(Mirror):
    """Writes the rows of Optuna's tables, which are laid out as `mirror.KNOWN_LAYOUT`."""

    def __init__(
        self, engine: Engine, study_id: int, name: str, space: Space, make: Callable[[], int], say: Say
    ) -> None:
        self._study_id = study_id
        metadata = MetaData()
        names = (
            "studies",
            "trials",
            "trial_params",
            "trial_values",
            "trial_intermediate_values",
            "trial_user_attributes",
        )
        self._tables = {name: Table(name, metadata, autoload_with=engine) for name in names}
        self._reported: dict[int, set[int]] = {}
        self._trial_ids: dict[int, int] = {}
        self._deleted = self._stale = False
        with engine.begin() as connection:
            stored = self._stored(connection)
            super().__init__(name, space, ({axis: distribution} for axis, distribution in stored), {}, make, say)
            self._read(connection)
            self._widen(connection, stored)

    def _stored(self, connection: Connection) -> "list[tuple[str, BaseDistribution]]":
        """Each distribution that the study's trials have of a hyperparameter, in the order of these trials."""
        from optuna.distributions import json_to_distribution

        trials, params = self._tables["trials"], self._tables["trial_params"]
        kinds = (params.c.param_name, params.c.distribution_json)
        query = select(*kinds).join(trials, trials.c.trial_id == params.c.trial_id)
        query = query.where(trials.c.study_id == self._study_id).group_by(*kinds).order_by(func.min(trials.c.number))
        return [(name, json_to_distribution(text)) for name, text in connection.execute(query)]

    def _widen(self, connection: Connection, stored: "Iterable[tuple[str, BaseDistribution]]") -> None:
        """Give the trials that are there the distributions that those to come will have."""
        from optuna.distributions import distribution_to_json

        trials, params = self._tables["trials"], self._tables["trial_params"]
        ours = select(trials.c.trial_id).where(trials.c.study_id == self._study_id)
        for name, narrow in stored:
            wide = self._distributions[name]
            if wide == narrow or type(wide) is not type(narrow):
                continue
            same = (
                params.c.trial_id.in_(ours)
                & (params.c.param_name == name)
                & (params.c.distribution_json == distribution_to_json(narrow))
            )
            for value in connection.execute(select(params.c.param_value).where(same).distinct()).scalars().all():
                moved = wide.to_internal_repr(narrow.to_external_repr(value))
                change = {"param_value": moved, "distribution_json": distribution_to_json(wide)}
                connection.execute(update(params).where(same & (params.c.param_value == value)).values(change))

    def _read(self, connection: Connection) -> None:
        """What trials there are, and in which states."""
        trials = self._tables["trials"]
        columns = select(trials.c.number, trials.c.trial_id, trials.c.state)
        known = connection.execute(columns.where(trials.c.study_id == self._study_id)).all()
        self._trial_ids = {row.number: row.trial_id for row in known}
        self._states = {row.number: row.state for row in known}
        self._reported.clear()
        self._stale = False

    def project(self, connection: Connection, mirrored: Iterable[MirroredTrial]) -> None:
        """Bring these trials' rows up to date."""
        studies = self._tables["studies"]
        found = connection.execute(select(studies.c.study_id).where(studies.c.study_name == self._name)).scalar()
        self._deleted = found != self._study_id
        if self._deleted:
            return
        if self._stale:
            self._read(connection)
        for trial in mirrored:
            trial_id = self._trial_ids.get(trial.number)
            if trial_id is None:
                trial_id = self._insert(connection, trial)
            if not self._update(connection, trial_id, trial):
                self._say_once("trials were deleted from Optuna's tables, where they are made anew from ours")
                self._reported.pop(trial.number, None)
                self._update(connection, self._insert(connection, trial), trial)

    def publish(self) -> bool:
        """Make the study anew where it has been deleted; all else was part of the transaction."""
        if not self._deleted:
            return False
        try:
            self._study_id = self._make_anew()
        except DatabaseUnusableError:  # tried again after the next save
            return False
        self._trial_ids.clear()
        self._reported.clear()
        self._deleted = False
        return True

    def roll_back(self) -> None:
        """What is known of the rows is read again."""
        self._stale = True

    def _insert(self, connection: Connection, trial: MirroredTrial) -> int:
        from optuna.distributions import distribution_to_json

        row = insert(self._tables["trials"]).values(
            study_id=self._study_id, number=trial.number, state="WAITING", datetime_start=None
        )
        trial_id = int(connection.execute(row).inserted_primary_key[0])  # type: ignore[index]
        params = [
            {
                "param_name": name,
                "param_value": value,
                "distribution_json": distribution_to_json(distribution),
            }
            for name, value, distribution in self._encode(trial.params)
        ]
        # In place of whatever a deleted trial of the same number may have left.
        self._replace(connection, "trial_params", trial_id, params)
        self._trial_ids[trial.number] = trial_id
        return trial_id

    def _update(self, connection: Connection, trial_id: int, trial: MirroredTrial) -> bool:
        """Bring the trial's rows up to date; whether they are still there."""
        state = STATES[trial.state]
        ended = state in ENDED
        trials = self._tables["trials"]
        moment = datetime.now(UTC).astimezone().replace(tzinfo=None)
        values: dict[str, Any] = {"state": state, "datetime_complete": moment if ended else None}
        if state != "WAITING":
            values["datetime_start"] = func.coalesce(trials.c.datetime_start, moment)
        # The number alone could by now be that of somebody else's trial.
        same = (
            (trials.c.trial_id == trial_id) & (trials.c.study_id == self._study_id) & (trials.c.number == trial.number)
        )
        if not connection.execute(update(trials).where(same).values(values)).rowcount:
            return False
        self._states[trial.number] = state
        self._report(connection, trial_id, trial)
        if ended:
            found = [] if trial.value is None else [{"objective": 0, "value": trial.value, "value_type": "FINITE"}]
            self._replace(connection, "trial_values", trial_id, found)
            attributes = [{"key": key, "value_json": json.dumps(value)} for key, value in trial.attributes.items()]
            self._replace(connection, "trial_user_attributes", trial_id, attributes)
        return True

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
