"""A new study file: one that runs as it is, with everything else that it could say in comments.

# Images per update; the gradient is their mean. A whole number >= 1.       text, behind `# `
#batch_size: 1                                                              a key, which counts when its # goes
"""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from engine.configuration import DOMAINS, Configuration
from engine.errors import DigitsweepError, excerpt, shown
from search.spec.docstrings import attributes, without_source
from search.spec.examples import CLAIMED, CLAIMS, DRAWN, FIGURES, KEYS, STUDIES
from search.spec.limits import MAX_NAME
from search.spec.meaning import DRIVERS, driver_keys
from search.spec.study import StudySpec

SUFFIXES = (".yaml", ".yml")
SCHEMA = "study.schema.json"
_WIDTH = 110
_ELSEWHERE = ("study", "question", "driver", "claims", "figures", "source")
"""Keys that have a place of their own, and the one that no file states."""


def write_template(study: str, driver: str) -> Path:
    """Write a new study file and return its path.

    Args:
        study: its name, or the path of a .yaml file that is not there yet, whose stem becomes its name.
        driver: a name of `search.spec.meaning.DRIVERS`.

    Raises:
        SpecError: there is no such driver.
        DigitsweepError: nothing of the name can be a study's, or the file is there already or cannot be written.
    """
    driver_keys(driver)
    path = Path(study) if study.endswith(SUFFIXES) else Path(f"{study}{SUFFIXES[0]}")
    name = re.sub(r"[^a-z0-9_.-]+", "-", path.stem.lower()).lstrip("_.-")[:MAX_NAME]
    if not name:
        raise DigitsweepError(f"a study's name must have a letter or a digit, but got {shown(path.stem)}")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template(name, driver))
    except FileExistsError as error:
        raise DigitsweepError(f"{excerpt(str(path), 200)} is there already; give the study another name") from error
    except OSError as error:
        raise DigitsweepError(f"{excerpt(str(path), 200)} cannot be written: {error.strerror}") from error
    return path


def template(name: str, driver: str) -> str:
    """The text of a new file for a study of that name."""
    example = STUDIES[driver]
    lines = [
        f"# yaml-language-server: $schema={SCHEMA}",
        "#",
        "# What do you want to know? This study runs as it is; make it yours.",
        "# Behind a # and a space stands text. A key behind a # alone counts when the # goes.",
        "# docs/studies.md explains every key. Editors that know YAML complete and check this file after",
        f"#   digitsweep schema >{SCHEMA}",
        f"study: {name}",
        "question: What do you want to know?",
        *_text(f"What proposes the trials: {', '.join(DRIVERS)}."),
        f"driver: {driver}",
        *_example(example),
        *_other_keys(driver, example),
        *_block("claims", [CLAIMS[form] for form in CLAIMED[driver]]),
        *_block("figures", [f"{FIGURES[form]}\n" for form in DRAWN[driver]]),
    ]
    return "\n".join(lines) + "\n"


def _text(text: str, indent: str = "") -> list[str]:
    """Lines of a comment."""
    text = text.replace("`", "")
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def _example(example: str) -> Iterator[str]:
    """The study itself, what it says explained, and under `fixed` the hyperparameters of which it says nothing."""
    said = re.findall(r"^  (\w+):", example, re.MULTILINE)
    for section in re.split(r"\n(?=\w)", example.strip()):
        head, *lines = section.split("\n")
        key = head.partition(":")[0]
        yield ""
        yield from _text(_sentence(attributes(StudySpec)[key]))
        yield head
        for line in lines:
            yield from _text(_of_hyperparameter(line.strip().partition(":")[0]), "  ")
            yield line
        for name in DOMAINS if key == "fixed" else ():
            if name not in said:
                yield from _text(_of_hyperparameter(name), "  ")
                yield f"  #{name}: {word(getattr(Configuration(), name))}"


def _of_hyperparameter(name: str) -> str:
    text, _ = without_source(attributes(Configuration)[name])
    return f"{_sentence(text)} ({DOMAINS[name].describe()}; default {word(getattr(Configuration(), name))})."


def _sentence(text: str) -> str:
    """A description with a capital letter, unless it begins with a symbol or a word of the file."""
    return text[0].upper() + text[1:] if text[0].isascii() else text


def word(value: object) -> str:
    """A value as a study file has it."""
    return value if isinstance(value, str) else shown(value)


def _other_keys(driver: str, example: str) -> Iterator[str]:
    """The keys of which the example says nothing; as text where they mean nothing to the driver."""
    said = {*_ELSEWHERE, *re.findall(r"^(\w+):", example, re.MULTILINE)}
    of_others = {key for other in DRIVERS.values() for key in other.keys} - set(DRIVERS[driver].keys)
    for key in StudySpec.model_fields:
        if key in said:
            continue
        text = attributes(StudySpec)[key]
        yield ""
        if key in KEYS and key not in of_others:
            yield from _text(_sentence(text))
            yield f"#{key}: {KEYS[key]}"
        else:
            yield from _text(f"{key}: {text}")


def _block(key: str, items: list[str]) -> Iterator[str]:
    """A key with a list, all of it behind #."""
    yield ""
    yield from _text(_sentence(attributes(StudySpec)[key]))
    yield f"#{key}:"
    yield from (f"#  {line}" for item in items for line in item.splitlines())
