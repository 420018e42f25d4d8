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

from engine.activations import ACTIVATIONS
from engine.adversarial import NORMS
from engine.arrays import DTYPES
from engine.domains import MOST_LAYERS, MOST_UNITS, Domain, Widths, widths_of
from engine.errors import ConfigurationError
from engine.initializers import INITIALIZERS
from engine.momentum import MOMENTUM_FORMS, OPTIMIZERS
from engine.schedules import ROUNDS, SCHEDULES, compares_rounds


def _flag(default: bool) -> Any:
    return field(default=default, metadata={"domain": Domain(bool, "", lambda _: True)})


def _real(default: float, requirement: str, holds: Callable[[float], bool]) -> Any:
    return field(default=default, metadata={"domain": Domain(float, requirement, holds)})


def _count(default: int | None, at_least: int, at_most: int) -> Any:
    requirement = f">= {at_least} and <= {at_most:,}"
    domain = Domain(int, requirement, lambda value: at_least <= value <= at_most, optional=default is None)
    return field(default=default, metadata={"domain": domain})


def _share(default: float = 0.0) -> Any:
    return _real(default, "in [0, 1)", lambda value: 0 <= value < 1)


def _size(default: float = 0.0) -> Any:
    return _real(default, ">= 0 and <= 1e38", lambda value: 0 <= value <= 1e38)


def _word(default: str, choices: Iterable[str]) -> Any:
    return field(default=default, metadata={"domain": Domain(str, "", lambda _: True, tuple(choices))})


@dataclass(frozen=True)
class Configuration:
    """The hyperparameters of one network and its training; the defaults are the report's, where it names one.

    What stands in brackets is where a hyperparameter comes from.

    Attributes:
        learning_rate: γ, the length of a step at the first update, or with `decay: warm_up` at the highest [report,
            equations 21 and 28].
        optimizer: what makes a step of a gradient: `sgd` (with the momentum below), `nesterov` (v ← βv + g, w ← w − γ(g
            + βv)), `adam` (the step by its mean over its root mean square), or `adamw` (the same, where weights shrink
            by γλ beside it) [Nesterov 1983, Sutskever et al. 2013; Kingma & Ba 2015; Loshchilov & Hutter 2019].
        momentum: whether the step follows a velocity instead of the gradient [report, section 2.3].
        momentum_form: `average` (v ← βv + (1−β)g, the report's weighted average of the past directions) or
            `heavy_ball` (v ← βv + g) [report, section 2.3; Polyak 1964].
        momentum_beta: β, the share of the velocity that survives one update; β₁ of adam and adamw [Polyak 1964].
        adam_beta2: β₂ of adam and adamw, the share of the mean square that survives one update [Kingma & Ba 2015].
        decay: how the learning rate changes, at evaluations: never, by half after a round whose training loss fell (the
            report's rule) or rose, along half a cosine to zero, on a line to zero over the last two thirds, to a tenth
            after a half and again after three quarters of the run, or up from a tenth over the first tenth and then
            along the cosine [report, section 2.4; Loshchilov & Hutter 2017; He et al. 2016; Goyal et al. 2017].
        decay_round: what the schedules that compare losses call a round [report, section 2.4].
        weight_decay: λ; λW is added to the gradient of every weight matrix, not of biases; `optimizer: adamw` takes it
            beside the gradient [Krogh & Hertz 1992].
        batch_size: images per update; the gradient is their mean [report, section 2.2].
        dropout_input: share of input pixels set to zero in training [Srivastava et al. 2014].
        dropout_hidden: share of hidden units set to zero in training [Srivastava et al. 2014].
        batch_norm: whether each layer's outputs are shifted and scaled to mean 0 and variance 1 over the batch, then by
            learned b and γ; evaluation takes the exact means and variances over the training images [Ioffe & Szegedy
            2015].
        noise_input: standard deviation of normal noise on the pixels in training [Sietsma & Dow 1991].
        noise_hidden: standard deviation of normal noise on what enters σ in training [Rasmus et al. 2015].
        label_smoothing: ε; the target is 1 − ε for the right class, and ε is spread over all of them [Szegedy et al.
            2016].
        max_norm: the longest that the weights into one hidden unit may be, after each update; 0 is no limit
            [Srivastava et al. 2014].
        adversarial: how far each image of a batch is moved to where its loss grows fastest; the moved batch counts for
            half of the loss. 0 is off [Goodfellow et al. 2015].
        adversarial_norm: what is that long: the whole move (`l2`) or its step in each pixel (`linf`)
            [Goodfellow et al. 2015; Miyato et al. 2016].
        average: share that an exponential average of the parameters keeps at an update (less in the first ones); the
            average is what is evaluated. 0 is off [Polyak & Juditsky 1992].
        hidden_layers: number of hidden layers; 0 is the report's linear model [report, section 3.1].
        hidden_size: units of each hidden layer [report, section 3.1].
        hidden_sizes: units of each hidden layer where they differ, from the first to the last; then hidden_layers
            follows and hidden_size is not given. As a value it is one word, `800-400` [report, section 3.1].
        activation: σ, what a hidden unit makes of its input [report, equation 29].
        initializer: distribution of the first weights; biases start at zero [Glorot & Bengio 2010; He et al. 2015].
        epochs: passes over the training images [report, section 2.4].
        evaluations_per_epoch: how often all three splits are evaluated in each epoch [report, section 2.4].
        early_stopping: the run ends after so many evaluations in a row that did not lower its least loss on validation;
            0 is off [Prechelt 1998].
        train_images: how many training images are used, the first ones; null is all of them [report, section 3.4].
        dtype: precision of parameters and arithmetic [IEEE 754].
    """

    learning_rate: float = _real(0.01, "> 0 and <= 1e38", lambda value: 0 < value <= 1e38)
    optimizer: str = _word("sgd", OPTIMIZERS)
    momentum: bool = _flag(False)
    momentum_form: str = _word("average", tuple(n for n, form in MOMENTUM_FORMS.items() if form.has_velocity))
    momentum_beta: float = _share(0.9)
    adam_beta2: float = _share(0.999)
    decay: str = _word("constant", SCHEDULES)
    decay_round: str = _word("epoch", ROUNDS)
    weight_decay: float = _size()
    batch_size: int = _count(1, 1, 10**9)
    dropout_input: float = _share()
    dropout_hidden: float = _share()
    batch_norm: bool = _flag(False)
    noise_input: float = _size()
    noise_hidden: float = _size()
    label_smoothing: float = _share()
    max_norm: float = _size()
    adversarial: float = _size()
    adversarial_norm: str = _word("l2", NORMS)
    average: float = _share()
    hidden_layers: int = _count(0, 0, MOST_LAYERS)
    hidden_size: int = _count(100, 1, MOST_UNITS)
    hidden_sizes: str | None = field(
        default=None,
        metadata={"domain": Widths(str, f">= 1 and <= {MOST_UNITS:,}", lambda _: True, optional=True)},
    )
    activation: str = _word("relu", ACTIVATIONS)
    initializer: str = _word("glorot_uniform", INITIALIZERS)
    epochs: int = _count(5, 1, 100_000)
    evaluations_per_epoch: int = _count(5, 1, 10_000)
    early_stopping: int = _count(0, 0, 10**6)
    train_images: int | None = _count(None, 1, 10**9)
    dtype: str = _word("float32", DTYPES)

    def __post_init__(self) -> None:
        for name, domain in DOMAINS.items():
            object.__setattr__(self, name, domain.check(name, getattr(self, name)))
        if self.hidden_sizes is not None:
            n_layers = len(widths_of(self.hidden_sizes))
            for name, stated in (("hidden_layers", n_layers), ("hidden_size", None)):
                default = type(self).__dataclass_fields__[name].default
                if getattr(self, name) not in (default, stated):
                    raise ConfigurationError(
                        f"hidden_sizes say how many layers there are ({n_layers}) and how wide each is, so {name} "
                        f"cannot be {getattr(self, name)} beside {self.hidden_sizes}",
                        parameter=name,
                    )
            object.__setattr__(self, "hidden_layers", n_layers)
        if self.momentum and self.optimizer != "sgd":
            raise ConfigurationError(
                f"momentum is an option of optimizer: sgd; {self.optimizer} has its own, of which momentum_beta is the "
                "strength, so momentum must be off",
                parameter="momentum",
            )
        if self.batch_norm and self.batch_size == 1:
            raise ConfigurationError(
                "batch_norm needs a batch_size of 2 or more, for one image has no variance", parameter="batch_norm"
            )

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
        return (n_features, *self.widths, n_classes)

    @property
    def widths(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        if self.hidden_sizes is not None:
            return widths_of(self.hidden_sizes)
        return (self.hidden_size,) * self.hidden_layers

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
        if self.batch_norm and n_images == 1:
            raise ConfigurationError(
                "batch_norm needs 2 training images or more, for one image has no variance", parameter="train_images"
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
            irrelevant |= {"momentum_form"}
        if not self.momentum and self.optimizer == "sgd":
            irrelevant |= {"momentum_beta"}
        if self.optimizer not in ("adam", "adamw"):
            irrelevant |= {"adam_beta2"}
        if not self.adversarial:
            irrelevant |= {"adversarial_norm"}
        if not compares_rounds(self.decay):
            irrelevant |= {"decay_round"}
        if self.hidden_layers == 0:
            irrelevant |= {"hidden_size", "activation", "dropout_hidden", "noise_hidden", "max_norm"}
        found = {name: getattr(self, name) for name in DOMAINS}
        if self.hidden_sizes is not None:
            widths = set(self.widths)
            if len(widths) == 1:
                found |= {"hidden_size": widths.pop(), "hidden_sizes": None}
            else:
                irrelevant |= {"hidden_layers", "hidden_size"}
        if self.optimizer == "adamw" and not self.weight_decay:
            found["optimizer"] = "adam"
        return {f.name: found[f.name] for f in fields(self) if f.name not in irrelevant and found[f.name] != f.default}


DOMAINS: dict[str, Domain] = {f.name: f.metadata["domain"] for f in fields(Configuration)}


def check_name(name: str) -> None:
    """Raise ConfigurationError where no hyperparameter is called that, with the nearest name that is."""
    if name not in DOMAINS:
        near = get_close_matches(name, DOMAINS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the hyperparameters are {', '.join(DOMAINS)}"
        raise ConfigurationError(f"no hyperparameter is called {name!r}; {hint}", parameter=name)
