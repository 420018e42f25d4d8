"""Everything that decides how one network is trained, except the data and the seed.

A `Configuration` is frozen and checked where it is made. Its fields are the hyperparameters that a study
may search or fix; each field carries its domain, so that studies, command line and tables ask one place
what a hyperparameter is.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np

from engine.activations import ACTIVATIONS
from engine.arrays import DTYPES
from engine.errors import ConfigurationError, shown, unknown_choice
from engine.initializers import INITIALIZERS
from engine.momentum import MOMENTUM_FORMS
from engine.schedules import ROUNDS, SCHEDULES, compares_rounds


@dataclass(frozen=True)
class Domain:
    """The values that one hyperparameter may take.

    Attributes:
        kind: bool, int, float or str; an int is taken where a float is meant.
        requirement: what must hold, as it stands in messages ("> 0").
        holds: the requirement itself, for a value of the right kind.
        choices: the allowed words, for kind str.
        optional: whether None is a value too.
    """

    kind: type
    requirement: str
    holds: Callable[[Any], bool]
    choices: tuple[str, ...] = ()
    optional: bool = False

    def check(self, name: str, value: object) -> Any:
        """The value in its kind; ConfigurationError where it is outside the domain."""
        if value is None and self.optional:
            return None
        plain: Any = value
        if isinstance(value, np.generic):
            plain = value.item()
        if self.kind is float and isinstance(plain, int) and not isinstance(plain, bool):
            plain = float(plain) if plain.bit_length() < 1024 else math.inf
        if type(plain) is not self.kind:
            raise ConfigurationError(f"{name} must be {self.describe()}, but got {shown(value)}", parameter=name)
        if isinstance(plain, float) and not math.isfinite(plain):
            raise ConfigurationError(f"{name} must be finite, but got {shown(value)}", parameter=name)
        if self.choices:
            if plain not in self.choices:
                raise unknown_choice(name, value, self.choices)
        elif not self.holds(plain):
            raise ConfigurationError(f"{name} {self.requirement} must hold, but got {shown(value)}", parameter=name)
        return plain

    def describe(self) -> str:
        """What the domain holds, in a few words for a message."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        word = {bool: "on or off", int: "a whole number", float: "a number", str: "a word"}[self.kind]
        return f"{word} {self.requirement}".strip() + (" (or null)" if self.optional else "")


def _flag(default: bool) -> Any:
    return field(default=default, metadata={"domain": Domain(bool, "", lambda _: True)})


def _real(default: float, requirement: str, holds: Callable[[float], bool]) -> Any:
    return field(default=default, metadata={"domain": Domain(float, requirement, holds)})


def _count(default: int | None, at_least: int, at_most: int) -> Any:
    requirement = f">= {at_least} and <= {at_most:,}"
    domain = Domain(int, requirement, lambda value: at_least <= value <= at_most, optional=default is None)
    return field(default=default, metadata={"domain": domain})


def _word(default: str, choices: Iterable[str]) -> Any:
    return field(default=default, metadata={"domain": Domain(str, "", lambda _: True, tuple(choices))})


@dataclass(frozen=True)
class Configuration:
    """The hyperparameters of one network and its training; the defaults are the report's, where it names one.

    What stands in brackets is where a hyperparameter comes from.

    Attributes:
        learning_rate: γ, the length of a step at the first update [report, equations 21 and 28].
        momentum: whether the step follows a velocity instead of the gradient [report, section 2.3].
        momentum_form: `average` (v ← βv + (1−β)g, the report's weighted average of the past directions) or
            `heavy_ball` (v ← βv + g) [report, section 2.3; Polyak 1964].
        momentum_beta: β, the share of the velocity that survives one update [Polyak 1964].
        decay: how the learning rate changes: never, by half after a round whose training loss fell (the report's rule)
            or rose, or along half a cosine to zero [report, section 2.4; Loshchilov & Hutter 2017].
        decay_round: what the schedules that compare losses call a round [report, section 2.4].
        weight_decay: λ; λW is added to the gradient of every weight matrix, not of biases [Krogh & Hertz 1992].
        batch_size: images per update; the gradient is their mean [report, section 2.2].
        dropout_input: share of input pixels set to zero in training [Srivastava et al. 2014].
        dropout_hidden: share of hidden units set to zero in training [Srivastava et al. 2014].
        hidden_layers: number of hidden layers; 0 is the report's linear model [report, section 3.1].
        hidden_size: units of each hidden layer [report, section 3.1].
        activation: σ, what a hidden unit makes of its input [report, equation 29].
        initializer: distribution of the first weights; biases start at zero [Glorot & Bengio 2010; He et al. 2015].
        epochs: passes over the training images [report, section 2.4].
        evaluations_per_epoch: how often all three splits are evaluated in each epoch [report, section 2.4].
        train_images: how many training images are used, the first ones; null is all of them [report, section 3.4].
        dtype: precision of parameters and arithmetic [IEEE 754].
    """

    learning_rate: float = _real(0.01, "> 0 and <= 1e38", lambda value: 0 < value <= 1e38)
    momentum: bool = _flag(False)
    momentum_form: str = _word("average", tuple(n for n, form in MOMENTUM_FORMS.items() if form.has_velocity))
    momentum_beta: float = _real(0.9, "in [0, 1)", lambda value: 0 <= value < 1)
    decay: str = _word("constant", SCHEDULES)
    decay_round: str = _word("epoch", ROUNDS)
    weight_decay: float = _real(0.0, ">= 0 and <= 1e38", lambda value: 0 <= value <= 1e38)
    batch_size: int = _count(1, 1, 10**9)
    dropout_input: float = _real(0.0, "in [0, 1)", lambda value: 0 <= value < 1)
    dropout_hidden: float = _real(0.0, "in [0, 1)", lambda value: 0 <= value < 1)
    hidden_layers: int = _count(0, 0, 1_000)
    hidden_size: int = _count(100, 1, 10**6)
    activation: str = _word("relu", ACTIVATIONS)
    initializer: str = _word("glorot_uniform", INITIALIZERS)
    epochs: int = _count(5, 1, 100_000)
    evaluations_per_epoch: int = _count(5, 1, 10_000)
    train_images: int | None = _count(None, 1, 10**9)
    dtype: str = _word("float32", DTYPES)

    def __post_init__(self) -> None:
        for name, domain in DOMAINS.items():
            object.__setattr__(self, name, domain.check(name, getattr(self, name)))

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> "Configuration":
        """A configuration from its fields; an unknown name is an error that names the nearest one."""
        for name in values:
            check_name(name)
        return cls(**values)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, Any]:
        """Every field with its value, defaults included, ready for JSON."""
        return asdict(self)

    @property
    def n_evaluations(self) -> int:
        """Evaluations of a whole run: K in k = 1 … K."""
        return self.epochs * self.evaluations_per_epoch

    def layer_sizes(self, n_features: int, n_classes: int) -> tuple[int, ...]:
        """Units of each layer, from the inputs to the classes; two numbers for the linear model."""
        return (n_features, *[self.hidden_size] * self.hidden_layers, n_classes)

    def updates_per_epoch(self, n_images: int) -> int:
        """Updates in which `n_images` training images are visited once."""
        return math.ceil(n_images / self.batch_size)

    def check_fits(self, n_train: int) -> None:
        """Raise ConfigurationError where this asks for more than a data set of `n_train` training images has."""
        n_images = n_train if self.train_images is None else self.train_images
        if n_images > n_train:
            raise ConfigurationError(
                f"train_images <= {n_train} must hold for this data set, but got {n_images}", parameter="train_images"
            )
        n_updates = self.updates_per_epoch(n_images)
        if n_updates < self.evaluations_per_epoch:
            raise ConfigurationError(
                f"evaluations_per_epoch <= updates per epoch must hold, but got {self.evaluations_per_epoch} "
                f"for {n_updates} updates ({n_images} images in batches of {self.batch_size})",
                parameter="evaluations_per_epoch",
            )

    @cached_property
    def hash(self) -> str:
        """Identity of what is trained: SHA-256 of `identity`."""
        return hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What is trained: the fields that matter and are not at their default.

        Fields without effect are left out (the form of a momentum that is off, the activation of a linear
        model), so that two ways of writing the same training are one configuration. Defaults are left out
        too, so that a hyperparameter added later leaves old hashes as they are; for the same reason a
        default must never change.
        """
        irrelevant = set()
        if not self.momentum:
            irrelevant |= {"momentum_form", "momentum_beta"}
        if not compares_rounds(self.decay):
            irrelevant |= {"decay_round"}
        if self.hidden_layers == 0:
            irrelevant |= {"hidden_size", "activation", "dropout_hidden"}
        return {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name not in irrelevant and getattr(self, f.name) != f.default
        }


DOMAINS: dict[str, Domain] = {f.name: f.metadata["domain"] for f in fields(Configuration)}


def check_name(name: str) -> None:
    """Raise ConfigurationError where no hyperparameter is called that, with the nearest name that is."""
    if name not in DOMAINS:
        near = get_close_matches(name, DOMAINS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the hyperparameters are {', '.join(DOMAINS)}"
        raise ConfigurationError(f"no hyperparameter is called {name!r}; {hint}", parameter=name)
