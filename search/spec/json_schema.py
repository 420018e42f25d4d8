"""A JSON schema of study files, with which editors complete and check them while they are written.

    StudySpec, its forms ──pydantic──> schema ──what pydantic cannot know──> the same, with every hyperparameter

It knows names, kinds, ranges and words; what keys mean together is seen when the file is read.
"""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from analysis.claims.forms import FORMS, StatedClaim
from analysis.figures.requests import REQUESTS
from analysis.metrics import METRICS
from engine.configuration import DOMAINS, Configuration
from engine.data.reference import KEYS
from engine.domains import MOST_LAYERS, Domain, Widths
from search.spec.constraints import MAX_CONSTRAINTS
from search.spec.docstrings import attributes, summary
from search.spec.limits import MAX_REPLICATES
from search.spec.meaning import DRIVERS
from search.spec.replication import SPLITS, STREAMS
from search.spec.space import MAX_LEVELS
from search.spec.study import FidelitySpec, StudySpec

Schema = dict[str, Any]

_SWITCH: Schema = {"enum": [True, False, "on", "off", "yes", "no"]}
"""YAML 1.2, which editors read, takes on and off for words."""
_KINDS = {int: "integer", float: "number"}
_BOUNDS = {">=": "minimum", ">": "exclusiveMinimum", "<=": "maximum", "<": "exclusiveMaximum"}
_BOUND = re.compile(r"(>=|<=|>|<) ([\d.e,]*\d)")
_FRACTION: Schema = {"type": "string", "pattern": r"^[0-9.]+ */ *[0-9.]+$"}


def study_schema() -> Schema:
    """The schema, JSON Schema 2020-12."""
    schema = StudySpec.model_json_schema()
    definitions = schema["$defs"]
    models: list[type[BaseModel]] = [StatedClaim, FidelitySpec, *FORMS.values(), *REQUESTS.values()]
    for model in models:
        _describe(definitions[model.__name__], model)
        _name_hyperparameters(definitions[model.__name__])
    _describe(schema, StudySpec)
    del schema["properties"]["source"]
    properties = schema["properties"]
    for key, section in _sections().items():
        properties[key] = {**section, "description": properties[key]["description"]}
    keep = definitions["FidelitySpec"]["properties"]
    keep["keep"] = {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, _FRACTION]}
    definitions["StatedClaim"]["oneOf"] = [{"required": [form]} for form in FORMS]
    schema["allOf"] = [*_of_drivers(), {"anyOf": [_has(key) for key in ("space", "zip", "configurations")]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "A study of digitsweep"}


def _has(key: str) -> Schema:
    """That something varies there."""
    least = "minProperties" if key == "space" else "minItems"
    return {"required": [key], "properties": {key: {least: 1}}}


def _describe(schema: Schema, model: type[BaseModel]) -> None:
    """The docstrings' words for a model and its keys, instead of pydantic's."""
    schema["description"] = summary(model)
    schema.pop("title", None)
    texts = attributes(model)
    for key, inner in schema["properties"].items():
        inner.pop("title", None)
        if text := texts.get(key) or (summary(FORMS[key]) if key in FORMS else ""):
            inner["description"] = text


def _name_hyperparameters(schema: Schema) -> None:
    """The names and values that keys of a claim, a form or a figure may have."""
    values = {name: _value(name) for name in DOMAINS}
    known = {
        "metric": {"enum": list(METRICS)},
        "expect": {"enum": list(dict.fromkeys(word for form in FORMS.values() for word in form.EXPECTS))},
        "factor": {"enum": list(DOMAINS)},
        "axis": {"enum": list(DOMAINS)},
        "needs": _keys({name: _one_or_several(value) for name, value in values.items()} | {"dataset": _TEXT}),
    }
    for key, inner in schema["properties"].items():
        if key in known:
            schema["properties"][key] = {**known[key], "description": inner.get("description", "")}
        elif inner.get("type") == "object" and inner.get("additionalProperties") is True:
            inner |= _keys({name: _one_or_several(value) for name, value in values.items()})


_TEXT: Schema = {"type": "string", "minLength": 1}


def _keys(properties: Schema, **more: Any) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties, **more}


def _one_or_several(value: Schema) -> Schema:
    return {"anyOf": [value, {"type": "array", "items": value}]}


def _sections() -> dict[str, Schema]:
    """Keys of a study whose own keys are hyperparameters, and its data set."""
    texts = attributes(Configuration)
    described = {name: {"description": texts[name]} for name in DOMAINS}
    axes = {name: _axis(name) | described[name] for name in DOMAINS}
    names = {"type": "array", "items": {"enum": list(DOMAINS)}, "uniqueItems": True}
    lists = {name: {"type": "array", "items": _value(name), "minItems": 1} for name in DOMAINS}
    conditions = {name: _one_or_several(_value(name)) for name in DOMAINS}
    columns = {"anyOf": [_TEXT, {"type": "integer"}, {"type": "array"}]}
    reference = dict.fromkeys(KEYS, columns) | {
        "path": _TEXT, "header": _SWITCH, "scale": {"anyOf": [{"type": "number"}, _TEXT]},
    }  # fmt: skip
    return {
        "dataset": {"anyOf": [_TEXT, _keys(reference, required=["path"])], "default": "auto"},
        "fixed": _keys({name: _value(name) | described[name] for name in DOMAINS}),
        "space": _keys(axes),
        "configurations": {"type": "array", "items": _keys({name: _value(name) for name in DOMAINS}, minProperties=1)},
        "zip": {"type": "array", "items": _keys(lists, minProperties=2)},
        "when": _keys(dict.fromkeys(DOMAINS, _keys(conditions, minProperties=1))),
        "constraints": {"type": "array", "items": _TEXT, "maxItems": MAX_CONSTRAINTS},
        "vary": {
            "anyOf": [
                {"type": "array", "items": {"enum": list(STREAMS)}, "uniqueItems": True, "minItems": 1},
                _keys(dict.fromkeys(STREAMS, _cuts(1)), minProperties=1),
            ]
        },
        "split": _keys({kind: _cuts(least) for kind, least in SPLITS.items()}, minProperties=1, maxProperties=1),
        "by": _keys(axes),
        "nuisance": {"anyOf": [names, _keys(axes)]},
    }


def _cuts(least: int) -> Schema:
    """A number of levels or of cuts."""
    return {"type": "integer", "minimum": least, "maximum": MAX_REPLICATES}


def _value(name: str) -> Schema:
    """One value of a hyperparameter, with its default."""
    domain, default = DOMAINS[name], getattr(Configuration(), name)
    return _of_domain(domain) | {"default": default}


def _of_domain(domain: Domain) -> Schema:
    if domain.choices:
        return {"enum": list(domain.choices)}
    if domain.kind is bool:
        return dict(_SWITCH)
    if isinstance(domain, Widths):
        widths = {"type": "integer", **bounds(domain)}
        number: Schema = {"type": "array", "items": widths, "minItems": 1, "maxItems": MOST_LAYERS}
    else:
        number = {"type": _KINDS[domain.kind], **bounds(domain)}
    return {"anyOf": [number, {"type": "null"}]} if domain.optional else number


def bounds(domain: Domain) -> dict[str, float]:
    """The ends of a domain of numbers, by JSON Schema's names for them.

    Raises:
        ValueError: its requirement is worded in a way that is not known here.
    """
    requirement = domain.requirement
    if interval := re.fullmatch(r"in ([\[(])([\d.]+), ([\d.]+)([\])])", requirement):
        opens, low, high, closes = interval.groups()
        requirement = f"{'>' if opens == '(' else '>='} {low} and {'<' if closes == ')' else '<='} {high}"
    found = [_BOUND.fullmatch(part) for part in requirement.split(" and ")]
    if not all(found):
        raise ValueError(f"a requirement must be an interval or bounds, but got {domain.requirement!r}")
    number = float if domain.kind is float else int
    return {_BOUNDS[match[1]]: number(match[2].replace(",", "")) for match in found if match}


def _axis(name: str) -> Schema:
    """A list of values, and for numbers a range too."""
    value = _of_domain(DOMAINS[name])
    levels: Schema = {"type": "array", "minItems": 1, "maxItems": MAX_LEVELS, "uniqueItems": True, "items": value}
    if DOMAINS[name].kind not in _KINDS:
        return levels
    reach = {
        "low": value, "high": value, "scale": {"enum": ["linear", "log"], "default": "linear"},
        "n": {"type": "integer", "minimum": 2, "maximum": MAX_LEVELS},
    }  # fmt: skip
    return {"anyOf": [levels, _keys(reach, required=["low", "high"])]}


def _of_drivers() -> Iterator[Schema]:
    """What a driver needs, and the keys that mean nothing to it."""
    of_some = dict.fromkeys(key for driver in DRIVERS.values() for key in driver.keys)
    for name, driver in DRIVERS.items():
        then: Schema = {"properties": {key: {"enum": [None]} for key in of_some if key not in driver.keys}}
        if "trials" in driver.keys:
            then["required"] = ["trials"]
        yield {"if": {"properties": {"driver": {"const": name}}}, "then": then}
