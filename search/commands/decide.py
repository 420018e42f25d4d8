"""`digitsweep decide`: replicates where a claim is open, until each is settled or the budget ends."""

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from analysis.statistics.sequences import MAX_FORECAST, MIN_DIFFERENCES
from engine.errors import DigitsweepError
from search.commands.common import console, load_stored_data, say
from search.commands.options import (
    Database,
    DataFolder,
    DatasetName,
    Jobs,
    MaxReplicates,
    StudyName,
    TimeBudget,
    seconds,
)
from search.commands.report import analysis_errors
from search.commands.tables import fitting
from search.commands.training import leave_interrupted
from search.commands.typed import typed_command
from search.wording import count, duration

if TYPE_CHECKING:
    from analysis.claims.contrast import Progress
    from search.decide import Decided


def decide(
    study: StudyName,
    db: Database = "runs.sqlite",
    max_replicates: MaxReplicates = 64,
    time: TimeBudget = None,
    jobs: Jobs = None,
    dataset: DatasetName = None,
    data: DataFolder = None,
) -> None:
    """Add replicates of exactly what the study's open claims need, until each has a verdict or the budget ends."""
    from engine.kernels.launch import compile_kernels
    from search.decide import decide as run
    from search.decide import look, stored_study
    from search.execution.progress import terminal_display

    stored = stored_study(db, study)
    name = stored.name
    with analysis_errors():
        look(db, name)  # that there are claims, before data is read
    images = load_stored_data(stored.data_source, db, dataset, data)
    compile_kernels(say)
    with terminal_display(console) as display:
        result = run(
            db,
            name,
            images,
            max_replicates=max_replicates,
            max_seconds=seconds(time) if time else None,
            n_jobs=jobs or os.cpu_count() or 1,
            display=display,
            say=say,
        )
    if result.last is not None and result.last.interrupted:
        leave_interrupted(f"\n{name}: interrupted; nothing is lost. Go on with:\n  {typed_command()}")
    _print(result, max_replicates, jobs or os.cpu_count() or 1)
    if result.last is not None and result.last.n_failed:
        raise DigitsweepError(f"{count(result.last.n_failed, 'run')} failed; v_runs has the errors")


def _print(result: "Decided", max_replicates: int, n_jobs: int) -> None:
    """Each claim with its verdict, or what it would take; then those that replicates do not settle, and why."""
    if any(each.decision for each in result.claims):
        console.print(claims_table(result.study, result.claims, max_replicates, n_jobs, console.width))
    for each in result.claims:
        if each.decision is None:
            say(f"Not settled by replicates: {each.claim.claim} ({each.reason})")
    ended = " The time budget is used up." if result.out_of_time else ""
    say(f"{result.study}: {count(result.n_trained, 'run')} trained in {duration(result.seconds)}.{ended}")


def claims_table(study: str, claims: Sequence["Progress"], max_replicates: int, n_jobs: int, width: int) -> Table:
    """One row for each claim that replicates settle, in `width` characters: what does not fit is left out."""
    lines = []
    for each in claims:
        if each.decision is None or each.contrast is None:
            continue
        metric = each.claim.measured
        show = metric.show_whole if each.contrast.than else metric.show_difference
        lines.append(
            {
                "claim": each.claim.claim,
                "verdict": each.decision.outcome,
                "replicates": str(each.decision.n),
                "mean": show(each.decision.estimate),
                "interval at every look": each.bounds,
                "to settle it": _what_it_takes(each, max_replicates, n_jobs),
            }
        )
    sentences = ("claim", "verdict", "to settle it")
    optional = ("mean", "replicates", "to settle it")
    return fitting(f"{study}: claims", lines, width, optional, sentences=sentences)


def _what_it_takes(claim: "Progress", max_replicates: int, n_jobs: int) -> str:
    decision, contrast = claim.decision, claim.contrast
    assert decision is not None
    assert contrast is not None
    if decision.settled_at is not None:
        return f"settled at {decision.settled_at}"
    within = decision.more is not None and decision.n + decision.more <= max_replicates
    left = max(abs(decision.low), abs(decision.high))
    if not within and not contrast.margin and not contrast.than and math.isfinite(left):
        metric = claim.claim.measured
        return f"nothing beyond {metric.show_size(left)} {metric.unit} is left; state as margin what matters"
    if decision.more is not None:
        takes = f"about {decision.more:,} more, {duration(decision.more * claim.seconds / n_jobs)}"
        return takes if within else f"{takes}; {max_replicates} are allowed"
    return f"more than {MAX_FORECAST:,}" if decision.n >= MIN_DIFFERENCES else "cannot be told yet"
