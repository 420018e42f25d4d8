-- What the program of schema 2 did to a database of schema 1.

DROP VIEW v_curves;

CREATE VIEW v_curves AS
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
        WHERE v.split = 'validation';

CREATE VIEW v_selections AS
        SELECT s.study_id, s.name AS study, s.dataset, c.selection_id, c.trial_id, t.trial_number, c.rule,
               c.validation_accuracy, c.validation_loss, c.n_trials, c.n_runs, c.inputs_sha256, c.selected_at
        FROM selections c
        JOIN sweep_studies s ON s.study_id = c.study_id
        JOIN sweep_trials t ON t.trial_id = c.trial_id;

DELETE FROM sweep_schema;
INSERT INTO sweep_schema VALUES (2);
