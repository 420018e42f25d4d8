"""What this database says about each claim: the verdicts, and the rules that they follow.

    Claim.test(tables) → Evidence ──Holm over all claims──▶ judge → Finding

Verdicts: `supported`, `contradicted`, `undecided`, `not run`. A difference is called real only if its
interval excludes zero, its p value survives Holm's correction over all claims tested by one, and it is
larger than the binomial standard error with which the test images measure an accuracy. Claims about a level
on MNIST are not tested on other data.
"""

from dataclasses import dataclass

import numpy as np

from analysis.claims.catalogue import CLAIMS
from analysis.claims.evidence import Claim, Evidence, Number, Verdict
from analysis.commands import REPORT_DATASET, Commands
from analysis.statistics.intervals import ALPHA
from analysis.statistics.pairs import holm
from analysis.tables import NotApplicableError, StudyMissingError, Tables
from analysis.wording import p_text, points_text


@dataclass(frozen=True)
class Finding:
    """A claim with its verdict; `command` makes what is missing."""

    claim: Claim
    verdict: Verdict
    sentence: str
    numbers: tuple[Number, ...] = ()
    run_ids: tuple[int, ...] = ()
    p: float = np.nan
    p_adjusted: float = np.nan
    command: str = ""


def judge(found: Evidence, p_adjusted: float) -> tuple[Verdict, str]:
    """The verdict on a difference, and why it is not a firmer one."""
    lost = Verdict.UNDECIDED, f"The test does not survive the correction for several claims ({p_text(p_adjusted)})."
    if found.verdict is Verdict.CONTRADICTED and p_adjusted >= ALPHA:
        return lost
    if found.verdict is not None:
        return found.verdict, ""
    if not np.isfinite(found.low):
        return Verdict.UNDECIDED, "Too few units for an interval."
    if found.low <= 0 <= found.high:
        return Verdict.UNDECIDED, "The interval includes no difference."
    if not p_adjusted < ALPHA:
        return lost
    if abs(found.difference) <= found.resolution:
        return Verdict.UNDECIDED, (
            f"The difference is smaller than the {points_text(found.resolution)} points of standard error with which "
            "the test images measure an accuracy, so it is not called real."
        )
    return (Verdict.SUPPORTED if found.difference > 0 else Verdict.CONTRADICTED), ""


def examine(tables: Tables) -> list[Finding]:
    """Every claim with its verdict, in the report's order; p values are corrected over all of them (Holm)."""
    looked = [_look(claim, tables) for claim in CLAIMS]
    p = np.array([found.p for found in looked])
    tested = np.isfinite(p)
    adjusted = np.full(len(p), np.nan)
    adjusted[tested] = holm(p[tested])
    return [
        found if isinstance(found, Finding) else _conclude(tables, claim, found, float(p_adjusted))
        for claim, found, p_adjusted in zip(CLAIMS, looked, adjusted, strict=True)
    ]


def _look(claim: Claim, tables: Tables) -> Evidence | Finding:
    """The evidence on a claim, or the finding that it could not be looked for."""
    if claim.mnist_only and tables.dataset != REPORT_DATASET:
        reason = f"The claim is about MNIST; these runs are on {tables.dataset}."
        return Finding(
            claim, Verdict.NOT_RUN, reason, command=Commands(database=tables.commands.database).make(claim.study)
        )
    try:
        return claim.test(tables)
    except StudyMissingError as missing:
        return Finding(claim, Verdict.NOT_RUN, f"Study {missing.study} {missing.reason}.", command=missing.command)
    except NotApplicableError as error:
        reason = f"{str(error)[:1].upper()}{str(error)[1:]}."
        return Finding(claim, Verdict.NOT_RUN, reason, command=tables.commands.make(claim.study))


def _conclude(tables: Tables, claim: Claim, found: Evidence, p_adjusted: float) -> Finding:
    verdict, reason = judge(found, p_adjusted)
    sentence = " ".join(part for part in (found.sentence, reason, _one_seed(tables, found)) if part)
    return Finding(claim, verdict, sentence, found.numbers, found.run_ids, found.p, p_adjusted)


def _one_seed(tables: Tables, found: Evidence) -> str:
    """A word of caution where all runs behind a finding have the same seed."""
    runs = tables.runs[tables.runs["run_id"].isin(found.run_ids)]
    if len(runs) < 2 or runs["seed"].nunique() > 1:
        return ""
    return "All runs share one seed, so this says nothing about other seeds."
