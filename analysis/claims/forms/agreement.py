"""`agreement`: two rankings of the same configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from analysis.claims.claim import ClaimError, Form
from analysis.claims.evidence import Evidence, Number, Verdict, run_ids_of
from analysis.errors import NothingThereError
from analysis.wording import count, number_text, percent_text

if TYPE_CHECKING:
    from analysis.claims.claim import Claim, Stated
    from analysis.studies import Studies, Study

RANKED_BY = "validation_accuracy"
"""What candidates are ranked by, as the selection does."""


class Agreement(Form):
    """Whether two rankings of the same configurations agree: of the lowest and a higher fidelity, or of two studies.

    Configurations are ranked by validation accuracy, as the selection does.

    Attributes:
        against: A study that trains the same configurations in full, by its name in its file; where it is not given or
            not there, the highest rung of this study that enough candidates reached.
        at_least: Kendall's rank correlation that the whole interval must reach.
    """

    against: str | None = None
    at_least: float = Field(ge=-1, le=1)

    def check(self, claim: Claim, stated: Stated) -> None:
        """There are two rankings, and they are by validation accuracy."""
        super().check(claim, stated)
        if self.against is None and not stated.has_rungs:
            raise ClaimError(
                "agreement needs a second ranking: fidelity: in this study, or against: with the name of a study that "
                "trains the same configurations",
                "agreement.against",
            )
        if self.against == stated.study:
            raise ClaimError("against must be another study, but is this one", "agreement.against")
        if claim.metric != RANKED_BY:
            raise ClaimError(
                f"agreement ranks as the selection does: metric must be {RANKED_BY}, but is {claim.metric}", "metric"
            )

    def is_tested(self) -> bool:
        """An interval over candidates, without a p value."""
        return False

    def support(self, claim: Claim) -> str:  # noqa: ARG002
        """What would support and what contradict it."""
        return (
            f"A rank correlation (Kendall) of at least {number_text(self.at_least)}, with its whole interval; "
            "contradicted where the whole interval, over all candidates, lies below."
        )

    def examine(self, claim: Claim, study: Study, studies: Studies) -> Evidence:  # noqa: ARG002
        """Kendall's correlation of the two rankings.

        Successive halving drops candidates between rungs. Where the correlation is over the best of the smallest rung
        alone, it is biased towards zero: it can support the claim, but not contradict it.
        """
        from analysis.fidelity import agreement, cost, describe_agreement, has_rungs, place_of_winner, rungs

        other = None
        if self.against is not None:
            try:
                other = studies.beside(study, self.against)
            except NothingThereError:
                if not has_rungs(study):
                    raise
        table, runs = rungs(study)
        compared = agreement(study, table, runs, other)
        found = compared.correlation
        verdict = Verdict.UNDECIDED
        if found.known and found.low >= self.at_least:
            verdict = Verdict.SUPPORTED
        elif found.known and found.high < self.at_least and compared.is_whole:
            verdict = Verdict.CONTRADICTED
        n_candidates = table["candidate"].nunique()
        sentence = (
            f"{count(found.n, 'candidate')} of {n_candidates} were trained on {compared.smaller} and on "
            f"{compared.larger}; the rankings agree with a Kendall correlation of {describe_agreement(found)}; "
            f"{number_text(self.at_least)} would be {percent_text((1 + self.at_least) / 2, 0)} of the pairs in the "
            "same order."
        )
        numbers = [Number("Kendall correlation", number_text(found.estimate))]
        if table["rung"].nunique() > 1:
            place, _ = place_of_winner(table)
            share = percent_text(cost(table), 0)
            sentence += (
                f" The candidate that is best at the end, one of those kept, was number {place} on the smallest set. "
                f"Halving trained on {share} of the examples that all candidates in full would have needed."
            )
            numbers += [
                Number("rank of the best on the smallest set", str(place)),
                Number("examples trained on, of those for all candidates in full", share),
            ]
        return Evidence(sentence, tuple(sorted({*run_ids_of(runs), *compared.run_ids})), tuple(numbers), verdict)
