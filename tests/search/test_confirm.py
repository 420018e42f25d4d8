"""The best of a study again with fresh seeds, beside what they were selected by."""

import pytest

from engine.seeds import derive_seed
from search import run_study
from search.confirm import ConfirmDriver, confirmation, confirmation_seed, confirmation_spec, confirmed_trials
from tests.search.helpers import make_spec, query


def test_confirmation_trains_the_best_again_with_fresh_seeds(database, tiny):
    run_study(make_spec(), tiny, database=database, n_jobs=2)
    source = confirmation(database, "tiny-grid", 2)
    assert source.name == "tiny-grid-confirm@tiny"
    spec = confirmation_spec(source, 3)
    result = run_study(spec, tiny, database=database, n_jobs=2, driver=ConfirmDriver(source.ranked), name=source.name)
    assert (result.n_trials, result.n_trained) == (2, 6)
    seeds = dict(query(database, "SELECT seed, COUNT(*) FROM runs GROUP BY seed"))
    assert derive_seed(2022, 0) in seeds
    fresh = {derive_seed(confirmation_seed(2022), r) for r in range(3)}
    assert set(seeds) == fresh | {derive_seed(2022, 0)}
    rows = confirmed_trials(database, source.study, source.name)
    assert [r.source_trial_number for r in rows] == [t.trial_number for t in source.ranked]
    for row in rows:
        assert row.n_runs == 3
        assert row.test_interval[0] <= row.test <= row.test_interval[1]
    by_hand = query(
        database,
        "SELECT AVG(test_accuracy) FROM v_runs WHERE study = 'tiny-grid-confirm@tiny' AND trial_number = 0",
    )
    assert rows[0].test == pytest.approx(by_hand[0][0])
    again = confirmation(database, "tiny-grid", 2)
    assert run_study(
        confirmation_spec(again, 3), tiny, database=database, n_jobs=1,
        driver=ConfirmDriver(again.ranked), name=again.name,
    ).n_trained == 0  # fmt: skip


def test_the_confirmations_name_keeps_data_and_seed_of_its_study(database, tiny):
    run_study(make_spec(seed=7), tiny, database=database, n_jobs=1)
    source = confirmation(database, "tiny-grid", 1)
    assert (source.study, source.base_name) == ("tiny-grid@tiny#7", "tiny-grid-confirm")
    assert source.name == "tiny-grid-confirm@tiny#7"


def test_networks_with_widths_of_their_own_and_without_are_confirmed_together(database, tiny):
    space = {"hidden_sizes": [[9, 7], None], "hidden_size": [5, 6]}
    fixed = {"hidden_layers": 2, "epochs": 1, "evaluations_per_epoch": 1}
    spec = make_spec(space=space, when={"hidden_size": {"hidden_sizes": [None]}}, fixed=fixed)
    run_study(spec, tiny, database=database, n_jobs=1)
    source = confirmation(database, "tiny-grid", 3)
    result = run_study(
        confirmation_spec(source, 1), tiny, database=database, n_jobs=1,
        driver=ConfirmDriver(source.ranked), name=source.name,
    )  # fmt: skip
    assert result.n_trained == 3
