"""NSGA-II and CMA-ES with their trials filed by generation, where Optuna searches all trials for a generation's.

Both give each trial a generation, and go through the whole study for each proposal to find the few trials of one or
two generations. Here a trial is filed when it has ended, so a proposal costs the same however long the study is. What
is proposed is Optuna's to the last trial (the tests compare).
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Sequence

from optuna.samplers import CmaEsSampler, NSGAIISampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

NONE = -1
"""The generation of a trial that a sampler drew before it began to count."""


class Generations:
    """What a study's samplers learn from, by generation; each trial has a sampler of its own, this outlives them.

    Attributes:
        asked: the generation of each trial that has not ended (NSGA-II).
        parents: of each generation, once they are chosen, in order of their numbers (NSGA-II).
        optimizer: the last trial that carries an optimizer, and its generation (CMA-ES).
    """

    def __init__(self, get_trial: Callable[[int], FrozenTrial]) -> None:
        self.asked: dict[int, int] = {}
        self.parents: dict[int, list[FrozenTrial]] = {}
        self.optimizer = (NONE, 0)
        self._get_trial = get_trial
        self._members: dict[int, list[FrozenTrial]] = defaultdict(list)
        self._unfiled: list[int] = []

    def tell(self, number: int) -> None:
        """A trial ends; how, the memory says only afterwards."""
        self._unfiled.append(number)

    def ended(self) -> list[FrozenTrial]:
        """The trials that have ended since this was last asked, to be put into their generations."""
        trials = [self._get_trial(number) for number in self._unfiled]
        self._unfiled.clear()
        return trials

    def put(self, trial: FrozenTrial, generation: int) -> None:
        """File a trial."""
        insort(self._members[generation], trial, key=lambda member: member.number)

    def members(self, generation: int) -> list[FrozenTrial]:
        """A generation's trials, in order of their numbers."""
        return list(self._members.get(generation, ()))

    @property
    def newest(self) -> int:
        """The highest generation that has a member; 0 where none has."""
        return max(self._members, default=0)


class FiledNSGAIISampler(NSGAIISampler):
    """Optuna's NSGA-II, whose generations are those of a `Generations`."""

    def __init__(self, generations: Generations, seed: int, population_size: int) -> None:
        super().__init__(seed=seed, population_size=population_size)
        self._generations, self._size = generations, population_size

    def get_trial_generation(self, study: Study, trial: FrozenTrial) -> int:
        """The newest generation, until it is full; then the next."""
        del study
        for ended in self._generations.ended():
            generation = self._generations.asked.pop(ended.number)
            if ended.state == TrialState.COMPLETE:
                self._generations.put(ended, generation)
        newest = self._generations.newest
        generation = newest + (len(self._generations.members(newest)) >= self._size)
        self._generations.asked[trial.number] = generation
        return generation

    def get_population(self, study: Study, generation: int) -> list[FrozenTrial]:
        """The complete trials of a generation."""
        del study
        return self._generations.members(generation)

    def get_parent_population(self, study: Study, generation: int) -> list[FrozenTrial]:
        """Chosen by the first who asks, who gets them from best to worst; the others, in order of their numbers."""
        if generation == 0:
            return []
        parents = self._generations.parents
        if generation in parents:
            return parents[generation]
        chosen = self.select_parent(study, generation)
        parents[generation] = sorted(chosen, key=lambda parent: parent.number)
        return chosen

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Note that the trial ends."""
        super().after_trial(study, trial, state, values)
        self._generations.tell(trial.number)


class FiledCmaEsSampler(CmaEsSampler):
    """Optuna's CMA-ES, which is shown the trials of one generation: those that its newest optimizer waits for."""

    def __init__(self, generations: Generations, seed: int, *, prunes: bool) -> None:
        super().__init__(seed=seed, warn_independent_sampling=False, consider_pruned_trials=prunes)
        self._generations = generations
        self._learns_from = (TrialState.COMPLETE, TrialState.PRUNED) if prunes else (TrialState.COMPLETE,)

    def _get_trials(self, study: Study) -> list[FrozenTrial]:
        del study
        generations = self._generations
        for ended in generations.ended():
            # A pruned trial's value is its last intermediate one, where it has one.
            if ended.state not in self._learns_from or ended.value is None:
                continue
            generation = ended.system_attrs.get(self._attr_key_generation, NONE)
            generations.put(ended, generation)
            if any(key.startswith(self._attr_key_optimizer) for key in ended.system_attrs):
                generations.optimizer = max(generations.optimizer, (ended.number, generation))
        return generations.members(NONE) + generations.members(generations.optimizer[1])

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Note that the trial ends."""
        super().after_trial(study, trial, state, values)
        self._generations.tell(trial.number)
