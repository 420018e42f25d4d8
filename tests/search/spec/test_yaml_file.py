"""YAML files: which values their words have, what is refused and in which words, and that nothing is expanded."""

import os
import time

import pytest

from search.spec.space import SpecError
from search.spec.yaml_file import MAX_BYTES, load_yaml


@pytest.fixture
def read(tmp_path):
    def read(content):
        file = tmp_path / "x.yaml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_yaml(file)

    return read


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 0.001), ("1E5", 1e5), ("2.5e-1", 0.25), (".5", 0.5), ("5.", 5.0), ("-0.1", -0.1),
        ("7", 7), ("+7", 7), ("-7", -7), ("0", 0), ("50_000", 50_000), ("1e400", float("inf")),
        ("-.inf", -float("inf")),
        ("on", True), ("Off", False), ("yes", True), ("NO", False), ("true", True), ("FALSE", False),
        ("~", None), ("null", None), ("", None),
        ("2022-02-20", "2022-02-20"), ("1:30", "1:30"), ("0x1F", "0x1F"), ("0b11", "0b11"), ("0o17", "0o17"),
        ("1,5", "1,5"), ("1/3", "1/3"), ("'010'", "010"), ("'on'", "on"), ('"1e-3"', "1e-3"), ("y", "y"), ("oN", "oN"),
        ("[1, [2, a]]", [1, [2, "a"]]), ("{a: {b: on}}", {"a": {"b": True}}),
    ],
)  # fmt: skip
def test_load_yaml_reads_a_value_as_a_person_would(read, written, value):
    found = read(f"key: {written}\n").values["key"]
    assert (found, type(found)) == (value, type(value))


def test_load_yaml_keeps_keys_as_they_are_written(read):
    assert read("on: 1\n1: 2\n0.5: 3\nnull: 4\n").values == {"on": 1, "1": 2, "0.5": 3, "null": 4}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", r"'a' is written twice, before that in line 1 \(.*line 3, column 1\)"),
        ("a: {b: 1, b: 2}\n", r"'b' is written twice"),
        ("? [a, b]\n: 1\n", r"a key must be a word, but a list"),
        ("{a: 1}: 1\n", r"a key must be a word, but a mapping"),
        ("a: &a [1]\n? *a\n: 2\n", r"a key must be a word, but a list"),
        ("a: 010\n", r"010 can be read as octal"),
        ("a: !!int 5\n", r"the tag !!int is not known"),
        ("a: !!python/object/apply:os.system [ls]\n", r"the tag !!python/object/apply:os.system is not known"),
        ("a: !!binary aGk=\n", "the tag !!binary"),
        ("a: !!timestamp 2022-01-01\n", "the tag !!timestamp"),
        ("a: !x b\n", "the tag !x"),
        ("a: ! b\n", "the tag ! is"),
        (f"a: {'1' * 41}\n", "at most 40 digits, but got one of 41"),
        (f"a: {'1' * 9000}\n", "at most 40 digits, but got one of 9000"),
        ('a: "\\U99999999"\n', "a code that is no character"),
        (f"%YAML {'9' * 6000}.1\n---\na: 1\n", "not valid YAML"),
        ('a: "\\uD800"\n', r"text must be readable, but holds the character U\+D800"),
        ('a: "\\0"\n', r"the character U\+0000"),
        ('a: "\\e[31m"\n', r"the character U\+001B"),
        (b"a: 1\nb: \x00\n", r"plain text, but holds the character U\+0000 \(.*line 2\)"),
        (b"a: 1\nb: \xff\xff\n", r"text in UTF-8, but byte 9 is 0xff \(.*line 2\)"),
        ("a: 1\n---\nb: 2\n", r"one study, but another begins \(---\) \(.*line 2"),
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("---\n...\n", "is empty"),
        ("- 1\n- 2\n", r"keys and values, as in study: my-grid, but got \[1, 2\]"),
        ("grid\n", "keys and values, as in study: my-grid, but got 'grid'"),
        ("a: *b\n", r"\*b stands for nothing above it"),
        ("a: &a [*a]\n", r"\*a stands inside of what it stands for"),
        ("<<: 5\n", "<< takes keys from another mapping, but got 5"),
        ("a:\n\tb: 1\n", "a tab stands where only spaces may"),
        ("a: b: c\n", "a colon stands where none can"),
        ("a: [1, 2\n", r"a list is not closed with \]"),
        ("a: {b: 1\n", "a mapping is not closed with }"),
        ("a: 'b\n", "a quote is not closed"),
        ("a: 1\n  b: 2\n", "not valid YAML: a colon stands where none can"),
        ("a: 1\nb\n", "a colon is missing after a key"),
        ("a: @x\n", "text that begins with it needs quotes"),
        ("[" * 5000, "at most 10 deep"),
        ("- " * 5000, "at most 10 deep"),
        ("{a: " * 2000, "at most 10 deep"),
        ("a: [" + "1, " * 26_000 + "]", "at most 25,000 values"),
    ],
)  # fmt: skip
def test_load_yaml_refuses_in_one_line_with_the_place(read, content, says):
    with pytest.raises(SpecError, match=says) as caught:
        read(content)
    message = str(caught.value)
    assert "x.yaml" in message
    assert "\n" not in message
    assert len(message) < 400


def test_load_yaml_takes_byte_order_marks_and_utf_16(read):
    for content in ("\ufeffa: é\n".encode(), "a: é\n".encode("utf-16"), "\ufeffa: é\n".encode("utf-16-be")):
        assert read(content).values == {"a": "é"}


def test_load_yaml_merges_what_is_not_written(read):
    file = read("base: &b {x: 1, y: 2}\nlow: &l {y: 3, z: 4}\none: {<<: *b, x: 9}\ntwo: {x: 0, <<: [*b, *l]}\n")
    assert file.values["one"] == {"x": 9, "y": 2}
    assert file.values["two"] == {"x": 0, "y": 2, "z": 4}
    assert file.definitions == {"base", "low"}


def test_load_yaml_calls_no_anchor_a_definition_that_is_not_used(read):
    assert read("base: &b {x: 1}\n").definitions == set()


@pytest.mark.parametrize("merged", [False, True])
def test_load_yaml_counts_what_aliases_expand_to_before_it_does(read, merged):
    lines = ["k0: &k0 [lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"k{i}: &k{i} [{', '.join([f'*k{i - 1}'] * 8)}]" for i in range(1, 9)]
    if merged:
        lines = ["k0: &k0 {" + ", ".join(f"x{j}: 1" for j in range(900)) + "}"]
        lines += [f"k{i}: &k{i} {{<<: *k{i - 1}, y{i}: *k{i - 1}}}" for i in range(1, 9)]
    begun = time.process_time()
    with pytest.raises(SpecError, match="at most"):
        read("\n".join(lines))
    assert time.process_time() - begun < 3  # without counting it is 8⁸ values, which takes minutes


def test_load_yaml_reads_ordinary_files_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    for path, says in [
        (tmp_path, "is a folder"),
        (tmp_path / "pipe", "no ordinary file"),
        ("/dev/zero", "no ordinary file"),
        (tmp_path / "large.yaml", "at most 262,144 bytes"),
        (tmp_path / ("a" * 300), "cannot be read"),
        ("a\0b", "cannot be read"),
        (tmp_path / "none.yaml", "no study file at"),
    ]:
        with pytest.raises(SpecError, match=says):
            load_yaml(path)
