"""What the analysis knows by name is all that the engine and the search can make; anything else raises by its name."""

import dataclasses
from typing import get_args

import pytest

from analysis.claims.evidence import Evidence
from analysis.errors import NotApplicableError
from analysis.figures import style
from analysis.figures.component_chain import chain
from analysis.optimism import SELECTS, optimism
from analysis.wording import ACTIVATIONS as ACTIVATION_WORDS
from engine.activations import ACTIVATIONS
from search.spec.study import StudySpec


@pytest.mark.parametrize("table", [ACTIVATION_WORDS, style.ACTIVATIONS])
def test_every_activation_has_its_words_and_its_look(table):
    assert table.keys() == ACTIVATIONS.keys()


def test_every_driver_says_whether_it_selects():
    assert SELECTS.keys() == {*get_args(StudySpec.model_fields["driver"].annotation), "confirm"}


def test_an_unknown_activation_raises_by_name():
    with pytest.raises(NotApplicableError, match="but got unheard-of"):
        chain([10], "unheard-of", "64", "10")


def test_an_unknown_driver_raises_by_name(studies):
    unheard = dataclasses.replace(studies.shown[0], driver="unheard-of")
    with pytest.raises(NotApplicableError, match=r"driver must be one of .* but got unheard-of"):
        optimism(unheard, studies)


def test_an_unknown_verdict_raises_by_name():
    with pytest.raises(ValueError, match="'perhaps' is not a valid Verdict"):
        Evidence("", (1,), verdict="perhaps")
