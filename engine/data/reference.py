"""Which data set is meant, and how a user's own file is to be read.

A data set is given by a name (`mnist`), by a path (`wine.csv`), or by a path with keys where the file leaves
something open: `{path: wine.csv, label: target, ignore: [id], scale: none}`. `Reference.parse` takes any of them;
`Doubt` is a question that one of the keys answers, and `ask` puts all of a file's doubts into one message.
"""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.data.catalogue import DATASET_HELP, DATASET_NAMES
from engine.errors import DataError

STANDARDISE = "standardise"
"""The scale that is fitted: each feature's mean over the training rows becomes 0, its standard deviation 1."""
_NAMED_SCALES: dict[str, float | str] = {
    "none": 1.0,
    "pixels": 255.0,
    STANDARDISE: STANDARDISE,
    "standardize": STANDARDISE,
}

KEYS = ("path", "label", "ignore", "keep", "header", "scale")


@dataclass(frozen=True)
class Reading:
    """What a user says about a file of theirs; None and () where they say nothing.

    Attributes:
        label: the column (.csv) or array (.npz) that holds the classes. A column is given by its name in the header,
            or by its number from 1, or as `first` or `last`.
        ignore: columns or arrays that are left out.
        keep: columns that look like a row number or a label, and are features all the same.
        header: whether a .csv's first line is a header.
        scale: what every value is divided by: 1 is what `none` stands for, 255 what `pixels` does. Or `STANDARDISE`.
    """

    label: str | None = None
    ignore: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    header: bool | None = None
    scale: float | str | None = None


@dataclass(frozen=True)
class Reference:
    """A data set as it is asked for: a name or a path, and how to read what is there."""

    name: str
    reading: Reading = field(default_factory=Reading)

    @classmethod
    def parse(cls, value: object) -> "Reference":
        """What a study file, a command line or a stored study gives.

        Args:
            value: a name or a path, or a mapping of `path` and any of `KEYS`.

        Raises:
            DataError: neither, an unknown key, a value that a key cannot have, keys for a data set known by name.
        """
        if isinstance(value, str):
            if not value.strip() or "\0" in value:
                raise DataError(f"a data set must be {DATASET_HELP}")
            return cls(value)
        if not isinstance(value, Mapping) or not isinstance(value.get("path"), str):
            raise DataError(f"a data set must be {DATASET_HELP}, or a mapping with its path: {{path: wine.csv, …}}")
        unknown = [str(key)[:40] for key in value if key not in KEYS]
        if unknown:
            raise DataError(f"a data set has the keys {', '.join(KEYS)}, but not {', '.join(unknown)}")
        reading = Reading(
            label=_columns(value, "label", most=1)[0] if value.get("label") is not None else None,
            ignore=_columns(value, "ignore"),
            keep=_columns(value, "keep"),
            header=_header(value.get("header")),
            scale=_scale(value.get("scale")),
        )
        name = cls.parse(value["path"]).name
        if name in DATASET_NAMES and reading != Reading():
            raise DataError(f"{name} is read as it is known: {', '.join(KEYS[1:])} are for a file of your own")
        return cls(name, reading)


def _columns(value: Mapping[Any, Any], key: str, most: int | None = None) -> tuple[str, ...]:
    """One name or a list of them; a number stands for itself."""
    given = value.get(key)
    names = [] if given is None else list(given) if isinstance(given, list | tuple) else [given]
    if any(isinstance(name, bool) or not isinstance(name, str | int) for name in names) or (most and len(names) > most):
        what = "one column's name or number" if most == 1 else "names or numbers of columns"
        raise DataError(f"{key} must be {what}")
    return tuple(str(name) for name in names)


def _header(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise DataError("header must be true or false")


def _scale(value: object) -> float | str | None:
    if value is None:
        return None
    if isinstance(value, str) and value.strip().lower() in _NAMED_SCALES:
        return _NAMED_SCALES[value.strip().lower()]
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 1e-30 <= number <= 1e30:
        raise DataError("scale must be none, standardise, pixels, or a number above 0 that every value is divided by")
    return number


def _written(scale: float | str) -> str:
    """A scale as it is written in a study file."""
    return scale if isinstance(scale, str) else "none" if scale == 1 else f"{scale:g}"


@dataclass(frozen=True)
class Doubt:
    """Something that a file leaves open.

    Attributes:
        text: what was found, a sentence without its full stop.
        key: the key of `KEYS` that settles it.
        answer: its likely value, as it is written in a study file: a name, a number, or `none`.
        instead: other ways to settle it, in words.
    """

    text: str
    key: str
    answer: str
    instead: str = ""


def ask(path: object, doubts: Sequence[Doubt], reading: Reading) -> DataError:
    """The one message for everything that a file leaves open: what was found, and what settles it in both places.

    Args:
        path: the file, as it was given.
        doubts: at least one.
        reading: what was said already, which the suggestion keeps.
    """
    ignore = [*reading.ignore, *(doubt.answer for doubt in doubts if doubt.key == "ignore")]
    said: dict[str, list[str]] = {
        "label": [reading.label] if reading.label is not None else [],
        "ignore": list(dict.fromkeys(ignore)),
        "keep": list(reading.keep),
        "header": [] if reading.header is None else [str(reading.header).lower()],
        "scale": [] if reading.scale is None else [_written(reading.scale)],
    }
    for doubt in doubts:
        if doubt.key != "ignore":
            said[doubt.key] = [doubt.answer]
    in_file = [f"path: {_yaml(str(path))}"]
    typed = [f"--dataset {shlex.quote(str(path))}"]
    for key, values in said.items():
        if not values:
            continue
        in_file.append(
            f"{key}: " + (f"[{', '.join(map(_yaml, values))}]" if key in ("ignore", "keep") else _plain(key, values[0]))
        )
        typed += [_flag(key, value) for value in values]
    lines = [f"{path}: {doubt.text}" + (f" ({doubt.instead})" if doubt.instead else "") for doubt in doubts]
    return DataError(
        "\n".join(
            [
                *lines,
                "What to do: say how it is to be read, in the study file as",
                f"  dataset: {{{', '.join(in_file)}}}",
                "or on the command line as",
                f"  {' '.join(typed)}",
            ]
        )
    )


def ignoring(names: Sequence[str]) -> str:
    """How columns or arrays are left out, in both places."""
    return f"ignore: [{', '.join(map(_yaml, names))}] or {' '.join(_flag('ignore', name) for name in names)}"


_YAML_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"}


def _plain(key: str, value: str) -> str:
    return value if key in ("header", "scale") else _yaml(value)


def _yaml(text: str) -> str:
    """A string as it can stand in a flow mapping, quoted where YAML would take it for something else."""
    is_word = text[:1].isalpha() or text[:1] in "/_"
    if is_word and all(c.isalnum() or c in "_./-" for c in text) and text.lower() not in _YAML_WORDS:
        return text
    if text.isascii() and text.isdecimal() and str(int(text[:18])) == text:
        return text
    return "'" + text.replace("'", "''") + "'"


def _flag(key: str, value: str) -> str:
    if key == "header":
        return "--header" if value == "true" else "--no-header"
    return f"--{key} {shlex.quote(value)}"
