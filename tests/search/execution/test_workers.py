"""Workers: the same bits whether or not a segment was begun ahead, and what becomes of one that was begun in vain."""

import threading
import time

import pytest

import search.execution.workers as module
from engine.configuration import Configuration
from engine.data.load import load_dataset
from engine.training import initial_state, train
from search.execution.workers import workers

HYPERPARAMETERS = {"epochs": 3, "evaluations_per_epoch": 4, "hidden_layers": 1, "hidden_size": 20}
SEED = 7


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def states_of(dataset, rates, **hyperparameters):
    return [
        initial_state(
            Configuration.from_mapping({**HYPERPARAMETERS, "learning_rate": rate, **hyperparameters}), SEED, dataset
        )
        for rate in rates
    ]


def run(dataset, n_jobs, states, keep=lambda states: states):
    """All evaluations of one task, by run, as the coordinator would ask for them."""
    curves = {}
    with workers(n_jobs) as pool:
        pool.submit(0, states, dataset)
        while True:
            result = pool.next_result(timeout=30)
            assert result is not None
            assert result.error is None, result.error
            for state, evaluation in zip(result.states, result.evaluations, strict=True):
                curves.setdefault(state.configuration.learning_rate, []).append(evaluation)
            going_on = keep([state for state in result.states if not state.finished])
            if not going_on:
                return curves
            pool.submit(0, going_on, dataset)


@pytest.mark.parametrize("decay", ["constant", "cosine", "halve_on_decrease"])
def test_a_unit_on_two_workers_has_the_bits_of_one(digits, decay, monkeypatch):
    spans = []

    def timed(name, function):
        def call(*arguments, **named):
            start = time.perf_counter()
            time.sleep(0.01)  # long enough that the two halves of a segment must meet
            result = function(*arguments, **named)
            spans.append((name, threading.get_ident(), start, time.perf_counter()))
            return result

        return call

    monkeypatch.setattr(module, "advance", timed("advance", module.advance))
    monkeypatch.setattr(module, "evaluate", timed("evaluate", module.evaluate))
    found = run(digits, 2, states_of(digits, [0.05], decay=decay))[0.05]
    expected = train(digits, seed=SEED, learning_rate=0.05, decay=decay, **HYPERPARAMETERS).evaluations
    assert tuple(found) == expected
    advances = [span for span in spans if span[0] == "advance"]
    evaluations = [span for span in spans if span[0] == "evaluate"]
    assert len(advances) == len(evaluations) == len(expected), "nothing is done twice"
    overlaps = sum(a[1] != e[1] and a[2] < e[3] and e[2] < a[3] for a in advances for e in evaluations)
    assert overlaps >= len(expected) // 2, "an idle worker evaluates while the other looks ahead"


def test_what_was_begun_for_another_company_is_not_used(digits):
    """A run leaves its population between two segments, as a pruned one does."""
    rates = [0.02, 0.03, 0.04, 0.05, 0.06, 0.07]

    def without_the_first(states):
        return [state for state in states if state.configuration.learning_rate != 0.02 or state.k < 5]

    found = run(digits, 2, states_of(digits, rates, hidden_layers=0), keep=without_the_first)
    assert len(found[0.02]) == 5
    alone = run(digits, 1, states_of(digits, rates[1:], hidden_layers=0))
    for rate in rates[1:]:
        assert found[rate] == alone[rate]


def test_what_was_begun_in_vain_is_forgotten(digits):
    with workers(2) as pool:
        for task in range(20):
            pool.submit(task, states_of(digits, [0.05]), digits)
            assert pool.next_result(timeout=30) is not None
        assert pool.next_result(timeout=0.01) is None
        assert len(pool._ahead) <= 1


def test_an_error_ahead_is_the_error_of_the_segment_that_is_asked_for(digits, monkeypatch):
    sound = module.advance

    def advance(states, dataset, n_threads):
        if states[0].k == 3:
            raise ArithmeticError("the fourth segment")
        time.sleep(0.01)
        return sound(states, dataset, n_threads=n_threads)

    monkeypatch.setattr(module, "advance", advance)
    with workers(2) as pool:
        pool.submit(0, states_of(digits, [0.05]), digits)
        for k in (1, 2, 3):
            result = pool.next_result(timeout=30)
            assert result is not None
            assert result.error is None
            assert result.states[0].k == k
            pool.submit(0, result.states, digits)
        result = pool.next_result(timeout=30)
        assert result is not None
        assert "the fourth segment" in result.error


@pytest.mark.parametrize(("n_jobs", "n_runs", "expected"), [(1, 1, {1}), (2, 1, {2}), (2, 2, {1}), (5, 3, {2, 1})])
def test_runs_in_batches_share_the_cores_and_keep_their_bits(digits, n_jobs, n_runs, expected, monkeypatch):
    given = []

    def noted(function):
        def call(*arguments, n_threads, **named):
            given.append(n_threads)
            return function(*arguments, n_threads=n_threads, **named)

        return call

    rates = [0.01, 0.02, 0.03][:n_runs]
    hyperparameters = {**HYPERPARAMETERS, "batch_size": 16, "hidden_size": 70, "dropout_hidden": 0.2}
    alone = [train(digits, seed=SEED, learning_rate=rate, **hyperparameters).evaluations[0] for rate in rates]
    monkeypatch.setattr(module, "advance", noted(module.advance))
    monkeypatch.setattr(module, "evaluate", noted(module.evaluate))
    with workers(n_jobs) as pool:
        for task, rate in enumerate(rates):
            pool.submit(task, states_of(digits, [rate], **hyperparameters), digits, n_runs - 1 - task)
        results = [pool.next_result(timeout=30) for _ in rates]
    assert [result.evaluations for result in sorted(results, key=lambda result: result.task)] == [[e] for e in alone]
    assert set(given[: 2 * n_runs]) == expected


def test_a_run_in_batches_that_is_left_alone_gets_the_core_of_the_one_that_ended(digits, monkeypatch):
    given, sound = [], module.advance

    def noted(states, dataset, n_threads):
        given.append(n_threads)
        return sound(states, dataset, n_threads=n_threads)

    monkeypatch.setattr(module, "advance", noted)
    hyperparameters = {**HYPERPARAMETERS, "batch_size": 16, "decay": "halve_on_decrease", "decay_round": "evaluation"}
    with workers(2) as pool:
        for task, n_waiting in ((0, 1), (1, 0)):
            pool.submit(task, states_of(digits, [0.01], **hyperparameters), digits, n_waiting)
        states, _ = (pool.next_result(timeout=30).states for _ in range(2))
        assert (given, pool.n_free) == ([1, 1], 2)
        pool.submit(0, states, digits)
        assert pool.n_free == 1
        pool.submit(1, states_of(digits, [0.02], **hyperparameters), digits)
        assert [pool.next_result(timeout=30).error for _ in range(2)] == [None, None]
    assert sorted(given[2:]) == [1, 2]
