"""Independent draws, all of them from the seed before anything runs."""

from collections.abc import Iterator
from itertools import islice

from engine.seeds import Stream, generator
from search.drivers.protocol import PlannedDriver, Proposal
from search.spec.space import Choices, Params, configuration
from search.spec.study import StudySpec

# Draws that repeat an earlier configuration before the space counts as used up.
PATIENCE = 1_000


class RandomDriver(PlannedDriver):
    """`trials` distinct configurations; more trials begin with the same ones."""

    def __init__(self, spec: StudySpec) -> None:
        assert spec.trials is not None
        super().__init__(islice(draw_proposals(spec), spec.trials))
        self._n_wanted: int | None = spec.trials

    def messages(self, n_jobs: int) -> list[str]:
        """That the space has fewer configurations than the study wants, once."""
        del n_jobs
        n_wanted, self._n_wanted = self._n_wanted, None
        if n_wanted is None or len(self.plan) == n_wanted:
            return []
        return [f"The space is used up: the study has {len(self.plan)} trials instead of {n_wanted}."]


def draw_proposals(spec: StudySpec) -> Iterator[Proposal]:
    """Configurations drawn one after the other, each axis in alphabetical order, repeats left out.

    Ends where a finite space is used up.
    """
    random = generator(spec.seed, Stream.PLAN)
    axes = spec.axes
    size = 1
    for axis in axes.values():
        size = size * len(axis.values) if isinstance(axis, Choices) and size else 0
    seen: set[str] = set()
    repeats = 0
    while repeats < PATIENCE and (not size or len(seen) < size):
        params: Params = {name: axis.draw(random) for name, axis in axes.items()}
        drawn = configuration(spec.fixed, params)
        if drawn.hash in seen:
            repeats += 1
            continue
        repeats = 0
        seen.add(drawn.hash)
        yield Proposal(drawn, params)
