"""The one database schema: tables the coordinator writes and views that everything else reads.

    sweep_studies 1─n sweep_trials 1─n runs 1─n evaluations
                                       runs 1─1 checkpoints   (unfinished runs only)
                                       runs 1─2 predictions   (validation and test, where the run is read)
                                       data_sha256 of runs 1─2 labels
    sweep_studies 1─n selections

Optuna keeps its own tables in the same file and owns the names `studies` and `trials`; ours carry the
prefix `sweep_` where the names would meet. docs/schema.md explains every column.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
    true,
)

from analysis.selection_rule import READ_AT, order_by_case

SCHEMA_VERSION = 5
"""Columns and tables say in their `info` in which version they were added; `search.store.migrations` adds them."""

BROKEN = ("failed", "diverged", "pruned", "interrupted")
"""States of a run that make their trial's, the worst first."""

STATES = (*BROKEN, "complete", "running", "waiting")
"""Every state of a run and of a trial."""

DECIDED = "decided"
"""The attribute of a trial that got replicates in the light of results."""

metadata = MetaData()

schema_version = Table("sweep_schema", metadata, Column("version", Integer, primary_key=True))

studies = Table(
    "sweep_studies",
    metadata,
    Column("study_id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    # With a default, as in a migrated database: SQLite adds no other kind of column to rows that are there.
    Column("base_name", String(200), nullable=False, server_default="", info={"added_in": 3}),
    Column("question", Text, nullable=False),
    Column("driver", String(20), nullable=False),
    Column("dataset", String(200), nullable=False),
    Column("data_sha256", String(64), nullable=False),
    Column("n_train", Integer, nullable=False),
    Column("n_validation", Integer, nullable=False),
    Column("n_test", Integer, nullable=False),
    Column("n_classes", Integer, info={"added_in": 3}),
    Column("seed", Integer, nullable=False),
    Column("replicates", Integer, nullable=False),
    Column("read_at", String(4), nullable=False),
    Column("spec", JSON, nullable=False),
    Column("command", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
)

trials = Table(
    "sweep_trials",
    metadata,
    Column("trial_id", Integer, primary_key=True),
    Column("study_id", ForeignKey("sweep_studies.study_id", ondelete="CASCADE"), nullable=False),
    Column("trial_number", Integer, nullable=False),
    Column("config_hash", String(64), nullable=False),
    Column("params", JSON, nullable=False),
    Column("config", JSON, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("full_fidelity", Boolean, nullable=False),
    Column("asked", Boolean, nullable=False, server_default=true(), info={"added_in": 3}),
    Column("state", String(12), nullable=False),
    UniqueConstraint("study_id", "trial_number"),
    UniqueConstraint("study_id", "config_hash"),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", Integer, primary_key=True),
    Column("trial_id", ForeignKey("sweep_trials.trial_id", ondelete="CASCADE"), nullable=False),
    Column("replicate", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("streams", JSON(none_as_null=True), info={"added_in": 5}),
    Column("cut", JSON(none_as_null=True), info={"added_in": 5}),
    Column("state", String(12), nullable=False),
    Column("dataset", String(200), nullable=False),
    Column("data_sha256", String(64), nullable=False),
    Column("epochs", Integer, nullable=False),
    Column("updates", Integer, nullable=False),
    Column("train_seconds", Float, nullable=False),
    Column("evaluate_seconds", Float, nullable=False),
    Column("diverged_at_update", Integer),
    Column("code_version", String(64), nullable=False),
    Column("environment", JSON, nullable=False),
    Column("error", Text),
    Column("started_at", String(32), nullable=False),
    Column("finished_at", String(32)),
    UniqueConstraint("trial_id", "replicate"),
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("run_id", ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("k", Integer, primary_key=True),
    Column("split", String(10), primary_key=True),
    Column("epoch", Float, nullable=False),
    Column("loss", Float, nullable=False),
    Column("accuracy", Float, nullable=False),
    Column("learning_rate", Float, nullable=False),
    sqlite_with_rowid=False,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("run_id", ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("k", Integer, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

predictions = Table(
    "predictions",
    metadata,
    Column("run_id", ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("split", String(10), primary_key=True),
    Column("k", Integer, nullable=False),
    Column("n", Integer, nullable=False),
    Column("correct", LargeBinary, nullable=False),
    Column("mistaken", LargeBinary, nullable=False),
    info={"added_in": 4},
)

labels = Table(
    "labels",
    metadata,
    Column("data_sha256", String(64), primary_key=True),
    Column("split", String(10), primary_key=True),
    Column("n", Integer, nullable=False),
    Column("classes", LargeBinary, nullable=False),
    info={"added_in": 4},
)

selections = Table(
    "selections",
    metadata,
    Column("selection_id", Integer, primary_key=True),
    Column("study_id", ForeignKey("sweep_studies.study_id", ondelete="CASCADE"), nullable=False),
    Column("trial_id", ForeignKey("sweep_trials.trial_id", ondelete="CASCADE"), nullable=False),
    Column("rule", Text, nullable=False),
    Column("validation_accuracy", Float, nullable=False),
    Column("validation_loss", Float, nullable=False),
    Column("n_trials", Integer, nullable=False),
    Column("n_runs", Integer, nullable=False),
    Column("inputs_sha256", String(64), nullable=False),
    Column("selected_at", String(32), nullable=False),
)
Index("ix_selections_study", selections.c.study_id, selections.c.selection_id)

# The evaluation at which a finished run is read, as its study says. Uses no test value.
_READ_AT = f"""
    SELECT run_id, k AS read_k FROM (
        SELECT e.run_id, e.k, ROW_NUMBER() OVER (
            PARTITION BY e.run_id
            ORDER BY {order_by_case(READ_AT, "s.read_at", "e")}
        ) AS place
        FROM evaluations e
        JOIN runs r ON r.run_id = e.run_id
        JOIN sweep_trials t ON t.trial_id = r.trial_id
        JOIN sweep_studies s ON s.study_id = t.study_id
        WHERE e.split = 'validation'
    ) AS ranked WHERE place = 1
"""

VIEWS = {
    "v_studies": """
        SELECT study_id, name AS study, base_name, question, driver, dataset, data_sha256,
               n_train, n_validation, n_test, n_classes, seed, replicates, read_at, spec, command, created_at
        FROM sweep_studies
    """,
    "v_curves": """
        SELECT s.name AS study, s.dataset, t.trial_number, r.replicate, r.run_id, r.state,
               v.k, v.epoch, v.learning_rate,
               a.loss AS train_loss, a.accuracy AS train_accuracy,
               v.loss AS validation_loss, v.accuracy AS validation_accuracy,
               e.loss AS test_loss, e.accuracy AS test_accuracy
        FROM evaluations v
        JOIN evaluations a ON a.run_id = v.run_id AND a.k = v.k AND a.split = 'train'
        LEFT JOIN evaluations e ON e.run_id = v.run_id AND e.k = v.k AND e.split = 'test'
        JOIN runs r ON r.run_id = v.run_id
        JOIN sweep_trials t ON t.trial_id = r.trial_id
        JOIN sweep_studies s ON s.study_id = t.study_id
        WHERE v.split = 'validation' AND t.asked
    """,
    "v_runs": f"""
        SELECT s.name AS study, s.base_name, s.driver, s.dataset, s.data_sha256,
               s.n_train, s.n_validation, s.n_test, s.n_classes, s.seed AS study_seed, s.read_at,
               t.trial_id, t.trial_number, t.config_hash, t.params, t.config, t.attributes,
               t.full_fidelity, t.state AS trial_state,
               r.run_id, r.replicate, r.seed, r.streams, r.cut, r.state, r.epochs, r.updates, r.train_seconds,
               r.evaluate_seconds, r.diverged_at_update, r.code_version, r.environment, r.error,
               r.started_at, r.finished_at,
               b.read_k, v.epoch AS read_epoch,
               a.loss AS train_loss, a.accuracy AS train_accuracy,
               v.loss AS validation_loss, v.accuracy AS validation_accuracy,
               e.loss AS test_loss, e.accuracy AS test_accuracy
        FROM runs r
        JOIN sweep_trials t ON t.trial_id = r.trial_id
        JOIN sweep_studies s ON s.study_id = t.study_id
        LEFT JOIN ({_READ_AT}) AS b ON b.run_id = r.run_id
        LEFT JOIN evaluations a ON a.run_id = r.run_id AND a.k = b.read_k AND a.split = 'train'
        LEFT JOIN evaluations v ON v.run_id = r.run_id AND v.k = b.read_k AND v.split = 'validation'
        LEFT JOIN evaluations e ON e.run_id = r.run_id AND e.k = b.read_k AND e.split = 'test'
        WHERE t.asked
    """,
    "v_selection_inputs": """
        SELECT s.study_id, s.name AS study, s.read_at, t.trial_id, t.trial_number, t.config_hash,
               r.run_id, r.replicate, v.k, v.epoch,
               v.loss AS validation_loss, v.accuracy AS validation_accuracy
        FROM evaluations v
        JOIN runs r ON r.run_id = v.run_id
        JOIN sweep_trials t ON t.trial_id = r.trial_id
        JOIN sweep_studies s ON s.study_id = t.study_id
        WHERE v.split = 'validation' AND r.state = 'complete' AND t.state = 'complete' AND t.full_fidelity
              AND t.asked AND r.replicate < s.replicates
    """,
    "v_correct": """
        SELECT s.name AS study, t.trial_number, r.replicate, r.run_id, r.data_sha256,
               p.split, p.k, p.n, p.correct, p.mistaken
        FROM predictions p
        JOIN runs r ON r.run_id = p.run_id
        JOIN sweep_trials t ON t.trial_id = r.trial_id
        JOIN sweep_studies s ON s.study_id = t.study_id
        WHERE r.state = 'complete' AND t.asked
    """,
    "v_selections": """
        SELECT s.study_id, s.name AS study, s.dataset, c.selection_id, c.trial_id, t.trial_number, c.rule,
               c.validation_accuracy, c.validation_loss, c.n_trials, c.n_runs, c.inputs_sha256, c.selected_at
        FROM selections c
        JOIN sweep_studies s ON s.study_id = c.study_id
        JOIN sweep_trials t ON t.trial_id = c.trial_id
    """,
}


def create_schema(connection: Connection) -> None:
    """Make the tables and views of an empty database and record the schema's version."""
    metadata.create_all(connection)
    create_views(connection)
    record_version(connection, SCHEMA_VERSION)


def view_statement(name: str, *, temporary: bool = False) -> str:
    """What makes the view of that name; SQLite keeps it as it is, but for white space at its end."""
    return f"CREATE {'TEMPORARY ' if temporary else ''}VIEW {name} AS {VIEWS[name].strip()}"


def create_views(connection: Connection, *, temporary: bool = False) -> None:
    """Make every view anew; temporary ones are this connection's alone and hide those that are stored."""
    for name in VIEWS:
        if not temporary:
            connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
        connection.execute(text(view_statement(name, temporary=temporary)))


def drop_schema(connection: Connection) -> None:
    """Take our tables and views away; for those that were made half way and hold nothing."""
    for name in VIEWS:
        connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
    metadata.drop_all(connection)


def record_version(connection: Connection, version: int) -> None:
    """The one row of `sweep_schema`."""
    schema_version.create(connection, checkfirst=True)
    connection.execute(schema_version.delete())
    connection.execute(schema_version.insert().values(version=version))
