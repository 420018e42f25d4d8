from sqlalchemy import text

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
