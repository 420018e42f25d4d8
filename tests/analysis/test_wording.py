"""Values in words."""

import dataclasses

import pytest

from analysis.wording import level_name, ranges
from engine.configuration import Configuration


@pytest.mark.parametrize(
    ("factor", "level", "expected"),
    [
        ("momentum", True, "momentum"),
        ("momentum", False, "no momentum"),
        ("decay", "halve_on_decrease", "decay halve on decrease"),
        ("dropout_hidden", 0.25, "dropout of hidden units 0.25"),
        ("hidden_size", 1_024.0, "hidden size 1024"),
    ],
)
def test_a_level_is_told_with_its_factor(factor, level, expected):
    assert level_name(factor, level) == expected


@pytest.mark.parametrize("field", dataclasses.fields(Configuration), ids=lambda field: field.name)
def test_levels_of_every_hyperparameter_are_told_apart(field):
    domain = field.metadata["domain"]
    levels = (
        list(domain.choices)
        or {bool: [False, True], int: [1, 2], float: [0.1, 0.25], str: ["30-20", "30-30"]}[domain.kind]
    )
    assert len({level_name(field.name, level) for level in levels}) == len(levels)


def test_ranges_join_neighbours():
    assert ranges([3, 1, 2, 7, 9, 10, 2]) == "1–3, 7, 9–10"
    assert ranges([]) == ""
