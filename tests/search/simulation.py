"""Studies without training: a driver, and an accuracy that is a formula of the hyperparameters.

`simulate` does what the coordinator does with one job: take a proposal, let it end, tell the driver.
"""

import json
import math

from engine.configuration import Configuration
from search.confirm import ConfirmDriver
from search.drivers import make_driver
from search.drivers.protocol import Outcome, Proposal
from search.select import RankedTrial
from tests.search.helpers import make_spec

N_EVALUATIONS = 6
ADAPTIVE = {
    "driver": "optuna",
    "trials": 26,
    "fixed": {"epochs": 2, "evaluations_per_epoch": 3},
    "space": {
        "hidden_layers": [1, 2, 3],
        "hidden_size": {"low": 10, "high": 200, "scale": "log"},
        "learning_rate": {"low": 0.002, "high": 0.1, "scale": "log"},
        "activation": ["relu", "tanh"],
    },
}
RANDOM = {**ADAPTIVE, "driver": "random", "trials": 12}
OFAT = {
    "driver": "ofat",
    "fixed": {"hidden_layers": 1, "hidden_size": 8, "learning_rate": 0.01, "epochs": 1, "evaluations_per_epoch": 2},
    "space": {"hidden_size": [4, 8, 16], "learning_rate": [0.01, 0.1]},
    "by": {"activation": ["relu", "tanh"]},
}
FIDELITY = {
    "driver": "random",
    "trials": 9,
    "fixed": {"evaluations_per_epoch": 2},
    "space": {"learning_rate": {"low": 0.001, "high": 1.0, "scale": "log"}, "momentum": [False, True]},
    "fidelity": {"train_images": [40, 120, 240], "epochs": [1, 1, 2], "keep": "1/3"},
}
FINITE = {"learning_rate": [0.01, 0.05, 0.2], "momentum": [False, True]}


def confirm_driver(_spec):
    rates = (0.05, 0.01, 0.2)
    return ConfirmDriver(
        [RankedTrial("tiny", i, Configuration(learning_rate=r), {"learning_rate": r}, 0.9) for i, r in enumerate(rates)]
    )


def drive(changes):
    """A fresh driver of a spec; `confirm` has no spec of its own."""
    if changes.get("driver") == "confirm":
        return confirm_driver(None)
    return make_driver(make_spec(**changes), 10)


def accuracy(params):
    """Best at learning rate 0.02 and hidden size 80; in (0, 1)."""
    rate, size = math.log(params.get("learning_rate", 0.02) / 0.02), math.log(params.get("hidden_size", 80) / 80)
    bonus = 0.01 * params.get("hidden_layers", 1) + 0.02 * (params.get("activation") == "tanh")
    return 0.9 / (1 + 0.1 * rate**2 + 0.1 * size**2) + bonus


def ends(driver, number, proposal, state=None):
    """How a trial ends: as told, or pruned where the driver stops it, or complete."""
    curve = {}
    value = accuracy(proposal.params)
    for k in range(1, N_EVALUATIONS + 1):
        curve[k] = value * (1 - 0.5 / k)
        if state is None and k < N_EVALUATIONS and driver.should_prune(number, curve):
            state = "pruned"
            break
        if state in ("diverged", "pruned") and k == 2 + number % 2:
            break
    state = state or "complete"
    if state == "failed":
        curve = {}
    done = state == "complete"
    read = curve[N_EVALUATIONS] if done else None
    return Outcome(
        number, proposal.params, proposal.configuration.hash, proposal.attributes, state,
        read, 1 - read if done else None, curve,
    )  # fmt: skip


class Study:
    """A driver and the trials it has made."""

    def __init__(self, changes, trials=()):
        self.driver = drive(changes)
        self.trials = []
        self.outcomes = {}
        for proposal, outcome in trials:
            self._add(proposal, outcome)

    def _add(self, proposal, outcome):
        number = len(self.trials)
        self.trials.append(proposal)
        self.driver.added(number, proposal, outcome)
        if outcome is not None:
            self.outcomes[number] = outcome
        return number

    def run(self, *, stop_at=None, states=None, most=200):
        """Let trials end one after the other until the driver has no more; `states` by trial number."""
        known = {p.configuration.hash for p in self.trials}
        while stop_at is None or len(self.trials) < stop_at:
            found = self.driver.proposals(self.outcomes, len(self.trials), 1)
            new = [p for p in found if p.configuration.hash not in known]
            if not new:
                break
            for proposal in new if stop_at is None else new[: stop_at - len(self.trials)]:
                known.add(proposal.configuration.hash)
                number = self._add(proposal, None)
                self.outcomes[number] = ends(self.driver, number, proposal, (states or {}).get(number))
            assert len(self.trials) <= most, "the driver does not stop"
        return self

    def run_three_workers(self, until):
        """As if three workers were at it: each trial ends two later than it began."""
        while len(self.trials) < until:
            (proposal,) = self.driver.proposals(self.outcomes, len(self.trials), 1)
            number = self._add(proposal, None)
            if number >= 2:
                self.outcomes[number - 2] = ends(self.driver, number - 2, self.trials[number - 2])
        return self

    def stored(self, n=None):
        """What a database would give back of the first `n` trials."""
        return [
            (
                Proposal(p.configuration, p.params, json.loads(json.dumps(p.attributes)), p.full_fidelity),
                self.outcomes.get(number),
            )
            for number, p in enumerate(self.trials[:n])
        ]

    @property
    def plan(self):
        return [p.configuration.hash for p in self.trials]


def simulate(changes, states=None):
    """The whole study of a spec."""
    return Study(changes).run(states=states)
