from sqlalchemy import text

from search.execution.progress import SilentDisplay
from search.spec.study import parse_spec
from search.store.database import open_for_reading


def make_spec(**changes):
    return parse_spec(
        {
            "study": "tiny-grid",
            "question": "Does the search work?",
            "driver": "grid",
            "fixed": {"epochs": 2, "evaluations_per_epoch": 3},
            "space": {"learning_rate": [0.01, 0.05, 0.2], "momentum": [False, True]},
            **changes,
        }
    )


def query(database, sql, **parameters):
    engine = open_for_reading(database)
    with engine.connect() as connection:
        rows = connection.execute(text(sql), parameters).all()
    engine.dispose()
    return [tuple(row) for row in rows]


def all_evaluations(database):
    return query(
        database,
        "SELECT t.config_hash, r.replicate, e.k, e.split, e.epoch, e.loss, e.accuracy, e.learning_rate "
        "FROM evaluations e JOIN runs r ON r.run_id = e.run_id JOIN sweep_trials t ON t.trial_id = r.trial_id "
        "ORDER BY t.config_hash, r.replicate, e.k, e.split",
    )


class StopsAt(SilentDisplay):
    """Does something once, when a number of evaluations has been made."""

    def __init__(self, at, action):
        super().__init__()
        self.at, self.action = at, action

    def update(self, counts):
        if self.at is not None and counts.evaluations_done >= self.at:
            self.at = None
            self.action()


class KilledError(Exception):
    """Ends a process without a last save, as a kill does."""


def kill():
    raise KilledError


def checkpoint_always(monkeypatch):
    """Every save has a checkpoint of each run in training."""
    monkeypatch.setattr("search.execution.saving.CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr("search.execution.saving.CHECKPOINT_SHARE", 1e9)
