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


@pytest.mark.slow
def test_many_trials_keep_memory_and_files(tmp_path):
    found = soak.attack("many_trials", 2100, tmp_path)
    assert found["finished"] == 1
    assert found["thousand 2: open files at its end"] <= found["thousand 1: open files at its end"] + 2
    assert found["thousand 2: MiB of memory at its end"] < 1.15 * found["thousand 1: MiB of memory at its end"]


def test_every_attack_has_a_short_form():
    marks = test_attack_leaves_the_same_bits_and_no_traceback.pytestmark
    named = {name for mark in marks if mark.name == "parametrize" for name, _ in mark.args[1]}
    assert named | {"many_trials"} == set(soak.ATTACKS)
