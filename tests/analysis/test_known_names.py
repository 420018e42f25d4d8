"""What the analysis knows by name is all that the engine and the search can make; anything else raises by its name."""

import dataclasses
from typing import get_args

import pandas as pd
import pytest

from analysis.claims.evidence import Evidence
from analysis.figures import style
from analysis.figures.component_chain import chain
from analysis.figures.grid_effects import draw
from analysis.optimism import SELECTS, optimism
from analysis.studies import LOWERS_RATE, decays
from analysis.tables import NotApplicableError, Tables
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


def test_every_schedule_says_whether_it_lowers_the_rate():
    assert LOWERS_RATE.keys() == words("decay")
    assert decays(pd.Series(["constant", "cosine"])).tolist() == [False, True]


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
        lambda: decays(pd.Series(["constant", "unheard-of"])),
        lambda: chain(1, 10, "unheard-of", "64", "10"),
        lambda: draw(
            pd.DataFrame({"term": ["unheard-of"], "level": ["1"], "effect": 0.1, "share": 0.5, "binomial_error": 0.1})
        ),
    ],
)
def test_an_unknown_name_raises_by_name(call):
    with pytest.raises(NotApplicableError, match="but got unheard-of"):
        call()


def test_an_unknown_driver_raises_by_name(tables):
    with pytest.raises(NotApplicableError, match=r"driver must be one of .* but got unheard-of"):
        optimism(Tables("mnist", tables.runs.assign(driver="unheard-of"), tables.curves, selections=tables.selections))


def test_an_unknown_verdict_raises_by_name():
    with pytest.raises(ValueError, match="'perhaps' is not a valid Verdict"):
        Evidence("", (1,), verdict="perhaps")
