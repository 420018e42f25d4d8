"""What is measured of a run: one entry a metric, used by claims and by figures alike.

A study file names a metric by its key. Nothing here is heavy to import: study files are checked with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator

from analysis.wording import number_text, percent_text, points_text, short_text, signed_points, signed_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

    from analysis.studies import Study

Kind = Literal["share", "nats", "count", "time"]
WITHIN = 0.01
"""What "converged" means: within one percentage point of the run's own best validation accuracy."""


@dataclass(frozen=True)
class Metric:
    """One number of a run.

    Attributes:
        name: Its key in a study file.
        label: What it is in words, for axes and sentences.
        unit: The unit of a difference, in words.
        kind: `share` (shown in percent, differences in points), `nats`, `count` or `time`.
        higher_is_better: Whether more is better; None where neither is.
        of_runs: From a study and runs of it to one value a run, in their order.
        split: The split whose images measure it, where its sampling error is that of an accuracy on them.
        eased: For a metric that is read off a threshold on accuracy: its values with the threshold that much lower.
        is_test: Whether it sees the test set, so that nothing may be selected by it.
    """

    name: str
    label: str
    unit: str
    kind: Kind
    higher_is_better: bool | None
    of_runs: Callable[[Study, pd.DataFrame], pd.Series]
    split: str | None = None
    is_test: bool = False
    eased: Callable[[Study, pd.DataFrame, float], pd.Series] | None = None

    @property
    def scale(self) -> float:
        """What a value is multiplied by to be drawn: 100 for shares."""
        return 100.0 if self.kind == "share" else 1.0

    def show(self, value: float) -> str:
        """A value in words: `98.11 %`, `0.0712`, `12`."""
        if self.kind == "share":
            return percent_text(value)
        return short_text(value) if self.kind == "nats" else number_text(value, 1).removesuffix(".0")

    def show_whole(self, value: float) -> str:
        """A value in words with its unit: `98.11 %`, `0.0712 nats`, `12 evaluations`."""
        return self.show(value) if self.kind == "share" else f"{self.show(value)} {self.unit}"

    def show_difference(self, difference: float) -> str:
        """A difference with its sign, without its unit: `+0.32`."""
        return signed_points(difference) if self.kind == "share" else signed_text(difference)

    def show_size(self, size: float) -> str:
        """The size of a difference, with neither sign nor unit: `0.32`."""
        return points_text(size) if self.kind == "share" else number_text(size)

    def resolution(self, runs: pd.DataFrame) -> float:
        """The smallest difference that may be called real, where nothing else is stated.

        For an accuracy the binomial standard error with which its images measure it, √(p (1 − p) / n); else 0.
        """
        if self.split is None:
            return 0.0
        from analysis.statistics.intervals import binomial_error

        values = runs[f"{self.split}_accuracy"]
        return binomial_error(float(values.mean()), int(runs[f"n_{self.split}"].iloc[0]))

    def favoured(self, study: Study, runs: pd.DataFrame, sign: float, margin: float | None = None) -> pd.Series:
        """The values of `runs` that another sample of images could as well have given: a margin larger or smaller.

        Args:
            study: Where the curves are.
            runs: The runs.
            sign: 1 for larger ones, -1 for smaller.
            margin: By how much; one standard error of the images where it is not given.
        """
        if margin is None and self.eased is not None:
            return self.eased(study, runs, -sign * METRICS["validation_accuracy"].resolution(runs))
        return self.of_runs(study, runs) + sign * (self.resolution(runs) if margin is None else margin)


def _column(name: str) -> Callable[[Study, pd.DataFrame], pd.Series]:
    return lambda _, runs: runs[name].astype(float)


def _until_converged(column: str, study: Study, runs: pd.DataFrame, slack: float = 0.0) -> pd.Series:
    from analysis.statistics.curves import convergence

    found = convergence(study.curves_of(runs), within=WITHIN + slack).set_index("run_id")
    return runs["run_id"].map(found[column]).astype(float)


def _evaluations_to_convergence(study: Study, runs: pd.DataFrame, slack: float = 0.0) -> pd.Series:
    return _until_converged("converged_k", study, runs, slack)


def _epochs_to_convergence(study: Study, runs: pd.DataFrame, slack: float = 0.0) -> pd.Series:
    return _until_converged("converged_epoch", study, runs, slack)


def _updates_to_convergence(study: Study, runs: pd.DataFrame, slack: float = 0.0) -> pd.Series:
    return _epochs_to_convergence(study, runs, slack) * runs["updates"] / runs["epochs"]


def _gap(_: Study, runs: pd.DataFrame) -> pd.Series:
    return (runs["train_accuracy"] - runs["validation_accuracy"]).astype(float)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        *(
            Metric(
                f"{split}_accuracy",
                f"{split} accuracy",
                "points",
                "share",
                True,
                _column(f"{split}_accuracy"),
                split=split,
                is_test=split == "test",
            )
            for split in ("train", "validation", "test")
        ),
        *(
            Metric(
                f"{split}_loss", f"{split} loss (nats)", "nats", "nats", False, _column(f"{split}_loss"),
                is_test=split == "test",
            )
            for split in ("train", "validation", "test")
        ),
        *(
            Metric(name, f"{unit} until within 1 point of the run's best", unit, "count", False, of_runs, eased=of_runs)
            for name, unit, of_runs in (
                ("convergence", "evaluations", _evaluations_to_convergence),
                ("convergence_epochs", "epochs", _epochs_to_convergence),
                ("convergence_updates", "updates", _updates_to_convergence),
            )
        ),
        Metric("gap", "train accuracy − validation accuracy", "points", "share", False, _gap),
        Metric("seconds", "training time (seconds)", "seconds", "time", False, _column("train_seconds")),
    )
}  # fmt: skip
"""Every metric that a claim or a figure may name."""


def nearest_of(name: object, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest of those that are known, else all of them."""
    names = list(known)
    near = get_close_matches(str(name), names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names) or 'none'}"


def _known(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"no metric is called {name!r}; {nearest_of(name, METRICS)}")
    return name


MetricName = Annotated[str, AfterValidator(_known)]
"""The key of a metric in a study file."""
