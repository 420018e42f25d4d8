"""What to type for a study that is at hand: as the database has it, and what follows from that."""

import shlex
from dataclasses import dataclass

DATABASE = "runs.sqlite"
"""The database of a command without DB."""


@dataclass(frozen=True)
class Commands:
    """The commands of one study.

    Attributes:
        study: Its name in the database.
        again: What was typed to run it, which goes on with it.
        database: What the database was called when the page was asked for.
    """

    study: str
    again: str
    database: str = DATABASE

    def replicates(self, n: int) -> str:
        """The command that trains every configuration with `n` seeds; of what is given twice the last counts."""
        return f"{self.again} {f'REPLICATES={n}' if self._is_make else f'--replicates {n}'}"

    def confirm(self, top: int = 4, replicates: int = 8) -> str:
        """The command that trains the best configurations again with fresh seeds."""
        if self._is_make:
            return self._make("confirm", TOP=top, REPLICATES=replicates)
        return f"{self._digitsweep('confirm')} --top {top} --replicates {replicates}"

    def select(self) -> str:
        """The command that freezes the choice."""
        return self._make("select") if self._is_make else self._digitsweep("select")

    @property
    def _is_make(self) -> bool:
        return self.again.split(" ", 1)[0] == "make"

    def _make(self, target: str, **variables: object) -> str:
        given = {"STUDY": self.study, **variables}
        if self.database != DATABASE:
            given["DB"] = self.database
        # make takes a dollar sign for itself.
        words = (f"{name}={shlex.quote(str(value).replace('$', '$$'))}" for name, value in given.items())
        return " ".join(["make", target, *words])

    def _digitsweep(self, command: str) -> str:
        """As the study was run, up to the word that named the command: by its path where that was typed."""
        words = shlex.split(self.again)
        program = words[: words.index("run")] if "run" in words else []
        place = ["--db", self.database] if self.database != DATABASE else []
        return shlex.join([*(program or ["digitsweep"]), command, self.study, *place])
