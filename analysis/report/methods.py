"""How things are measured and compared: the sentences that close a page, those alone that apply to what is on it."""

from collections.abc import Collection, Iterator, Sequence

from analysis.claims.claim import Claim
from analysis.claims.judge import Finding
from analysis.selection_rule import READ_AT, RULES, in_words
from analysis.statistics.intervals import LEVEL, MIN_BOOTSTRAP
from analysis.statistics.pairs import MIN_FLIPS, MIN_REPLICATES
from analysis.studies import Study
from analysis.wording import percent_text


def methods(studies: Sequence[Study], findings: Sequence[Finding], figures: Collection[str]) -> Iterator[str]:
    """The sentences for these studies, findings and forms of figures that are drawn."""
    yield from _read_and_chosen(studies)
    yield (
        f"Intervals are at {percent_text(LEVEL, 0)}. Those of a mean are studentised bootstraps that resample whole "
        f"units from {MIN_BOOTSTRAP} independent units on, with fewer Student's t, with one there is none. Runs and "
        "never evaluations are resampled."
    )
    claims = [finding.claim for finding in findings if isinstance(finding.claim, Claim)]
    forms = {claim.form_name for claim in claims}
    if "compare" in forms or {"paired", "one_factor"} & set(figures):
        yield (
            f"Pairs agree in everything but one factor and in the seeds of their replicate. From {MIN_REPLICATES} "
            "replicates on the replicates are the independent units. With fewer, the levels of the longest numeric "
            "axis are, where there is one: such an interval says nothing about other seeds."
        )
    for study in studies:
        if study.replicated.anew:
            anew = " and ".join(study.replicated.anew)
            yield (
                f"Replicates of {study.name} draw anew {anew} alone: what is said of other seeds is said with the rest "
                "as it is held there."
            )
        if study.replicated.crossed:
            yield f"Runs of {study.name} share what they draw, level by level, so that their means have no interval."
    if any(study.replicated.parts for study in studies):
        yield (
            "Replicates on several cuts of the same data into training and validation have training sets that overlap, "
            "so that their mean is less sure than its spread says: interval and p value are those of the corrected "
            "resampled t test (Nadeau and Bengio 2003), however many or few there are."
        )
    if "trend" in forms:
        yield (
            "A trend is the change along a line fitted by least squares from the lowest to the highest level, which is "
            "logarithmic where the levels spread over magnitudes."
        )
    if any(claim.expect in ("same", "neither") for claim in claims):
        yield (
            "That there is no difference that matters is tested by two one-sided tests: the difference is surely below "
            "the margin and surely above its negative. Not to have found one is not enough."
        )
    tested = [finding for finding in findings if finding.p == finding.p]
    if tested:
        corrected = " They are corrected (Holm) over the claims of the study, or of all studies of its page."
        yield f"p values come from sign flips ({MIN_FLIPS} units or more) or Student's t." + corrected * (
            len(tested) > 1
        )
    if any(claim.metric.endswith("_accuracy") and claim.margin is None for claim in claims):
        yield from _images(studies)
    if any(claim.metric.startswith("convergence") for claim in claims):
        yield "Converged means within one percentage point of the run's own best validation accuracy."
    if "selected" in forms:
        yield (
            "What two studies select is compared on the same examples, seed by seed, where it is known which of them "
            "each run got right; else with a normal interval from examples and seeds, which is rather too wide."
        )
    if "agreement" in forms or "fidelity" in figures:
        yield "The agreement of two rankings is Kendall's τ-b, with a BCa bootstrap over the candidates."
    if "noise" in figures:
        yield (
            "Sources of noise are random effects of a crossed, balanced design, estimated from mean squares; their "
            "intervals are generalised ones (Weerahandi 1993), at 0 where the mean squares say less."
        )
    if "expected_best" in figures:
        yield (
            "Expected best against number of trials is the unbiased estimate of Tang et al. (2020) with "
            "Dvoretzky–Kiefer–Wolfowitz bands."
        )


def _images(studies: Sequence[Study]) -> Iterator[str]:
    """What images do to accuracies: by those that each run got right, else by their number."""
    known = [
        s.has_results and not s.replicated.parts and s.predictions.rows(s.complete, "test") is not None for s in studies
    ]
    if any(known):
        yield (
            "It is known which examples each run got right, so intervals of accuracies and their differences are over "
            "seeds and examples together (two-way random effects): on these examples, with other seeds, and on such "
            "examples, with others of both. The latter decides. With one seed a difference must be larger than what "
            "other examples may do to it. That there is no difference needs a margin; where a claim states none it is "
            "the binomial standard error √(p (1 − p) / n) of one accuracy on its n examples."
        )
    if not all(known):
        names = ", ".join(s.name for s, is_known in zip(studies, known, strict=True) if not is_known)
        of = f" of {names}" if any(known) else ""
        cuts = ", or they are on cuts that share examples" if any(s.replicated.parts for s in studies) else ""
        yield (
            f"It is not known which examples the runs{of} got right{cuts}. Where a claim states no margin, no "
            "difference of accuracies is called real there that is smaller than the binomial standard error "
            "√(p (1 − p) / n) of one accuracy on its n examples, which is that of two unrelated samples and rather too "
            "large."
        )


def _read_and_chosen(studies: Sequence[Study]) -> Iterator[str]:
    for read_at in sorted({str(study.spec.get("at") or "best") for study in studies}):
        first, ties = in_words(READ_AT[read_at])
        at = f"the evaluation with the {first} (ties: {ties})" if ties else f"{first} of its evaluations"
        yield f"A run is read at {at}. Trials are chosen by: {RULES[read_at]}. Test values take no part in it."
