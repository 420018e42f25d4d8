"""Study files: what is accepted, and what a mistake is told."""

import pytest

from search.drivers import make_driver
from search.spec.meaning import n_planned
from search.spec.space import Choices, SpecError, grid
from search.spec.study import load_spec, parse_spec
from tests.search.helpers import make_spec

GOOD = """
study: x
question: Why?
driver: grid
space:
  learning_rate: [0.01, 0.1]
"""


@pytest.mark.parametrize(
    ("change", "place", "says"),
    [
        ("sutdy: y", "sutdy", "did you mean 'study'"),
        ("driver: gird", "driver", "'gird'"),
        ("replicates: 0", "replicates", "must be at least 1"),
        ("patience: 3", "patience", "the hyperparameter 'early_stopping'? It stands under fixed"),
        ("cv: 3", "cv", "did you mean 'split'"),
        ("replicates: two", "replicates", "'two'"),
        ("dataset: 3", "dataset", "a data set must be auto, mnist, fashion-mnist, digits"),
        ("dataset: ''", "dataset", "a data set must be"),
        ("dataset: {path: a.csv, lable: y}", "dataset", "has the keys path, label, ignore"),
        ("dataset: {path: a.csv, scale: big}", "dataset", "scale must be none, standardise, pixels, or a number"),
        ("space: {}", "space", "empty"),
        ("space: {learning_rate: []}", "space.learning_rate", "at least one value"),
        ("space: {learning_rate: [0.1, -0.1]}", "space.learning_rate[1]", "must hold, but got -0.1"),
        ("space: {learning_rate: [0.1, 0.1]}", "space.learning_rate[1]", "comes twice"),
        ("space: {learning_rte: [0.1]}", "space.learning_rte", "did you mean 'learning_rate'"),
        ("space: {learning_rate: {low: 1, high: 0.1}}", "space.learning_rate", "low < high"),
        ("space: {learning_rate: {low: 0.1, high: 1}}", "space.learning_rate", "range with n"),
        ("space: {momentum: {low: 0, high: 1}}", "space.momentum", "takes a list"),
        ("space: {activation: [relu, tahn]}", "space.activation[1]", "did you mean 'tanh'"),
        ("fixed: {epochs: 2.5}", "fixed.epochs", "a whole number"),
        ("fixed: {learning_rate: 0.1}", "space.learning_rate", "both fixed and varied"),
        ("trials: 5", "trials", "belongs to the driver random"),
        ("question: Because.", "question", "written twice"),
    ],
)
def test_load_spec_names_the_place_and_the_remedy(tmp_path, change, place, says):
    file = tmp_path / "x.yaml"
    key = change.split(":")[0]
    kept = (
        GOOD
        if key == "question"
        else "\n".join(
            line for line in GOOD.splitlines() if not line.startswith(key) and not (key == "space" and line[:1] == " ")
        )
    )
    file.write_text(f"{kept}\n{change}\n")
    with pytest.raises(SpecError) as caught:
        load_spec(file)
    message = str(caught.value)
    assert str(file) in message
    assert says in message
    assert place in message
    assert "\n" not in message


ADAPTIVE = {"driver": "optuna", "trials": 5}


@pytest.mark.parametrize(
    ("changes", "place", "says"),
    [
        ({"driver": "optuna"}, "trials", "needs a number of trials"),
        ({**ADAPTIVE, "sampler": "tpee"}, "sampler", "'tpe', 'gp', 'cmaes', 'qmc' or 'nsgaii', but got 'tpee'"),
        ({**ADAPTIVE, "pruner": "median"}, "pruner", "'none', 'successive_halving' or 'hyperband'"),
        ({"driver": "random", "trials": 5, "pruner": "hyperband"}, "pruner", "belongs to the driver optuna"),
        ({"sampler": "tpe"}, "sampler", "belongs to the driver optuna"),
        (
            {**ADAPTIVE, "pruner": "hyperband", "fixed": {}, "space": {"evaluations_per_epoch": [1, 2]}},
            "space.evaluations_per_epoch",
            "same k",
        ),
        ({**ADAPTIVE, "sampler": "cmaes", "space": {"momentum": [False, True]}}, "space", "axis of numbers"),
    ],
)
def test_adaptive_specs_name_the_place_and_the_remedy(changes, place, says):
    with pytest.raises(SpecError) as caught:
        make_spec(**changes)
    assert place in str(caught.value)
    assert says in str(caught.value)


def test_an_adaptive_spec_writes_out_what_it_leaves_open():
    spec = make_spec(**ADAPTIVE)
    assert (spec.sampler, spec.pruner) == ("tpe", "none")
    assert (make_spec().sampler, make_spec().pruner) == (None, None)


def test_load_spec_of_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "linear_grid.yaml").write_text(GOOD)
    with pytest.raises(SpecError, match=r"did you mean .*linear_grid\.yaml"):
        load_spec(tmp_path / "linear_gird.yaml")


def test_every_study_file_loads_and_opens_with_a_question(experiments):
    files = sorted(experiments.glob("*.yaml"))
    assert files
    names = [load_spec(file).study for file in files]
    assert len(set(names)) == len(names)
    for file in files:
        assert file.read_text().startswith("# ")
        assert "?" in "".join(line for line in file.read_text().splitlines() if line.startswith("#"))


def test_linear_grid_is_the_reports_32_configurations(experiments):
    spec = load_spec(experiments / "linear_grid.yaml")
    combinations = list(grid(spec.axes))
    assert len(combinations) == 32
    rates = sorted({c["learning_rate"] for c in combinations})
    assert (rates[0], rates[-1], len(rates)) == (0.002, 0.012, 8)


def test_grid_does_not_depend_on_the_order_of_the_file():
    one = make_spec(space={"momentum": [False, True], "learning_rate": [0.1, 0.2]})
    other = make_spec(space={"learning_rate": [0.1, 0.2], "momentum": [False, True]})
    assert list(grid(one.axes)) == list(grid(other.axes))


def test_range_with_n_is_evenly_spaced_on_its_scale():
    spec = make_spec(space={"learning_rate": {"low": 0.001, "high": 0.1, "scale": "log", "n": 3}})
    axis = spec.axes["learning_rate"]
    assert isinstance(axis, Choices)
    assert axis.values == pytest.approx((0.001, 0.01, 0.1))


OFAT = {"driver": "ofat", "space": {"hidden_size": [4, 8]}}
BASELINE = {"hidden_layers": 1, "hidden_size": 8, "learning_rate": 0.01}


def test_a_nuisance_that_is_only_named_is_tried_around_its_baseline():
    spec = make_spec(**OFAT, fixed=BASELINE, nuisance=["learning_rate"])
    assert spec.nuisance == {"learning_rate": [0.0025, 0.005, 0.01, 0.02, 0.04]}
    assert spec.revised(seed=3).nuisance == spec.nuisance


@pytest.mark.parametrize("fixed", [{**BASELINE, "learning_rate": 0.0}, {"hidden_layers": 1, "hidden_size": 8}])
def test_a_nuisance_without_a_baseline_is_told_what_to_do(fixed):
    with pytest.raises(SpecError, match=r"learning_rate.*or give its values"):
        make_spec(**OFAT, fixed=fixed, nuisance=["learning_rate"])


def test_revised_checks_again():
    with pytest.raises(SpecError, match="replicates"):
        make_spec().revised(replicates=0)
    assert parse_spec(make_spec().revised(seed=7).model_dump(exclude={"source"})).seed == 7


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"fixed": ["epochs"]}, "fixed: must be keys and values, as in {learning_rate: …}, but got ['epochs']"),
        ({"fixed": None}, "fixed: must be keys and values, as in {learning_rate: …}, but got null"),
        ({"space": "all"}, "space: must be keys and values, as in {learning_rate: …}, but got 'all'"),
        ({"by": 3}, "by: must be keys and values"),
        ({"driver": "ofat", "nuisance": "learning_rate"}, "nuisance: must be keys and values"),
        ({"driver": "ofat", "nuisance": [["a"]]}, "nuisance[0]: a list holds names of hyperparameters"),
        ({"driver": "ofat", "fixed": [1], "nuisance": ["learning_rate"]}, "fixed: must be keys and values"),
        ({"fidelity": [1]}, "fidelity: must be keys and values"),
        ({"fidelity": {"train_images": 5, "epochs": [1]}}, "fidelity.train_images: must be a list"),
        ({"fidelity": {"train_images": [5, 6], "epochs": [1, 2], "keep": 1.5}}, "fidelity.keep: must be less than 1"),
        ({"study": "Ünï"}, "study: must begin with a small letter or a digit"),
        ({"study": "a" * 101}, "study: must have at most 100 characters, but got 'aaa"),
        ({"question": ""}, "question: must not be empty"),
        ({"question": True}, "question: must be text"),
        ({"seed": 1.5}, "seed: must be a whole number, but got 1.5"),
        ({"seed": -1}, "seed: must be at least 0"),
        ({"replicates": True}, "replicates: must be a whole number, but got on"),
        ({"at": "end"}, "at: must be one of 'best' or 'last', but got 'end'"),
        ({"driver": "bayesian"}, "did you mean 'optuna'?"),
        ({"driver": "TPE"}, "did you mean 'optuna' with sampler: tpe?"),
        ({"n_trials": 5}, "n_trials: no such key; did you mean 'trials'?"),
        ({"param_grid": {}}, "did you mean 'space'?"),
        ({"learning_rate": 0.1}, "learning_rate is a hyperparameter and stands under fixed (one value) or space"),
        ({"fixed": {"lr": 0.1}}, "no hyperparameter is called 'lr'; did you mean 'learning_rate'?"),
        ({"fixed": {"optimizer": "adma"}}, "one of sgd, nesterov, adam, adamw, but got 'adma'; did you mean 'adam"),
        ({"fixed": {"ema": 0.9}}, "no hyperparameter is called 'ema'; did you mean 'average'?"),
        ({"fixed": {"hidden_sizes": [800, 0]}}, "as in [800, 400] (or null), but got [800, 0]"),
        ({"fixed": {"seed": 3}}, "seed is a key of the study and stands at the left margin, not under fixed"),
        ({"space": {"momentum": [0.9]}}, "its strength is momentum_beta: 0.9, beside momentum: on"),
        ({"space": {"learning_rate": ["0,1"]}}, "numbers have a point: 0.1"),
        ({"space": {"momentum": ["on"]}}, "must be on or off, but got 'on'; write it without the quotes"),
        ({"fixed": {"hidden_size": "10"}}, "but got '10'; write it without the quotes"),
        ({"space": {"layers": [1]}}, "did you mean 'hidden_layers'?"),
        ({"space": {"learning_rate": {"min": 1, "max": 2}}}, "but got 'min'; did you mean 'low'?"),
        ({"space": {"learning_rate": {"low": 0.1, "high": None}}}, "a range must have 'high'"),
        ({"space": {"learning_rate": {"low": 0.1, "high": 1, "n": 10**9}}}, "from 2 to 100,000, but got 1000000000"),
        ({"space": {"learning_rate": [10**400]}}, "learning_rate must be finite"),
        ({"fixed": {"hidden_size": 10**400}}, "hidden_size >= 1 and <= 1,000,000 must hold, but got a whole number of"),
        ({"replicates": 10**9}, "replicates: must be at most 10,000"),
        ({"driver": "random", "trials": 10**9}, "trials: must be at most 100,000"),
        ({"driver": "random", "trials": 10**5, "replicates": 3}, "at most 200,000 runs, but 100,000 trials of 3"),
        ({"fixed": {"epochs": 10**5, "evaluations_per_epoch": 5}}, "at most 100,000 evaluations"),
    ],
)  # fmt: skip
def test_parse_spec_says_what_is_wrong_in_the_files_own_words(changes, says):
    with pytest.raises(SpecError) as caught:
        make_spec(**changes)
    message = str(caught.value)
    assert says in message
    assert len(message) < 600


def test_the_size_of_a_study_is_counted_without_making_it():
    wide = {"low": 0.0, "high": 0.5, "n": 100_000}
    with pytest.raises(SpecError, match="1,000,000,000,000,000 combinations"):
        make_spec(space={"weight_decay": wide, "dropout_input": wide, "dropout_hidden": wide})
    with pytest.raises(SpecError, match="10,000,000,000 combinations"):
        make_spec(driver="ofat", fixed={"weight_decay": 0.0}, space={"weight_decay": wide}, by={"dropout_input": wide})


def test_a_study_counts_its_trials_as_its_driver_makes_them():
    specs = [
        make_spec(),
        make_spec(**OFAT, fixed=BASELINE, nuisance=["learning_rate"], by={"momentum": [False, True]}),
        make_spec(driver="random", trials=3, space={"learning_rate": {"low": 0.1, "high": 1}}),
    ]
    assert [n_planned(spec) for spec in specs] == [len(make_driver(spec, 10).proposals({}, 0, 0)) for spec in specs]
    assert [n_planned(spec) for spec in specs] == [6, 20, 3]


def test_a_definition_for_merging_is_no_key_of_the_study(tmp_path):
    file = tmp_path / "x.yaml"
    body = "study: x\nquestion: Why?\ndriver: grid\nspace: {learning_rate: [1e-3]}\n"
    file.write_text("base: &b {epochs: 1}\n" + body + "fixed: {<<: *b, evaluations_per_epoch: 1}\n")
    spec = load_spec(file)
    assert spec.fixed == {"epochs": 1, "evaluations_per_epoch": 1}
    assert spec.space == {"learning_rate": [0.001]}
    file.write_text("fixd: &b {epochs: 1}\n" + body + "by: {<<: *b}\n")
    with pytest.raises(SpecError, match="did you mean 'fixed'"):
        load_spec(file)
