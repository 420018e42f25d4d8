"""Configurations by hand, axes that move together, axes under a condition, inequalities: what a study tries of them."""

import itertools

import pytest

from search.drivers import make_driver
from search.spec.fits import check_plan
from search.spec.space import SpecError
from tests.search.helpers import make_spec

SIZES = {"hidden_layers": [0, 1, 2], "hidden_size": [8, 32]}
WHEN = {"hidden_size": {"hidden_layers": [1, 2]}}


DRAWN = [0.003370479, 0.014352285, 0.066742973]
CIRCLE = {"when": {"momentum": {"learning_rate": 0.01}, "learning_rate": {"momentum": True}}}


def tried(**keys):
    """The params of everything that a study plans, in its order."""
    driver = make_driver(make_spec(**keys), 4)
    return [proposal.params for proposal in driver.proposals({}, 0, 0)]


def test_a_grid_without_the_new_keys_is_the_grid_it_was():
    names, values = ("hidden_layers", "hidden_size"), ([0, 1, 2], [8, 32])
    assert tried(space=SIZES) == [dict(zip(names, row, strict=True)) for row in itertools.product(*values)]


def test_random_draws_without_the_new_keys_are_those_of_the_seed():
    found = tried(driver="random", trials=3, space={"learning_rate": {"low": 0.001, "high": 1.0, "scale": "log"}})
    assert [round(each["learning_rate"], 9) for each in found] == DRAWN


def test_zipped_axes_move_together_beside_the_others():
    rows = {"hidden_size": [50, 100], "learning_rate": [0.02, 0.01]}
    found = tried(space={"momentum": [False, True]}, zip=[rows])
    assert found == [
        {"hidden_size": size, "learning_rate": rate, "momentum": momentum}
        for size, rate in zip(*rows.values(), strict=True)
        for momentum in (False, True)
    ]
    drawn = tried(driver="random", trials=4, space={"momentum": [False, True]}, zip=[rows])
    assert sorted(map(str, drawn)) == sorted(map(str, found))


def test_an_axis_that_does_not_exist_is_in_no_trial_and_makes_no_second_one():
    found = tried(space=SIZES, when=WHEN)
    assert found == [{"hidden_layers": 0}] + [{"hidden_layers": n, "hidden_size": s} for n in (1, 2) for s in (8, 32)]
    drawn = tried(driver="random", trials=5, space=SIZES, when=WHEN)
    assert sorted(map(str, drawn)) == sorted(map(str, found))


def test_constraints_leave_out_what_breaks_them_and_say_nothing_of_what_does_not_exist():
    found = tried(space=SIZES, when=WHEN, constraints=["hidden_size * hidden_layers <= 32"])
    assert found == [
        {"hidden_layers": 0},
        {"hidden_layers": 1, "hidden_size": 8},
        {"hidden_layers": 1, "hidden_size": 32},
        {"hidden_layers": 2, "hidden_size": 8},
    ]
    spec = make_spec(space=SIZES, when=WHEN, constraints=["hidden_size * hidden_layers <= 32"])
    assert make_driver(spec, 4).messages(1) == ["1 combination of 5 left out by constraints."]


def test_configurations_come_after_the_space_with_what_they_leave_out_at_its_default():
    picked = [{"learning_rate": 0.3}, {"learning_rate": 0.01, "momentum": True}]
    spec = make_spec(space={}, configurations=picked)
    (first, second) = make_driver(spec, 4).proposals({}, 0, 0)
    assert (first.params, second.params) == ({"learning_rate": 0.3, "momentum": False}, picked[1])
    both = tried(space={"learning_rate": [0.05]}, configurations=picked)
    assert [each["learning_rate"] for each in both] == [0.05, 0.3, 0.01]


def test_one_factor_at_a_time_leaves_out_levels_with_a_line():
    spec = make_spec(
        driver="ofat", fixed={"hidden_layers": 1, "hidden_size": 8}, space=SIZES,
        constraints=["hidden_size * hidden_layers <= 16"],
    )  # fmt: skip
    driver = make_driver(spec, 4)
    assert [p.params for p in driver.proposals({}, 0, 0)] == [
        {"hidden_layers": 0}, {"hidden_layers": 1}, {"hidden_layers": 2},
    ]  # fmt: skip
    assert driver.messages(1) == ["Left out by constraints or conditions: hidden_size 32."]


@pytest.mark.parametrize(
    ("keys", "path", "says"),
    [
        ({"space": {}}, "space", "at least one hyperparameter must vary"),
        ({"zip": [{"hidden_size": [1, 2]}]}, "zip[0]", "two hyperparameters or more"),
        ({"zip": [{"hidden_size": [1, 2], "batch_size": [1]}]}, "zip[0]", "2 of hidden_size, 1 of batch_size"),
        ({"zip": [{"hidden_size": [1, 1], "batch_size": [2, 2]}]}, "zip[0]", r"values at \[1\] are those at \[0\]"),
        ({"zip": [{"hiden_size": [1], "batch_size": [1]}]}, "zip[0].hiden_size", "did you mean 'hidden_size'"),
        ({"zip": [{"learning_rate": [0.1], "batch_size": [1]}]}, "learning_rate", "stands already in"),
        ({"driver": "ofat", "zip": [{"hidden_size": [1], "batch_size": [1]}]}, "zip", "belongs to the driver"),
        ({"when": {"hidden_size": {"hidden_layers": 1}}}, "when.hidden_size", "must be one on what varies"),
        ({"when": {"momentum": {"hidden_layers": 1}}}, "when.momentum.hidden_layers", "has one value in all trials"),
        ({"when": {"momentum": {"learning_rate": 0.9}}}, "when.momentum.learning_rate", "is never 0.9"),
        (CIRCLE, "when.", "back to itself"),
        ({"constraints": ["learning_rate"]}, "constraints[0]", "'learning_rate'"),
        ({"constraints": ["hidden_size < 3"]}, "constraints[0]", "must name a hyperparameter that varies"),
        ({"constraints": ["lerning_rate < 3"]}, "constraints[0]", "did you mean 'learning_rate'"),
        ({"constraints": ["1 / (learning_rate - 0.05) > 3"]}, "constraints[0]", "divides by what can be 0"),
        ({"constraints": ["__import__('os') > 3"]}, "constraints[0]", "__import__"),
        ({"constraints": ["learning_rate < " + "(" * 50 + "1" + ")" * 50]}, "constraints[0]", "at most 10 deep"),
        ({"constraints": ["learning_rate > 1"]}, "constraints", "no configuration of the space"),
        ({"configurations": [{"batch_size": 2}, {"batch_size": 2}]}, "configurations[1]", "must differ"),
        ({"configurations": [{"batch": 2}]}, "configurations[0].batch", "did you mean 'batch_size'"),
        ({"driver": "random", "trials": 2, "configurations": [{"batch_size": 2}]}, "configurations", "driver grid"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_message_with_its_place(keys, path, says):
    with pytest.raises(SpecError, match=says) as caught:
        make_spec(**keys)
    assert path in caught.value.path


TOGETHER = {"momentum": [False, True], "optimizer": ["sgd", "adam"]}
SEARCH = {"driver": "optuna", "trials": 5}


@pytest.mark.parametrize("driver", [{}, {"driver": "random", "trials": 4}, SEARCH])
def test_values_that_make_no_sense_together_are_found_before_anything_is_trained(driver, tiny):
    with pytest.raises(SpecError, match=r"momentum is an option of optimizer: sgd.*condition in when.*momentum exists"):
        plan_of(make_spec(**driver, space=TOGETHER), tiny)
    plan_of(make_spec(**driver, space=TOGETHER, when={"momentum": {"optimizer": ["sgd"]}}), tiny)


def plan_of(spec, dataset):
    check_plan(spec, [p.configuration for p in make_driver(spec, 4).proposals({}, 0, 0)], dataset)


def test_what_is_never_tried_is_not_refused(tiny):
    """Rows of a group and what constraints leave out, at the ends of a space that nobody has drawn from yet."""
    rows = {"momentum": [True, False], "optimizer": ["sgd", "adam"]}
    plan_of(make_spec(**SEARCH, space={"learning_rate": [0.1, 0.2]}, zip=[rows]), tiny)
    batches = {"space": {"batch_size": {"low": 1, "high": 9}}, "fixed": {"batch_norm": True, "epochs": 1}}
    plan_of(make_spec(**SEARCH, **batches, constraints=["batch_size >= 2"]), tiny)
    with pytest.raises(SpecError, match="batch_size of 2 or more"):
        plan_of(make_spec(**SEARCH, **batches), tiny)


WIDTHS = {"hidden_sizes": [[9, 7], None], "hidden_size": [5, 6]}


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"fixed": {"hidden_sizes": [9, 7], "hidden_size": 100}}, r"leave hidden_size out \(fixed.hidden_size"),
        ({"fixed": {"hidden_sizes": [9, 7]}, "space": {"hidden_layers": [0, 2]}}, "leave hidden_layers out"),
        (
            {"space": WIDTHS, "fixed": {"hidden_layers": 2}, **SEARCH},
            r"under when is \{hidden_size: \{hidden_sizes: \[null\]\}\}",
        ),
        ({"space": {"hidden_sizes": [800, 400]}}, r"a list of such lists, as in \[\[800\], \[800, 400\]\]"),
    ],
)
def test_widths_beside_what_they_say_already_are_refused_and_not_passed_over(keys, says, tiny):
    with pytest.raises(SpecError, match=says):
        plan_of(make_spec(**keys), tiny)


def test_widths_may_vary_with_what_exists_only_without_them():
    found = tried(space=WIDTHS, when={"hidden_size": {"hidden_sizes": [None]}}, fixed={"hidden_layers": 2})
    assert found == [{"hidden_sizes": "9-7"}, *({"hidden_sizes": None, "hidden_size": n} for n in (5, 6))]
    by_hand = [{"hidden_sizes": [9, 7]}, {"hidden_layers": 1, "hidden_size": 300}]
    plans = make_driver(make_spec(space={}, configurations=by_hand), 4).proposals({}, 0, 0)
    assert [plan.configuration.widths for plan in plans] == [(9, 7), (300,)]


@pytest.mark.parametrize("asked", [[[9, 7]], ["9-7"], "9-7"])
def test_a_condition_asks_for_widths_as_a_list_or_as_their_word(asked):
    space = {"hidden_sizes": [[9, 7], [5]], "dropout_hidden": [0.0, 0.1]}
    found = tried(space=space, when={"dropout_hidden": {"hidden_sizes": asked}})
    assert found == [
        {"dropout_hidden": 0.0, "hidden_sizes": "9-7"}, {"hidden_sizes": "5"},
        {"dropout_hidden": 0.1, "hidden_sizes": "9-7"},
    ]  # fmt: skip
