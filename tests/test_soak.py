"""A short form of each attack of `make soak`: same bits, nothing lost, no traceback."""

import pytest

from tests import soak

BAD = {"tracebacks", "studies with OTHER bits", "commands that failed afterwards", "failed"}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "n"), [("kills", 4), ("fresh", 1), ("pairs", 1), ("signals", 1), ("held_lock", 1),
                                         ("deleted_file", 1), ("full_disk", 1)])  # fmt: skip
def test_attack_leaves_the_same_bits_and_no_traceback(tmp_path, name, n):
    found = soak.attack(name, n, tmp_path)
    assert not {what: found[what] for what in BAD if found[what]}
    if "left out: no file system can be mounted here" in found:
        pytest.skip("no file system can be mounted here")
    assert found["studies with the same bits"] >= 1
    for what, count in found.items():
        if what.startswith(("noticed", "one ran", "went on")) or "what to do next" in what:
            assert count == n, found


def test_every_attack_has_a_short_form():
    marks = test_attack_leaves_the_same_bits_and_no_traceback.pytestmark
    named = {name for mark in marks if mark.name == "parametrize" for name, _ in mark.args[1]}
    assert named == set(soak.ATTACKS)
