"""What a person sees while a study runs: studies, trials, evaluations, best so far, time left."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

if TYPE_CHECKING:
    from search.execution.trials import Trial

WIDE = 100
"""Characters of a line from which there is a bar."""


@dataclass
class Counts:
    """How far a study has come.

    Attributes:
        study: its name.
        trials_done: trials that have ended.
        trials: trials known so far.
        planned: trials the study is to have, where they are not all known from the start; else 0.
        evaluations_done: evaluations made, all runs together, those of earlier commands included.
        evaluations: evaluations that all known runs will have.
        best: best validation accuracy seen, or None.
        running: runs in training.
        failed: runs that failed or diverged.
    """

    study: str
    trials_done: int = 0
    trials: int = 0
    planned: int = 0
    evaluations_done: int = 0
    evaluations: int = 0
    best: float | None = None
    running: int = 0
    failed: int = 0


class Tally:
    """The counts of a study, kept up from the trials that changed alone, however many there are."""

    def __init__(self, study: str, planned: int) -> None:
        self._counts = Counts(study, planned=planned)
        self._parts: dict[int, tuple[int, ...]] = {}
        self._changed: dict[int, Trial] = {}

    def note(self, trial: "Trial") -> None:
        """A trial or one of its runs has changed; one that the study's file does not ask for does not count."""
        if trial.asked:
            self._changed[trial.number] = trial

    def counts(self, running: int) -> Counts:
        """How far the study is, with that many runs in training."""
        for trial in self._changed.values():
            self._count(trial)
        self._changed.clear()
        self._counts.running = running
        return self._counts

    def _count(self, trial: "Trial") -> None:
        """Put a trial's present part in place of what it was before."""
        done = total = 0
        best = self._counts.best or 0.0
        for run in trial.runs:
            done += len(run.curve)
            total += len(run.curve) if run.ended else run.configuration.n_evaluations
            best = max([best, *(accuracy for accuracy, _ in run.curve.values())])
        over = trial.state in ("complete", "diverged", "failed", "pruned")
        part = (over, 1, done, total, trial.state in ("failed", "diverged"))
        before = self._parts.get(trial.number, (0,) * len(part))
        self._parts[trial.number] = part
        change = [after - earlier for after, earlier in zip(part, before, strict=True)]
        counts = self._counts
        counts.trials_done += change[0]
        counts.trials += change[1]
        counts.evaluations_done += change[2]
        counts.evaluations += change[3]
        counts.failed += change[4]
        if counts.evaluations_done:
            counts.best = best


class Display(Protocol):
    """Where progress goes."""

    def update(self, counts: Counts) -> None:
        """Show the present counts."""

    def say(self, message: str) -> None:
        """A line that stays."""


class SilentDisplay:
    """Progress for callers that want none; what is said goes to `messages`."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def update(self, counts: Counts) -> None:
        """Nothing to show."""

    def say(self, message: str) -> None:
        """Keep the line."""
        self.messages.append(message)


class TerminalDisplay:
    """A live bar on a terminal; plain lines elsewhere."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console, self._progress = console, progress
        self._task: Any = None

    def update(self, counts: Counts) -> None:
        """Move the bar; its start is the first call."""
        if self._task is None:
            self._progress.start()
            self._task = self._progress.add_task(
                counts.study, total=counts.evaluations, completed=counts.evaluations_done, detail=""
            )
        best = "—" if counts.best is None else f"{counts.best:.2%}"
        failed = f", {counts.failed} failed or diverged" if counts.failed else ""
        trials = max(counts.trials, counts.planned)
        # Trials that are not known yet are taken to be as long as those that are.
        total = round(counts.evaluations * trials / max(counts.trials, 1))
        self._progress.update(
            self._task,
            total=total,
            completed=counts.evaluations_done,
            detail=f"trials {counts.trials_done}/{trials}{failed} · "
            f"evaluations {counts.evaluations_done}/{total} · best {best}",
        )

    def say(self, message: str) -> None:
        """Print above the bar."""
        with suppress(OSError):  # a terminal that was closed does not end a study; its SIGHUP does, with all saved
            self._console.print(message, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def terminal_display(console: Console) -> Iterator[TerminalDisplay]:
    """A display for the length of a block; a terminal with no room for a bar has the words on several lines, uncut."""
    progress = Progress(
        TextColumn("{task.description}", style="bold", markup=False, table_column=Column(overflow="fold")),
        *([BarColumn(bar_width=12)] if console.width >= WIDE else []),
        TextColumn("{task.fields[detail]}", table_column=Column()),
        TextColumn("· left", table_column=Column(no_wrap=True, min_width=6)),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True, table_column=Column(no_wrap=True, min_width=7)),
        console=console,
        refresh_per_second=5,
    )
    try:
        yield TerminalDisplay(console, progress)
    finally:
        if progress.live.is_started:
            with suppress(OSError):
                progress.stop()
