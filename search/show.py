"""One study, one of its trials, or one run, as plain values: what `digitsweep show` prints."""

from typing import Any

from sqlalchemy import Connection, RowMapping, text

from search.select import varied
from search.store import reading


def study_summary(connection: Connection, study: RowMapping) -> dict[str, Any]:
    """A study, its newest selection, and its trials with their mean validation accuracy as selection has it."""
    chosen = reading.newest_selection(connection, study["study_id"])
    means: dict[int, float] = dict(
        connection.execute(
            text(
                f"SELECT r.trial_number, AVG(r.validation_accuracy) FROM {reading.ASKED_RUNS} "
                "WHERE r.study = :study AND r.state = 'complete' GROUP BY r.trial_number"
            ),
            {"study": study["name"]},
        ).all()
    )
    trials_ = [
        {
            "trial": trial["trial_number"],
            "state": trial["state"] if trial["asked"] else "left aside",
            # From the configuration: a trial of `ofat` names what it changes alone.
            "params": varied(study["spec"], trial["config"]),
            "validation_accuracy": means.get(trial["trial_number"]),
        }
        for trial in reading.study_trials(connection, study["study_id"])
    ]
    keys = ("question", "driver", "dataset", "seed", "replicates", "created_at", "command")
    return {
        "study": study["name"],
        **{key: study[key] for key in keys},
        "selected_trial": chosen and chosen["trial_number"],
        "trials": trials_,
    }


def trial_summary(connection: Connection, study: RowMapping, number: str) -> dict[str, Any]:
    """One trial with its whole configuration and its runs.

    Raises:
        NoSuchStudyError: the study has no trial of this number.
    """
    known = {str(trial["trial_number"]): trial for trial in reading.study_trials(connection, study["study_id"])}
    if number not in known:
        raise reading.NoSuchStudyError(
            f"study {study['name']} has no trial {number!r}; it has {len(known)}, numbered from 0"
        )
    trial = known[number]
    values = text("SELECT run_id, validation_accuracy, read_k FROM v_runs WHERE trial_id = :trial_id")
    read = {row.run_id: row for row in connection.execute(values, {"trial_id": trial["trial_id"]})}
    of_trial = [
        row for row in reading.study_runs(connection, study["study_id"]) if row["trial_id"] == trial["trial_id"]
    ]
    return {
        "study": study["name"],
        "trial": trial["trial_number"],
        "state": trial["state"] if trial["asked"] else "left aside",
        "params": trial["params"],
        "config": trial["config"],
        "attributes": trial["attributes"] or None,
        "runs": [
            {
                "run_id": row["run_id"],
                "replicate": row["replicate"],
                "seed": row["seed"],
                "state": row["state"],
                "epochs": row["epochs"],
                "seconds": row["train_seconds"] + row["evaluate_seconds"],
                "read_k": read[row["run_id"]].read_k if row["run_id"] in read else None,
                "validation_accuracy": read[row["run_id"]].validation_accuracy if row["run_id"] in read else None,
            }
            for row in of_trial
        ],
    }


def run_summary(connection: Connection, run_id: int) -> dict[str, Any]:
    """One run with its configuration and its curves on train and validation; no test value.

    Raises:
        NoSuchStudyError: there is no such run.
    """
    run = reading.run_with_trial(connection, run_id)
    if run is None:
        raise reading.NoSuchStudyError(f"there is no run {run_id}, and no study of that name; v_runs lists the runs")
    curves: dict[int, dict[str, Any]] = {}
    for row in reading.run_evaluations(connection, run_id):
        if row["split"] != "test":
            point = curves.setdefault(row["k"], {"k": row["k"], "epoch": row["epoch"]})
            point |= {f"{row['split']}_loss": row["loss"], f"{row['split']}_accuracy": row["accuracy"]}
    keys = (
        "replicate", "seed", "streams", "cut", "state", "dataset", "epochs", "updates", "diverged_at_update", "error",
        "started_at", "finished_at",
    )  # fmt: skip
    return {
        "run_id": run_id,
        "study": run["study"],
        "trial": run["trial_number"],
        **{key: run[key] for key in keys},
        "config": run["config"],
        "evaluations": list(curves.values()),
    }
