"""Our part of a study's note in the dashboard, and what others have written around it."""

import pytest

from search.naming import renewed_note, study_note
from tests.search.helpers import make_spec


@pytest.fixture
def note(tiny):
    """Our part of it, for a command."""
    return lambda command: study_note(make_spec(), "tiny-grid@tiny", tiny, command)


def unmarked(note):
    """As it was written before there were marks."""
    return "\n".join(line for line in note.splitlines() if not line.startswith("<!--")).strip() + "\n"


def test_a_note_that_is_ours_alone_is_renewed_whole(note):
    assert renewed_note("", note("make it")) == note("make it")
    assert renewed_note(note("make it"), note("make it")) == note("make it")
    assert renewed_note(note("make it"), note("make it again")) == note("make it again")


@pytest.mark.parametrize("before", ["", "Mine.\n\n", "**Mine**\n\n"])
@pytest.mark.parametrize("after", ["", "\nMine too, `as code`.\n"])
def test_what_stands_around_ours_is_kept(note, before, after):
    typed = before + note("make it") + after
    assert renewed_note(typed, note("make it again")) == before + note("make it again") + after
    typed = before + unmarked(note("make it")) + after
    assert renewed_note(typed, note("make it again")) == before + note("make it again") + after


def test_a_note_that_replaced_ours_is_kept_below_it(note):
    once = renewed_note("Mine alone.", note("make it"))
    assert once == note("make it") + "\nMine alone."
    assert renewed_note(once, note("make it again")) == note("make it again") + "\nMine alone."
