"""Replicates where a claim is open, and no others."""

import pytest

from analysis.claims.judge import examine
from analysis.studies import read_studies
from search import run_study
from search.confirm import ConfirmDriver, confirmation, confirmation_spec
from search.decide import decide, look, stored_study
from search.select import select
from search.show import study_summary
from search.spec.space import SpecError
from search.store import reading
from search.store.database import open_for_writing
from tests.search.helpers import make_spec, query

CLAIMS = [
    {
        "claim": "A tiny rate learns less than a good one.",
        "compare": {"factor": "learning_rate", "level": 0.2, "against": 1e-6},
        "metric": "validation_accuracy",
        "expect": "higher",
    },
    {
        "claim": "Every run is above chance.",
        "level": {"of": "every run", "at_least": 0.0},
        "metric": "validation_accuracy",
    },
]
SPACE = {"learning_rate": [1e-6, 0.05, 0.2], "momentum": [False, True]}


@pytest.fixture
def study(database, tiny):
    run_study(make_spec(space=SPACE, claims=CLAIMS), tiny, database=database, n_jobs=1, command="digitsweep run x.yaml")
    return database


def replicates(database):
    return dict(query(database, "SELECT trial_number, COUNT(*) FROM v_runs WHERE state = 'complete' GROUP BY 1"))


def test_replicates_go_to_the_trials_of_the_open_claim_alone_until_it_is_settled(study, tiny):
    found = decide(study, "tiny-grid", tiny, max_replicates=40, n_jobs=1)
    compared, every = found.claims
    assert compared.decision.outcome == "supported"
    n = compared.decision.settled_at
    assert 5 <= n <= 40
    assert (every.contrast, every.reason) == (None, "what is said of every run is not a number of each replicate")
    rates = dict(query(study, "SELECT DISTINCT trial_number, json_extract(config, '$.learning_rate') FROM v_runs"))
    assert replicates(study) == {number: 1 if rate == 0.05 else n for number, rate in rates.items()}
    assert found.n_trained == 4 * (n - 1)


def test_deciding_again_trains_nothing_and_the_file_s_own_command_neither(study, tiny):
    first = decide(study, "tiny-grid", tiny, max_replicates=40, n_jobs=1)
    assert decide(study, "tiny-grid", tiny, max_replicates=40, n_jobs=1).n_trained == 0
    stored = stored_study(study, "tiny-grid")
    assert stored.command == "digitsweep run x.yaml"
    assert run_study(stored.spec, tiny, database=study, n_jobs=1).n_started == 0
    assert [each.decision and each.decision.outcome for each in look(study, "tiny-grid")] == [
        each.decision and each.decision.outcome for each in first.claims
    ]


def test_a_bound_on_replicates_and_on_time_ends_it_undecided(study, tiny):
    found = decide(study, "tiny-grid", tiny, max_replicates=3, n_jobs=1)
    assert found.claims[0].decision.outcome == "undecided"
    assert max(replicates(study).values()) == 3
    late = decide(study, "tiny-grid", tiny, max_replicates=40, max_seconds=0.0, n_jobs=1)
    assert (late.n_trained, late.out_of_time) == (0, True)


def test_the_seeds_are_those_of_a_study_that_asked_for_as_many(study, tiny, tmp_path):
    decide(study, "tiny-grid", tiny, max_replicates=4, n_jobs=1)
    whole = str(tmp_path / "whole.sqlite")
    run_study(make_spec(space=SPACE, replicates=4), tiny, database=whole, n_jobs=1)
    rows = "SELECT config_hash, replicate, seed, test_accuracy, validation_loss FROM v_runs"
    assert set(query(study, rows)) < set(query(whole, rows))


def test_the_page_judges_by_the_interval_that_holds_at_every_look(study, tiny):
    before = examine(read_studies(study))[0]
    decide(study, "tiny-grid", tiny, max_replicates=40, n_jobs=1)
    after = examine(read_studies(study))[0]
    assert (before.verdict, after.verdict) == ("undecided", "supported")
    assert "an interval that holds at every look" in after.sentence


def test_a_study_without_claims_is_refused_by_name(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=1)
    with pytest.raises(SpecError, match="study tiny-grid states no claim"):
        look(database, "tiny-grid")


def test_added_replicates_are_in_no_number_of_the_selection(study, tiny):
    def numbers():
        engine = open_for_writing(study, create=False)
        chosen = select(engine, "tiny-grid")
        with engine.connect() as connection:
            tested = [reading.test_accuracies(connection, trial) for trial in chosen.params]
            summary = dict(reading.test_summary(connection, chosen.study))
            trials = study_summary(connection, reading.find_study(connection, "tiny-grid"))["trials"]
        engine.dispose()
        return chosen.selection_id, tested, summary, trials

    before = numbers()
    assert decide(study, "tiny-grid", tiny, max_replicates=3, n_jobs=1).n_trained == 8
    assert numbers() == before


def test_what_was_added_and_not_finished_changes_no_choice(study, tiny):
    chosen = confirmation(study, "tiny-grid", 6).ranked
    found = decide(study, "tiny-grid", tiny, max_replicates=9, max_seconds=0.0001, n_jobs=1)
    decide(study, "tiny-grid", tiny, max_replicates=2, n_jobs=1)
    sql = open_for_writing(study, create=False)
    with sql.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET state = 'interrupted' WHERE replicate > 0")
    sql.dispose()
    assert found.out_of_time
    assert confirmation(study, "tiny-grid", 6).ranked == chosen
    assert {state for (state,) in query(study, "SELECT state FROM sweep_trials")} == {"complete"}
    assert run_study(stored_study(study, "tiny-grid").spec, tiny, database=study, n_jobs=1).n_complete == 6


def test_a_run_that_diverges_ends_it_and_is_said(study, tiny):
    decide(study, "tiny-grid", tiny, max_replicates=2, n_jobs=1)
    sql = open_for_writing(study, create=False)
    with sql.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET state = 'diverged' WHERE replicate = 1")
    sql.dispose()
    found = decide(study, "tiny-grid", tiny, max_replicates=9, n_jobs=1)
    assert found.n_trained == 0
    assert "4 runs of its configurations diverged or failed" in found.claims[0].reason


def test_a_confirmation_is_told_to_be_one(study, tiny):
    source = confirmation(study, "tiny-grid", 1)
    again = confirmation_spec(source, 1)
    run_study(again, tiny, database=study, n_jobs=1, driver=ConfirmDriver(source.ranked), name=source.name)
    with pytest.raises(SpecError, match="is a confirmation and states no claims"):
        stored_study(study, source.name)


def test_what_a_study_holds_stays_so_in_further_replicates(database, tiny, tmp_path):
    held = {"space": SPACE, "vary": ["order"]}
    run_study(make_spec(claims=CLAIMS, replicates=1, **held), tiny, database=database, n_jobs=1)
    decide(database, "tiny-grid", tiny, max_replicates=4, n_jobs=1)
    whole = str(tmp_path / "whole.sqlite")
    run_study(make_spec(replicates=4, **held), tiny, database=whole, n_jobs=1)
    rows = "SELECT config_hash, replicate, seed, streams, cut, test_accuracy, validation_loss FROM v_runs"
    assert set(query(database, rows)) < set(query(whole, rows))
    assert max(replicates(database).values()) == 4


def test_replicates_on_cuts_that_share_examples_settle_nothing_one_by_one(database, tiny):
    run_study(make_spec(space=SPACE, claims=CLAIMS, split={"folds": 3}), tiny, database=database, n_jobs=1)
    found = decide(database, "tiny-grid", tiny, max_replicates=9, n_jobs=1)
    assert found.n_trained == 0
    assert "cuts that share examples" in found.claims[0].reason
