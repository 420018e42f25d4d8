"""docs/studies.md: what is made from the code in it is what the code says now, and nothing is left out."""

from engine.configuration import DOMAINS, Configuration
from search.spec.docstrings import attributes, without_source
from search.spec.document import DOCUMENT, PARTS, made
from search.spec.meaning import DRIVERS
from search.spec.study import StudySpec

TEXT = DOCUMENT.read_text(encoding="utf-8")


def test_every_part_is_what_the_code_says_now():
    assert made(TEXT) == TEXT, "renew it with: python -m search.spec.document"
    assert [TEXT.count(f"<!-- made: {name} -->") for name in PARTS] == [1] * len(PARTS)


def test_every_name_is_documented():
    from analysis.claims.forms import FORMS
    from analysis.figures.requests import REQUESTS
    from analysis.metrics import METRICS

    for name in {*DOMAINS, *DRIVERS, *METRICS, *StudySpec.model_fields} - {"source", *DRIVERS}:
        assert f"| `{name}` |" in TEXT, name
    for name in (*FORMS, *REQUESTS, *(f"driver: {driver}" for driver in DRIVERS)):
        assert f"\n### `{name}`\n" in TEXT, name


def test_every_hyperparameter_says_what_it_is_and_where_it_comes_from():
    assert attributes(Configuration).keys() == DOMAINS.keys()
    for name, text in attributes(Configuration).items():
        assert all(without_source(text)), name
