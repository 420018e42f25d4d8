"""Adaptive search: Optuna's samplers propose, one trial at a time, from what has ended so far.

    proposals ──> repeated? tell the sampler what is known of it, and ask again ──> a new configuration
    outcomes  ──> an Optuna study that lives in this process alone, from which its samplers and pruners learn

**What the sampler is told.** A complete trial: its value and its curve. A pruned one: its curve, as pruned;
TPE and CMA-ES learn from where it stood, the others only that it is over. A diverged trial is a result and
not an accident: it is told as complete with the accuracy of guessing, as everywhere in the analysis, because a trial
told as failed is forgotten, and the sampler would go there again. A failed trial (out of memory, a bug) says nothing
about its configuration, so it is told as failed; the next command trains it again and tells what came of it. A trial
in training is known to be so: TPE and the Gaussian process keep away from it.

**Resuming.** A sampler is made anew for every trial from (study seed, trial number, attempt), so TPE and GP need
only the ended trials. CMA-ES, NSGA-II and QMC also keep things between trials, in the attributes of Optuna's study.
These come back by asking again in order, with the stored hyperparameters put in place of the answer. A trial stores
what came before it, repeated configurations (`repeats`) and trials that were in training (`pending`), so that each
asking finds Optuna's study as it was. With one job everything is told before the next trial is asked, so a study that
was interrupted or extended goes on as if it had not been.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import Trial, TrialState

from analysis.selection_rule import guessing_accuracy
from engine.seeds import Stream, generator
from search.drivers.encoding import Encoding
from search.drivers.protocol import Outcome, Proposal
from search.drivers.pruning import make_pruner
from search.drivers.random import draw_proposals
from search.drivers.samplers import Asking, ReplayingSampler, find_sampler, make_sampler, require_packages
from search.spec.space import Params, SpecError, grid
from search.spec.study import StudySpec

PATIENCE = 20
"""Proposals in a row that repeat known configurations before one is drawn from those not tried yet."""

LARGEST_FINITE = 10_000
"""A space with more points than this is drawn from, never listed."""

DRAWS = 1_000
"""Random draws from such a space that repeat known configurations before it counts as used up."""


@dataclass
class _Asked:
    """A trial of Optuna's study that is not told yet, and the last evaluation reported of it."""

    trial: Trial
    last_k: int = 0


@dataclass(frozen=True)
class _Offer:
    """A proposal that is not a trial of the study yet, and the number it would have."""

    number: int
    proposal: Proposal
    asked: _Asked


class OptunaDriver:
    """`trials` distinct configurations from a sampler of Optuna's.

    Args:
        spec: the study.
        n_classes: classes of its data set.

    Raises:
        MissingPackageError: the sampler's package is not installed.
    """

    def __init__(self, spec: StudySpec, n_classes: int) -> None:
        assert spec.sampler is not None
        assert spec.trials is not None
        require_packages(spec.sampler)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._spec, self._n_trials = spec, spec.trials
        self._kind, self._prunes = find_sampler(spec.sampler), spec.pruner != "none"
        self._guessing = guessing_accuracy(n_classes)
        self._points = spec.points
        self._encoding = Encoding(spec.points.axes)
        self._study = optuna.create_study(study_name=spec.study, direction="maximize", pruner=make_pruner(spec))
        self._running: dict[int, _Asked] = {}
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
            asked = self._offer.asked
            self._offer = None
        else:
            asked = self._rebuild(trial_number, proposal)
        self._numbers[proposal.configuration.hash] = trial_number
        self._running[trial_number] = asked
        if outcome is not None:
            self._untold[trial_number] = outcome

    def proposals(self, outcomes: Mapping[int, Outcome], n_trials: int, n_free: int) -> Iterable[Proposal]:
        """One new configuration, where a worker is free and the study has not got all its trials."""
        if self._offer is None and n_free and n_trials < self._n_trials and not self._exhausted:
            self._untold |= {number: outcomes[number] for number in self._running if number in outcomes}
            self._tell()
            self._offer = self._make_offer(n_trials)
        return [] if self._offer is None else [self._offer.proposal]

    def asked(self, outcomes: Mapping[int, Outcome], hashes: Sequence[str]) -> set[int]:
        """The first ones, as many as the file asks for; one outside its space was refused before (`added`)."""
        del outcomes
        return set(range(min(self._n_trials, len(hashes))))

    def outlook(self, outcomes: Mapping[int, Outcome], n_trials: int) -> list[Proposal]:
        """As many random draws from the space as trials are missing."""
        del outcomes
        return list(islice(draw_proposals(self._spec), max(0, self._n_trials - n_trials)))

    def should_prune(self, trial_number: int, curve: Mapping[int, float]) -> bool:
        """What the pruner says to the newest point of a trial's mean curve over its replicates."""
        return self._report(self._running[trial_number], curve)

    def messages(self, n_jobs: int) -> list[str]:
        """What a person should know by now, each line once."""
        if not self._remarked and len(self._numbers) < self._n_trials:
            self._messages[:0] = self._remark(n_jobs)
        self._remarked = True
        lines, self._messages = self._messages, []
        return lines

    def _remark(self, n_jobs: int) -> list[str]:
        lines = []
        name, learns_from = self._spec.sampler, self._kind.learns_from
        if n_jobs > 1 and (learns_from or self._prunes):
            lines.append(
                f"With {n_jobs} jobs the trials that {name} proposes depend on timing; "
                "one job (JOBS=1, --jobs 1) can be reproduced."
            )
        drawn = [name for name, axis in self._encoding.axes.items() if not axis.numeric]
        if self._kind.numbers_only and drawn:
            lines.append(f"{name} adapts numbers; it draws at random: {', '.join(drawn)}.")
        if learns_from and "pruned" not in learns_from and self._prunes:
            lines.append(f"{name} learns from trials that ran to their end; pruned ones teach it nothing.")
        return lines

    # Asking

    def _make_offer(self, number: int) -> _Offer | None:
        """The next new configuration; None where the space is used up."""
        attributes: dict[str, Any] = {}
        if self._running:
            attributes["pending"] = sorted(self._running)
        repeats: list[dict[str, Any]] = []
        while len(repeats) < PATIENCE:
            asked = self._ask(number, len(repeats))
            drawn = self._encoding.decode(asked.trial.params)
            params = self._points.settle(self._points.expand(drawn))
            known = None if params is None else self._numbers.get(self._points.configuration(params).hash)
            if params is not None and known is None:
                break
            self._tell_repeat(asked, known)
            repeats.append({"trial_number": known, "params": drawn})
        else:
            untried = self._draw_untried(number)
            if untried is None:
                self._exhausted = True
                self._messages.append(
                    f"The space is used up: all its {len(self._numbers)} configurations are in the study, "
                    f"which has therefore {number} trials instead of {self._n_trials}."
                )
                return None
            drawn, params = untried
            asked = self._ask(number, len(repeats), drawn)
            attributes["untried"] = True
            if not self._drew_untried:
                self._messages.append(
                    f"Trial {number}: {self._spec.sampler} repeated known configurations {PATIENCE} times; where it "
                    "does, an untried one is drawn at random (attribute `untried`)."
                )
                self._drew_untried = True
        if repeats:
            attributes["repeats"] = repeats
        if drawn != params:
            attributes["drawn"] = drawn
        return _Offer(number, Proposal(self._points.configuration(params), params, attributes), asked)

    def _ask(self, number: int, attempt: int, params: Params | None = None) -> _Asked:
        """Ask on behalf of a trial; given `params`, put them in place of the sampler's answer.

        Raises:
            ValueError: the space does not hold `params`.
        """
        asking = Asking(self._derive_seed(number, attempt), self._derive_seed(), self._prunes)
        sampler = make_sampler(self._kind, asking)
        if params is not None:
            # Who keeps nothing between trials need not be asked what is known; a random sampler takes its place.
            asked = sampler if self._kind.keeps_state else RandomSampler()
            sampler = ReplayingSampler(asked, self._encoding.encode(params))
        self._study.sampler = sampler
        return _Asked(self._study.ask(self._encoding.distributions))

    def _derive_seed(self, *position: int) -> int:
        """In [0, 2³²); without a position the one that all trials share."""
        return int(generator(self._spec.seed, Stream.PLAN, *position).integers(2**32))

    def _draw_untried(self, number: int) -> tuple[Params, Params] | None:
        """What is drawn for a configuration that is not in the study, and its params; None where there is none."""
        random = generator(self._spec.seed, Stream.PLAN, number, PATIENCE)
        finite = self._encoding.list_values(LARGEST_FINITE)
        if finite is None:
            draws = ({name: axis.draw(random) for name, axis in self._points.axes.items()} for _ in range(DRAWS))
            return next(self._new(draws), None)
        untried = list(self._new(grid(finite)))
        return untried[int(random.integers(len(untried)))] if untried else None

    def _new(self, draws: Iterable[Params]) -> Iterator[tuple[Params, Params]]:
        """Those of the draws that are configurations the study does not have, with their params."""
        for drawn in draws:
            params = self._points.settle(self._points.expand(drawn))
            if params is not None and self._points.configuration(params).hash not in self._numbers:
                yield drawn, params

    # Telling

    def _tell(self, keep: Iterable[int] = ()) -> None:
        """Tell what has ended and is not told yet, by number, but for the trials in `keep`."""
        for number in sorted(self._untold.keys() - set(keep)):
            outcome = self._told[number] = self._untold.pop(number)
            asked = self._running.pop(number)
            self._report(asked, outcome.curve)
            self._tell_outcome(asked, outcome)

    def _tell_repeat(self, asked: _Asked, known: int | None) -> None:
        """Tell an answer, which is trial `known` again, what came of it; as failed where nobody knows yet.

        None is an answer that breaks a constraint: nothing is trained, so that is never known.
        """
        outcome = None if known is None else self._told.get(known)
        if outcome is None:
            self._study.tell(asked.trial, state=TrialState.FAIL)
            return
        for k, accuracy in sorted(outcome.curve.items()):
            asked.trial.report(accuracy, k)
        self._tell_outcome(asked, outcome)

    def _tell_outcome(self, asked: _Asked, outcome: Outcome) -> None:
        if outcome.state == "complete":
            self._study.tell(asked.trial, outcome.value)
        elif outcome.state == "diverged":
            self._study.tell(asked.trial, self._guessing)
        elif outcome.state == "pruned":
            self._study.tell(asked.trial, state=TrialState.PRUNED)
        elif outcome.state == "failed":
            self._study.tell(asked.trial, state=TrialState.FAIL)
        else:
            raise ValueError(f"trial {outcome.trial_number}: a trial cannot end as {outcome.state!r}")

    def _report(self, asked: _Asked, curve: Mapping[int, float]) -> bool:
        """Report what is new of a curve, in order; whether the pruner would stop the trial at its newest point.

        The pruner keeps what each trial had at each rung, so it is asked at every point, those that were
        survived in an earlier process included.
        """
        stop = False
        for k in sorted(k for k in curve if k > asked.last_k):
            asked.trial.report(curve[k], k)
            stop = asked.trial.should_prune()
            asked.last_k = k
        return stop

    # Resuming

    def _rebuild(self, number: int, proposal: Proposal) -> _Asked:
        """Put a stored trial, and the repeats before it, where they were in Optuna's study."""
        self._tell(keep=proposal.attributes.get("pending", ()))
        repeats = proposal.attributes.get("repeats", ())
        stated = {**proposal.configuration.as_dict(), **proposal.params}
        try:
            drawn = proposal.attributes.get("drawn") or self._points.collapse(stated)
            for attempt, repeat in enumerate(repeats):
                asked = self._ask(number, attempt, repeat["params"])
                self._tell_repeat(asked, repeat["trial_number"])
            return self._ask(number, len(repeats), drawn)
        except ValueError as error:
            raise SpecError(
                f"trial {number} is outside the space of the file, so the sampler could not learn from it: {error}; "
                "widen the space, or give the study another name",
                path="space",
                source=self._spec.source,
            ) from error
