"""What is stored of the code that made a run, and what is said of one that other code made."""

import re

from engine.versions import ENGINE_VERSION
from search.execution.environment import changes_since, code_version


def test_a_code_version_names_the_engine_and_a_digest_of_its_source():
    assert re.fullmatch(rf"[^+]+\+engine\.{ENGINE_VERSION}\.[0-9a-f]{{12}}", code_version())
    assert len(code_version()) <= 64


def test_changes_of_bits_since_a_run_are_named():
    # As runs were stored before versions had names; twelve digits of a digest can look like a number.
    for before in ("0.1.0+engine.0123456789ab", "0.1.0+engine.012345678901"):
        (change,) = changes_since(before)
        assert change.startswith("engine 2: runs in batches")
    assert changes_since(code_version()) == []
