"""What this database says about each claim: the verdicts, and the rules that they follow.

    Claim.test(tables) → Evidence ──Holm over all claims──▶ judge → Finding

Verdicts: `supported`, `contradicted`, `undecided`, `not run`. A difference is called real only if its
interval excludes zero, its p value survives Holm's correction over all claims tested by one, and it is
larger than the binomial standard error with which the test images measure an accuracy. Claims about a level
on MNIST are not tested on other data.
"""

from dataclasses import dataclass, replace

import numpy as np

from analysis.claims.catalogue import CLAIMS
from analysis.claims.evidence import ALPHA, CONTRADICTED, NOT_RUN, SUPPORTED, UNDECIDED, Claim, Evidence, Number
from analysis.statistics.pairs import holm
from analysis.tables import NotApplicableError, StudyMissingError, Tables
from analysis.wording import p_text


@dataclass(frozen=True)
class Finding:
    """A claim with its verdict; `command` makes what is missing."""

    claim: Claim
    verdict: str
    sentence: str
    numbers: tuple[Number, ...] = ()
    run_ids: tuple[int, ...] = ()
    p: float = np.nan
    p_adjusted: float = np.nan
    command: str = ""


def judge(found: Evidence, p_adjusted: float) -> tuple[str, str]:
    """The verdict on a difference, and why it is not a firmer one."""
    if found.verdict == CONTRADICTED and p_adjusted >= ALPHA:
        return (
            UNDECIDED,
            f"The test does not survive the correction for several claims ({p_text(p_adjusted)}).",
        )
    if found.verdict is not None:
        return found.verdict, ""
    if not np.isfinite(found.low):
        return UNDECIDED, "Too few units for an interval."
    if found.low <= 0 <= found.high:
        return UNDECIDED, "The interval includes no difference."
    if not p_adjusted < ALPHA:
        return (
            UNDECIDED,
            f"The test does not survive the correction for several claims ({p_text(p_adjusted)}).",
        )
    if abs(found.difference) <= found.resolution:
        return UNDECIDED, (
            f"The difference is smaller than the {100 * found.resolution:.2f} points of standard "
            "error with which "
            "the test images measure an accuracy, so it is not called real."
        )
    return (SUPPORTED if found.difference > 0 else CONTRADICTED), ""


def examine(tables: Tables) -> list[Finding]:
    """Every claim with its verdict, in the report's order; p values are corrected over all of them (Holm)."""
    findings: list[Finding] = []
    tested: list[tuple[int, Evidence]] = []
    for position, claim in enumerate(CLAIMS):
        command = tables.command(claim.study)
        if claim.mnist_only and tables.dataset != "mnist":
            mnist_command = Tables("mnist", tables.runs, tables.curves).command(claim.study)
            reason = f"The claim is about MNIST; these runs are on {tables.dataset}."
            findings.append(Finding(claim, NOT_RUN, reason, command=mnist_command))
            continue
        try:
            found = claim.test(tables)
        except StudyMissingError as missing:
            findings.append(
                Finding(claim, NOT_RUN, f"Study {missing.study} {missing.reason}.", command=missing.command)
            )
            continue
        except NotApplicableError as error:
            findings.append(Finding(claim, NOT_RUN, f"{str(error)[:1].upper()}{str(error)[1:]}.", command=command))
            continue
        tested.append((position, found))
        findings.append(Finding(claim, UNDECIDED, found.sentence, found.numbers, found.run_ids, found.p))
    with_p = [(position, found) for position, found in tested if np.isfinite(found.p)]
    adjusted = dict(zip([p for p, _ in with_p], holm([e.p for _, e in with_p]), strict=True)) if with_p else {}
    for position, found in tested:
        p_adjusted = float(adjusted.get(position, np.nan))
        verdict, reason = judge(found, p_adjusted)
        sentence = " ".join(part for part in (found.sentence, reason, _one_seed(tables, found)) if part)
        findings[position] = replace(findings[position], verdict=verdict, sentence=sentence, p_adjusted=p_adjusted)
    return findings


def _one_seed(tables: Tables, found: Evidence) -> str:
    """A word of caution where all runs behind a finding have the same seed."""
    runs = tables.runs[tables.runs["run_id"].isin(found.run_ids)]
    if len(runs) < 2 or runs["seed"].nunique() > 1:
        return ""
    return "All runs share one seed, so this says nothing about other seeds."
