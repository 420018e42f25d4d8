"""Successive halving over training images and epochs (Jamieson & Talwalkar 2016) on a random plan.

    rung 0: all candidates, cheaply ─> rung 1: the best share of them, dearer ─> … ─> last rung: full fidelity

A rung starts when the one before has ended whole, so the plan depends on results alone and never on which worker was
faster. Each candidate is a trial of its own at every rung it reaches; only the last rung may be selected.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from math import ceil

from search.drivers.protocol import Outcome, Proposal, UnprunedDriver
from search.drivers.random import draw_proposals
from search.spec.study import StudySpec


class HalvingDriver(UnprunedDriver):
    """Random candidates, fewer at each rung, on more images and for more epochs."""

    def __init__(self, spec: StudySpec) -> None:
        assert spec.fidelity is not None
        assert spec.trials is not None
        self._fidelity = spec.fidelity
        self._candidates = list(islice(draw_proposals(spec), spec.trials))

    def _at(self, candidate: int, rung: int) -> Proposal:
        drawn = self._candidates[candidate]
        n_rungs = len(self._fidelity.train_images)
        sized = replace(
            drawn.configuration,
            train_images=self._fidelity.train_images[rung],
            epochs=self._fidelity.epochs[rung],
        )
        attributes = {"candidate": candidate, "rung": rung, "n_rungs": n_rungs}
        return Proposal(sized, drawn.params, attributes, full_fidelity=rung == n_rungs - 1)

    def proposals(self, outcomes: Mapping[int, Outcome], n_trials: int, n_free: int) -> Iterable[Proposal]:
        """Every rung that can be filled: the first, and each whose predecessor has ended whole."""
        del n_trials, n_free
        return self._known(outcomes)

    def outlook(self, outcomes: Mapping[int, Outcome], n_trials: int) -> list[Proposal]:
        """The rungs that cannot be filled yet, with the first candidates in place of the best."""
        del n_trials
        last = self._known(outcomes)[-1].attributes["rung"]
        expected, n = [], len(self._candidates)
        for rung in range(1, len(self._fidelity.train_images)):
            n = ceil(n * self._fidelity.keep)
            if rung > last:
                expected += [self._at(candidate, rung) for candidate in range(n)]
        return expected

    def _known(self, outcomes: Mapping[int, Outcome]) -> list[Proposal]:
        ended = {outcome.config_hash: outcome for outcome in outcomes.values()}
        going_on = list(range(len(self._candidates)))
        found: list[Proposal] = []
        for rung in range(len(self._fidelity.train_images)):
            here = [self._at(candidate, rung) for candidate in going_on]
            found += here
            results = [ended.get(proposal.configuration.hash) for proposal in here]
            if None in results:
                break
            ranked = sorted(
                (-outcome.value, outcome.loss, candidate)
                for outcome, candidate in zip(results, going_on, strict=True)
                if outcome is not None and outcome.value is not None and outcome.loss is not None
            )
            going_on = sorted(candidate for _, _, candidate in ranked[: ceil(len(here) * self._fidelity.keep)])
        return found
