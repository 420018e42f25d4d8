"""The best configurations of another study again, with seeds that the selection has not seen.

The best of many single runs is better than it will be again, because part of what made it best was luck. Fresh
seeds measure that part: the difference is the optimism of the selection.
"""

from engine.seeds import derive_seed
from search.drivers.protocol import PlannedDriver, Proposal
from search.store.candidates import RankedTrial

# Far beyond any replicate, so that the confirmation's seeds are no study's.
_FRESH = 2**20


def confirmation_seed(study_seed: int) -> int:
    """The study seed of a confirmation, in [0, 2³¹): a function of the confirmed study's."""
    return derive_seed(study_seed, _FRESH) & 0x7FFFFFFF


class ConfirmDriver(PlannedDriver):
    """The given trials, best first."""

    def __init__(self, ranked: list[RankedTrial]) -> None:
        super().__init__(
            Proposal(
                trial.configuration,
                trial.params,
                {"source_study": trial.study, "source_trial_number": trial.trial_number, "rank": rank},
            )
            for rank, trial in enumerate(ranked, start=1)
        )
