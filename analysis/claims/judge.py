"""What this database says about each claim of its studies: the verdicts, and the rules that they follow.

    form.examine(claim, study, studies) → Evidence ──Holm over the claims of a page──▶ judge → Finding

Verdicts: `supported`, `contradicted`, `undecided`; `not run` where runs are missing, `other settings` where the claim
needs others than the stored study has. A difference is called real only if its interval excludes zero, its p value
survives Holm's correction over the claims of the page, and it is larger than the margin. That two levels are the same
is called so only if two one-sided tests put the difference within the margin, after the same correction.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from analysis.claims.claim import Claim
from analysis.claims.contrast import Progress, progress
from analysis.claims.evidence import Evidence, Number, Verdict
from analysis.claims.forms import StatedClaim
from analysis.errors import NotApplicableError, NothingThereError
from analysis.statistics.intervals import ALPHA
from analysis.statistics.pairs import MIN_REPLICATES, holm
from analysis.studies import Studies, Study
from analysis.wording import capital, count, factor_name, p_text, value_text


@dataclass(frozen=True)
class UnreadClaim:
    """A stored claim that this program cannot test: an earlier or a later one wrote it."""

    claim: str
    where: str
    anchor: str


@dataclass(frozen=True)
class Finding:
    """A claim with its verdict.

    Attributes:
        claim: The claim: `claim`, `where`, `anchor`.
        study: The name of its study in the database.
        verdict: What the data say.
        sentence: The result in words.
        support: What would support and what contradict it.
        numbers: Named numbers behind the verdict.
        run_ids: Runs behind it.
        p: Two-sided p value, where there is a test.
        p_adjusted: The same after Holm's correction over the claims of the page.
        command: What makes what is missing, where that is known.
    """

    claim: Claim | UnreadClaim
    study: str
    verdict: Verdict
    sentence: str
    support: str = ""
    numbers: tuple[Number, ...] = ()
    run_ids: tuple[int, ...] = ()
    p: float = math.nan
    p_adjusted: float = math.nan
    command: str = ""


def judge(found: Evidence, p_adjusted: float) -> tuple[Verdict, str]:
    """The verdict on evidence, and why it is not a firmer one."""
    lost = Verdict.UNDECIDED, f"The test does not survive the correction for several claims ({p_text(p_adjusted)})."
    if found.verdict is Verdict.CONTRADICTED and p_adjusted >= ALPHA:
        return lost
    if found.verdict is not None:
        return found.verdict, ""
    if not np.isfinite(found.low):
        return Verdict.UNDECIDED, "Too few units for an interval."
    if found.is_same:
        within = abs(found.difference) <= found.margin.size
        if p_adjusted < ALPHA:
            return (Verdict.SUPPORTED if within else Verdict.CONTRADICTED), ""
        if found.p < ALPHA:
            return lost
        where = "no larger" if within else "larger"
        return Verdict.UNDECIDED, f"Whether it is {where} than {found.margin.words} is not sure ({p_text(found.p)})."
    if found.low <= 0 <= found.high:
        return Verdict.UNDECIDED, "The interval includes no difference."
    if not p_adjusted < ALPHA:
        return lost
    if abs(found.difference) <= found.margin.size:
        return Verdict.UNDECIDED, f"The difference is smaller than {found.margin.words}, so it is not called real."
    return (Verdict.SUPPORTED if found.difference > 0 else Verdict.CONTRADICTED), ""


def claims_of(study: Study) -> Iterator[Claim | UnreadClaim]:
    """The claims that the study's file states; those that do not validate as `UnreadClaim`."""
    stated = study.spec.get("claims") or []
    for raw in stated if isinstance(stated, list) else [stated]:
        try:
            yield StatedClaim.model_validate(raw)
        except ValidationError:
            kept = raw if isinstance(raw, Mapping) else {}
            yield UnreadClaim(str(kept.get("claim") or "A claim."), str(kept.get("where") or ""), "claim")


def examine(studies: Studies) -> list[Finding]:
    """Every claim of the studies shown with its verdict, in their order.

    P values are corrected over the claims of a page (Holm): those of all studies of the database with the same `page:`
    on the same data, else those of the one study. So a verdict does not depend on what is shown beside it.
    """
    found: dict[str, list[Finding]] = {}
    for study in studies:
        if study.name not in found:
            family = _family(study, studies)
            looked = [(s, claim, _look(claim, s, studies)) for s in family for claim in claims_of(s)]
            for s in family:
                found[s.name] = []
            adjusted_p = _adjusted([seen for _, _, seen in looked], n_tested(study, studies))
            for (s, claim, seen), adjusted in zip(looked, adjusted_p, strict=True):
                found[s.name].append(_conclude(studies, s, claim, seen, adjusted))
    return [finding for study in studies for finding in found[study.name]]


def _family(study: Study, studies: Studies) -> list[Study]:
    """The studies whose claims are tested together with those of `study`, itself among them."""
    page = study.spec.get("page")
    if not page:
        return [study]
    return [s for s in studies.everything if s.spec.get("page") == page and s.data_sha256 == study.data_sha256]


def _adjusted(looked: Sequence[Evidence | Finding], n_claims: int) -> list[float]:
    """P values after Holm's correction, beside which sequential claims have shares of their own of what is allowed."""
    p = np.array([seen.p for seen in looked])
    adjusted, tested = np.full(len(p), np.nan), np.isfinite(p)
    share = 1.0
    if any(isinstance(seen, Evidence) and seen.is_sequential for seen in looked):
        share = tested.sum() / n_claims
    if tested.any():
        adjusted[tested] = np.minimum(1.0, holm(p[tested]) / share)
    return [float(value) for value in adjusted]


def _look(claim: Claim | UnreadClaim, study: Study, studies: Studies) -> Evidence | Finding:
    """The evidence on a claim, or the finding that it could not be looked for."""
    if isinstance(claim, UnreadClaim):
        reason = "The database holds this claim in a form that this version does not know; run the study again."
        return Finding(claim, study.name, Verdict.NOT_RUN, reason, command=study.commands.again)
    support = claim.form.support(claim)
    if differs := other_settings(claim, study):
        return Finding(claim, study.name, Verdict.OTHER_SETTINGS, differs, support)
    try:
        found = claim.form.examine(claim, study, studies)
        return _after_each_look(claim, study, studies, found) if study.decided else found
    except (NothingThereError, NotApplicableError) as error:
        command = error.command if isinstance(error, NothingThereError) else study.commands.again
        return Finding(claim, study.name, Verdict.NOT_RUN, f"{capital(str(error))}.", support, command=command)


def n_tested(study: Study, studies: Studies) -> int:
    """Claims of the study's page that share the probability of a false verdict, as its files state them."""
    claims = [claim for each in _family(study, studies) for claim in claims_of(each) if isinstance(claim, Claim)]
    return max(1, sum(claim.form.is_tested() for claim in claims))


def progress_of(study: Study, studies: Studies) -> list[Progress]:
    """How far each claim of the study is from a verdict that holds at every look."""
    n_claims, found = n_tested(study, studies), []
    for claim in claims_of(study):
        if isinstance(claim, Claim):
            differs = other_settings(claim, study)
            found.append(
                Progress(claim, study.name, None, None, reason=differs)
                if differs
                else progress(study, claim, n_claims=n_claims)
            )
    return found


def _after_each_look(claim: Claim, study: Study, studies: Studies, found: Evidence) -> Evidence:
    """The evidence where replicates were added in the light of results: its interval holds however often one looked."""
    now = progress(study, claim, n_claims=n_tested(study, studies))
    if now.decision is None or now.contrast is None or not study.decided & set(now.contrast.trials):
        return found
    decision = now.decision
    end = f"settled at {decision.settled_at}" if decision.settled_at else "not settled yet"
    more = f", about {count(decision.more, 'replicate')} more would settle it" if decision.more else ""
    sentence = (
        f"{found.sentence} Replicates were added until a verdict: an interval that holds at every look, {now.bounds} "
        f"({count(decision.n, 'replicate')}, {end}{more})."
    )
    verdict = Verdict(decision.outcome)
    run_ids = tuple(sorted({*found.run_ids, *now.contrast.run_ids}))
    return replace(
        found,
        verdict=verdict,
        sentence=sentence,
        run_ids=run_ids,
        p=math.nan,
        wants_seeds=False,
        caution="",
        is_sequential=True,
    )


def other_settings(claim: Claim, study: Study) -> str:
    """How the stored study differs from what the claim needs, in words; "" where it does not."""
    for name, needed in claim.needs.items():
        found = [study.dataset] if name == "dataset" else _values(study.all_runs, name)
        wanted = needed if isinstance(needed, list) else [needed]
        fits = all(value in found for value in wanted) if isinstance(needed, list) else found == wanted
        if not fits:
            texts = (", ".join(value_text(value) for value in values) or "nothing" for values in (wanted, found))
            return "The claim needs {} {}, but the study has {}.".format(factor_name(name), *texts)
    return ""


def _values(runs: pd.DataFrame, name: str) -> list[Any]:
    """The values of a hyperparameter in the runs, each once; none where the database does not know it."""
    if name not in runs:
        return []
    return [None if pd.isna(value) else value for value in runs[name].unique().tolist()]


def _conclude(
    studies: Studies, study: Study, claim: Claim | UnreadClaim, seen: Evidence | Finding, p_adjusted: float
) -> Finding:
    if isinstance(seen, Finding) or isinstance(claim, UnreadClaim):
        assert isinstance(seen, Finding)
        return seen
    verdict, reason = judge(seen, p_adjusted)
    wants_seeds = seen.wants_seeds or (seen.verdict is None and not np.isfinite(seen.low))
    command = study.commands.replicates(MIN_REPLICATES) if wants_seeds else ""
    sentence = " ".join(part for part in (seen.sentence, seen.caution, reason, _one_seed(studies, seen)) if part)
    support, numbers = claim.form.support(claim), seen.numbers
    return Finding(claim, study.name, verdict, sentence, support, numbers, seen.run_ids, seen.p, p_adjusted, command)


def _one_seed(studies: Studies, found: Evidence) -> str:
    """A word of caution where all runs behind a finding have the same seed."""
    seeds = [s.every_run.loc[s.every_run["run_id"].isin(found.run_ids), "seed"] for s in studies.everything]
    behind = pd.concat(seeds)
    if len(behind) < 2 or behind.nunique() > 1:
        return ""
    return "All runs share one seed, so this says nothing about other seeds."
