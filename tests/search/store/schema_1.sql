-- What the program of schema 1 made: tables, views, and the version's row.

CREATE TABLE sweep_schema (
    version INTEGER NOT NULL,
    PRIMARY KEY (version)
);

CREATE TABLE sweep_studies (
    study_id INTEGER NOT NULL,
    name VARCHAR(200) NOT NULL,
    question TEXT NOT NULL,
    driver VARCHAR(20) NOT NULL,
    dataset VARCHAR(200) NOT NULL,
    data_sha256 VARCHAR(64) NOT NULL,
    n_train INTEGER NOT NULL,
    n_validation INTEGER NOT NULL,
    n_test INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    replicates INTEGER NOT NULL,
    read_at VARCHAR(4) NOT NULL,
    spec JSON NOT NULL,
    command TEXT NOT NULL,
    created_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (study_id),
    UNIQUE (name)
);

CREATE TABLE sweep_trials (
    trial_id INTEGER NOT NULL,
    study_id INTEGER NOT NULL,
    trial_number INTEGER NOT NULL,
    config_hash VARCHAR(64) NOT NULL,
    params JSON NOT NULL,
    config JSON NOT NULL,
    attributes JSON NOT NULL,
    full_fidelity BOOLEAN NOT NULL,
    state VARCHAR(12) NOT NULL,
    PRIMARY KEY (trial_id),
    UNIQUE (study_id, trial_number),
    UNIQUE (study_id, config_hash),
    FOREIGN KEY(study_id) REFERENCES sweep_studies (study_id) ON DELETE CASCADE
);

CREATE TABLE runs (
    run_id INTEGER NOT NULL,
    trial_id INTEGER NOT NULL,
    replicate INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    state VARCHAR(12) NOT NULL,
    dataset VARCHAR(200) NOT NULL,
    data_sha256 VARCHAR(64) NOT NULL,
    epochs INTEGER NOT NULL,
    updates INTEGER NOT NULL,
    train_seconds FLOAT NOT NULL,
    evaluate_seconds FLOAT NOT NULL,
    diverged_at_update INTEGER,
    code_version VARCHAR(64) NOT NULL,
    environment JSON NOT NULL,
    error TEXT,
    started_at VARCHAR(32) NOT NULL,
    finished_at VARCHAR(32),
    PRIMARY KEY (run_id),
    UNIQUE (trial_id, replicate),
    FOREIGN KEY(trial_id) REFERENCES sweep_trials (trial_id) ON DELETE CASCADE
);

CREATE TABLE selections (
    selection_id INTEGER NOT NULL,
    study_id INTEGER NOT NULL,
    trial_id INTEGER NOT NULL,
    rule TEXT NOT NULL,
    validation_accuracy FLOAT NOT NULL,
    validation_loss FLOAT NOT NULL,
    n_trials INTEGER NOT NULL,
    n_runs INTEGER NOT NULL,
    inputs_sha256 VARCHAR(64) NOT NULL,
    selected_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (selection_id),
    FOREIGN KEY(study_id) REFERENCES sweep_studies (study_id) ON DELETE CASCADE,
    FOREIGN KEY(trial_id) REFERENCES sweep_trials (trial_id) ON DELETE CASCADE
);

CREATE INDEX ix_selections_study ON selections (study_id, selection_id);

CREATE TABLE evaluations (
    run_id INTEGER NOT NULL,
    k INTEGER NOT NULL,
    split VARCHAR(10) NOT NULL,
    epoch FLOAT NOT NULL,
    loss FLOAT NOT NULL,
    accuracy FLOAT NOT NULL,
    learning_rate FLOAT NOT NULL,
    PRIMARY KEY (run_id, k, split),
    FOREIGN KEY(run_id) REFERENCES runs (run_id) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE TABLE checkpoints (
    run_id INTEGER NOT NULL,
    k INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (run_id),
    FOREIGN KEY(run_id) REFERENCES runs (run_id) ON DELETE CASCADE
);

CREATE VIEW v_curves AS
        SELECT s.name AS study, s.dataset, t.trial_number, r.replicate, r.run_id, r.state,
               v.k, v.epoch, v.learning_rate,
               a.loss AS train_loss, a.accuracy AS train_accuracy,
               v.loss AS validation_loss, v.accuracy AS validation_accuracy,
               e.loss AS test_loss, e.accuracy AS test_accuracy
        FROM evaluations v
        JOIN evaluations a ON a.run_id = v.run_id AND a.k = v.k AND a.split = 'train'
        JOIN evaluations e ON e.run_id = v.run_id AND e.k = v.k AND e.split = 'test'
        JOIN runs r ON r.run_id = v.run_id
        JOIN sweep_trials t ON t.trial_id = r.trial_id
        JOIN sweep_studies s ON s.study_id = t.study_id
        WHERE v.split = 'validation';

CREATE VIEW v_runs AS
        SELECT s.name AS study, s.driver, s.dataset, s.data_sha256, s.n_train, s.n_validation, s.n_test,
               s.read_at, t.trial_id, t.trial_number, t.config_hash, t.params, t.config, t.attributes,
               t.full_fidelity, t.state AS trial_state,
               r.run_id, r.replicate, r.seed, r.state, r.epochs, r.updates, r.train_seconds,
               r.evaluate_seconds, r.diverged_at_update, r.code_version, r.environment, r.error,
               r.started_at, r.finished_at,
               b.read_k, v.epoch AS read_epoch,
               a.loss AS train_loss, a.accuracy AS train_accuracy,
               v.loss AS validation_loss, v.accuracy AS validation_accuracy,
               e.loss AS test_loss, e.accuracy AS test_accuracy
        FROM runs r
        JOIN sweep_trials t ON t.trial_id = r.trial_id
        JOIN sweep_studies s ON s.study_id = t.study_id
        LEFT JOIN (
    SELECT run_id, k AS read_k FROM (
        SELECT e.run_id, e.k, ROW_NUMBER() OVER (
            PARTITION BY e.run_id
            ORDER BY CASE WHEN s.read_at = 'last' THEN -e.k ELSE 0 END, e.accuracy DESC, e.loss, e.k
        ) AS place
        FROM evaluations e
        JOIN runs r ON r.run_id = e.run_id
        JOIN sweep_trials t ON t.trial_id = r.trial_id
        JOIN sweep_studies s ON s.study_id = t.study_id
        WHERE e.split = 'validation'
    ) AS ranked WHERE place = 1
) AS b ON b.run_id = r.run_id
        LEFT JOIN evaluations a ON a.run_id = r.run_id AND a.k = b.read_k AND a.split = 'train'
        LEFT JOIN evaluations v ON v.run_id = r.run_id AND v.k = b.read_k AND v.split = 'validation'
        LEFT JOIN evaluations e ON e.run_id = r.run_id AND e.k = b.read_k AND e.split = 'test';

CREATE VIEW v_selection_inputs AS
        SELECT s.study_id, s.name AS study, s.read_at, t.trial_id, t.trial_number, t.config_hash,
               r.run_id, r.replicate, v.k, v.epoch,
               v.loss AS validation_loss, v.accuracy AS validation_accuracy
        FROM evaluations v
        JOIN runs r ON r.run_id = v.run_id
        JOIN sweep_trials t ON t.trial_id = r.trial_id
        JOIN sweep_studies s ON s.study_id = t.study_id
        WHERE v.split = 'validation' AND r.state = 'complete' AND t.state = 'complete' AND t.full_fidelity;

INSERT INTO sweep_schema VALUES (1);
