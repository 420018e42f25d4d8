"""What a stored study varies, and which of it a trial does not have where some exists only under a condition (`when:`).

    when:
      hidden_size: {hidden_layers: [1, 2, 3]}     a linear model has no hidden_size

Light to import: the spec of a study asks here too, so that a plan and a table cannot disagree.
"""

from collections.abc import Iterator, Mapping
from typing import Any

When = Mapping[str, Mapping[str, Any]]


def allowed(condition: Any) -> list[Any]:
    """The values that a condition asks for; one that stands alone is a list of one."""
    return condition if isinstance(condition, list) else [condition]


def inactive(when: When, values: Mapping[str, Any]) -> set[str]:
    """The hyperparameters that do not exist beside these values.

    Args:
        when: hyperparameter → what it needs, all of it: hyperparameter → the values of which it must have one. What
            needs a hyperparameter that does not exist itself does not exist either.
        values: every hyperparameter's value.
    """
    missing: set[str] = set()
    while True:
        found = {
            name
            for name, needs in when.items()
            if any(other in missing or values[other] not in allowed(needed) for other, needed in needs.items())
        }
        if found == missing:
            return missing
        missing = found


def stated(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The sections of a study's file that say what varies, each with its hyperparameters and their values.

    Args:
        spec: the file as it is stored: `by`, `space`, `nuisance`, and where they are used `zip` and `configurations`.
    """
    drawn = [(section, spec.get(section) or {}) for section in ("by", "space", "nuisance")]
    drawn += [("zip", group) for group in spec.get("zip") or []]
    yield from drawn
    picked: dict[str, list[Any]] = {}
    for configuration in spec.get("configurations") or []:
        for name in configuration.keys() - {name for _, section in drawn for name in section}:
            picked.setdefault(name, []).append(configuration[name])
    yield "configurations", dict(sorted(picked.items()))
