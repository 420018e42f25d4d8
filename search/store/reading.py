"""What is asked of the database: studies, trials, runs, curves, as plain rows."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, text

from analysis.selection_rule import INPUTS, order_by
from engine.errors import DigitsweepError
from search.store.schema import checkpoints, evaluations, predictions, runs, selections, studies, trials

ASKED_RUNS = "v_runs r JOIN sweep_studies s ON s.name = r.study AND r.replicate < s.replicates"
"""The runs of the replicates that a study's file asks for; those that `decide` added are for its claims alone."""


class NoSuchStudyError(DigitsweepError, KeyError):
    """No study of that name, or several that could be meant."""

    def __str__(self) -> str:
        return str(self.args[0])


def find_study(connection: Connection, name: str) -> RowMapping:
    """The study of that name; a name without its suffix will do where it is the only one.

    Raises:
        NoSuchStudyError: none fits, or several do; the message lists what there is.
    """
    rows = connection.execute(select(studies)).mappings().all()
    by_name = {row["name"]: row for row in rows}
    if name in by_name:
        return by_name[name]
    family = [n for n, row in by_name.items() if row["base_name"] == name]
    if len(family) == 1:
        return by_name[family[0]]
    if family:
        raise NoSuchStudyError(f"study {name!r} could be {' or '.join(family)}; give the whole name")
    if not by_name:
        raise NoSuchStudyError("the database holds no studies yet; `make linear-grid` makes one")
    near = get_close_matches(name, by_name, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise NoSuchStudyError(f"no study is called {name!r}{hint} (there are: {', '.join(by_name)})")


def study_named(connection: Connection, name: str) -> RowMapping | None:
    """The study of exactly that name; None where there is none."""
    return connection.execute(select(studies).where(studies.c.name == name)).mappings().first()


def study_trials(connection: Connection, study_id: int, first_number: int = 0) -> Sequence[RowMapping]:
    """The trials of a study by number, from `first_number` on."""
    wanted = (trials.c.study_id == study_id) & (trials.c.trial_number >= first_number)
    return connection.execute(select(trials).where(wanted).order_by(trials.c.trial_number)).mappings().all()


def study_runs(connection: Connection, study_id: int) -> Sequence[RowMapping]:
    """The runs of a study by trial and replicate, with the k of their checkpoint where there is one."""
    query = (
        select(runs, trials.c.trial_number, checkpoints.c.k.label("checkpoint_k"))
        .join(trials, trials.c.trial_id == runs.c.trial_id)
        .outerjoin(checkpoints, checkpoints.c.run_id == runs.c.run_id)
        .where(trials.c.study_id == study_id)
        .order_by(trials.c.trial_number, runs.c.replicate)
    )
    return connection.execute(query).mappings().all()


def validation_curves(connection: Connection, study_id: int) -> dict[int, dict[int, tuple[float, float]]]:
    """Validation (accuracy, loss) by run and k, for the runs of a study."""
    query = (
        select(evaluations.c.run_id, evaluations.c.k, evaluations.c.accuracy, evaluations.c.loss)
        .join(runs, runs.c.run_id == evaluations.c.run_id)
        .join(trials, trials.c.trial_id == runs.c.trial_id)
        .where((trials.c.study_id == study_id) & (evaluations.c.split == "validation"))
        .order_by(evaluations.c.run_id, evaluations.c.k)
    )
    curves: dict[int, dict[int, tuple[float, float]]] = {}
    for run_id, k, accuracy, loss in connection.execute(query):
        curves.setdefault(run_id, {})[k] = (accuracy, loss)
    return curves


def checkpoint(connection: Connection, run_id: int) -> bytes | None:
    """The stored state of an unfinished run."""
    query = select(checkpoints.c.state).where(checkpoints.c.run_id == run_id)
    return connection.execute(query).scalar_one_or_none()


def run_evaluations(connection: Connection, run_id: int) -> Sequence[RowMapping]:
    """Every evaluation row of a run, by k and split."""
    query = select(evaluations).where(evaluations.c.run_id == run_id).order_by(evaluations.c.k, evaluations.c.split)
    return connection.execute(query).mappings().all()


def run_predictions(connection: Connection, run_id: int) -> Sequence[RowMapping]:
    """What a run said about each image, a row a split; none where that was not kept."""
    query = select(predictions).where(predictions.c.run_id == run_id).order_by(predictions.c.split)
    return connection.execute(query).mappings().all()


def run_with_trial(connection: Connection, run_id: int) -> RowMapping | None:
    """A run with its trial's configuration and its study's name."""
    query = (
        select(
            runs,
            trials.c.trial_number,
            trials.c.config,
            studies.c.name.label("study"),
            studies.c.seed.label("study_seed"),
            studies.c.spec,
        )
        .join(trials, trials.c.trial_id == runs.c.trial_id)
        .join(studies, studies.c.study_id == trials.c.study_id)
        .where(runs.c.run_id == run_id)
    )
    return connection.execute(query).mappings().first()


def selection_inputs(connection: Connection, study_id: int) -> Sequence[RowMapping]:
    """The rows of `v_selection_inputs` for a study: validation values of finished runs, no test value."""
    query = text(
        "SELECT trial_id, trial_number, config_hash, run_id, replicate, k, validation_loss, "
        "validation_accuracy, read_at FROM v_selection_inputs WHERE study_id = :study_id "
        f"ORDER BY {order_by(INPUTS)}"
    )
    return connection.execute(query, {"study_id": study_id}).mappings().all()


def complete_run(connection: Connection, trial_id: int, replicate: int) -> RowMapping | None:
    """The run_id of a trial's complete run and the k at which its study reads it; None where there is none."""
    query = text(
        "SELECT run_id, read_k FROM v_runs WHERE trial_id = :trial_id AND replicate = :replicate AND state = 'complete'"
    )
    return connection.execute(query, {"trial_id": trial_id, "replicate": replicate}).mappings().first()


def test_accuracies(connection: Connection, trial_id: int) -> list[float]:
    """Test accuracy of a trial's complete runs that are asked for, at the evaluation its study reads, by replicate."""
    query = text(
        f"SELECT r.test_accuracy FROM {ASKED_RUNS} "
        "WHERE r.trial_id = :trial_id AND r.state = 'complete' ORDER BY r.replicate"
    )
    return [float(value) for value in connection.execute(query, {"trial_id": trial_id}).scalars()]


def newest_selection(connection: Connection, study_id: int) -> RowMapping | None:
    """The last frozen choice of a study."""
    query = (
        select(selections, trials.c.trial_number, trials.c.params)
        .join(trials, trials.c.trial_id == selections.c.trial_id)
        .where(selections.c.study_id == study_id)
        .order_by(selections.c.selection_id.desc())
        .limit(1)
    )
    return connection.execute(query).mappings().first()


def status_rows(connection: Connection) -> list[dict[str, Any]]:
    """One row a study: its trials that are asked for and their runs by state, best validation accuracy, seconds."""
    best = (
        select(
            trials.c.study_id,
            func.max(evaluations.c.accuracy).label("best_validation"),
        )
        .join(runs, runs.c.trial_id == trials.c.trial_id)
        .join(evaluations, evaluations.c.run_id == runs.c.run_id)
        .where((evaluations.c.split == "validation") & trials.c.asked)
        .group_by(trials.c.study_id)
        .subquery()
    )
    result = []
    query = select(studies, best.c.best_validation).outerjoin(best, best.c.study_id == studies.c.study_id)
    for row in connection.execute(query.order_by(studies.c.study_id)).mappings().all():
        trial_states = connection.execute(
            select(trials.c.state, func.count())
            .where((trials.c.study_id == row["study_id"]) & trials.c.asked)
            .group_by(trials.c.state)
        ).all()
        run_states = connection.execute(
            select(runs.c.state, func.count(), func.sum(runs.c.train_seconds + runs.c.evaluate_seconds))
            .join(trials, trials.c.trial_id == runs.c.trial_id)
            .where((trials.c.study_id == row["study_id"]) & trials.c.asked)
            .group_by(runs.c.state)
        ).all()
        result.append(
            dict(row)
            | {
                "trial_states": {row[0]: row[1] for row in trial_states},
                "run_states": {state: n for state, n, _ in run_states},
                "seconds": sum(seconds or 0.0 for _, _, seconds in run_states),
            }
        )
    return result


def test_summary(connection: Connection, study: str) -> RowMapping | None:
    """Test accuracy over a study's complete runs as asked for: highest reached by each, and where validation is best.

    A description of the study for after its selection; nothing is chosen by it.
    """
    query = text(
        "SELECT COUNT(*) AS n, MIN(c.peak) AS lowest_peak, AVG(c.peak) AS mean_peak, "
        "MIN(r.test_accuracy) AS lowest_read, AVG(r.test_accuracy) AS mean_read "
        f"FROM {ASKED_RUNS} JOIN (SELECT run_id, MAX(accuracy) AS peak FROM evaluations WHERE split = 'test' "
        "GROUP BY run_id) c ON c.run_id = r.run_id WHERE r.study = :study AND r.state = 'complete'"
    )
    row = connection.execute(query, {"study": study}).mappings().one()
    return row if row["n"] else None
