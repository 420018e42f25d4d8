"""How runs are put together: lanes filled, kinds apart, nobody idle, everybody once."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.configuration import Configuration
from engine.cuts import Cut
from engine.implementations import population_key
from engine.seeds import Seed, Seeds
from search.execution.populations import LANES, group_runs


@dataclass
class Run:
    configuration: Configuration
    seed: Seed = 1
    start_k: int = 0
    cut: Cut | None = None


def linear(n, **options):
    return [Run(Configuration(learning_rate=0.001 * (1 + i), **options)) for i in range(n)]


@pytest.mark.parametrize(("n_workers", "sizes"), [(1, [16, 16]), (2, [16, 16]), (4, [8, 8, 8, 8])])
def test_the_grid_fills_populations_and_cuts_them_only_for_idle_workers(n_workers, sizes):
    groups = group_runs(linear(16) + linear(16, momentum=True), n_workers)
    assert [len(group) for group in groups] == sizes
    for group in groups:
        assert len({run.configuration.momentum for run in group}) == 1


def test_networks_train_alone():
    runs = [Run(Configuration(hidden_layers=1, hidden_size=h)) for h in (5, 6)]
    assert group_runs(runs, 1) == [[runs[0]], [runs[1]]]


def test_other_seeds_and_other_places_in_a_run_are_kept_apart():
    runs = [*linear(2), Run(Configuration(), seed=2), Run(Configuration(), start_k=5)]
    assert [len(group) for group in group_runs(runs, 1)] == [2, 1, 1]


def test_runs_with_one_order_train_together_whatever_their_first_weights_and_cuts_follow_each_other():
    runs = [
        Run(Configuration(), Seeds(start, order, 0), cut=cut)
        for start in range(3)
        for order in range(2)
        for cut in (Cut(1, 2, 0), Cut(1, 2, 1))
    ]
    groups = group_runs(runs, 1)
    assert [(len(group), group[0].cut.fold, group[0].seed.order) for group in groups] == [
        (3, 0, 0), (3, 0, 1), (3, 1, 0), (3, 1, 1),
    ]  # fmt: skip
    assert all({run.seed.initialisation for run in group} == {0, 1, 2} for group in groups)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 1), st.integers(1, 3), st.sampled_from([0.0, 0.1])), max_size=80),
    st.integers(1, 8),
)
def test_every_run_is_in_one_unit_that_it_may_be_in(kinds, n_workers):
    runs = [
        Run(Configuration(momentum=momentum, hidden_layers=depth, weight_decay=decay), seed)
        for momentum, depth, seed, decay in kinds
    ]
    groups = group_runs(runs, n_workers)
    assert sorted(id(run) for group in groups for run in group) == sorted(map(id, runs))
    for group in groups:
        assert 1 <= len(group) <= LANES
        if len(group) > 1:
            assert len({population_key(run.configuration, run.seed) for run in group}) == 1
