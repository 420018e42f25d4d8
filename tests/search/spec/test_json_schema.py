"""The JSON schema of study files: it takes what is a study, refuses what is none, and agrees with the domains."""

import json
import math

import pytest
from jsonschema import Draft202012Validator

from engine.configuration import DOMAINS
from engine.errors import ConfigurationError
from search.spec.json_schema import bounds, study_schema
from search.spec.meaning import DRIVERS
from search.spec.study import StudySpec
from search.spec.template import template
from search.spec.yaml_file import load_yaml
from tests.search.spec.test_answers import CLAIM, SPACE

SCHEMA = study_schema()
GOOD = {"study": "x", "question": "Why?", "driver": "grid", "space": SPACE}


def wrong(values):
    return [error.json_path for error in Draft202012Validator(SCHEMA).iter_errors(values)]


def as_editors_read(value):
    """As YAML 1.2 has it, where on and off are words."""
    if isinstance(value, dict):
        return {key: as_editors_read(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_editors_read(inner) for inner in value]
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


def test_it_is_a_schema_of_every_key():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"].keys() == StudySpec.model_fields.keys() - {"source"}
    assert all(inner["description"] for inner in SCHEMA["properties"].values())
    for section in ("fixed", "space"):
        assert all(inner["description"] for inner in SCHEMA["properties"][section]["properties"].values())
        assert SCHEMA["properties"][section]["properties"].keys() == DOMAINS.keys()


def test_every_study_file_and_every_new_one_is_right(experiments, tmp_path):
    files = sorted(experiments.glob("*.yaml"))
    for driver in DRIVERS:
        files.append(tmp_path / f"{driver}.yaml")
        files[-1].write_text(template(driver, driver), encoding="utf-8")
    for file in files:
        values = load_yaml(file).values
        assert wrong(values) == [], file
        assert wrong(as_editors_read(values)) == [], file


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"sutdy": "y"}, "$"),
        ({"driver": "gird"}, "$.driver"),
        ({"driver": "random"}, "$"),
        ({"trials": 5}, "$.trials"),
        ({"replicates": 0}, "$.replicates"),
        ({"space": {}}, "$"),
        ({"space": {"learning_rte": [0.1]}}, "$.space"),
        ({"space": {"learning_rate": [0.1, -0.1]}}, "$.space.learning_rate"),
        ({"space": {"activation": ["relu", "tahn"]}}, "$.space.activation[1]"),
        ({"space": {"momentum": {"low": 0, "high": 1}}}, "$.space.momentum"),
        ({"fixed": {"epochs": 2.5}}, "$.fixed.epochs"),
        ({"dataset": {"label": "y"}}, "$.dataset"),
        ({"claims": [{"claim": "x"}]}, "$.claims[0]"),
        ({"claims": [{**CLAIM, "metric": "acuracy"}]}, "$.claims[0].metric"),
        ({"claims": [{**CLAIM, "needs": {"lr": 1}}]}, "$.claims[0].needs"),
        ({"claims": [{**CLAIM, "level": {"of": "mean"}}]}, "$.claims[0]"),
        ({"figures": [{"figure": "pared"}]}, "$.figures[0]"),
        ({"page": "x" * 101}, "$.page"),
    ],
)
def test_a_mistake_is_found_at_its_place(changes, place):
    assert wrong(GOOD | {"claims": [CLAIM], "figures": [{"figure": "paired", "factor": "momentum"}]}) == []
    assert place in wrong(GOOD | changes)


@pytest.mark.parametrize("name", [name for name, domain in DOMAINS.items() if domain.kind in (int, float)])
def test_bounds_are_those_of_the_domain(name):
    domain = DOMAINS[name]
    ends = bounds(domain)

    def holds(value):
        try:
            domain.check(name, value)
        except ConfigurationError:
            return False
        return True

    assert len(ends) == 2
    for word, end in ends.items():
        outwards = -math.inf if word in ("minimum", "exclusiveMinimum") else math.inf
        beyond = end + int(math.copysign(1, outwards)) if domain.kind is int else math.nextafter(end, outwards)
        assert holds(end) is (not word.startswith("exclusive"))
        assert not holds(beyond)


def test_the_command_prints_it(digitsweep, tmp_path):
    shown = digitsweep("schema", cwd=tmp_path)
    assert (shown.returncode, json.loads(shown.stdout)) == (0, SCHEMA)
