"""Axes that grow keep their scale, as far as their values allow."""

import pytest
from optuna.distributions import CategoricalDistribution as Words
from optuna.distributions import FloatDistribution as Reals
from optuna.distributions import IntDistribution as Integers

from engine.configuration import DOMAINS
from search.store.distributions import choose_distribution, widened


@pytest.mark.parametrize(
    ("known", "wanted", "found"),
    [
        (Reals(0.01, 0.02), Reals(0.001, 0.2, log=True), Reals(0.001, 0.2)),
        (Reals(0.01, 0.2, log=True), Reals(0.01, 0.5), Reals(0.01, 0.5, log=True)),
        (Reals(0.01, 0.2, log=True), Reals(0.0, 0.1), Reals(0.0, 0.2)),
        (Integers(4, 8), Integers(1, 80, log=True), Integers(1, 80)),
        (Words(["b", "a"]), Words(["a", "c"]), Words(["b", "a", "c"])),
        (Words(["1", "auto"]), Reals(0.1, 0.2), Reals(0.1, 0.2)),
    ],
)
def test_a_widened_axis_holds_both_on_the_known_scale(known, wanted, found):
    assert widened(known, wanted) == found


def test_a_hyperparameter_of_words_has_all_words_of_its_domain_from_the_start():
    assert choose_distribution("activation", ["relu"], log=False).choices == DOMAINS["activation"].choices
