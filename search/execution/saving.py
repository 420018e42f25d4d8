"""What has happened and is not in the database yet, and when it is written.

    trials that changed ──┐
    runs in training ─────┴── save ──> evaluations, states, checkpoints and mirror, one transaction

What ends a run is written at once, the rest twice a second. Runs in training are checkpointed every second, so that a
process that is killed loses little; where that is dear, because their states are large, less often: a twentieth of the
time may go there.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from search.execution.environment import code_version
from search.execution.trials import Run, Trial
from search.store import writing
from search.store.mirror import Mirror

SAVE_SECONDS = 0.5
CHECKPOINT_SECONDS = 1.0
CHECKPOINT_SHARE = 0.05
"""Of the time, what checkpoints may take."""

MOST_SECONDS = 60.0
"""Between two checkpoints at most: one that took long because the disk was busy is not taken for the rule."""


class Saver:
    """Writes one study, one transaction at a time.

    Attributes:
        seconds: spent in transactions so far.
    """

    def __init__(self, sql: Engine, mirror: Mirror, read_at: str) -> None:
        self._sql, self._mirror, self._read_at = sql, mirror, read_at
        self._changed: dict[int, Trial] = {}
        self._last_save = self._last_checkpoint = time.monotonic()
        self._interval = CHECKPOINT_SECONDS
        self.seconds = 0.0

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction, whose time is counted."""
        start = time.monotonic()
        with self._sql.begin() as connection:
            yield connection
        self.seconds += time.monotonic() - start

    def note(self, trial: Trial) -> None:
        """A trial or one of its runs has changed."""
        self._changed[trial.number] = trial

    def save_if_due(self, in_training: Iterable[Run]) -> None:
        """Write what has happened, unless it was done just now; checkpoint the runs in training where it is time."""
        now = time.monotonic()
        if now - self._last_checkpoint >= self._interval:
            self.save(in_training)
        elif now - self._last_save >= SAVE_SECONDS or any(trial.has_ended_runs for trial in self._changed.values()):
            self.save()

    def save(self, in_training: Iterable[Run] = ()) -> None:
        """Write what has happened, with a checkpoint of each of these runs that has got further since its last."""
        before = self.seconds
        checkpointed = [run for run in in_training if run.state is not None and run.state.k > run.start_k]
        for run in checkpointed:
            run.checkpoint()
            self.note(run.trial)
        changed = list(self._changed.values())
        if changed:
            with self.transaction() as connection:
                writing.save(
                    connection, [run.pending for trial in changed for run in trial.runs if run.pending], code_version()
                )
                writing.set_trial_states(
                    connection, [(trial.trial_id, trial.state) for trial in changed if trial.state != "running"]
                )
                self._mirror.project(connection, [trial.mirrored(self._read_at) for trial in changed])
            self._mirror.publish()
            for trial in changed:
                for run in trial.runs:
                    run.saved()
            self._changed.clear()
        self._last_save = time.monotonic()
        if checkpointed:
            self._last_checkpoint = self._last_save
            self._interval = min(MOST_SECONDS, max(CHECKPOINT_SECONDS, (self.seconds - before) / CHECKPOINT_SHARE))
