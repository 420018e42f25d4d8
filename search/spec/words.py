"""What pydantic finds wrong with a study, in the words of somebody who wrote a study file and knows no pydantic."""

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.configuration import DOMAINS
from engine.errors import excerpt, shown
from search.spec.other_names import DRIVERS, STUDY, nearest

# By the type of the finding.
_EXPECTED = {
    "string_type": "must be text, in quotes where it looks like a number or a switch",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "dict_type": "must be keys and values, as in {{learning_rate: …}}",
    "model_type": "must be keys and values",
    "list_type": "must be a list, as in [1, 2]",
    "literal_error": "must be one of {expected}",
    "greater_than_equal": "must be at least {ge:,}",
    "greater_than": "must be more than {gt:,}",
    "less_than_equal": "must be at most {le:,}",
    "less_than": "must be less than {lt:,}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length:,} characters",
    "too_short": "must have at least {min_length:,} values",
    "too_long": "must have at most {max_length:,} values",
    "string_pattern_mismatch": "must begin with a small letter or a digit and go on with these, points, _ and -",
    "value_error": "{error}",
}
MOST_FINDINGS = 5
RUNG_KEYS = ("train_images", "epochs", "keep")


def in_our_words(error: ValidationError, study: type[BaseModel]) -> str:
    """The findings on a study: path, expectation, what was found, nearest name."""
    findings = error.errors(include_url=False)
    messages = [_one_finding(finding, study) for finding in findings[:MOST_FINDINGS]]
    more = len(findings) - len(messages)
    return "; ".join(messages) + (f"; and {more} more" if more else "")


def _one_finding(finding: ErrorDetails, study: type[BaseModel]) -> str:
    names = [part for part in finding["loc"] if part != "[key]"]
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{excerpt(p)}" for p in names).lstrip(".")
    if finding["type"] == "extra_forbidden":
        return f"{path}: no such key; {_meant(str(names[-1]), study if len(names) == 1 else None)}"
    if finding["type"] == "missing":
        return f"{path}: must be given, but is missing"
    expected = _EXPECTED[finding["type"]].format(**finding.get("ctx", {}))
    if not path:  # found in the study as a whole: the message names the place
        return expected
    found = finding["input"]
    hint = ""
    if path == "driver" and isinstance(found, str) and (near := nearest(found, DRIVERS, DRIVERS)):
        sampler = f" with sampler: {found.lower()}" if found.lower() in ("tpe", "gp", "cmaes", "nsgaii", "qmc") else ""
        hint = f"; did you mean {near!r}{sampler}?"
    return f"{path}: {expected}, but got {shown(found)}{hint}"


def _meant(key: str, study: type[BaseModel] | None) -> str:
    """Where an unknown key belongs, or what it is called here; None for the keys of `fidelity`."""
    known = RUNG_KEYS if study is None else [name for name in study.model_fields if name != "source"]
    if key in DOMAINS:
        return f"{key} is a hyperparameter and stands under fixed (one value) or space (several)"
    near = nearest(key, known, {} if study is None else STUDY)
    return f"did you mean {near!r}?" if near else f"known are {', '.join(known)}"
