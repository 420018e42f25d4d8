"""What each version of the schema changed, in order: a number and the function that brings a database there.

    1 ──2──> v_selections ──3──> names without suffix, numbers of classes, v_studies ──> SCHEMA_VERSION

A migration changes tables. Views hold no data, so they are made anew from `search.store.schema` after every one.
"""

import json
from collections.abc import Callable, Mapping

from sqlalchemy import Connection, text


def _selections_view(connection: Connection) -> None:
    """Version 2 added the view `v_selections`; the tables stayed as they were."""


def _base_names(connection: Connection) -> None:
    """Version 3 keeps a study's name without its data and seed suffix, and the number of its classes."""
    connection.execute(text("ALTER TABLE sweep_studies ADD COLUMN base_name VARCHAR(200) NOT NULL DEFAULT ''"))
    connection.execute(text("ALTER TABLE sweep_studies ADD COLUMN n_classes INTEGER"))
    query = text("SELECT study_id, name, dataset, spec FROM sweep_studies")
    for study_id, name, dataset, stored in connection.execute(query).all():
        spec = json.loads(stored) if isinstance(stored, str) else stored
        values = {
            "study_id": study_id,
            "base_name": spec.get("study", name.split("@")[0].split("#")[0]),
            "n_classes": 10 if dataset in ("mnist", "fashion-mnist", "digits") else None,
        }
        change = "UPDATE sweep_studies SET base_name = :base_name, n_classes = :n_classes WHERE study_id = :study_id"
        connection.execute(text(change), values)


MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {2: _selections_view, 3: _base_names}
