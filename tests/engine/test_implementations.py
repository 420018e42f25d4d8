"""Which of kernels and components does the work, each reason by itself."""

from dataclasses import replace

import pytest

from engine.configuration import DOMAINS, Configuration
from engine.errors import ConfigurationError
from engine.implementations import chosen, population_key
from engine.training import initial_state, train, train_population_segment
from tests.conftest import make_dataset

OTHER = {bool: lambda old: not old, int: lambda old: (old or 240) // 2 + 1, float: lambda old: old / 2 or 0.25,
         str: lambda _: [9, 7]}  # fmt: skip


BESIDE = {"optimizer": {"momentum": False}, "batch_norm": {"batch_size": 8}}


def choices(n=1, dataset=None, asked="auto", **options):
    """What trains and what evaluates `n` runs of a configuration."""
    dataset = dataset or make_dataset()
    states = [initial_state(Configuration(**options), 1, dataset)] * n
    return tuple(chosen(work, states, dataset.train, asked) for work in ("update", "measure"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("network", "network")),
        ({"n": 4}, ("network", "network")),
        ({"n": 5}, ("population", "population")),
        ({"n": 5, "dropout_input": 0.1}, ("network", "network")),
        ({"hidden_layers": 1}, ("network", "network")),
        ({"batch_size": 8}, ("batches", "network")),
        ({"batch_size": 300, "evaluations_per_epoch": 1}, ("components", "network")),
        ({"batch_size": 8, "asked": "components"}, ("components", "components")),
        ({"optimizer": "adam"}, ("components", "network")),
        ({"n": 5, "average": 0.9}, ("components", "network")),
        ({"batch_size": 8, "label_smoothing": 0.1}, ("components", "network")),
        ({"hidden_layers": 1, "activation": "gelu"}, ("components", "components")),
        ({"hidden_layers": 1, "noise_hidden": 0.1}, ("components", "network")),
        ({"n": 5, "asked": "components"}, ("components", "components")),
    ],
)
def test_work_goes_where_it_is_done_fastest(options, expected):
    assert choices(**options) == expected


@pytest.mark.parametrize(
    ("batch_size", "density", "expected"),
    [(40, 1.0, "batches"), (60, 1.0, "components"), (100, 0.3, "batches"), (240, 0.3, "components")],
)
def test_batches_go_to_blas_where_many_images_share_a_pixel(batch_size, density, expected):
    dataset = make_dataset(density=density)
    assert choices(dataset=dataset, batch_size=batch_size, evaluations_per_epoch=1)[0] == expected


@pytest.mark.parametrize(("density", "expected"), [(0.3, "network"), (1.0, "components")])
def test_networks_are_evaluated_by_blas_where_images_are_dense(density, expected):
    dense = make_dataset(density=density)
    assert choices(dataset=dense, hidden_layers=1) == ("network", expected)
    assert choices(dataset=dense) == ("network", "network"), "a linear model is evaluated as it would be in company"
    options = {"epochs": 1, "evaluations_per_epoch": 1, "hidden_layers": 1, "hidden_size": 20}
    found, oracle = (
        train(dense, implementation=name, **options).evaluations[0].loss["test"] for name in ("auto", "components")
    )
    assert found == pytest.approx(oracle, rel=1e-4)


def test_an_unknown_implementation_is_named(tiny):
    with pytest.raises(ConfigurationError, match=r"implementation must be one of .*'component'.*did you mean"):
        train(tiny, epochs=1, implementation="component")
    with pytest.raises(ConfigurationError, match="work must be one of update, measure, but got 'train'"):
        chosen("train", [initial_state(Configuration(), 1, tiny)], tiny.train)


@pytest.mark.parametrize("name", DOMAINS)
def test_no_hyperparameter_means_something_else_in_a_population(name, tiny):
    """A member of a population has the bits that it has alone, whichever hyperparameter is not at its default."""
    base = Configuration(momentum=True, decay="halve_on_decrease", epochs=2, evaluations_per_epoch=2)
    domain = DOMAINS[name]
    values = domain.choices or [OTHER[domain.kind](getattr(base, name))]
    for value in values:
        c = replace(base, **BESIDE.get(name, {}) | {name: value})
        if population_key(c, 1) is None:
            continue
        company = [initial_state(replace(c, learning_rate=c.learning_rate * (1 + m)), 1, tiny) for m in range(5)]
        alone = company[:1]
        while not alone[0].finished:
            company, together = train_population_segment(company, tiny)
            alone, found = train_population_segment(alone, tiny)
            assert found[0] == together[0]
