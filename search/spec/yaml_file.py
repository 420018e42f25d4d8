"""A YAML file as plain Python values, within limits that no study file comes near.

    bytes ──> characters ──> the parser's events ──> words, numbers, switches, lists, mappings

The values are those of YAML 1.2, with the switches of YAML 1.1: `1e-3` is a number; `on`, `off`, `yes` and `no` are
true and false; dates, `1:30` and `0x1F` are words; `010`, which is 8 to one reader and 10 to another, is refused.
Keys are words as they stand in the file. Anchors, aliases and merge keys (`<<: *base`) are understood, and what they
expand to is counted before it is used. Tags (`!!int`) are refused, and with them everything that a tag could make.
"""

import codecs
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from engine.errors import excerpt, shown
from search.spec.space import SpecError

MAX_BYTES = 262_144
MAX_DEPTH = 10
MAX_NODES = 25_000
"""Words, numbers, lists and mappings of a file, every use of an alias counted in full."""
MAX_DIGITS = 40

_SWITCHES = {
    variant: value
    for words, value in ((("true", "on", "yes"), True), (("false", "off", "no"), False))
    for word in words
    for variant in (word, word.capitalize(), word.upper())
}
_NOTHING = ("", "~", "null", "Null", "NULL")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*(_[0-9]+)*)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(_[0-9]+)*(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF|nan|NaN|NAN)")
_NO_TEXT = re.compile(r"[^\t\n -~\xa0-\ud7ff\ue000-\U0010ffff]")

# What the parser says, as it is to be said to somebody who does not know what a token is.
_HINTS = {
    "mapping values are not allowed": "a colon stands where none can; text with a colon needs quotes",
    "could not find expected ':'": "a colon is missing after a key",
    "'\\t' that cannot start": "a tab stands where only spaces may",
    "cannot start any token": "this character cannot begin a value; text that begins with it needs quotes",
    "expected <block end>": "this line does not fit the indentation of those above",
    "expected ',' or ']'": "a list is not closed with ], or text in it needs quotes (as text with ? does)",
    "expected ',' or '}'": "a mapping is not closed with }, or text in it needs quotes (as text with ? does)",
    "found unexpected end of stream": "a quote is not closed",
    "expected the node content": "a value is missing",
    "expected alphabetic or numeric": "text that begins with * or & needs quotes",
}


@dataclass(frozen=True)
class YamlFile:
    """What a file holds.

    Attributes:
        values: its top-level mapping.
        definitions: top-level keys whose value has an anchor that is used elsewhere, as `base` in `base: &b {…}`.
    """

    values: dict[str, Any]
    definitions: frozenset[str]


def load_yaml(path: str | Path) -> YamlFile:
    """The mapping in a YAML file.

    Raises:
        SpecError: there is no such file, it is no text or no YAML, or it goes beyond a limit.
    """
    return _Reader(_text(Path(path)), str(path)).read()


def _text(file: Path) -> str:
    """The file's characters."""
    name = excerpt(str(file), 300)
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "no ordinary file"
            raise SpecError(f"a study file was expected, but {name} is {kind}")
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise SpecError(f"no study file at {name}{_nearest(file)}") from error
    except SpecError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise SpecError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > MAX_BYTES:
        raise SpecError(f"a study file has at most {MAX_BYTES:,} bytes, but this one has more", source=str(file))
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise SpecError(
            f"a study file must be text in UTF-8, but byte {error.start + 1} is {data[error.start]:#04x}",
            path=f"line {data.count(10, 0, error.start) + 1}",
            source=str(file),
        ) from error


def _nearest(file: Path) -> str:
    """The study file beside it whose name is most like it, as a question."""
    others = sorted(p.name for p in file.parent.glob("*.yaml")) if file.parent.is_dir() else []
    near = get_close_matches(file.name, others, n=1)
    return f"; did you mean {file.parent / near[0]}?" if near else ""


@dataclass
class _Node:
    """A value that has an anchor, with its number of nodes and of lists and mappings inside one another."""

    value: Any
    n_nodes: int = 1
    depth: int = 0
    used: bool = False


@dataclass
class _Open:
    """A list or mapping that is being read.

    Attributes:
        value: what is in it so far.
        anchor: its name for aliases.
        n_nodes: nodes in it, itself included.
        depth: lists and mappings inside one another, itself included.
        key: of a mapping, the key whose value comes next.
        lines: of a mapping, the line of each key that is written in it.
    """

    value: dict[str, Any] | list[Any]
    anchor: str | None
    n_nodes: int = 1
    depth: int = 1
    key: str | None = None
    lines: dict[str, int] = field(default_factory=dict)


class _Reader:
    """Builds values from the parser's events, one after the other, without recursion."""

    def __init__(self, text: str, source: str) -> None:
        self._text, self._source = text, source
        self._anchors: dict[str, _Node] = {}
        self._defined: dict[str, _Node] = {}
        self._open: list[_Open] = []
        self._n_nodes = 0
        self._documents: list[Any] = []

    def read(self) -> YamlFile:
        """The one document, which must be a mapping."""
        for event in self._events():
            self._take(event)
        raw = self._documents[0] if self._documents else None
        if raw is None:
            raise SpecError(
                "a study file holds at least study, question, driver and space, but this one is empty",
                source=self._source,
            )
        if not isinstance(raw, dict):
            raise SpecError(
                f"a study file holds keys and values, as in study: my-grid, but got {shown(raw)}", source=self._source
            )
        return YamlFile(raw, frozenset(key for key, node in self._defined.items() if node.used))

    def _events(self) -> Iterator[Any]:
        try:
            yield from yaml.parse(self._text, Loader=yaml.SafeLoader)
        except yaml.reader.ReaderError as error:
            line = self._text.count("\n", 0, error.position) + 1
            code = ord(self._text[error.position])
            raise SpecError(
                f"a study file is plain text, but holds the character U+{code:04X}",
                path=f"line {line}",
                source=self._source,
            ) from error
        except yaml.MarkedYAMLError as error:
            problem = str(error.problem)
            hint = next((hint for words, hint in _HINTS.items() if words in problem), problem)
            raise self._wrong(f"not valid YAML: {hint[:200]}", error.problem_mark or error.context_mark) from error
        except (ValueError, OverflowError) as error:  # \U99999999, or %YAML with thousands of digits
            raise SpecError("not valid YAML: it holds a code that is no character", source=self._source) from error

    def _take(self, event: Any) -> None:
        match event:
            case yaml.DocumentStartEvent():
                if self._documents:
                    raise self._wrong("a study file holds one study, but another begins (---)", event.start_mark)
            case yaml.AliasEvent():
                self._take_alias(event)
            case yaml.ScalarEvent():
                self._take_scalar(event)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._begin(event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                ended = self._open.pop()
                node = _Node(ended.value, ended.n_nodes, ended.depth)
                self._put(node, ended.anchor, event)
            case yaml.StreamStartEvent() | yaml.StreamEndEvent() | yaml.DocumentEndEvent():
                pass
            case _:
                raise AssertionError(f"the parser has no event {type(event).__name__}")

    def _take_alias(self, event: Any) -> None:
        node = self._anchors.get(event.anchor)
        if node is None:
            inside = any(opened.anchor == event.anchor for opened in self._open)
            reason = "stands inside of what it stands for" if inside else "stands for nothing above it"
            raise self._wrong(
                f"*{excerpt(event.anchor)} {reason}; text that begins with * needs quotes", event.start_mark
            )
        node.used = True
        if len(self._open) + node.depth > MAX_DEPTH:
            raise self._too_deep(event)
        self._count(node.n_nodes, event)
        if self._expects_key():
            self._put_key(node.value, event)
        else:
            self._put(node, None, event)

    def _take_scalar(self, event: Any) -> None:
        self._check_tag(event)
        self._count(1, event)
        bad = _NO_TEXT.search(event.value)
        if bad:
            raise self._wrong(f"text must be readable, but holds the character U+{ord(bad[0]):04X}", event.start_mark)
        if self._expects_key():
            if event.anchor:
                self._anchors[event.anchor] = _Node(event.value)
            self._put_key(event.value, event)
            return
        plain = event.implicit[0]
        self._put(_Node(self._value(event) if plain else event.value), event.anchor, event)

    def _value(self, event: Any) -> Any:
        """What a word without quotes stands for."""
        text = event.value
        if text in _NOTHING:
            return None
        if text in _SWITCHES:
            return _SWITCHES[text]
        if _INTEGER.fullmatch(text):
            if len(text) > MAX_DIGITS:
                raise self._wrong(
                    f"a number has at most {MAX_DIGITS} digits, but got one of {len(text)}; text needs quotes",
                    event.start_mark,
                )
            return int(text)
        if _LEADING_ZERO.fullmatch(text):
            raise self._wrong(
                f"{excerpt(text)} can be read as octal or as decimal; write a number without the leading zero, "
                "and text in quotes",
                event.start_mark,
            )
        if _REAL.fullmatch(text):
            return float(text)
        if _NOT_FINITE.fullmatch(text):
            return float(text.replace(".", ""))
        return text

    def _begin(self, event: Any) -> None:
        self._check_tag(event)
        self._count(1, event)
        what: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        if self._expects_key():
            raise self._not_a_key(what, event)
        if len(self._open) == MAX_DEPTH:
            raise self._too_deep(event)
        self._open.append(_Open(what, event.anchor))

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _put_key(self, key: Any, event: Any) -> None:
        if not isinstance(key, str):
            raise self._not_a_key(key, event)
        here = self._open[-1]
        here.n_nodes += 1
        line = event.start_mark.line + 1
        if key in here.lines:
            raise self._wrong(
                f"the key {shown(key)} is written twice, before that in line {here.lines[key]}", event.start_mark
            )
        here.key, here.lines[key] = key, line

    def _put(self, node: _Node, anchor: str | None, event: Any) -> None:
        """A finished value into the list or mapping around it."""
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self._documents.append(node.value)
            return
        here = self._open[-1]
        here.n_nodes += node.n_nodes
        here.depth = max(here.depth, node.depth + 1)
        if isinstance(here.value, list):
            here.value.append(node.value)
            return
        key, here.key = here.key, None
        assert key is not None
        if key == "<<":
            self._merge(here, node.value, event)
            return
        here.value[key] = node.value
        if anchor and len(self._open) == 1:
            self._defined[key] = node

    def _merge(self, here: _Open, value: Any, event: Any) -> None:
        """`<<`: the keys of other mappings where they are not written here; of several, the first has its way."""
        assert isinstance(here.value, dict)
        others = value if isinstance(value, list) else [value]
        for other in others:
            if not isinstance(other, dict):
                raise self._wrong(f"<< takes keys from another mapping, but got {shown(other)}", event.start_mark)
            here.value.update({key: other[key] for key in other if key not in here.value})

    def _count(self, n: int, event: Any) -> None:
        self._n_nodes += n
        if self._n_nodes > MAX_NODES:
            raise self._wrong(f"a study file has at most {MAX_NODES:,} values, but this one has more", event.start_mark)

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None:
            tag = excerpt(event.tag.replace("tag:yaml.org,2002:", "!!"))
            raise self._wrong(f"the tag {tag} is not known here; write the value without it", event.start_mark)

    def _not_a_key(self, key: Any, event: Any) -> SpecError:
        kind = "a list" if isinstance(key, list) else "a mapping" if isinstance(key, dict) else shown(key)
        return self._wrong(f"a key must be a word, but {kind} stands in its place", event.start_mark)

    def _too_deep(self, event: Any) -> SpecError:
        return self._wrong(f"lists and mappings stand at most {MAX_DEPTH} deep in one another", event.start_mark)

    def _wrong(self, message: str, mark: Any) -> SpecError:
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        return SpecError(message, path=place, source=self._source)
