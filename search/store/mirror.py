"""The studies as Optuna sees them: a projection of our trials into Optuna's own tables of the same file.

The study itself is made through Optuna's public interface. Its trials are written in one of two ways:

    RowMirror        as rows, in the same transaction as our own. The two can never disagree, ended trials can be
                     corrected, and a value costs next to nothing, where Optuna's interface takes about a
                     millisecond for each, which a fast study would notice.
    InterfaceMirror  through Optuna's interface, after our own transaction.

Whoever deletes the study in the dashboard while it runs finds it there again after the next save, and a line says so:
what Optuna shows of it can always be made anew from ours.

Rows are for the layout of Optuna's tables that is known here (`KNOWN_LAYOUT`); under any other, its interface is
taken and a line says so. The tests read everything back through Optuna's interface and compare the two.

Only validation values go there; a test value never does.
"""

import warnings
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from search.naming import renewed_note
from search.spec.space import Space
from search.store.location import DatabaseUnusableError
from search.store.mirror_interface import InterfaceMirror
from search.store.mirror_rows import RowMirror
from search.store.mirrored import Mirror, Say
from search.store.optuna_tables import close_storage, optuna_storage

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

KNOWN_LAYOUT = "v3.2.0.a"
"""The revision of Optuna's tables whose rows are written here. (Their schema number is 12 for good.)"""

METRIC = "validation accuracy"
"""What the dashboard calls a trial's value."""

_NOTE = "dashboard:note_str:"
_NOTE_PIECE = 2_045


def open_mirror(engine: Engine, study: str, space: Space, *, note: str, say: Say) -> Mirror:
    """The mirror of a study, which is made in Optuna's tables where it is not there, with its note.

    Args:
        engine: of the database.
        study: its name there.
        space: all its axes.
        note: what the dashboard shows beside it, as Markdown, from `naming.study_note`.
        say: takes lines for a person.

    Raises:
        DatabaseUnusableError: the tables are of another version than the installed Optuna, or cannot be written.
    """

    def make() -> int:
        storage = optuna_storage(engine.url, str(engine.url.database))
        try:
            return _make_study(storage, study, note)
        finally:
            close_storage(storage)

    storage = optuna_storage(engine.url, str(engine.url.database))
    study_id = _make_study(storage, study, note)
    layout = storage.get_current_version()
    if layout == KNOWN_LAYOUT:
        close_storage(storage)
        return RowMirror(engine, study_id, study, space, make, say)
    storage.remove_session()
    say(
        f"Optuna's tables are laid out as {layout}, where {KNOWN_LAYOUT} is known here, so trials are written there "
        "through Optuna's interface, which is slower."
    )
    return InterfaceMirror(storage, study_id, study, space, make, say)


def _make_study(storage: "RDBStorage", study: str, note: str) -> int:
    """The study with its metric and note, made where it is not there; Optuna's number of it.

    Raises:
        DatabaseUnusableError: the database cannot be written.
    """
    import optuna

    try:
        created = optuna.create_study(storage=storage, study_name=study, direction="maximize", load_if_exists=True)
        if created.metric_names != [METRIC]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                created.set_metric_names([METRIC])
        study_id = storage.get_study_id_from_name(study)
        _save_note(storage, study_id, note)
    except optuna.exceptions.StorageInternalError as error:
        reason = str(getattr(error.__cause__, "orig", None) or error).strip().splitlines()[0]
        raise DatabaseUnusableError(f"Optuna's tables cannot be written: {reason}") from error
    return study_id


def _save_note(storage: "RDBStorage", study_id: int, ours: str) -> None:
    """Renew our part of the study's note as optuna-dashboard keeps it; importing its own `save_note` takes seconds."""
    write_note(storage, study_id, renewed_note(stored_note(storage, study_id), ours))


def stored_note(storage: "RDBStorage", study_id: int) -> str:
    """What the dashboard shows beside a study."""
    known = storage.get_study_system_attrs(study_id)
    return "".join(str(known.get(f"{_NOTE}{i}", "")) for i in range(sum(key.startswith(_NOTE) for key in known)))


def write_note(storage: "RDBStorage", study_id: int, note: str) -> None:
    """Put this note where the study has another one."""
    if note == stored_note(storage, study_id):
        return
    known = storage.get_study_system_attrs(study_id)
    n_known = sum(key.startswith(_NOTE) for key in known)
    # The dashboard refuses to save what was typed over an older version than this, instead of losing either.
    storage.set_study_system_attr(study_id, "dashboard:note_ver", int(known.get("dashboard:note_ver", 0)) + 1)
    pieces = [note[i : i + _NOTE_PIECE] for i in range(0, len(note), _NOTE_PIECE)]
    for i in range(max(len(pieces), n_known)):
        storage.set_study_system_attr(study_id, f"{_NOTE}{i}", pieces[i] if i < len(pieces) else "")
