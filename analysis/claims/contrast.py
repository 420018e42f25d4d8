"""A claim as one number a replicate: what is looked at after each of them, until it is settled.

Form.contrast(claim, study) ─▶ Contrast (d₁ … dₙ, its trials) ──statistics/sequences.py──▶ Progress
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import NotApplicableError, NothingThereError
from analysis.statistics.sequences import MIN_DIFFERENCES, Decision, decide

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from analysis.claims.claim import Claim
    from analysis.statistics.intervals import Array
    from analysis.statistics.sequences import Expected
    from analysis.studies import Study


@dataclass(frozen=True, eq=False)
class Contrast:
    """What a claim says of replicates.

    Attributes:
        differences: d₁ … dₙ, of the replicates in which every trial of it is complete, in their order.
        trials: The numbers of the trials that a further replicate of it takes.
        run_ids: The runs behind the differences.
        expect: What the claim says of their mean against `than`.
        margin: The smallest difference that matters; 0 for none.
        than: What the mean is compared with.
        step: What the differences are multiples of, 0 where they are of nothing.
    """

    differences: Array
    trials: tuple[int, ...]
    run_ids: tuple[int, ...]
    expect: Expected
    margin: float
    than: float = 0.0
    step: float = 0.0


@dataclass(frozen=True)
class Progress:
    """How far a claim is from its verdict.

    Attributes:
        claim: The claim.
        study: The name of its study in the database.
        contrast: Its differences; None where replicates cannot settle it, with the `reason`.
        decision: What they say.
        seconds: Of one worker's training that another replicate of it takes.
        reason: Why replicates cannot settle it, or "".
    """

    claim: Claim
    study: str
    contrast: Contrast | None
    decision: Decision | None
    seconds: float = float("nan")
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether more replicates could settle it."""
        return self.decision is not None and self.decision.settled_at is None


def contrast_of(
    series: pd.DataFrame,
    runs: pd.DataFrame,
    expect: Expected,
    margin: float,
    *,
    than: float = 0.0,
    step: float = 0.0,
) -> Contrast:
    """The mean difference of each replicate that has all of them.

    Args:
        series: One row per difference: `replicate`, `difference`.
        runs: The runs behind them, of every replicate.
        expect: As in `Contrast`.
        margin: As in `Contrast`.
        than: As in `Contrast`.
        step: What one difference is a multiple of.
    """
    grouped = series.groupby("replicate")["difference"]
    counts = grouped.count()
    whole = counts.index[counts == counts.max()]
    each = grouped.mean().loc[whole].sort_index()
    used = runs[runs["replicate"].isin(whole)]
    return Contrast(
        differences=each.to_numpy(dtype=np.float64),
        trials=tuple(sorted(int(number) for number in runs["trial_number"].unique())),
        run_ids=tuple(sorted(int(run_id) for run_id in used["run_id"])),
        expect=expect,
        margin=margin,
        than=than,
        step=step / int(counts.max()),
    )


def step_of(claim: Claim, runs: pd.DataFrame) -> float:
    """What one value of the claim's metric is a multiple of: one image of its split, one evaluation; else 0."""
    metric = claim.measured
    if metric.split is not None:
        return 1 / int(runs[f"n_{metric.split}"].iloc[0])
    return 1.0 if metric.kind == "count" else 0.0


def progress(study: Study, claims: Iterable[Claim], *, n_claims: int, maximum: int) -> list[Progress]:
    """How far each claim of a study is from its verdict.

    Args:
        study: The study.
        claims: Its claims.
        n_claims: Claims that share the probability of a false verdict; see `judge.n_sharing`.
        maximum: Replicates up to which is forecast.
    """
    found = []
    for claim in claims:
        try:
            contrast = claim.form.contrast(claim, study)
        except (NotApplicableError, NothingThereError) as error:
            found.append(Progress(claim, study.name, None, None, reason=str(error)))
            continue
        if contrast is None:
            reason = f"a claim of {claim.form_name} is not settled by replicates"
            found.append(Progress(claim, study.name, None, None, reason=reason))
            continue
        decision = decide(
            contrast.differences,
            contrast.expect,
            margin=contrast.margin,
            than=contrast.than,
            n_claims=n_claims,
            step=contrast.step,
            maximum=max(maximum, MIN_DIFFERENCES),
        )
        runs = study.complete[study.complete["trial_number"].isin(contrast.trials)]
        took = (runs["train_seconds"] + runs["evaluate_seconds"]).groupby(runs["trial_number"]).mean()
        found.append(Progress(claim, study.name, contrast, decision, float(took.sum())))
    return found
