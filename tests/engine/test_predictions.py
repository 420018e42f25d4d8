"""Which images a network got right: as many as its accuracy says, whoever evaluates; every class can be had again."""

import numpy as np
import pytest

from engine.configuration import Configuration
from engine.network import Network
from engine.predictions import Predictions, class_dtype
from engine.training import advance, evaluate, initial_state
from tests.conftest import make_dataset

KINDS = {
    "population": {},
    "network": {"hidden_layers": 2, "hidden_size": 7, "activation": "tanh"},
    "batches": {"hidden_layers": 1, "hidden_size": 7, "batch_size": 8},
}


def as_documented(correct, mistaken, labels):
    """Predicted classes as docs/schema.md says."""
    right = np.unpackbits(np.frombuffer(correct, np.uint8), count=len(labels)).astype(bool)
    classes = labels.copy()
    wrong = np.count_nonzero(~right)
    classes[~right] = np.frombuffer(mistaken, f"<u{len(mistaken) // max(1, wrong)}" if wrong else "u1")
    return classes


@pytest.mark.parametrize("implementation", ["auto", "components"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_predictions_are_the_largest_logits_and_as_many_right_as_the_accuracy(kind, dtype, implementation):
    dataset = make_dataset(n=(240, 61, 67))  # not whole bytes, not whole vectors
    c = Configuration(**KINDS[kind], dtype=dtype, learning_rate=0.02)
    states = [initial_state(c, seed, dataset) for seed in range(6 if kind == "population" else 1)]
    moved = [state for one in states for state in advance([one], dataset)]
    plain = evaluate(moved, dataset, implementation=implementation)[1]
    found = evaluate(moved, dataset, implementation=implementation, predictions=True)[1]
    assert found == plain
    for state, evaluation in zip(moved, found, strict=True):
        assert set(evaluation.predictions) == {"validation", "test"}
        for name, said in evaluation.predictions.items():
            split = dataset.split(name)
            right = np.unpackbits(np.frombuffer(said.correct, np.uint8), count=len(split)).astype(bool)
            assert right.sum() / len(split) == evaluation.accuracy[name]
            logits = Network.with_parameters(state.parameters, c).logits(split.X.astype(dtype))
            assert np.array_equal(said.classes, np.argmax(logits, axis=1))
            assert 0 < right.sum() < len(split)
            assert np.array_equal(as_documented(said.correct, said.mistaken, split.y), said.classes)


@pytest.mark.parametrize(("n_classes", "dtype"), [(2, "u1"), (256, "u1"), (257, "<u2"), (65_537, "<u4")])
def test_classes_take_as_few_bytes_as_they_can(n_classes, dtype):
    assert class_dtype(n_classes) == np.dtype(dtype)
    labels = np.array([0, n_classes - 1, 1])
    said = Predictions(np.array([n_classes - 1, n_classes - 1, 0], class_dtype(n_classes)), labels)
    assert said.correct == bytes([0b01000000])
    assert as_documented(said.correct, said.mistaken, labels).tolist() == [n_classes - 1, n_classes - 1, 0]
