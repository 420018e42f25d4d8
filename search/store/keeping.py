"""Studies deleted and renamed, with their confirmations, in our tables and in Optuna's.

Optuna's go first and come back last: whatever stops the program in between, the study is whole in our tables, and what
Optuna shows of it is made anew by its next run.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, RowMapping, delete, select, update

from engine.errors import DigitsweepError
from search.naming import reworded_note
from search.spec.meaning import CONFIRM
from search.store import reading
from search.store.lock import study_lock
from search.store.mirror import stored_note, write_note
from search.store.optuna_tables import close_storage, optuna_storage
from search.store.ownership import refuse_foreign_study
from search.store.schema import labels, runs, studies, trials

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial

_SOURCE = "source_study"


class StudyNameError(DigitsweepError, ValueError):
    """A name that a study cannot be given."""


def family(connection: Connection, study: RowMapping) -> list[RowMapping]:
    """A study with its confirmation, and the confirmation's own, as far as there are any."""
    members = [study]
    while True:
        base = members[-1]["base_name"]
        name = f"{base}-confirm{members[-1]['name'].removeprefix(base)}"
        found = reading.study_named(connection, name)
        if found is None or found["driver"] != CONFIRM:
            return members
        members.append(found)


def delete_studies(sql: Engine, database: str, names: Sequence[str]) -> None:
    """Delete studies with all their trials, runs and selections, from Optuna's tables too.

    Raises:
        StudyBusyError: one of them is being run; nothing is deleted.
        DatabaseUnusableError: Optuna's tables are of another version; nothing is deleted.
    """
    import optuna

    with _held(database, names):
        with _storage(sql) as storage:
            for name in names:
                with suppress(KeyError):  # somebody deleted it in the dashboard
                    optuna.delete_study(study_name=name, storage=storage)
        with sql.begin() as connection:
            connection.execute(delete(studies).where(studies.c.name.in_(names)))
            connection.execute(delete(labels).where(labels.c.data_sha256.not_in(select(runs.c.data_sha256))))


def rename_study(sql: Engine, database: str, study: RowMapping, base_name: str) -> dict[str, str]:
    """Give a study another name in its file, and its confirmation one that follows; old names to new ones.

    What sets it apart for its data and seed (`@digits`, `#7`) stays.

    Args:
        sql: the database, to write.
        database: as it was typed.
        study: its row.
        base_name: the new name, as its file would have it.

    Raises:
        StudyNameError: it is no name, a study has it already, or the study is a confirmation.
        ForeignStudyError: Optuna has a study of this name that is not ours.
        StudyBusyError: it is being run; nothing is changed.
    """
    if study["driver"] == CONFIRM:
        raise StudyNameError(f"{study['name']} is a confirmation, which is renamed with the study that it confirms")
    with sql.connect() as connection:
        members = family(connection, study)
    bases = {row["name"]: base_name + row["base_name"].removeprefix(study["base_name"]) for row in members}
    names = {row["name"]: bases[row["name"]] + row["name"].removeprefix(row["base_name"]) for row in members}
    with _held(database, [*names, *names.values()]):
        with sql.connect() as connection:
            for name in names.values():
                if reading.study_named(connection, name) is not None:
                    raise StudyNameError(f"there is a study {name} already; delete it first, or choose another name")
                refuse_foreign_study(connection, name)
        with _storage(sql) as storage:
            taken = {name: _taken_out(storage, name) for name in names}
            with sql.begin() as connection:
                notes = {row["name"]: _rename(connection, row, bases, names) for row in members}
            for old, new in names.items():
                _put_back(storage, new, taken[old], names, notes[old])
    return names


def _rename(connection: Connection, row: RowMapping, bases: dict[str, str], names: dict[str, str]) -> dict[str, str]:
    """One study's row, and what its trials say of where they come from; what its note said, and says now."""
    question, command, base_name = row["question"], row["command"], bases[row["name"]]
    if row["driver"] == CONFIRM:  # its question and its command name the study that it confirms
        for old, new in names.items():
            question = question.replace(f" {old} ", f" {new} ")
            short = old.removesuffix(row["name"].removeprefix(row["base_name"]))
            command = _renamed(command, {old: new, short: bases[old]})
    values = {
        "name": names[row["name"]],
        "base_name": base_name,
        "question": question,
        "command": command,
        "spec": row["spec"] | {"study": base_name, "question": question},
    }
    connection.execute(update(studies).where(studies.c.study_id == row["study_id"]).values(values))
    for trial in reading.study_trials(connection, row["study_id"]):
        source = trial["attributes"].get(_SOURCE)
        if source in names:
            changed = trial["attributes"] | {_SOURCE: names[source]}
            connection.execute(update(trials).where(trials.c.trial_id == trial["trial_id"]).values(attributes=changed))
    return {
        f"Study `{row['name']}`": f"Study `{names[row['name']]}`",
        row["question"].strip(): question.strip(),
        row["command"]: command,
    }


def _renamed(command: str, names: Mapping[str, str]) -> str:
    """A command that confirms a study, for that study's new name."""
    words = shlex.split(command)
    for i, word in enumerate(words):
        option, is_make, name = word.rpartition("STUDY=")
        if name in names and not option:
            words[i] = is_make + names[name]
    return shlex.join(words)


@dataclass(frozen=True)
class _Taken:
    """A study as it was in Optuna's tables."""

    system: dict[str, Any]
    user: dict[str, Any]
    trials: "list[FrozenTrial]"


def _taken_out(storage: "RDBStorage", name: str) -> _Taken | None:
    """A study out of Optuna's tables: what it says of itself, and its trials; None where it is not there."""
    try:
        study_id = storage.get_study_id_from_name(name)
    except KeyError:
        return None
    attributes = storage.get_study_system_attrs(study_id), storage.get_study_user_attrs(study_id)
    taken = _Taken(*attributes, storage.get_all_trials(study_id, deepcopy=True))
    storage.delete_study(study_id)
    return taken


def _put_back(
    storage: "RDBStorage", name: str, taken: "_Taken | None", names: Mapping[str, str], note: Mapping[str, str]
) -> None:
    """The study under another name, all its trials with their numbers, and its note in other words."""
    import optuna

    if taken is None:
        return
    study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
    study_id = storage.get_study_id_from_name(name)
    for key, value in taken.system.items():
        storage.set_study_system_attr(study_id, key, value)
    for key, value in taken.user.items():
        study.set_user_attr(key, value)
    for trial in taken.trials:
        source = str(trial.user_attrs.get(_SOURCE))
        if source in names:
            trial.user_attrs = trial.user_attrs | {_SOURCE: names[source]}
    study.add_trials(taken.trials)
    write_note(storage, study_id, reworded_note(stored_note(storage, study_id), note))


@contextmanager
def _storage(sql: Engine) -> "Iterator[RDBStorage]":
    storage = optuna_storage(sql.url, str(sql.url.database))
    try:
        yield storage
    finally:
        close_storage(storage)


@contextmanager
def _held(database: str, names: Sequence[str]) -> Iterator[None]:
    """The locks of all these studies."""
    with ExitStack() as stack:
        for name in dict.fromkeys(names):
            stack.enter_context(study_lock(database, name))
        yield
