"""Which command makes which study, so that whatever is missing can be asked for by name.

Commands are make's, to be typed in the project's folder; where data need keys that make has no variables for, they are
digitsweep's.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

COMMANDS = {
    "linear-grid": "make linear-grid",
    "linear-lr-wide": "make study SPEC=experiments/linear_lr_wide.yaml",
    "mlp-random": "make mlp-random N=50",
    "mlp-optuna": "make mlp-optuna N=50 SAMPLER=tpe",
    "mlp-fidelity": "make study SPEC=experiments/mlp_fidelity.yaml",
    "mlp-best": "make study SPEC=experiments/mlp_best.yaml",
    "ofat-hidden-size": "make ofat",
    "ofat-depth": "make ofat",
    "ofat-activation": "make ofat",
    "ofat-learning-rate": "make ofat",
    "ofat-momentum": "make ofat",
    "ofat-decay": "make ofat",
}
CONFIRM = "-confirm"
REPORT_DATASET = "mnist"
"""The data of the report, of a study whose name says nothing else, and of a command without DATASET."""
DATABASE = "runs.sqlite"
"""The database of a command without DB."""

_TOP = {"mlp-best": 1}
"""How many configurations a confirmation trains again, where four would take an hour."""

STUDIES = (*COMMANDS, "linear-grid-confirm", "mlp-random-confirm", "mlp-best-confirm")
"""The studies that the page is built from, in its order."""


def study_name(study: str, dataset: str) -> str:
    """What a study is called in a database if it is made as published: on `dataset`, with the default seed."""
    return study if dataset == REPORT_DATASET else f"{study}@{dataset}"


@dataclass(frozen=True)
class Commands:
    """The commands for the studies on one data set in one database.

    Attributes:
        dataset: Name of the data set.
        source: What to load to have it: a name or path, or one with keys as `label`; None where the name says it.
        database: What the database was called.
        names: Of the studies at hand, without suffixes of data and seed, the names in the database.
        stored: What to type to go on with each of them, as the database has it.
    """

    dataset: str = REPORT_DATASET
    source: str | Mapping[str, Any] | None = None
    database: str = DATABASE
    names: Mapping[str, str] = field(default_factory=dict)
    stored: Mapping[str, str] = field(default_factory=dict)

    def make(self, study: str, replicates: int | None = None) -> str:
        """The command that makes `study` (its name without data or seed suffix) as published, on this data."""
        keys = dict(self.source) if isinstance(self.source, Mapping) else {"path": self.source or self.dataset}
        path = keys.pop("path")
        variables = {} if self.dataset == REPORT_DATASET else {"DATASET": path}
        if replicates is not None:
            variables["REPLICATES"] = replicates
        if study.endswith(CONFIRM):
            # The study that is confirmed has the keys of its data in the database.
            source = study.removesuffix(CONFIRM)
            command = f"make confirm STUDY={_word(self._name(source))} TOP={_TOP.get(source, 4)} REPLICATES=8"
        elif keys and variables:
            return self._with_keys(study, path, keys, replicates)
        else:
            command = COMMANDS.get(study, f"make study SPEC=experiments/{_file(study)}")
        return self._here(command, variables)

    def again(self, study: str) -> str:
        """What to type to go on with a study at hand; to make one that is not."""
        return self.stored.get(study) or self.make(study)

    def select(self, study: str) -> str:
        """The command that freezes the choice of a study at hand."""
        return self._here(f"make select STUDY={_word(self._name(study))}", {})

    def _name(self, study: str) -> str:
        return self.names.get(study, study_name(study, self.dataset))

    def _here(self, command: str, variables: Mapping[str, Any]) -> str:
        """A command of make's with its variables, the database among them where it is not the usual one."""
        given = {**variables, "DB": self.database} if self.database != DATABASE else variables
        return " ".join([command, *(f"{name}={_word(value)}" for name, value in given.items())])

    def _with_keys(self, study: str, path: Any, keys: Mapping[str, Any], replicates: int | None) -> str:
        options = [("dataset", path), *keys.items(), ("replicates", replicates)]
        options += [("db", self.database)] if self.database != DATABASE else []
        words = ["digitsweep", "run", f"experiments/{_file(study)}"]
        for name, value in options:
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, bool):
                    words.append(f"--{name}" if one else f"--no-{name}")
                elif one is not None:
                    words += [f"--{name}", str(one)]
        return shlex.join(words)


def _file(study: str) -> str:
    return f"{study.replace('-', '_')}.yaml"


def _word(value: object) -> str:
    """A variable's value for make, which takes a dollar sign for itself, as one word of the shell."""
    return shlex.quote(str(value).replace("$", "$$"))
