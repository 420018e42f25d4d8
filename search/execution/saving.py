"""What has happened and is not in the database yet, and when it is written.

    trials that changed ──┐
    runs in training ─────┴── save ──> evaluations, states, checkpoints and mirror, one transaction

What ends a run is written at once, the rest twice a second. Runs in training are checkpointed every second, so that a
process that is killed loses little; where that is dear, because their states are large, less often: a twentieth of the
time may go there.

    the disk is full, another program writes, …  ──> kept here and tried again, for minutes, while training goes on
    the file was deleted, or replaced            ──> what it held is copied into a new one, where saving goes on
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from engine.errors import DigitsweepError
from search.execution.environment import code_version
from search.execution.trials import Run, Trial
from search.store import writing
from search.store.connections import PATIENCE_SECONDS, DatabaseReplacedError, impatient, why_waiting_may_help
from search.store.database import open_for_writing
from search.store.location import locate
from search.store.mirrored import Mirror
from search.store.recovery import copy_open_database
from search.wording import count, duration

SAVE_SECONDS = 0.5
RETRY_SECONDS = 1.0
"""Between two attempts while the database cannot be written."""

CHECKPOINT_SECONDS = 1.0
CHECKPOINT_SHARE = 0.05
"""Of the time, what checkpoints may take."""

MOST_SECONDS = 60.0
"""Between two checkpoints at most: one that took long because the disk was busy is not taken for the rule."""

T = TypeVar("T")


class NotSavedError(DigitsweepError):
    """The database cannot be written just now; whatever was to be written is kept, and nothing of it stands there."""


class Saver:
    """Writes one study, one transaction at a time.

    Attributes:
        seconds: spent in transactions so far.
        recovered: the file that took the database's place, where that was deleted or replaced; else None.
    """

    def __init__(self, database: str, study: str, read_at: str, say: Callable[[str], None]) -> None:
        self._database, self._study, self._read_at, self._say = database, study, read_at, say
        self._sql = open_for_writing(database, study=study, notify=say)
        self._make_mirror: Callable[[Engine], Mirror] | None = None
        self._mirror: Mirror | None = None
        self._trials: Sequence[Trial] = ()
        self._changed: dict[int, Trial] = {}
        self._last_save = self._last_checkpoint = time.monotonic()
        self._interval = CHECKPOINT_SECONDS
        self._failing_since: float | None = None
        self._reason = ""
        self.seconds = 0.0
        self.recovered: str | None = None

    def close(self) -> None:
        """Close the database."""
        self._sql.dispose()

    # Transactions

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction before anything is trained: it waits by itself, and what goes wrong ends the study."""
        start = time.monotonic()
        with self._sql.begin() as connection:
            yield connection
        self.seconds += time.monotonic() - start

    def write(self, action: Callable[[Connection], T]) -> T:
        """What `action` gives, in a transaction.

        Args:
            action: writes; called once more where the database turns out to have moved, so it changes nothing else.

        Raises:
            NotSavedError: the database cannot be written just now.
        """
        start = time.monotonic()
        try:
            with impatient(self._sql).begin() as connection:
                result = action(connection)
        except DatabaseReplacedError:
            self._move()
            return self.write(action)
        except SQLAlchemyError as error:
            if self._mirror is not None:
                self._mirror.roll_back()
            reason = why_waiting_may_help(error)
            if reason is None:
                raise
            self._note_failure(reason)
            raise NotSavedError(reason) from error
        self.seconds += time.monotonic() - start
        if self._failing_since is not None:
            self._say(f"{self._study}: saved again; nothing is lost.")
            self._failing_since = None
        return result

    def _note_failure(self, reason: str) -> None:
        self._reason, self._last_save = reason, time.monotonic()
        if self._failing_since is None:
            self._failing_since = self._last_save
            self._say(
                f"{self._study}: {self._database} cannot be written: {reason}. What is trained is kept in memory, and "
                f"saving is tried again for {duration(PATIENCE_SECONDS)}."
            )

    def _move(self) -> None:
        """Go on in a new file, with everything that was saved before the database's own was deleted or replaced."""
        before = self._sql
        path = copy_open_database(before, locate(self._database))
        self.recovered = str(path)
        self._say(
            f"{self._study}: {self._database} was deleted or replaced by another program; "
            f"the results so far are in {path}."
        )
        self._sql = open_for_writing(path, study=self._study, notify=self._say)
        before.dispose()
        if self._make_mirror is not None:
            self._mirror = self._make_mirror(self._sql)

    # When saving fails

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt to write failed; nothing new is to be started until one succeeds."""
        return self._failing_since is not None

    @property
    def has_lost_patience(self) -> bool:
        """Whether that has gone on for so long that the study is to end."""
        return self._failing_since is not None and time.monotonic() - self._failing_since >= PATIENCE_SECONDS

    def not_saved(self) -> str | None:
        """What is not in the database and why, in words; None where everything is."""
        if self._failing_since is None:
            return None
        pending = [run.pending for trial in self._changed.values() for run in trial.runs if run.pending]
        n_evaluations = sum(len(progress.evaluations) for progress in pending)
        what = f"{count(n_evaluations, 'evaluation')} of {count(len(pending), 'run')} could not be saved"
        return f"{self._database} cannot be written: {self._reason}; {what}, and will be trained again"

    # Saving

    def mirror(self, make: Callable[[Engine], Mirror]) -> None:
        """Show the study in Optuna's tables from here on.

        Args:
            make: opens its mirror in a database.
        """
        self._make_mirror = make
        self._mirror = make(self._sql)

    def follow(self, trials: Sequence[Trial]) -> None:
        """Save what Optuna's tables lack of these trials, now and whenever the study was deleted there."""
        self._trials = trials
        self._note_behind()

    def _note_behind(self) -> None:
        assert self._mirror is not None
        for trial in self._trials:
            if self._mirror.is_behind(trial.number, trial.state):
                self.note(trial)

    def note(self, trial: Trial) -> None:
        """A trial or one of its runs has changed."""
        self._changed[trial.number] = trial

    def save_if_due(self, in_training: Iterable[Run]) -> None:
        """Write what has happened, unless it was done just now; checkpoint the runs in training where it is time."""
        now = time.monotonic()
        if self.is_failing:
            if now - self._last_save >= RETRY_SECONDS:
                self.save(in_training)
        elif now - self._last_checkpoint >= self._interval:
            self.save(in_training)
        elif now - self._last_save >= SAVE_SECONDS or any(trial.has_ended_runs for trial in self._changed.values()):
            self.save()

    def save(self, in_training: Iterable[Run] = ()) -> bool:
        """Write what has happened, with a checkpoint of each of these runs that has got further since its last.

        Returns:
            Whether it is in the database now; otherwise it is kept for the next call.
        """
        before = self.seconds
        checkpointed = [run for run in in_training if run.state is not None and run.state.k > run.start_k]
        for run in checkpointed:
            run.checkpoint()
            self.note(run.trial)
        try:
            if self._changed or self.is_failing:
                self.write(self._write_changed)
        except NotSavedError:
            for run in checkpointed:  # whatever becomes of them until the next attempt is not known
                run.progress.checkpoint = False
            return False
        for trial in self._changed.values():
            for run in trial.runs:
                run.saved()
        changed = bool(self._changed)
        self._changed.clear()
        self._last_save = time.monotonic()
        if checkpointed:
            self._last_checkpoint = self._last_save
            self._interval = min(MOST_SECONDS, max(CHECKPOINT_SECONDS, (self.seconds - before) / CHECKPOINT_SHARE))
        if changed and self._mirror is not None and self._mirror.publish():
            self._note_behind()
            return self.save()
        return True

    def _write_changed(self, connection: Connection) -> None:
        changed = list(self._changed.values())
        pending = [run.pending for trial in changed for run in trial.runs if run.pending]
        writing.save(connection, pending, code_version())
        ended = [(trial.trial_id, trial.state) for trial in changed if trial.state != "running"]
        writing.set_trial_states(connection, ended)
        if self._mirror is not None:
            self._mirror.project(connection, [trial.mirrored(self._read_at) for trial in changed])
