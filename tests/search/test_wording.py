"""Numbers as a person reads them."""

import pytest

from search.wording import count, duration, hyperparameter, hyperparameters, interval, percent, points


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"), (5.24, "5.2 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min 0 s"),
        (200, "3 min 20 s"), (3599.7, "1 h 00 min"), (7500, "2 h 05 min"),
    ],
)  # fmt: skip
def test_duration_is_written_in_the_unit_that_fits(seconds, text):
    assert duration(seconds) == text


def test_shares_differences_and_intervals_have_two_decimals():
    assert (percent(0.92314), points(0.00124), points(-0.00001)) == ("92.31%", "+0.12 points", "0.00 points")
    assert interval(0.918, 0.924) == "91.80% to 92.40%"


def test_count_has_the_plural_where_it_is_not_one():
    assert [count(n, "run") for n in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]


def test_hyperparameters_are_written_as_in_a_study_file():
    assert [hyperparameter(v) for v in (True, False, 0.00301234, 3, "relu")] == ["on", "off", "0.003012", "3", "relu"]
    assert hyperparameters({"learning_rate": 1e6, "momentum": True}) == "learning rate 1e+06, momentum on"
