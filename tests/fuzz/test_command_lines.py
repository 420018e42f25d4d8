"""Command lines that nobody would type: every command, every option of it, every kind of word."""

import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from search.cli import app
from tests.fuzz.runner import assert_answered, run
from tests.fuzz.test_study_files import FUZZ, STUDIES

pytestmark = pytest.mark.slow

COMMANDS = {
    name: [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
    for name, command in get_command(app).commands.items()
}
WORDS = st.one_of(
    st.sampled_from([
        "", "0", "-1", "1e30", "nan", "inf", "10000000000", "80999", "x", "x.yaml", "x.sqlite", ":memory:", "~",
        "*", "tpe",
        "mysql://x/y", "postgresql://", "sqlite://", "://", "a?b%c#d", "[bold]", "digits", "mnits", "-", "--", ".", "é",
        "/", "/dev/null", "nowhere/x", "1h", "-5m", "x" * 300,
    ]),
    st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12),
    st.integers().map(str),
)  # fmt: skip


@st.composite
def command_lines(draw):
    command = draw(st.sampled_from(sorted(COMMANDS)))
    words = [command]
    for _ in range(draw(st.integers(0, 4))):
        if COMMANDS[command] and draw(st.booleans()):
            words.append(draw(st.sampled_from(COMMANDS[command])))
        words.append(draw(WORDS))
    return words


@FUZZ
@given(command_lines())
def test_any_command_line_is_answered(words):
    if words[0] in ("dashboard", "run", "confirm") and "--help" not in words:
        # These would serve, or train, for as long as they are asked to.
        words = [*words, "--port", "80999"] if words[0] == "dashboard" else [*words, "--dry-run"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "x.yaml").write_text(yaml.dump(STUDIES[0]))
        assert_answered(run(folder, *words))
