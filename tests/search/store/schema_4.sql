-- What the program of schema 4 did to a database of schema 3.

CREATE TABLE predictions (run_id INTEGER NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE, split VARCHAR(10) NOT NULL, k INTEGER NOT NULL, n INTEGER NOT NULL, correct BLOB NOT NULL, mistaken BLOB NOT NULL, PRIMARY KEY (run_id, split));

CREATE TABLE labels (data_sha256 VARCHAR(64) NOT NULL, split VARCHAR(10) NOT NULL, n INTEGER NOT NULL, classes BLOB NOT NULL, PRIMARY KEY (data_sha256, split));

UPDATE sweep_schema SET version = 4;

DROP VIEW IF EXISTS v_selections;

DROP VIEW IF EXISTS v_correct;

DROP VIEW IF EXISTS v_selection_inputs;

DROP VIEW IF EXISTS v_runs;

DROP VIEW IF EXISTS v_curves;

DROP VIEW IF EXISTS v_studies;

CREATE VIEW v_studies AS SELECT study_id, name AS study, base_name, question, driver, dataset, data_sha256,
               n_train, n_validation, n_test, n_classes, seed, replicates, read_at, spec, command, created_at
        FROM sweep_studies;

CREATE VIEW v_curves AS SELECT s.name AS study, s.dataset, t.trial_number, r.replicate, r.run_id, r.state,
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
        WHERE v.split = 'validation' AND t.asked;

CREATE VIEW v_runs AS SELECT s.name AS study, s.base_name, s.driver, s.dataset, s.data_sha256,
               s.n_train, s.n_validation, s.n_test, s.n_classes, s.seed AS study_seed, s.read_at,
               t.trial_id, t.trial_number, t.config_hash, t.params, t.config, t.attributes,
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
            ORDER BY CASE s.read_at WHEN 'best' THEN -e.accuracy WHEN 'last' THEN -e.k END, CASE s.read_at WHEN 'best' THEN e.loss END, CASE s.read_at WHEN 'best' THEN e.k END
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
        LEFT JOIN evaluations e ON e.run_id = r.run_id AND e.k = b.read_k AND e.split = 'test'
        WHERE t.asked;

CREATE VIEW v_selection_inputs AS SELECT s.study_id, s.name AS study, s.read_at, t.trial_id, t.trial_number, t.config_hash,
               r.run_id, r.replicate, v.k, v.epoch,
               v.loss AS validation_loss, v.accuracy AS validation_accuracy
        FROM evaluations v
        JOIN runs r ON r.run_id = v.run_id
        JOIN sweep_trials t ON t.trial_id = r.trial_id
        JOIN sweep_studies s ON s.study_id = t.study_id
        WHERE v.split = 'validation' AND r.state = 'complete' AND t.state = 'complete' AND t.full_fidelity
              AND t.asked AND r.replicate < s.replicates;

CREATE VIEW v_correct AS SELECT s.name AS study, t.trial_number, r.replicate, r.run_id, r.data_sha256,
               p.split, p.k, p.n, p.correct, p.mistaken
        FROM predictions p
        JOIN runs r ON r.run_id = p.run_id
        JOIN sweep_trials t ON t.trial_id = r.trial_id
        JOIN sweep_studies s ON s.study_id = t.study_id
        WHERE r.state = 'complete' AND t.asked;

CREATE VIEW v_selections AS SELECT s.study_id, s.name AS study, s.dataset, c.selection_id, c.trial_id, t.trial_number, c.rule,
               c.validation_accuracy, c.validation_loss, c.n_trials, c.n_runs, c.inputs_sha256, c.selected_at
        FROM selections c
        JOIN sweep_studies s ON s.study_id = c.study_id
        JOIN sweep_trials t ON t.trial_id = c.trial_id;

