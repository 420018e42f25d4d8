"""What the analysis knows by name is all that the engine and the search can make; anything else raises by its name."""

import dataclasses
from typing import get_args

import pandas as pd
import pytest

from analysis.claims.evidence import Evidence
from analysis.errors import NotApplicableError
from analysis.figures import style
from analysis.figures.component_chain import chain
from analysis.optimism import SELECTS, optimism
from analysis.wording import ACTIVATIONS as ACTIVATION_WORDS
from analysis.wording import MOMENTUM_FORMS, describe
from benchmarks import synthetic
from engine.activations import ACTIVATIONS
from engine.configuration import Configuration
from search.spec.study import StudySpec


def words(field):
    """The words that a field of the configuration takes."""
    (found,) = (each.metadata["domain"].choices for each in dataclasses.fields(Configuration) if each.name == field)
    return set(found)


@pytest.mark.parametrize("table", [ACTIVATION_WORDS, style.ACTIVATIONS])
def test_every_activation_has_its_words_and_its_look(table):
    assert table.keys() == ACTIVATIONS.keys()


def test_every_form_of_momentum_has_its_words():
    assert MOMENTUM_FORMS.keys() == words("momentum_form")


# Part of no description: it would be long, and these seldom differ between the configurations of a table.
NOT_DESCRIBED = {"momentum_beta", "decay_round", "initializer", "evaluations_per_epoch", "train_images", "dtype"}


@pytest.mark.parametrize("field", dataclasses.fields(Configuration), ids=lambda field: field.name)
def test_a_description_tells_configurations_apart(field):
    base = Configuration(hidden_layers=2, momentum=True)
    domain, value = field.metadata["domain"], getattr(base, field.name)
    others = [word for word in domain.choices if word != value] or [
        {bool: not value, int: (value or 1) + 1, float: 0.25}[domain.kind]
    ]
    for other in others:
        texts = {describe(pd.Series(base.as_dict() | {field.name: each})) for each in (value, other)}
        assert len(texts) == (1 if field.name in NOT_DESCRIBED else 2), other


def test_every_driver_says_whether_it_selects():
    assert SELECTS.keys() == {*get_args(StudySpec.model_fields["driver"].annotation), "confirm"}


@pytest.mark.parametrize(
    "call",
    [
        lambda: describe(pd.Series(synthetic.BASE | {"momentum_form": "unheard-of"})),
        lambda: chain(1, 10, "unheard-of", "64", "10"),
    ],
)
def test_an_unknown_name_raises_by_name(call):
    with pytest.raises(NotApplicableError, match="but got unheard-of"):
        call()


def test_an_unknown_driver_raises_by_name(studies):
    unheard = dataclasses.replace(studies.shown[0], driver="unheard-of")
    with pytest.raises(NotApplicableError, match=r"driver must be one of .* but got unheard-of"):
        optimism(unheard, studies)


def test_an_unknown_verdict_raises_by_name():
    with pytest.raises(ValueError, match="'perhaps' is not a valid Verdict"):
        Evidence("", (1,), verdict="perhaps")
