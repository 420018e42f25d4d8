"""A claim as one number a replicate: what is looked at after each of them, until it is settled.

Form.contrast(claim, study) ─▶ Contrast (d₁ … dₙ, its trials) ──statistics/sequences.py──▶ Progress
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.claims.evidence import margin_of, measured, run_ids_of
from analysis.errors import NotApplicableError, NothingThereError
from analysis.statistics.sequences import Decision, decide
from analysis.wording import count

if TYPE_CHECKING:
    import pandas as pd

    from analysis.claims.claim import Claim
    from analysis.claims.evidence import Margin
    from analysis.statistics.intervals import Array
    from analysis.statistics.sequences import Expected
    from analysis.studies import Study


@dataclass(frozen=True, eq=False)
class Contrast:
    """What a claim says of replicates.

    Attributes:
        differences: d₁ … dₙ, of the first replicates, up to the first in which not every trial of it is complete.
        trials: The numbers of the trials that a further replicate of it takes: those that the first replicate has.
        run_ids: The runs behind the differences.
        expect: What the claim says of their mean against `than`.
        margin: The smallest difference that matters; 0 for none.
        than: What the mean is compared with.
        step: What the differences are multiples of, 0 where they are of nothing.
        pairs: Where the claim is that no two levels differ, the differences of each two, shape (pairs, n).
    """

    differences: Array
    trials: tuple[int, ...]
    run_ids: tuple[int, ...]
    expect: Expected
    margin: float
    than: float = 0.0
    step: float = 0.0
    pairs: Array | None = None


@dataclass(frozen=True)
class Progress:
    """How far a claim is from its verdict.

    Attributes:
        claim: The claim.
        study: The name of its study in the database.
        contrast: Its differences; None where replicates cannot settle it, with the `reason`.
        decision: What they say.
        n_tried: Replicates from the first on that every one of its trials has ended, whatever became of them.
        seconds: Of one worker's training that another replicate of it takes.
        reason: Why replicates cannot settle it, or "".
    """

    claim: Claim
    study: str
    contrast: Contrast | None
    decision: Decision | None
    n_tried: int = 0
    seconds: float = float("nan")
    reason: str = ""

    @property
    def bounds(self) -> str:
        """The interval in words, within what such a value can be."""
        assert self.decision is not None and self.contrast is not None
        low, high, metric = self.decision.low, self.decision.high, self.claim.measured
        if not np.isfinite(low):
            return "none yet"
        if self.contrast.than:
            floor, ceiling = (0.0, 1.0) if metric.kind == "share" else (-np.inf, np.inf)
            return f"{metric.show_whole(max(low, floor))} to {metric.show_whole(min(high, ceiling))}"
        reach = 1.0 if metric.kind == "share" and metric.split else np.inf
        ends = (metric.show_difference(max(low, -reach)), metric.show_difference(min(high, reach)))
        return f"{ends[0]} to {ends[1]} {metric.unit}"

    @property
    def is_open(self) -> bool:
        """Whether more replicates could settle it."""
        return self.decision is not None and self.decision.settled_at is None


def complete_runs(claim: Claim, study: Study) -> pd.DataFrame:
    """The complete runs that a contrast is made of, with the claim's metric as the column `VALUE`.

    Which trials these are follows from the replicates that the study's file asks for alone: what was added later cannot
    change what is compared, and so no verdict that was reached.

    Raises:
        NotApplicableError: There is none.
    """
    runs = study.with_added
    runs = runs[runs["state"] == "complete"]
    if runs.empty:
        raise NotApplicableError(f"study {study.name} has no configuration whose asked replicates are all complete")
    return measured(claim, study, runs)


def contrast_of(
    claim: Claim,
    study: Study,
    series: pd.DataFrame,
    runs: pd.DataFrame,
    expect: Expected,
    *,
    margin: Margin | None = None,
    **more: Any,
) -> Contrast:
    """The mean difference of each replicate from the first on, as long as all its runs are complete.

    Args:
        claim: The claim.
        study: Its study.
        series: One row per difference: `replicate`, `difference`.
        runs: The runs behind them.
        expect: As in `Contrast`.
        margin: What the mean must exceed; by default the claim's margin, as far as the asked replicates tell it.
        more: Other fields of `Contrast`.

    Raises:
        NotApplicableError: A run of its trials diverged or failed. Differences of those that did not lean to one side.
            Or replicates are on cuts of the same data, so that they are not independent of each other.
    """
    if study.replicated.parts is not None:
        raise NotApplicableError(
            "its replicates are trained on cuts that share examples; a fixed number of them is judged by a corrected "
            "t, and no number of them by an interval that holds at every look"
        )
    trials = set(runs.loc[runs["replicate"] == 0, "trial_number"])
    runs = runs[runs["trial_number"].isin(trials)]
    every = study.with_added[study.with_added["trial_number"].isin(trials)]
    lost = every[every["state"].isin(("diverged", "failed"))]
    if len(lost):
        raise NotApplicableError(
            f"{count(len(lost), 'run')} of its configurations diverged or failed; the others would lean to one side"
        )
    n_whole = _n_whole(runs, len(trials))
    each = series.groupby("replicate")["difference"].mean().loc[: n_whole - 1].sort_index()
    n_differences = int((series["replicate"] == 0).sum())
    asked = runs[runs["replicate"] <= study.all_runs["replicate"].max()]
    return Contrast(
        differences=each.to_numpy(dtype=np.float64),
        trials=tuple(sorted(map(int, trials))),
        run_ids=run_ids_of(runs[runs["replicate"] < n_whole]),
        expect=expect,
        step=step_of(claim, runs) / n_differences,
        margin=(margin or margin_of(claim, asked)).size,
        **more,
    )


def _n_whole(runs: pd.DataFrame, n_trials: int) -> int:
    """Replicates from the first on, up to a gap, in which all of `n_trials` trials have a run."""
    sizes = runs.groupby("replicate")["trial_number"].nunique()
    return next(r for r in range(len(sizes) + 1) if sizes.get(r, 0) != n_trials)


def step_of(claim: Claim, runs: pd.DataFrame) -> float:
    """What one value of the claim's metric is a multiple of: one image of its split, one evaluation; else 0."""
    metric = claim.measured
    if metric.split is not None:
        return 1 / int(runs[f"n_{metric.split}"].iloc[0])
    return 1.0 if metric.kind == "count" else 0.0


def progress(study: Study, claim: Claim, *, n_claims: int) -> Progress:
    """How far a claim of a study is from its verdict.

    Args:
        study: The study.
        claim: The claim.
        n_claims: Claims that share the probability of a false verdict; see `judge.n_tested`.
    """
    try:
        contrast = claim.form.contrast(claim, study)
    except (NotApplicableError, NothingThereError) as error:
        return Progress(claim, study.name, None, None, reason=str(error))
    decision = decide(
        contrast.differences,
        contrast.expect,
        margin=contrast.margin,
        than=contrast.than,
        n_claims=n_claims,
        step=contrast.step,
        pairs=contrast.pairs,
    )
    runs = study.every_run[study.every_run["trial_number"].isin(contrast.trials)]
    done = runs[runs["state"] == "complete"]
    took = (done["train_seconds"] + done["evaluate_seconds"]).groupby(done["trial_number"]).mean()
    ended = runs[runs["state"].isin(("complete", "diverged", "failed", "pruned"))]
    n_tried = _n_whole(ended, len(contrast.trials))
    return Progress(claim, study.name, contrast, decision, n_tried, float(took.sum()))
