"""The table of claims that `decide` ends with."""

import dataclasses
import io

import pytest
from rich.console import Console

from analysis.claims.contrast import progress
from analysis.studies import DECIDED
from search.commands.decide import claims_table
from tests.analysis.claims.helpers import claim_of, study_of

LONG = "Trained with momentum a configuration reaches more on the test images than the same one without it does."
SIDES = {"compare": {"factor": "momentum", "level": True, "against": False}}


def stands(effect, **claim):
    study = study_of(
        {"momentum": [False, True]},
        lambda p, r: 0.9 + effect * p["momentum"] + (r * 7919 % 13 - 6) / 1e4 * (1 + p["momentum"]),
        replicates=12,
    )
    runs = study.all_runs.assign(evaluate_seconds=0.0)
    runs["attributes"] = [{**each, DECIDED: True} for each in runs["attributes"]]
    study = dataclasses.replace(study, all_runs=runs[runs["replicate"] == 0], added=runs[runs["replicate"] > 0])
    return progress(study, claim_of(claim=LONG, **claim), n_claims=1)


CLAIMS = [
    stands(0.02, **SIDES, expect="higher"),
    stands(0.001, **SIDES, expect="higher"),
    stands(0.0001, **SIDES, expect="same", margin=0.0001),
    stands(0.0, level={"of": "mean", "at_least": 0.9}),
    stands(0.0, level={"of": "every run", "at_least": 0.9}),
]


def printed(claims, width):
    out = io.StringIO()
    Console(file=out, width=width).print(claims_table("mine", claims, 64, 1, width))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_claims_fit_the_terminal_with_their_words_and_intervals_whole(width):
    lines = printed(CLAIMS, width)
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    open_ = [each for each in CLAIMS if each.decision is not None]
    assert len(open_) == 4
    for each in open_:
        assert any(each.bounds in line for line in lines)
    cells = [line.split("│")[1].strip() for line in lines if line.startswith("│")]
    assert " ".join(filter(None, cells)) == " ".join([LONG] * 4)
    assert ("replicates" in text) and ("left out at" in text) == (width < 100)


def test_a_bound_is_not_told_to_state_a_margin():
    text = " ".join(printed(CLAIMS[3:4], 200))
    assert CLAIMS[3].decision.outcome == "undecided"
    assert "margin" not in text
