"""What pydantic finds wrong with a study, in the words of somebody who wrote a study file and knows no pydantic."""

import re
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.configuration import DOMAINS
from engine.errors import excerpt, shown
from search.spec.other_names import DRIVERS, HYPERPARAMETERS, STUDY, nearest

# By the type of the finding.
_EXPECTED = {
    "string_type": "must be text, in quotes where it looks like a number or a switch",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "dict_type": "must be keys and values, as in {{learning_rate: …}}",
    "model_type": "must be keys and values",
    "model_attributes_type": "must be keys and values",
    "list_type": "must be a list, as in [1, 2]",
    "literal_error": "must be one of {expected}",
    "union_tag_invalid": "must be one of {expected_tags}",
    "greater_than_equal": "must be at least {ge:,}",
    "greater_than": "must be more than {gt:,}",
    "less_than_equal": "must be at most {le:,}",
    "less_than": "must be less than {lt:,}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length:,} characters",
    "too_short": "must have at least {min_length:,} values",
    "too_long": "must have at most {max_length:,} values",
    "string_pattern_mismatch": "must begin with a small letter or a digit and go on with these{marks}",
    "value_error": "{error}",
}
# By the place of a word of which only a few are right: what other tools call them.
_ELSEWHERE: Mapping[str, Mapping[str, str]] = {"driver": DRIVERS}
MOST_FINDINGS = 5


def in_our_words(error: ValidationError, study: type[BaseModel]) -> str:
    """The findings on a study: path, expectation, what was found, nearest name."""
    findings = error.errors(include_url=False)
    messages = [_one_finding(finding, study) for finding in findings[:MOST_FINDINGS]]
    more = len(findings) - len(messages)
    return "; ".join(messages) + (f"; and {more} more" if more else "")


def _one_finding(finding: ErrorDetails, study: type[BaseModel]) -> str:
    kind, context = finding["type"], finding.get("ctx", {})
    parts, models = _places(study, [part for part in finding["loc"] if part != "[key]"])
    if kind.startswith("union_tag"):
        parts.append(context["discriminator"].strip("'"))
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{excerpt(p)}" for p in parts).lstrip(".")
    if kind == "extra_forbidden":
        return f"{path}: no such key; {_meant(str(parts[-1]), models[-1], models[-1] is study)}"
    if kind in ("missing", "union_tag_not_found"):
        return f"{path}: must be given, but is missing"
    marks = ", points, _ and -" if "_" in context.get("pattern", "") else " and -"
    expected = _EXPECTED[kind].format(**context, marks=marks)
    if not path:  # found in the study as a whole: the message names the place
        return expected
    found = context["tag"] if kind == "union_tag_invalid" else finding["input"]
    if kind == "value_error" and (isinstance(found, dict | list) or shown(found) in expected):
        return f"{path}: {expected}"
    choices = re.findall(r"'([^']*)'", expected) if kind in ("literal_error", "union_tag_invalid") else ()
    return f"{path}: {expected}, but got {shown(found)}{_word_meant(found, choices, path)}"


def _places(study: type[BaseModel], location: Iterable[str | int]) -> tuple[list[str | int], list[type[BaseModel]]]:
    """A finding's location as the file has it, without pydantic's names of alternatives; and the models on the way."""
    here: Any = study
    parts: list[str | int] = []
    models = []
    for part in location:
        options = _models(here)
        if len(options) > 1:  # one of several models, by the word that says which
            here = next(model for model in options if part in [field.default for field in model.model_fields.values()])
            continue
        if options:
            models.append(options[0])
            field = options[0].model_fields.get(str(part))
            here = field.annotation if field else None
        else:
            here = get_args(here)[-1] if get_args(here) else None
        parts.append(part)
    models += _models(here)[:1]
    return parts, models


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models that a value of this type can be; none for a list or mapping of models."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return [model for argument in get_args(annotation) for model in _models(argument)]
    return []


def _word_meant(found: object, choices: Iterable[str], path: str) -> str:
    """The word of a few that was probably meant, as a question."""
    elsewhere = _ELSEWHERE.get(path, {})
    near = nearest(found, choices, elsewhere) if choices and isinstance(found, str) else None
    if near is None:
        return ""
    assert isinstance(found, str)
    is_sampler = path == "driver" and found.lower() in ("tpe", "gp", "cmaes", "nsgaii", "qmc")
    sampler = f" with sampler: {found.lower()}" if is_sampler else ""
    return f"; did you mean {near!r}{sampler}?"


def _meant(key: str, model: type[BaseModel], is_study: bool) -> str:
    """Where an unknown key belongs, or what it is called here."""
    known = [name for name in model.model_fields if name != "source"]
    if key in DOMAINS and is_study:
        return f"{key} is a hyperparameter and stands under fixed (one value) or space (several)"
    elsewhere = HYPERPARAMETERS.items() if is_study else ()
    meant = next((name for name, words in elsewhere if key.lower() in words.split()), None)
    if meant and not any(key.lower() in words.split() for words in STUDY.values()):
        return f"did you mean the hyperparameter {meant!r}? It stands under fixed (one value) or space (several)"
    near = nearest(key, known, STUDY if is_study else {})
    return f"did you mean {near!r}?" if near else f"known are {', '.join(known)}"
