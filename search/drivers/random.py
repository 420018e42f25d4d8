"""Independent draws, all of them from the seed before anything runs."""

from collections.abc import Iterator
from itertools import islice

from engine.seeds import Stream, generator
from search.drivers.protocol import PlannedDriver, Proposal
from search.spec.space import Choices
from search.spec.study import StudySpec

# Draws that repeat an earlier configuration before the space counts as used up.
PATIENCE = 1_000


class RandomDriver(PlannedDriver):
    """`trials` distinct configurations; more trials begin with the same ones."""

    def __init__(self, spec: StudySpec) -> None:
        assert spec.trials is not None
        plan = list(islice(draw_proposals(spec), spec.trials))
        used_up = f"The space is used up: the study has {len(plan)} trials instead of {spec.trials}."
        super().__init__(plan, [used_up] if len(plan) < spec.trials else [])


def draw_proposals(spec: StudySpec) -> Iterator[Proposal]:
    """Configurations drawn one after the other, each axis in alphabetical order, repeats left out.

    One that breaks a constraint is drawn anew. Ends where a finite space is used up.
    """
    random = generator(spec.seed, Stream.PLAN)
    size = 1
    for axis in spec.points.axes.values():
        size = size * len(axis.values) if isinstance(axis, Choices) and size else 0
    seen: set[str] = set()
    repeats = 0
    while repeats < PATIENCE and (not size or len(seen) < size):
        params = spec.points.draw(random)
        if params is None:
            return
        drawn = spec.points.configuration(params)
        if drawn.hash in seen:
            repeats += 1
            continue
        repeats = 0
        seen.add(drawn.hash)
        yield Proposal(drawn, params)
