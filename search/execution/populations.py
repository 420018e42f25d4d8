"""Which runs train together: linear runs of one replicate, in lock-step, spread over the workers.

A kernel works on sixteen members at a time and costs the same for one as for sixteen, so populations are
filled up to that; but not so few that a worker has nothing to do. Momentum doubles the work of an update and
weight decay adds to it, for the whole population if for one member, so runs are kept apart by both.
"""

from collections.abc import Hashable, Sequence
from math import ceil
from typing import Protocol, TypeVar

from engine.configuration import Configuration
from engine.cuts import Cut
from engine.implementations import population_key
from engine.kernels.simd import LANES
from engine.seeds import Seed


class Schedulable(Protocol):
    """A run that waits for a worker."""

    @property
    def configuration(self) -> Configuration:
        """What it trains."""

    @property
    def seed(self) -> Seed:
        """Its seed."""

    @property
    def cut(self) -> Cut | None:
        """The images it is trained on."""

    @property
    def start_k(self) -> int:
        """Evaluations it has already, from a checkpoint."""


RunT = TypeVar("RunT", bound=Schedulable)


def group_runs(runs: Sequence[RunT], n_workers: int) -> list[list[RunT]]:
    """Runs that train together, in the order of their first run: populations of linear runs, others alone.

    Those on one cut of the data follow each other, so that few cuts are in memory at a time.

    Args:
        runs: what is to be trained.
        n_workers: how many groups can be trained at once.
    """
    alone = [[i] for i, run in enumerate(runs) if population_key(run.configuration, run.seed) is None]
    together: dict[Hashable, list[int]] = {}
    for i, run in enumerate(runs):
        key = population_key(run.configuration, run.seed)
        if key is not None:
            kind = (run.configuration.momentum, run.configuration.weight_decay > 0)
            together.setdefault((key, run.cut, run.start_k, kind), []).append(i)
    groups = alone
    # Half a population costs as much as a whole one, so it is cut only where a worker would have nothing to do.
    n_groups = len(alone) + sum(ceil(len(members) / LANES) for members in together.values())
    n_parts = ceil(n_workers / n_groups) if n_groups else 1
    for members in together.values():
        size = min(LANES, ceil(len(members) / n_parts))
        groups += [members[start : start + size] for start in range(0, len(members), size)]
    places: dict[Cut | None, int] = {}
    for run in runs:
        places.setdefault(run.cut, len(places))
    return [[runs[i] for i in group] for group in sorted(groups, key=lambda group: (places[runs[group[0]].cut], group))]
