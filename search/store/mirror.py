"""The studies as Optuna sees them: a projection of our trials into Optuna's own tables of the same file.

The study itself is made through Optuna's public interface. Its trials are written in one of two ways:

    RowMirror        as rows, in the same transaction as our own. The two can never disagree, ended trials can be
                     corrected, and a value costs next to nothing, where Optuna's interface takes about a
                     millisecond for each, which a fast study would notice.
    InterfaceMirror  through Optuna's interface, after our own transaction.

Rows are for the layout of Optuna's tables that is known here (`KNOWN_LAYOUT`); under any other, its interface is
taken and a line says so. The tests read everything back through Optuna's interface and compare the two.

Only validation values go there; a test value never does.
"""

import json
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, MetaData, Table, delete, func, insert, select, update

from engine.configuration import DOMAINS
from search.spec.space import Choices, Params, Space, Value
from search.store.optuna_tables import close_storage, optuna_storage

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.storages import RDBStorage

KNOWN_LAYOUT = "v3.2.0.a"
"""The revision of Optuna's tables whose rows are written here. (Their schema number is 12 for good.)"""

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
_ENDED = ("COMPLETE", "PRUNED", "FAIL")


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


def choose_distribution(name: str, axis_values: Iterable[Value], *, log: bool) -> "BaseDistribution":
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


def choose_distributions(space: Space) -> dict[str, "BaseDistribution"]:
    """Optuna's distribution of every axis; numeric axes on a log scale where their values are spread so."""
    result = {}
    for name, axis in space.items():
        if isinstance(axis, Choices):
            numbers = [v for v in axis.values if isinstance(v, int | float) and not isinstance(v, bool)]
            spread = len(numbers) > 1 and min(numbers) > 0 and max(numbers) / min(numbers) >= 5
            result[name] = choose_distribution(name, axis.values, log=spread)
        else:
            result[name] = choose_distribution(name, (axis.low, axis.high), log=axis.log)
    return result


class Mirror(ABC):
    """One study's trials in Optuna's tables.

    Args:
        space: the axes of the study.
        states: the trials that are there already, by number, in Optuna's states.
    """

    def __init__(self, space: Space, states: Mapping[int, str]) -> None:
        self._distributions = choose_distributions(space)
        self._states = dict(states)

    def is_behind(self, number: int, state: str) -> bool:
        """Whether a trial of ours, now in `state`, stands otherwise in Optuna's tables, or not at all."""
        return self._states.get(number) != _STATES[state]

    @abstractmethod
    def project(self, connection: Connection, mirrored: Iterable[MirroredTrial]) -> None:
        """Bring these trials up to date, as part of the transaction that the caller has opened, where that can be."""

    @abstractmethod
    def publish(self) -> None:
        """Write what could not be part of the transaction; called after it."""

    def _encode(self, params: Params) -> "Iterator[tuple[str, float, BaseDistribution]]":
        """Name, value as Optuna stores it, and distribution of each hyperparameter."""
        from optuna.distributions import CategoricalDistribution

        for name, value in params.items():
            distribution = self._distributions.get(name) or choose_distribution(name, [value], log=False)
            shown: Value = value
            if isinstance(distribution, CategoricalDistribution) and value not in distribution.choices:
                shown = str(value)
            yield name, distribution.to_internal_repr(shown), distribution


class RowMirror(Mirror):
    """Writes the rows of Optuna's tables, which are laid out as `KNOWN_LAYOUT`."""

    def __init__(self, engine: Engine, study_id: int, space: Space) -> None:
        self._study_id = study_id
        metadata = MetaData()
        names = (
            "trials",
            "trial_params",
            "trial_values",
            "trial_intermediate_values",
            "trial_user_attributes",
        )
        self._tables = {name: Table(name, metadata, autoload_with=engine) for name in names}
        self._reported: dict[int, set[int]] = {}
        trials = self._tables["trials"]
        with engine.connect() as connection:
            columns = select(trials.c.number, trials.c.trial_id, trials.c.state)
            known = connection.execute(columns.where(trials.c.study_id == study_id)).all()
        self._trial_ids = {row.number: row.trial_id for row in known}
        super().__init__(space, {row.number: row.state for row in known})

    def project(self, connection: Connection, mirrored: Iterable[MirroredTrial]) -> None:
        """Bring these trials' rows up to date."""
        for trial in mirrored:
            trial_id = self._trial_ids.get(trial.number)
            if trial_id is None:
                trial_id = self._insert(connection, trial)
            self._update(connection, trial_id, trial)

    def publish(self) -> None:
        """Nothing: all was part of the transaction."""

    def _insert(self, connection: Connection, trial: MirroredTrial) -> int:
        from optuna.distributions import distribution_to_json

        row = insert(self._tables["trials"]).values(
            study_id=self._study_id, number=trial.number, state="WAITING", datetime_start=None
        )
        trial_id = int(connection.execute(row).inserted_primary_key[0])  # type: ignore[index]
        params = [
            {
                "trial_id": trial_id,
                "param_name": name,
                "param_value": value,
                "distribution_json": distribution_to_json(distribution),
            }
            for name, value, distribution in self._encode(trial.params)
        ]
        if params:
            connection.execute(insert(self._tables["trial_params"]), params)
        self._trial_ids[trial.number] = trial_id
        return trial_id

    def _update(self, connection: Connection, trial_id: int, trial: MirroredTrial) -> None:
        state = _STATES[trial.state]
        ended = state in _ENDED
        trials = self._tables["trials"]
        moment = datetime.now(UTC).astimezone().replace(tzinfo=None)
        values: dict[str, Any] = {"state": state, "datetime_complete": moment if ended else None}
        if state != "WAITING":
            values["datetime_start"] = func.coalesce(trials.c.datetime_start, moment)
        connection.execute(update(trials).where(trials.c.trial_id == trial_id).values(values))
        self._states[trial.number] = state
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


class InterfaceMirror(Mirror):
    """Writes through Optuna's public interface, whatever its tables look like.

    It has a connection of its own, so trials are written after our transaction; what a crash between the two leaves
    out is made good when the study is run again (`is_behind`). It never changes a trial that has ended: one
    that is trained again, or gets more replicates, stays there as it first ended. And it takes no other choices for a
    hyperparameter of words than those of the study's first trial: such a value is left out. A line says either, once.
    """

    def __init__(self, storage: "RDBStorage", study_id: int, space: Space, say: Callable[[str], None]) -> None:
        self._storage, self._study_id, self._say = storage, study_id, say
        self._due: list[MirroredTrial] = []
        self._said: set[str] = set()
        known = storage.get_all_trials(study_id, deepcopy=False)
        super().__init__(space, {trial.number: trial.state.name for trial in known})
        storage.remove_session()

    def project(self, connection: Connection, mirrored: Iterable[MirroredTrial]) -> None:
        """Keep these trials for `publish`."""
        del connection
        self._due += mirrored

    def publish(self) -> None:
        """Write the trials that are due."""
        for trial in sorted(self._due, key=lambda trial: trial.number):
            self._write(trial)
        self._due.clear()
        self._storage.remove_session()

    def _write(self, trial: MirroredTrial) -> None:
        from optuna.trial import TrialState, create_trial

        # Optuna numbers trials as they come, so those before this one are made with it, to be filled in their turn.
        for number in range(len(self._states), trial.number + 1):
            self._storage.create_new_trial(self._study_id, template_trial=create_trial(state=TrialState.WAITING))
            self._states[number] = "WAITING"
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(self._study_id, trial.number)
        known = self._storage.get_trial(trial_id)
        state = _STATES[trial.state]
        if known.state.is_finished():
            if (known.state.name, known.value) != (state, trial.value):
                self._say_once("trials that had ended have changed, and Optuna's tables keep them as they first ended")
            return
        for name, value, distribution in self._encode(trial.params):
            if name not in known.params:
                try:
                    self._storage.set_trial_param(trial_id, name, value, distribution)
                except ValueError:
                    self._say_once(f"Optuna's tables do not take the new values of {name}, which are left out there")
        if state != "WAITING" and known.state == TrialState.WAITING:
            self._storage.set_trial_state_values(trial_id, TrialState.RUNNING)
        for k, accuracy in sorted(trial.curve.items()):
            if k not in known.intermediate_values:
                self._storage.set_trial_intermediate_value(trial_id, k, accuracy)
        if state in _ENDED:
            for key, attribute in trial.attributes.items():
                self._storage.set_trial_user_attr(trial_id, key, attribute)
            values = None if trial.value is None else [trial.value]
            self._storage.set_trial_state_values(trial_id, TrialState[state], values)
        elif state == "WAITING" and known.state == TrialState.RUNNING:
            self._storage.set_trial_state_values(trial_id, TrialState.WAITING)
        self._states[trial.number] = state

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._say(f"{line[0].upper()}{line[1:]}.")


def open_mirror(engine: Engine, study: str, space: Space, *, note: str, say: Callable[[str], None]) -> Mirror:
    """The mirror of a study, which is made in Optuna's tables where it is not there, with its note.

    Args:
        engine: of the database.
        study: its name there.
        space: all its axes.
        note: what the dashboard shows beside it, as Markdown.
        say: takes lines for a person.

    Raises:
        DatabaseUnusableError: the tables are of another version than the installed Optuna.
    """
    import optuna

    storage = optuna_storage(engine.url, str(engine.url.database))
    created = optuna.create_study(storage=storage, study_name=study, direction="maximize", load_if_exists=True)
    if created.metric_names != [METRIC]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            created.set_metric_names([METRIC])
    study_id = storage.get_study_id_from_name(study)
    _save_note(storage, study_id, note)
    layout = storage.get_current_version()
    if layout == KNOWN_LAYOUT:
        close_storage(storage)
        return RowMirror(engine, study_id, space)
    storage.remove_session()
    say(
        f"Optuna's tables are laid out as {layout}, where {KNOWN_LAYOUT} is known here, so trials are written there "
        "through Optuna's interface, which is slower."
    )
    return InterfaceMirror(storage, study_id, space, say)


def _save_note(storage: "RDBStorage", study_id: int, note: str) -> None:
    """The study's note as optuna-dashboard keeps it; importing its own `save_note` takes seconds."""
    known = storage.get_study_system_attrs(study_id)
    pieces = [note[i : i + _NOTE_PIECE] for i in range(0, len(note), _NOTE_PIECE)]
    if [known.get(f"dashboard:note_str:{i}") for i in range(len(pieces))] == pieces:
        return
    storage.set_study_system_attr(study_id, "dashboard:note_ver", int(known.get("dashboard:note_ver", 0)) + 1)
    for i, piece in enumerate(pieces):
        storage.set_study_system_attr(study_id, f"dashboard:note_str:{i}", piece)
