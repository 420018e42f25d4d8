"""Adaptive search: Optuna's samplers propose, one trial at a time, from what has ended so far.

    proposals ──> repeated? tell the sampler what is known of it, and ask again ──> a new configuration
    outcomes  ──> the sampler's memory: an Optuna study that lives in this process alone

**What the sampler is told.** A complete trial: its value and its curve. A pruned one: its curve, as pruned;
TPE and CMA-ES learn from where it stood, the others only that it is over. A diverged trial is a result and
not an accident: it is told as complete with the accuracy of guessing (0.1, as everywhere in the analysis),
because a trial told as failed is forgotten, and the sampler would go there again. A failed trial (out of
memory, a bug) says nothing about its configuration, so it is told as failed; the next command trains it again and
tells what came of it. A trial in training is known to be so: TPE and the Gaussian process keep away from it.

**Resuming.** A sampler is made anew for every trial from (study seed, trial number, attempt), so TPE and GP need
only the ended trials. CMA-ES, NSGA-II and QMC also keep things between trials, in the memory or beside
it. These come back by asking again in order, with the stored hyperparameters put in place of the answer. A
trial stores what came before it, repeated configurations (`repeats`) and trials that were in training (`pending`), so
that each asking finds the memory as it was. With one job everything is told before the next trial is asked, so a
study that was interrupted or extended goes on as if it had not been.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState, create_trial

from engine.seeds import Stream, generator
from search.drivers.encoding import Code
from search.drivers.generations import Generations
from search.drivers.protocol import Outcome, Proposal
from search.drivers.pruning import make_pruner
from search.drivers.random import draws
from search.drivers.samplers import make_sampler, require_packages
from search.drivers.tpe import COMPLETE, FAILED, PRUNED, TrialTable
from search.space import Params, SpecError, configuration, grid
from search.spec import StudySpec

DIVERGED = 0.1
"""What a diverged trial is told as: the accuracy of guessing one of ten digits, `analysis.tuning.CHANCE`."""

PATIENCE = 20
"""Proposals in a row that repeat known configurations before one is drawn from those not tried yet."""

LARGEST_FINITE = 10_000
"""A space with more points than this is drawn from, never listed."""

DRAWS = 1_000
"""Random draws from such a space that repeat known configurations before it counts as used up."""

KEEPS_STATE = ("cmaes", "nsgaii", "qmc")
FORGETS_PRUNED = ("gp", "nsgaii")


class OptunaDriver:
    """`trials` distinct configurations from a sampler of Optuna's.

    Raises:
        MissingPackageError: the sampler's package is not installed.
    """

    def __init__(self, spec: StudySpec) -> None:
        require_packages(spec.sampler)
        assert spec.sampler is not None
        assert spec.trials is not None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._spec, self._sampler, self._n_trials = spec, spec.sampler, spec.trials
        self._code = Code(spec.axes)
        self._table = TrialTable(self._code.distributions)
        self._pruner = make_pruner(spec)
        self._storage = InMemoryStorage()
        self._memory = optuna.create_study(storage=self._storage, direction="maximize")
        self._generations = Generations(self._storage.get_trial)
        self._n_asked = 0
        self._running: dict[int, int] = {}
        self._untold: dict[int, Outcome] = {}
        self._told: dict[int, Outcome] = {}
        self._numbers: dict[str, int] = {}
        self._offer: _Offer | None = None
        self._exhausted = self._drew_untried = self._remarked = False
        self._messages: list[str] = []

    # What the coordinator calls

    def added(self, trial_number: int, proposal: Proposal, outcome: Outcome | None) -> None:
        """A trial of the study: the one just proposed, or, one after the other, those of earlier processes.

        Raises:
            SpecError: a stored trial is outside the space of the file.
        """
        if self._offer is not None and self._offer.number == trial_number:
            place = self._offer.place
            self._offer = None
        else:
            place = self._rebuild(trial_number, proposal)
        self._numbers[proposal.configuration.hash] = trial_number
        self._running[trial_number] = place
        if outcome is not None:
            self._untold[trial_number] = outcome

    def proposals(self, outcomes: Mapping[int, Outcome], n_trials: int, n_free: int) -> Iterable[Proposal]:
        """One new configuration, where a worker is free and the study has not got all its trials."""
        if self._offer is not None:
            return [self._offer.proposal]
        if not n_free or n_trials >= self._n_trials or self._exhausted:
            return []
        self._untold |= {number: outcomes[number] for number in self._running if number in outcomes}
        self._tell()
        self._offer = self._ask(n_trials)
        return [] if self._offer is None else [self._offer.proposal]

    def outlook(self, outcomes: Mapping[int, Outcome], n_trials: int) -> list[Proposal]:
        """As many random draws from the space as trials are missing."""
        del outcomes
        return list(islice(draws(self._spec), max(0, self._n_trials - n_trials)))

    def should_prune(self, trial_number: int, curve: Mapping[int, float]) -> bool:
        """What the pruner says to the newest point of a trial's mean curve over its replicates."""
        return self._pruner is not None and self._report(self._running[trial_number], curve)

    def messages(self, n_jobs: int) -> list[str]:
        """What a person should know by now, each line once."""
        if not self._remarked and len(self._numbers) < self._n_trials:
            self._messages[:0] = self._remarks(n_jobs)
        self._remarked = True
        lines, self._messages = self._messages, []
        return lines

    def _remarks(self, n_jobs: int) -> list[str]:
        lines = []
        if n_jobs > 1 and (self._sampler != "qmc" or self._pruner is not None):
            lines.append(
                f"With {n_jobs} jobs the trials that {self._sampler} proposes depend on timing; "
                "one job (JOBS=1, --jobs 1) can be reproduced."
            )
        drawn = [name for name, axis in self._code.axes.items() if not axis.numeric]
        if self._sampler == "cmaes" and drawn:
            lines.append(f"cmaes adapts numbers; it draws at random: {', '.join(drawn)}.")
        if self._sampler in FORGETS_PRUNED and self._pruner is not None:
            lines.append(f"{self._sampler} learns from trials that ran to their end; pruned ones teach it nothing.")
        return lines

    # Asking

    def _ask(self, number: int) -> "_Offer | None":
        """The next new configuration; None where the space is used up."""
        attributes: dict[str, Any] = {}
        if self._running:
            attributes["pending"] = sorted(self._running)
        repeats: list[dict[str, Any]] = []
        while len(repeats) < PATIENCE:
            params = self._remember(number, len(repeats))
            proposed = configuration(self._spec.fixed, params)
            known = self._numbers.get(proposed.hash)
            if known is None:
                break
            self._tell_repeat(known)
            repeats.append({"trial_number": known, "params": params})
        else:
            untried = self._untried(number)
            if untried is None:
                self._exhausted = True
                self._messages.append(
                    f"The space is used up: all its {len(self._numbers)} configurations are in the study, "
                    f"which has therefore {number} trials instead of {self._n_trials}."
                )
                return None
            params = self._remember(number, len(repeats), untried)
            proposed = configuration(self._spec.fixed, params)
            attributes["untried"] = True
            if not self._drew_untried:
                self._messages.append(
                    f"Trial {number}: {self._sampler} repeated known configurations {PATIENCE} times; where it does, "
                    "an untried one is drawn at random (attribute `untried`)."
                )
                self._drew_untried = True
        if repeats:
            attributes["repeats"] = repeats
        return _Offer(number, Proposal(proposed, params, attributes), self._n_asked - 1)

    def _remember(self, number: int, attempt: int, params: Params | None = None) -> Params:
        """Ask the sampler on behalf of a trial; given `params`, put them in place of its answer."""
        prunes = self._pruner is not None
        seed = self._seed(number, attempt)
        sampler = self._memory.sampler = make_sampler(
            self._sampler, self._table, self._generations, seed, self._seed(), prunes=prunes
        )
        trial = self._memory.ask()
        place, self._n_asked = self._n_asked, self._n_asked + 1
        # Asked also where the answer is given: what a sampler keeps it notes when it is asked.
        proposed = trial.relative_params
        given = None if params is None else self._code.encode(params)
        inner: dict[str, Any] = {}
        for name, distribution in self._code.distributions.items():
            if given is not None:
                inner[name] = given[name]
            elif name in proposed:
                inner[name] = proposed[name]
            else:
                # Outside what the sampler treats together: its first trials, categories for CMA-ES, mutations.
                frozen = self._storage.get_trial(place)
                inner[name] = sampler.sample_independent(self._memory, frozen, name, distribution)
            self._storage.set_trial_param(place, name, distribution.to_internal_repr(inner[name]), distribution)
        self._table.add(inner)
        return self._code.decode(inner)

    def _seed(self, *position: int) -> int:
        """In [0, 2³²); without a position the one that all trials share."""
        return int(generator(self._spec.seed, Stream.PLAN, *position).integers(2**32))

    def _untried(self, number: int) -> Params | None:
        """A configuration that is not in the study, each as likely as the others; None where there is none."""
        random = generator(self._spec.seed, Stream.PLAN, number, PATIENCE)
        finite = self._code.finite(LARGEST_FINITE)
        if finite is None:
            drawn = ({name: axis.draw(random) for name, axis in self._spec.axes.items()} for _ in range(DRAWS))
            return next((params for params in drawn if self._is_new(params)), None)
        untried = [params for params in grid(finite) if self._is_new(params)]
        return untried[int(random.integers(len(untried)))] if untried else None

    def _is_new(self, params: Params) -> bool:
        return configuration(self._spec.fixed, params).hash not in self._numbers

    # Telling

    def _tell(self, keep: Iterable[int] = ()) -> None:
        """Tell what has ended and is not told yet, by number, but for the trials in `keep`."""
        for number in sorted(self._untold.keys() - set(keep)):
            outcome = self._told[number] = self._untold.pop(number)
            place = self._running.pop(number)
            self._report(place, outcome.curve)
            self._tell_outcome(place, outcome)

    def _tell_repeat(self, known: int) -> None:
        """Tell the last answer, which is trial `known` again, what came of it; nothing where nobody knows yet."""
        outcome = self._told.get(known)
        if outcome is None:
            self._tell_failed(self._n_asked - 1)
            return
        for k, accuracy in outcome.curve.items():
            self._storage.set_trial_intermediate_value(self._n_asked - 1, k, accuracy)
        self._tell_outcome(self._n_asked - 1, outcome)

    def _tell_outcome(self, place: int, outcome: Outcome) -> None:
        if outcome.state == "pruned":
            self._memory.tell(place, state=TrialState.PRUNED)
            last = max(outcome.curve, default=-1)
            self._table.end(place, PRUNED, outcome.curve.get(last, 0.0), last)
        elif outcome.state in ("complete", "diverged"):
            value = DIVERGED if outcome.value is None else outcome.value
            self._memory.tell(place, value)
            self._table.end(place, COMPLETE, value)
        else:
            self._tell_failed(place)

    def _tell_failed(self, place: int) -> None:
        self._memory.tell(place, state=TrialState.FAIL)
        self._table.end(place, FAILED)

    def _report(self, place: int, curve: Mapping[int, float]) -> bool:
        """Note what is new of a curve, in order; whether the pruner would stop the trial at its newest point.

        The pruner keeps what each trial had at each rung, so it is asked at every point, those that were
        survived in an earlier process included.
        """
        stop = False
        reported = self._storage.get_trial(place).intermediate_values
        for k in sorted(curve.keys() - reported.keys()):
            self._storage.set_trial_intermediate_value(place, k, curve[k])
            stop = self._pruner is not None and self._pruner.should_stop(place, k, curve[k])
        return stop

    # Resuming

    def _rebuild(self, number: int, proposal: Proposal) -> int:
        """Put a stored trial, and the repeats before it, where they were; its place in the memory."""
        self._tell(keep=proposal.attributes.get("pending", ()))
        repeats = proposal.attributes.get("repeats", ())
        params = {name: proposal.params.get(name, getattr(proposal.configuration, name)) for name in self._code.axes}
        try:
            for attempt, repeat in enumerate(repeats):
                self._put_back(number, attempt, repeat["params"])
                self._tell_repeat(repeat["trial_number"])
            self._put_back(number, len(repeats), params)
        except ValueError as error:
            raise SpecError(
                f"trial {number} is outside the space of the file, so the sampler could not learn from it: {error}; "
                "widen the space, or give the study another name",
                path="space",
                source=self._spec.source,
            ) from error
        return self._n_asked - 1

    def _put_back(self, number: int, attempt: int, params: Params) -> None:
        if self._sampler in KEEPS_STATE:
            self._remember(number, attempt, params)
            return
        inner = self._code.encode(params)
        self._memory.add_trial(
            create_trial(state=TrialState.RUNNING, params=inner, distributions=self._code.distributions)
        )
        self._table.add(inner)
        self._n_asked += 1


@dataclass(frozen=True)
class _Offer:
    """A proposal that is not a trial yet: the number it would have, and its place in the memory."""

    number: int
    proposal: Proposal
    place: int
