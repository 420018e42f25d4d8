"""A run that stops where its loss on validation has not become less for a while."""

import numpy as np
import pytest

from engine.configuration import Configuration
from engine.state import TrainingState
from engine.training import foreseen, initial_state, train, train_segment

OPTIONS = {"hidden_layers": 1, "hidden_size": 30, "learning_rate": 0.3, "epochs": 20, "evaluations_per_epoch": 2}


@pytest.mark.parametrize("patience", [1, 3])
def test_a_run_ends_after_as_many_evaluations_without_a_lower_loss(patience, tiny):
    whole = [e.loss["validation"] for e in train(tiny, **OPTIONS).evaluations]
    found = [e.loss["validation"] for e in train(tiny, **OPTIONS, early_stopping=patience).evaluations]
    waited = [k - int(np.argmin(whole[: k + 1])) for k in range(len(whole))]
    assert len(whole) == 40
    end = waited.index(patience) + 1
    assert found == whole[:end]
    assert end < len(whole)


def test_a_run_remembers_its_least_loss_over_an_interruption(tiny):
    c = Configuration(**OPTIONS, early_stopping=2)
    state, n = initial_state(c, 2022, tiny), 0
    while not state.finished:
        state, _ = train_segment(state, tiny)
        assert state.finished or foreseen([state]) is None
        state = TrainingState.from_bytes(state.to_bytes("a"), configuration=c, seed=2022, code_version="a")
        n += 1
    assert n == len(train(tiny, **OPTIONS, early_stopping=2).evaluations)
    assert state.k - state.best_k == 2
