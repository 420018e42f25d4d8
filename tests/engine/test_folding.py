"""What is evaluated of a run: its average, and batch normalisation with the statistics of all training images."""

import numpy as np
import pytest

from engine.configuration import Configuration
from engine.errors import ConfigurationError
from engine.folding import folded
from engine.model_file import Model, load_model, save_model
from engine.network import Network
from engine.state import TrainingState
from engine.training import advance, evaluate, initial_state, train, train_segment, train_split

EVERYTHING = {
    "hidden_sizes": [9, 7], "batch_norm": True, "batch_size": 16, "average": 0.9, "adversarial": 0.5,
    "noise_hidden": 0.1, "noise_input": 0.1, "dropout_hidden": 0.1, "label_smoothing": 0.1, "max_norm": 2.0,
    "learning_rate": 0.01, "decay": "linear_end", "epochs": 3, "evaluations_per_epoch": 2,
}  # fmt: skip


def test_the_plain_network_is_the_normalised_one_on_all_training_images(tiny):
    c = Configuration(**EVERYTHING | {"dtype": "float64", "epochs": 1, "average": 0.0})
    (state,), _ = evaluate(advance([initial_state(c, 1, tiny)], tiny), tiny)
    images = train_split(c, tiny)
    # With all of them as one batch, the statistics of the batch are those of the training images.
    expected = Network.with_parameters(state.parameters, c).logits(images.X)
    found = Network(folded(state.parameters, c, images), c.activation).logits(images.X)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    assert [w.shape for w in state.evaluated] == [w.shape for w in Network.initialized(
        Configuration(hidden_sizes=[9, 7]), images.rows.n_features, tiny.n_classes, 1).parameters]  # fmt: skip


@pytest.mark.parametrize("optimizer", ["nesterov", "adam", "adamw"])
def test_a_run_that_is_interrupted_goes_on_to_the_bit(optimizer, tiny):
    c = Configuration(**EVERYTHING, optimizer=optimizer, weight_decay=0.01)
    whole, evaluations = initial_state(c, 1, tiny), []
    broken, found = whole, []
    while not whole.finished:
        whole, evaluation = train_segment(whole, tiny)
        evaluations.append(evaluation)
        stored = broken.to_bytes("a")
        broken, evaluation = train_segment(
            TrainingState.from_bytes(stored, configuration=c, seed=1, code_version="a"), tiny
        )
        found.append(evaluation)
    assert found == evaluations
    assert evaluations[-1].loss["train"] < evaluations[0].loss["train"]
    for a, b in zip(whole.parameters + whole.velocities + whole.average, broken.parameters + broken.velocities
                    + broken.average, strict=True):  # fmt: skip
        assert a.tobytes() == b.tobytes()


def test_a_model_predicts_what_was_evaluated(tiny, tmp_path):
    result = train(tiny, **EVERYTHING, optimizer="adam")
    save_model(tmp_path / "m.npz", Model.of(result.state, tiny, {}))
    chosen = load_model(tmp_path / "m.npz").predict_proba(tiny.test.X).argmax(axis=1)
    assert np.mean(chosen == tiny.test.y) == pytest.approx(result.evaluations[-1].accuracy["test"])


def test_the_average_is_what_is_evaluated(tiny):
    plain, averaged = (train(tiny, hidden_layers=1, hidden_size=9, epochs=2, average=share) for share in (0.0, 0.99))
    for a, b in zip(plain.state.parameters, averaged.state.parameters, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    assert averaged.network.parameters[0] is averaged.state.average[0]
    assert averaged.evaluations != plain.evaluations


def test_a_network_that_is_normalised_predicts_nothing_before_it_is_evaluated(tiny):
    state = initial_state(Configuration(batch_norm=True, batch_size=8), 1, tiny)
    with pytest.raises(RuntimeError, match="must be evaluated before it predicts"):
        _ = state.evaluated


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"optimizer": "adam", "momentum": True}, "momentum is an option of optimizer: sgd; adam has its own"),
        ({"batch_norm": True}, "batch_norm needs a batch_size of 2 or more"),
        ({"hidden_sizes": [9, 7], "hidden_layers": 3}, r"how many layers there are \(2\).*hidden_layers cannot be 3"),
        ({"hidden_sizes": [9, 7], "hidden_size": 8}, "hidden_size cannot be 8 beside 9-7"),
        ({"hidden_sizes": [9, 0]}, r"hidden_sizes must be a list of units .* but got \[9, 0\]"),
        ({"hidden_sizes": "9-x"}, "hidden_sizes must be a list"),
        ({"hidden_sizes": 9}, "hidden_sizes must be a list"),
    ],
)
def test_what_makes_no_sense_together_is_refused(options, says):
    with pytest.raises(ConfigurationError, match=says):
        Configuration(**options)


def test_two_ways_of_writing_the_same_training_are_one():
    def same(a, b):
        return Configuration(**a).hash == Configuration(**b).hash

    assert same({"hidden_sizes": [9, 9]}, {"hidden_layers": 2, "hidden_size": 9})
    assert same({"hidden_sizes": [9, 7]}, {"hidden_sizes": "9-7", "hidden_layers": 2})
    assert same({"optimizer": "adamw"}, {"optimizer": "adam"})
    assert not same({"optimizer": "adamw", "weight_decay": 0.1}, {"optimizer": "adam", "weight_decay": 0.1})
    assert same({"adversarial_norm": "linf", "adam_beta2": 0.5, "max_norm": 2.0, "noise_hidden": 1.0}, {})
    assert not same({"optimizer": "adam", "momentum_beta": 0.5}, {"optimizer": "adam"})
