"""What a configuration takes, what it refuses, and what makes two of them one."""

from dataclasses import replace

import pytest

from engine.arrays import DTYPES
from engine.configuration import DOMAINS, Configuration
from engine.errors import ConfigurationError
from engine.initializers import INITIALIZERS, initial_parameters
from engine.network import Network
from engine.seeds import Stream, generator
from engine.training import initial_state, train


@pytest.mark.parametrize("name", [name for name, domain in DOMAINS.items() if domain.choices])
def test_an_unknown_word_is_refused_with_the_nearest_one(name):
    known = DOMAINS[name].choices[0]
    with pytest.raises(ConfigurationError, match=f"{name} must be one of .*did you mean '{known}'") as caught:
        Configuration(**{name: f"{known}x"})
    assert caught.value.parameter == name


def test_words_are_the_names_of_the_tables():
    assert DOMAINS["initializer"].choices == tuple(INITIALIZERS)
    assert DOMAINS["dtype"].choices == tuple(DTYPES)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_initializers_keep_the_variance_that_they_promise(initializer, dtype):
    # Glorot: 2 / (n_in + n_out); He: 2 / n_in. 40,000 draws know a variance to better than 5 %.
    (W, b) = initial_parameters((100, 400), initializer, generator(1, Stream.INITIALIZATION), DTYPES[dtype])
    expected = 2 / 500 if initializer.startswith("glorot") else 2 / 100
    assert W.var() == pytest.approx(expected, rel=0.05)
    assert (W.dtype, b.dtype, float(abs(b).max())) == (DTYPES[dtype], DTYPES[dtype], 0.0)


def test_initializers_differ_from_each_other():
    drawn = {
        name: Network.initialized(Configuration(initializer=name), 5, 3, 1).parameters[0].tobytes()
        for name in INITIALIZERS
    }
    assert len(set(drawn.values())) == len(INITIALIZERS)


def test_an_unknown_initializer_is_named():
    with pytest.raises(ConfigurationError, match=r"initializer must be one of .*'he_uniform'"):
        initial_parameters((2, 3), "he_unifrom", generator(1, Stream.INITIALIZATION), DTYPES["float32"])


@pytest.mark.parametrize(
    ("options", "parameter", "says"),
    [
        ({"train_images": 241}, "train_images", "train_images <= 240 must hold"),
        ({"train_images": 1, "batch_norm": True, "batch_size": 8}, "train_images", "2 training images or more"),
        ({"batch_size": 100, "evaluations_per_epoch": 4}, "evaluations_per_epoch", "4 for 3 updates"),
        ({"train_images": 3, "evaluations_per_epoch": 4}, "evaluations_per_epoch", "4 for 3 updates"),
    ],
)
def test_what_asks_for_more_than_the_data_set_has_does_not_start(tiny, options, parameter, says):
    with pytest.raises(ConfigurationError, match=says) as caught:
        initial_state(Configuration(**options), 1, tiny)
    assert caught.value.parameter == parameter


def test_what_asks_for_all_that_the_data_set_has_starts(tiny):
    c = Configuration(train_images=240, batch_size=100, evaluations_per_epoch=3)
    assert initial_state(c, 1, tiny).k == 0
    assert (c.updates_per_epoch(240), replace(c, batch_size=1000).updates_per_epoch(240)) == (3, 1)


# Everything that a hyperparameter's effect can depend on is on.
BUSY = {
    "momentum": True, "decay": "halve_on_decrease", "decay_round": "evaluation", "hidden_layers": 2, "hidden_size": 9,
    "dropout_input": 0.1, "weight_decay": 0.01, "learning_rate": 0.1, "epochs": 3, "evaluations_per_epoch": 2,
}  # fmt: skip


# What some need beside it.
BESIDE = {
    "optimizer": {"momentum": False}, "adam_beta2": {"momentum": False, "optimizer": "adam"},
    "adversarial_norm": {"adversarial": 0.5}, "batch_norm": {"batch_size": 8},
    "early_stopping": {"early_stopping": 1, "learning_rate": 9.0}, "hidden_sizes": {"hidden_layers": 0, "hidden_size":
    100},
}  # fmt: skip


@pytest.mark.parametrize("name", DOMAINS)
def test_every_value_of_every_hyperparameter_trains_something_else(name, tiny):
    """A name that is known and never looked at, or one word that is trained as another, shows here."""
    busy = BUSY | BESIDE.get(name, {})
    domain, value = DOMAINS[name], getattr(Configuration(**busy), name)
    other = {
        bool: lambda: not value, int: lambda: (value or 200) - 1 or 2, float: lambda: value / 2 or 0.25,
        str: lambda: [9, 7],
    }[domain.kind]()  # fmt: skip
    values = domain.choices or (value, other)
    found = [train(tiny, **busy | {name: each}).evaluations for each in values]
    assert len({str([(e.epoch, e.loss) for e in evaluations]) for evaluations in found}) == len(values)
