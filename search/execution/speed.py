"""How fast runs train on this machine: a short piece of each kind, measured here and now.

    runs ──kinds──> a thousand images each ──measured──> seconds per image ──> seconds of every run

Two runs are of one kind where their speed is the same: as many train together, and they agree in every hyperparameter
that is not in `NOT_SPEED`. Of a real number (weight decay, dropout) it only matters whether it is zero.
"""

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from engine.blas import one_blas_thread
from engine.configuration import Configuration
from engine.data.dataset import Dataset
from engine.implementations import without_kernel
from engine.seeds import derive_seed
from engine.training import advance, evaluate, initial_state

PROBE_TRAIN, PROBE_HELD_OUT = 1_000, 500
"""Images that are trained on once, and images of each other split that are evaluated, to measure one kind."""

NOT_SPEED = {
    "learning_rate", "decay", "decay_round", "momentum_form", "momentum_beta", "adam_beta2", "initializer",
    "adversarial_norm", "early_stopping",
    "epochs", "evaluations_per_epoch", "train_images",
}  # fmt: skip
"""Hyperparameters that say what is trained or for how long, but not how fast; a new one counts until it stands here."""

MOST_KINDS = 40
"""Kinds that are measured; of more, so many spread over the plan, and the rest is taken to be like them on average."""


@dataclass(frozen=True)
class Speed:
    """What runs that train together cost; both in seconds an image, for all of them."""

    train: float
    evaluate: float


@dataclass(frozen=True)
class Estimate:
    """Seconds that groups of runs take on one worker.

    Attributes:
        seconds: one number for each group.
        n_measured: kinds of run that were measured.
        n_kinds: kinds of run that there are.
        without_kernel: the hyperparameters for which no kernel trains some of the runs.
        slower: how many times as long an image takes with them as without, for the kind with most; 1.0 where none has.
    """

    seconds: tuple[float, ...]
    n_measured: int
    n_kinds: int
    without_kernel: tuple[str, ...] = ()
    slower: float = 1.0


def kind_of(group: Sequence[Configuration]) -> Hashable:
    """What the speed of runs that train together depends on."""
    counts = {name: value for name, value in group[0].identity.items() if name not in NOT_SPEED}
    return len(group), frozenset((name, bool(v) if isinstance(v, float) else v) for name, v in counts.items())


def measure(group: Sequence[Configuration], probe: Dataset) -> Speed:
    """The speed of runs that train together, on the images of `probe`, which are trained on once."""
    # A small learning rate, so that nothing diverges and stops early.
    brief = [
        replace(c, epochs=1, evaluations_per_epoch=1, train_images=None, learning_rate=1e-3, decay="constant")
        for c in group
    ]
    seed = derive_seed(0, 0)
    states = [initial_state(c, seed, probe) for c in brief]
    with one_blas_thread():
        start = time.perf_counter()
        moved = advance(states, probe)
        middle = time.perf_counter()
        evaluate(moved, probe)
        end = time.perf_counter()
    n_evaluated = len(probe.train) + len(probe.validation) + len(probe.test)
    return Speed((middle - start) / len(probe.train), (end - middle) / n_evaluated)


def estimate(groups: Sequence[tuple[Sequence[Configuration], int]], dataset: Dataset) -> Estimate:
    """How long groups of runs will take.

    Args:
        groups: configurations that train together, and the evaluations that they have already.
        dataset: what they train on.
    """
    kinds = {kind_of(group): group for group, _ in groups}
    served_not = {key: without_kernel(group[0]) for key, group in kinds.items()}
    # The one with most that no kernel has comes first, so that what it costs is measured, however many kinds there are.
    order = sorted(kinds, key=lambda key: -len(served_not[key]))[:1]
    order += [key for key in kinds if key not in order]
    step = max(1, -(-len(kinds) // MOST_KINDS))
    chosen = {key: kinds[key] for key in order[::step]}
    probe = replace(
        dataset,
        train=dataset.train.first(min(PROBE_TRAIN, len(dataset.train))),
        validation=dataset.validation.first(min(PROBE_HELD_OUT, len(dataset.validation))),
        test=dataset.test.first(min(PROBE_HELD_OUT, len(dataset.test))),
    )
    speeds = {}
    for key, group in chosen.items():
        speeds[key] = _measured(group, probe)
    if not speeds:
        return Estimate((), 0, 0)
    usual = Speed(fmean(s.train for s in speeds.values()), fmean(s.evaluate for s in speeds.values()))
    seconds = []
    for group, done in groups:
        speed, c = speeds.get(kind_of(group), usual), group[0]
        n_train = c.train_images or len(dataset.train)
        one_epoch = n_train * speed.train
        one_evaluation = (n_train + len(dataset.validation) + len(dataset.test)) * speed.evaluate
        left = 1 - done / c.n_evaluations
        seconds.append(left * (c.epochs * one_epoch + c.n_evaluations * one_evaluation))
    names = tuple(dict.fromkeys(name for names in served_not.values() for name in names))
    slower = _slower(kinds[order[0]][0], speeds[order[0]], probe) if names else 1.0
    return Estimate(tuple(seconds), len(speeds), len(kinds), names, slower)


def _measured(group: Sequence[Configuration], probe: Dataset) -> Speed:
    measure(group, probe)  # loads what is compiled
    return measure(group, probe)


def _slower(configuration: Configuration, speed: Speed, probe: Dataset) -> float:
    """How many times as long an image takes as in the same run without what no kernel serves."""
    defaults = Configuration()
    plain = replace(configuration, **{name: getattr(defaults, name) for name in without_kernel(configuration)})
    return speed.train / _measured([plain], probe).train
