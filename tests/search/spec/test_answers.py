"""Claims and figures of a study file: what is accepted, how it is kept, and what a mistake is told."""

import json

import pytest

from search.spec.space import SpecError
from tests.search.helpers import make_spec

SPACE = {"learning_rate": [1, 0.1], "momentum": [False, True], "hidden_size": [10, 100]}
CLAIM = {
    "claim": "Momentum speeds up convergence.",
    "metric": "convergence",
    "expect": "lower",
    "compare": {"factor": "momentum", "level": True, "against": False},
}


def answering(claims=(), figures=(), **changes):
    return make_spec(space=SPACE, claims=list(claims), figures=list(figures), **changes)


def test_claims_and_figures_are_kept_as_stated_with_values_in_their_kind():
    rate = {
        "claim": "One is much.",
        "expect": "higher",
        "compare": {"factor": "learning_rate", "level": 1, "against": 0.1},
    }
    needs = {**CLAIM, "needs": {"dataset": "mnist", "learning_rate": [1, 0.1], "epochs": 5}}
    figures = [{"figure": "response", "axis": "hidden_size"}, {"figure": "curves", "of": {"learning_rate": 1}}]
    spec = answering([rate, needs], figures, page="The report of 2022")
    stored = spec.model_dump(exclude={"source"})
    assert stored["claims"] == [rate, needs]
    assert type(stored["claims"][0]["compare"]["level"]) is float
    assert [type(value) for value in stored["claims"][1]["needs"]["learning_rate"]] == [float, float]
    assert stored["figures"] == figures
    assert stored["page"] == "The report of 2022"
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored
    assert spec.revised(seed=3).model_dump(exclude={"seed", "source"}) == spec.model_dump(exclude={"seed", "source"})


@pytest.mark.parametrize(
    ("claim", "place", "says"),
    [
        (3, "claims[0]", "keys and values"),
        ({"clam": "x"}, "claims[0].clam", "did you mean 'claim'"),
        ({"compare": {"factr": "momentum"}}, "claims[0].compare.factr", "did you mean 'factor'"),
        ({"compare": {**CLAIM["compare"], "factor": "momentm"}}, "claims[0].compare.factor", "did you mean 'momentum'"),
        ({"compare": {**CLAIM["compare"], "level": 0.9}}, "claims[0].compare.level", "momentum must be on or off"),
        ({"compare": {"factor": "hidden_size", "level": 50, "against": 10}}, "claims[0].compare.level", "got 50"),
        ({"metric": "test_acuracy"}, "claims[0]", "did you mean 'test_accuracy'"),
        ({"expect": "more"}, "claims[0]", "higher, lower, same for compare, but got 'more'"),
        ({"key": "A name"}, "claims[0].key", "these and -"),
        ({"needs": {"lr": 3}}, "claims[0].needs.lr", "did you mean 'learning_rate'"),
        ({"needs": {"epochs": [5, "x"]}}, "claims[0].needs.epochs[1]", "a whole number"),
        ({"needs": {"dataset": 3}}, "claims[0].needs.dataset", "the name of a data set"),
        ({"compare": None, "expect": None, "level": {"of": "meen", "at_least": 0.9}}, "claims[0].level.of", "'mean'?"),
        ({"compare": None, "expect": None, "level": {"of": "mean", "at_least": float("nan")}}, "level.at_least", "nan"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_claim_names_the_place_and_the_remedy(claim, place, says):
    with pytest.raises(SpecError) as caught:
        answering([{**CLAIM, **claim} if isinstance(claim, dict) else claim])
    assert place in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("figure", "place", "says"),
    [
        (3, "figures[0]", "keys and values"),
        ({}, "figures[0].figure", "is missing"),
        ({"figure": "pared"}, "figures[0].figure", "did you mean 'paired'"),
        ({"figure": "paired", "factr": "momentum"}, "figures[0].factr", "did you mean 'factor'"),
        ({"figure": "paired", "factor": "decay"}, "figures[0].factor", "hidden_size, learning_rate, momentum, but got"),
        ({"figure": "response", "axis": "momentum"}, "figures[0].axis", "numbers"),
        ({"figure": "response", "axis": "hidden_size", "by": ["decay"]}, "figures[0].by[0]", "'decay'"),
        ({"figure": "curves", "of": {"momentum": "yes"}}, "figures[0].of.momentum", "without the quotes"),
        ({"figure": "distribution", "marks": {"a": float("inf")}}, "figures[0].marks.a", "finite"),
    ],
)
def test_a_mistake_in_a_figure_names_the_place_and_the_remedy(figure, place, says):
    with pytest.raises(SpecError) as caught:
        answering(figures=[figure])
    assert place in str(caught.value)
    assert says in str(caught.value)


def test_claims_that_are_called_alike_are_refused():
    with pytest.raises(SpecError, match=r"name of its own.*claims\[0\] too.*\(claims\[1\]\.key\)"):
        answering([CLAIM, CLAIM])
    assert len(answering([CLAIM, {**CLAIM, "key": "again"}]).claims) == 2


def test_what_a_form_refuses_names_the_place_in_the_file(monkeypatch):
    from analysis.claims.claim import ClaimError
    from analysis.claims.forms.compare import Compare

    seen = []

    def check(self, claim, stated):
        seen.append((claim.form_name, stated))
        raise ClaimError("pairs are needed", "compare.factor")

    monkeypatch.setattr(Compare, "check", check)
    with pytest.raises(SpecError, match=r"pairs are needed \(claims\[0\]\.compare\.factor\)"):
        answering([CLAIM])
    ((form, stated),) = seen
    assert (form, stated.study, stated.driver, stated.is_paired, stated.has_rungs) == (
        "compare", "tiny-grid", "grid", True, False,
    )  # fmt: skip
    assert stated.axes["learning_rate"].values == (1.0, 0.1)
    assert {name: axis.is_number for name, axis in stated.axes.items()} == {
        "learning_rate": True, "momentum": False, "hidden_size": True,
    }  # fmt: skip
