"""The parts of docs/studies.md that are made from the code: python -m search.spec.document writes them.

<!-- made: hyperparameters -->      from here
<!-- end -->                        to here a part is made anew, by its name
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel

from analysis.claims.claim import ClaimBase
from analysis.claims.forms import FORMS
from analysis.figures.requests import REQUESTS, Request
from analysis.metrics import METRICS
from engine.configuration import DOMAINS, Configuration
from search.spec import limits, space, yaml_file
from search.spec.docstrings import attributes, summary, without_source
from search.spec.examples import CLAIMS, FIGURES, STATISTICS, STUDIES
from search.spec.meaning import DRIVERS
from search.spec.study import StudySpec
from search.spec.template import word

DOCUMENT = Path(__file__).parents[2] / "docs" / "studies.md"
_PART = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def made(text: str) -> str:
    """The document with its parts made anew.

    Raises:
        KeyError: a part has a name that is not known.
    """
    return _PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]().strip()}\n\n{part[3]}", text)


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _yaml(text: str) -> str:
    return f"```yaml\n{text.strip()}\n```\n"


def _hyperparameters() -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for name, domain in DOMAINS.items():
            text, source = without_source(attributes(Configuration)[name])
            yield f"`{name}`", domain.describe(), f"`{word(getattr(Configuration(), name))}`", text, source

    return _table(("hyperparameter", "domain", "default", "what it is", "source"), rows())


def _keys() -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for name, field in StudySpec.model_fields.items():
            if name != "source":
                default = field.get_default(call_default_factory=True, validated_data={})
                shown = "required" if field.is_required() else "" if default in (None, "", [], {}) else f"`{default}`"
                yield f"`{name}`", shown, attributes(StudySpec)[name].removesuffix(".")

    return _table(("key", "default", "what it says"), rows())


def _drivers() -> str:
    parts = []
    for name, driver in DRIVERS.items():
        own = ", ".join(f"`{key}`" for key in driver.keys) or "none"
        axes = "lists of values and ranges" if driver.takes_ranges else "lists of values, and ranges with `n`"
        adapts = "It proposes from results" if driver.adapts else "Its plan is known before it starts"
        parts.append(f"### `driver: {name}`\n\nKeys of its own: {own}. Its axes are {axes}. {adapts}.\n")
        parts.append(_yaml(f"study: my-{name}\nquestion: What do I want to know?\ndriver: {name}\n{STUDIES[name]}"))
    return "\n".join(parts)


def _of_model(model: type[BaseModel], common: type[BaseModel] = BaseModel) -> str:
    """A list of a model's own keys."""
    texts = attributes(model)
    names = [name for name in model.model_fields if name not in common.model_fields and name in texts]
    return "\n".join(f"- `{name}`: {texts[name].rstrip('.')}" for name in names)


def _claims() -> str:
    parts = [_of_model(ClaimBase), ""]
    for name, form in FORMS.items():
        expects = ", ".join(f"`{expected}`" for expected in form.EXPECTS)
        takes = f"`expect` is one of {expects}. " if expects else "It has no `expect`. "
        takes += "It takes a `margin`." if form.TAKES_MARGIN else "It takes no `margin`."
        parts += [f"### `{name}`\n", f"{summary(form)} {takes}\n", f"{_of_model(form)}\n", _yaml(CLAIMS[name])]
        parts += [f"Statistic: {STATISTICS[name]}\n"]
    return "\n".join(parts)


def _metrics() -> str:
    return _table(("metric", "what it is"), ((f"`{name}`", metric.label) for name, metric in METRICS.items()))


def _figures() -> str:
    parts = [_of_model(Request), ""]
    for name, form in REQUESTS.items():
        parts += [f"### `{name}`\n", f"{summary(form)}\n", f"{_of_model(form, Request)}\n", _yaml(FIGURES[name])]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts))


def _limits() -> str:
    rows = {
        "bytes of a file": yaml_file.MAX_BYTES,
        "values in a file, every use of an alias counted": yaml_file.MAX_NODES,
        "lists and mappings inside one another": yaml_file.MAX_DEPTH,
        "values of an axis": space.MAX_LEVELS,
        "trials": limits.MAX_TRIALS,
        "replicates": limits.MAX_REPLICATES,
        "runs (trials × replicates)": limits.MAX_RUNS,
        "evaluations of a run (epochs × evaluations per epoch)": limits.MAX_EVALUATIONS,
        "rungs of `fidelity`": limits.MAX_RUNGS,
        "claims": limits.MAX_CLAIMS,
        "figures": limits.MAX_FIGURES,
        "characters of `study` and `page`": limits.MAX_NAME,
        "characters of `question`": limits.MAX_TEXT,
    }
    return _table(("what", "at most"), ((what, f"{most:,}") for what, most in rows.items()))


PARTS: Mapping[str, Callable[[], str]] = {
    "hyperparameters": _hyperparameters,
    "keys": _keys,
    "drivers": _drivers,
    "claims": _claims,
    "metrics": _metrics,
    "figures": _figures,
    "limits": _limits,
}
"""The parts, by their names in the document."""


if __name__ == "__main__":
    DOCUMENT.write_text(made(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
