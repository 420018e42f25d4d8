"""Selection sees validation alone: changing or deleting test values cannot change it."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from analysis.selection_rule import READ_AT, RULES, choose, guessing_accuracy, in_words, read_run
from analysis.studies import read_studies
from analysis.trials import ranked_trials
from search import run_study
from search.confirm import confirmation
from search.select import select
from search.store.database import open_for_writing
from tests.search.helpers import make_spec, query


def rows(*runs, read_at="best"):
    return [
        {
            "trial_id": 10 + trial, "trial_number": trial, "run_id": run_id, "replicate": 0, "k": k,
            "validation_accuracy": accuracy, "validation_loss": loss, "read_at": read_at,
        }
        for run_id, (trial, curve) in enumerate(runs)
        for k, (accuracy, loss) in enumerate(curve, start=1)
    ]  # fmt: skip


def test_choose_takes_the_highest_mean_over_replicates():
    choice = choose(rows((0, [(0.9, 1)]), (0, [(0.7, 1)]), (1, [(0.85, 1)]), (1, [(0.85, 1)])))
    assert choice.best.trial_number == 1
    assert [c.validation_accuracy for c in choice.ranking] == pytest.approx([0.85, 0.8])


def test_choose_breaks_ties_by_loss_then_by_number():
    assert choose(rows((0, [(0.9, 0.5)]), (1, [(0.9, 0.4)]))).best.trial_number == 1
    assert choose(rows((1, [(0.9, 0.5)]), (0, [(0.9, 0.5)]))).best.trial_number == 0


def test_choose_reads_the_last_evaluation_where_the_study_says_so():
    curves = ((0, [(0.9, 1), (0.5, 2)]), (1, [(0.6, 1), (0.6, 1)]))
    assert choose(rows(*curves)).best.trial_number == 0
    assert choose(rows(*curves, read_at="last")).best.trial_number == 1


def test_rules_say_what_is_done():
    ties = "ties: lower validation loss, then lower trial number"
    assert {
        name: f"highest validation accuracy, each run read at its {name} evaluation (mean over replicates); {ties}"
        for name in ("best", "last")
    } == RULES
    assert in_words(READ_AT["best"])[1] == "lower validation loss, then the earlier one"


def test_read_run_prefers_lower_loss_then_the_earlier():
    assert read_run({1: (0.9, 0.3), 2: (0.9, 0.2), 3: (0.9, 0.2)}, "best")[0] == 2


def test_guessing_accuracy_is_one_in_the_number_of_classes():
    assert [guessing_accuracy(n) for n in (1, 4, 10)] == [1.0, 0.25, 0.1]
    with pytest.raises(ValueError, match="n_classes >= 1"):
        guessing_accuracy(0)


def test_choose_of_nothing_is_nothing():
    assert choose([]) is None


@pytest.mark.parametrize("change", ["permute", "delete"])
def test_test_values_cannot_reach_a_selection(database, tiny, change):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    engine = open_for_writing(database, create=False)
    before = select(engine, "tiny-grid")
    with engine.begin() as connection:
        if change == "delete":
            connection.exec_driver_sql("DELETE FROM evaluations WHERE split = 'test'")
        else:
            values = [
                row[0] for row in connection.exec_driver_sql("SELECT accuracy FROM evaluations WHERE split = 'test'")
            ]
            random.Random(1).shuffle(values)
            keys = connection.exec_driver_sql("SELECT run_id, k FROM evaluations WHERE split = 'test'").all()
            for (run_id, k), value in zip(keys, values, strict=True):
                connection.exec_driver_sql(
                    "UPDATE evaluations SET accuracy = ?, loss = ? WHERE run_id = ? AND k = ? AND split = 'test'",
                    (value, 1 - value, run_id, k),
                )
        connection.exec_driver_sql("DELETE FROM selections")
    from analysis.selection_rule import choose as again
    from search.store.reading import find_study, selection_inputs

    with engine.connect() as connection:
        choice = again(selection_inputs(connection, find_study(connection, "tiny-grid")["study_id"]))
    engine.dispose()
    assert choice == before.choice


@pytest.mark.parametrize("change", ["flatter", "delete"])
def test_no_choice_of_any_command_follows_the_test_values(database, tiny, change):
    run_study(make_spec(replicates=2), tiny, database=database, n_jobs=1)
    engine = open_for_writing(database, create=False)
    ranking = [candidate.trial_number for candidate in select(engine, "tiny-grid").choice.ranking]
    worst = ranking[-1]
    with engine.begin() as connection:
        if change == "delete":
            connection.exec_driver_sql("DELETE FROM evaluations WHERE split = 'test'")
        else:
            connection.exec_driver_sql(
                "UPDATE evaluations SET accuracy = CASE WHEN run_id IN "
                "(SELECT run_id FROM v_runs WHERE trial_number = ?) THEN 1.0 ELSE 0.0 END WHERE split = 'test'",
                (worst,),
            )
        connection.exec_driver_sql("DELETE FROM selections")
    (study,) = read_studies(database)
    runs = study.complete
    # Curves stay whole: what reads validation from them sees the same as before.
    assert len(study.all_curves) == 6 * 2 * 6
    if change == "flatter":
        # The control: who looked at test values would now choose the worst.
        assert runs.loc[runs["test_accuracy"].idxmax(), "trial_number"] == worst
        assert [c.trial_number for c in select(engine, "tiny-grid").choice.ranking] == ranking
    engine.dispose()
    assert study.selected["trial_number"] == ranking[0]
    assert ranked_trials(runs)["trial_number"].tolist() == ranking
    assert [trial.trial_number for trial in confirmation(database, "tiny-grid", 6).ranked] == ranking


def test_the_selection_view_has_no_test_column(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    engine = open_for_writing(database, create=False)
    with engine.connect() as connection:
        columns = connection.exec_driver_sql("SELECT * FROM v_selection_inputs").keys()
    engine.dispose()
    assert not [c for c in columns if "test" in c]


def test_select_freezes_once_for_the_same_inputs(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    engine = open_for_writing(database, create=False)
    first, second = select(engine, "tiny-grid"), select(engine, "tiny-grid")
    engine.dispose()
    assert first.selection_id == second.selection_id
    assert query(database, "SELECT COUNT(*) FROM selections") == [(1,)]


def test_selections_at_once_freeze_one_row(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    together = threading.Barrier(4)

    def freeze(_):
        sql = open_for_writing(database, create=False)
        together.wait(60)
        try:
            return select(sql, "tiny-grid").selection_id
        finally:
            sql.dispose()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(freeze, range(4))) == [1] * 4
    assert query(database, "SELECT COUNT(*) FROM selections") == [(1,)]
