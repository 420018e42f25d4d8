"""A study as its YAML file states it, checked whole before anything runs.

    experiments/x.yaml ──load_spec──> StudySpec ──drivers──> trials

Every mistake in a file is one message that names the file, the place, what is expected and what was found.
"""

import itertools
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from engine.configuration import Configuration
from engine.errors import ConfigurationError
from search.space import (
    Choices,
    Range,
    Space,
    SpecError,
    check_hyperparameter,
    check_value,
    configuration,
    parse_space,
)

DEFAULT_SEED = 2022


def _fraction(value: object) -> object:
    """1/3 as it stands in a file, where YAML sees a word."""
    if isinstance(value, str) and value.count("/") == 1:
        numerator, denominator = value.split("/")
        try:
            return float(numerator) / float(denominator)
        except (ValueError, ZeroDivisionError):
            return value
    return value


NUISANCE_FACTORS = (0.25, 0.5, 1, 2, 4)
"""What a nuisance that is only named is tried at, as multiples of its baseline."""


def _around(name: object, baseline: object) -> list[float]:
    """The values that a nuisance named without an axis is tried at."""
    if isinstance(baseline, bool) or not isinstance(baseline, int | float) or baseline <= 0:
        raise ValueError(
            f"nuisance: a name alone needs a number above 0 as its baseline in fixed, but {name} has "
            f"{baseline!r} there; or give its values, as in {{{name}: [0.005, 0.01, 0.02]}}"
        )
    # Twelve digits, so that 0.01 × 0.25 is written 0.0025.
    return [float(f"{baseline * factor:.12g}") for factor in NUISANCE_FACTORS]


class FidelitySpec(BaseModel):
    """Successive halving: all candidates cheaply, the best share of them at each further rung.

    Attributes:
        train_images: training images of each rung, ascending.
        epochs: epochs of each rung, ascending, as many as `train_images`.
        keep: share of a rung's trials that goes on to the next.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    train_images: list[Annotated[int, Field(ge=1)]] = Field(min_length=2)
    epochs: list[Annotated[int, Field(ge=1)]] = Field(min_length=2)
    keep: Annotated[float, BeforeValidator(_fraction), Field(gt=0, lt=1)] = 1 / 3

    @model_validator(mode="after")
    def _rungs_match(self) -> "FidelitySpec":
        n_images, n_epochs = len(self.train_images), len(self.epochs)
        if n_images != n_epochs:
            raise ValueError(f"train_images and epochs must be as many, but are {n_images} and {n_epochs}")
        if sorted(self.train_images) != self.train_images or sorted(self.epochs) != self.epochs:
            raise ValueError("train_images and epochs must not fall from one rung to the next")
        rungs = list(zip(self.train_images, self.epochs, strict=True))
        if len(set(rungs)) < len(rungs):
            raise ValueError("every rung must have more images or more epochs than the one before")
        return self


class StudySpec(BaseModel):
    """One question and how it is to be answered.

    Attributes:
        study: name, unique in a database.
        question: what the study is for, in a sentence.
        driver: what proposes configurations: `grid`, `random`, `ofat` or `optuna`.
        dataset: `auto`, `mnist`, `fashion-mnist`, `digits`, or the path of an .npz or .csv file.
        seed: decides the plan and, with the replicate, each run's seed.
        replicates: runs of each trial.
        at: where a finished run is read: its `best` evaluation on validation, or its `last`.
        fixed: hyperparameters that all trials share; for `ofat` the baseline.
        space: hyperparameters that vary, with their axes.
        trials: how many trials `random` or `optuna` makes in all.
        sampler: for `optuna`: `tpe` (where none is given), `gp`, `cmaes`, `qmc` or `nsgaii`.
        pruner: for `optuna`: `none`, `successive_halving` or `hyperband`, by validation accuracy at k = 1, 3, 9, …
        by: for `ofat`: hyperparameters whose combinations each get the whole study.
        nuisance: for `ofat`: axes tried again at every level, so that none suffers from the baseline's value; a list
            of names stands for a quarter, half, once, twice and four times the baseline of each.
        fidelity: for `random`: successive halving over training images and epochs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    study: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    question: str = Field(min_length=1)
    driver: Literal["grid", "random", "ofat", "optuna"]
    dataset: str = "auto"
    seed: int = Field(default=DEFAULT_SEED, ge=0, le=2**31 - 1)
    replicates: int = Field(default=1, ge=1)
    at: Literal["best", "last"] = "best"
    fixed: dict[str, Any] = Field(default_factory=dict)
    space: dict[str, Any]
    trials: int | None = Field(default=None, ge=1)
    sampler: Literal["tpe", "gp", "cmaes", "qmc", "nsgaii"] | None = None
    pruner: Literal["none", "successive_halving", "hyperband"] | None = None
    by: dict[str, Any] = Field(default_factory=dict)
    nuisance: dict[str, Any] = Field(default_factory=dict)
    fidelity: FidelitySpec | None = None
    source: str = ""

    @model_validator(mode="before")
    @classmethod
    def _name_the_sampler(cls, raw: Any) -> Any:
        """What an adaptive study leaves open, written out, so that it is part of the study's identity."""
        if isinstance(raw, dict) and raw.get("driver") == "optuna":
            given = {key: raw[key] for key in ("sampler", "pruner") if raw.get(key) is not None}
            return raw | {"sampler": "tpe", "pruner": "none"} | given
        return raw

    @model_validator(mode="before")
    @classmethod
    def _spread_nuisances(cls, raw: Any) -> Any:
        """`nuisance: [learning_rate]`, written out as the values around the baseline that it stands for."""
        if isinstance(raw, dict) and isinstance(raw.get("nuisance"), list):
            baseline = raw.get("fixed") or {}
            return raw | {"nuisance": {str(name): _around(name, baseline.get(name)) for name in raw["nuisance"]}}
        return raw

    @property
    def axes(self) -> Space:
        """The parsed space."""
        return parse_space(self.space)

    @property
    def by_axes(self) -> Space:
        """The parsed `by` section."""
        return parse_space(self.by, path="by")

    @property
    def nuisance_axes(self) -> Space:
        """The parsed `nuisance` section."""
        return parse_space(self.nuisance, path="nuisance")

    def revised(self, **changes: object) -> "StudySpec":
        """The same study with some fields replaced, checked again; None leaves a field as it is.

        Another sampler makes it another study, so it is named after it: `mlp-optuna` becomes `mlp-optuna-cmaes`.
        """
        kept = {key: value for key, value in changes.items() if value is not None}
        if self.sampler and kept.get("sampler", self.sampler) != self.sampler:
            kept.setdefault("study", f"{self.study}-{kept['sampler']}")
        return parse_spec({**self.model_dump(exclude={"source"}), **kept}, source=self.source)


_ONLY_FOR = {
    "trials": ("random", "optuna"),
    "sampler": ("optuna",),
    "pruner": ("optuna",),
    "by": ("ofat",),
    "nuisance": ("ofat",),
    "fidelity": ("random",),
}


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML as everywhere, except that a key written twice is an error instead of the last one winning."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is written twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def load_spec(path: str | Path) -> StudySpec:
    """The study in a YAML file.

    Raises:
        SpecError: the file is missing or not YAML, or the study cannot be run as written.
    """
    file = Path(path)
    try:
        raw = yaml.load(file.read_text(encoding="utf-8"), _UniqueKeyLoader)
    except FileNotFoundError as error:
        others = sorted(p.name for p in file.parent.glob("*.yaml")) if file.parent.is_dir() else []
        near = get_close_matches(file.name, others, n=1)
        hint = f"; did you mean {file.parent / near[0]}?" if near else ""
        raise SpecError(f"no study file at {file}{hint}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{file} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise SpecError(f"not valid YAML: {' '.join(str(error).split())}", source=str(file)) from error
    if not isinstance(raw, dict):
        raise SpecError(f"a study file must hold a mapping, but got {raw!r}", source=str(file))
    return parse_spec(raw, source=str(file))


def parse_spec(raw: dict[str, Any], *, source: str = "") -> StudySpec:
    """The study that a mapping states; `source` is the file's name for messages.

    Raises:
        SpecError: an unknown key, a wrong type, a value out of range, an empty space.
    """
    try:
        spec = StudySpec.model_validate({**raw, "source": source})
    except ValidationError as error:
        raise SpecError(_in_our_words(error), source=source) from error
    try:
        _check_meaning(spec)
    except SpecError as error:
        raise SpecError(error.message, path=error.path, source=source) from error
    return spec


def _in_our_words(error: ValidationError) -> str:
    """Pydantic's findings: path, expectation, what was found, nearest name."""
    messages = []
    for finding in error.errors():
        names = [part for part in finding["loc"] if part != "function-after"]
        path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in names).lstrip(".")
        found = finding["input"]
        if finding["type"] == "extra_forbidden":
            section: type[BaseModel] = FidelitySpec if names[0] == "fidelity" and len(names) > 1 else StudySpec
            known = [name for name in section.model_fields if name != "source"]
            near = get_close_matches(str(names[-1]), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            messages.append(f"{path}: no such key; {hint}")
        elif finding["type"] == "missing":
            messages.append(f"{path}: must be given, but is missing")
        else:
            expected = finding["msg"].removeprefix("Value error, ")
            if not path:  # found in the study as a whole: the message names the place
                messages.append(expected)
                continue
            messages.append(f"{path}: {expected[0].lower()}{expected[1:]}, but got {found!r}")
    return "; ".join(messages)


def _check_meaning(spec: StudySpec) -> None:
    """What the shape alone does not show: names, values, and keys that the driver does not use."""
    for key, drivers in _ONLY_FOR.items():
        if getattr(spec, key) and spec.driver not in drivers:
            raise SpecError(
                f"{key} belongs to the driver {' or '.join(drivers)}, but the driver is {spec.driver}",
                path=key,
            )
    for name, value in spec.fixed.items():
        check_hyperparameter(name, path=f"fixed.{name}")
        check_value(name, value, path=f"fixed.{name}")
    sections: dict[str, Space] = {"space": spec.axes, "by": spec.by_axes, "nuisance": spec.nuisance_axes}
    if not spec.space:
        raise SpecError("at least one hyperparameter must vary, but the space is empty", path="space")
    if spec.driver in ("random", "optuna") and spec.trials is None:
        raise SpecError(f"the driver {spec.driver} needs a number of trials", path="trials")
    _check_fidelity(spec, spec.space)
    _check_adaptive(spec)
    seen: dict[str, str] = {}
    for section, axes in sections.items():
        for name, axis in axes.items():
            path = f"{section}.{name}"
            if name in seen:
                raise SpecError(f"{name} stands already in {seen[name]}", path=path)
            seen[name] = section
            if spec.driver == "ofat" and section == "space":
                if name not in spec.fixed:
                    raise SpecError(f"{name} needs its baseline value in fixed", path=path)
            elif name in spec.fixed and section != "nuisance":
                raise SpecError(f"{name} cannot be both fixed and varied", path=path)
            if isinstance(axis, Range) and spec.driver in ("grid", "ofat"):
                raise SpecError(
                    f"{name} must be a list of values, or a range with n, for the driver {spec.driver}",
                    path=path,
                )


def _check_fidelity(spec: StudySpec, varied: Collection[str]) -> None:
    """SpecError where a fidelity study also sets what its rungs set."""
    for name in ("train_images", "epochs"):
        if spec.fidelity and (name in spec.fixed or name in varied):
            raise SpecError(f"{name} is set by fidelity and cannot be given again", path=f"fidelity.{name}")


def _check_adaptive(spec: StudySpec) -> None:
    """SpecError where a sampler or a pruner cannot do with the space what it is asked to."""
    if spec.pruner not in (None, "none"):
        for name in ("train_images", "evaluations_per_epoch"):
            if name in spec.space:
                raise SpecError(
                    f"a pruner compares trials at the same k, so {name}, which changes what k means, cannot vary",
                    path=f"space.{name}",
                )
    if spec.sampler == "cmaes":
        numeric = [
            name
            for name, axis in spec.axes.items()
            if isinstance(axis, Range) or (len(axis.values) > 1 and all(type(v) in (int, float) for v in axis.values))
        ]
        if not numeric:
            raise SpecError("the sampler cmaes needs an axis of numbers, but the space has none", path="space")


def corners(spec: StudySpec) -> list[Configuration]:
    """Configurations that ask for the most that an adaptive study can ask of a data set; empty for other drivers.

    A planned study is checked whole before it starts; these stand for the trials of one that cannot know them.
    """
    if spec.driver != "optuna":
        return []
    ends = {
        name: axis.values if isinstance(axis, Choices) else (int(axis.low), int(axis.high))
        for name, axis in spec.axes.items()
        if name in ("train_images", "batch_size", "evaluations_per_epoch")
    }
    combinations = (dict(zip(ends, values, strict=True)) for values in itertools.product(*ends.values()))
    return [configuration(spec.fixed, varied) for varied in combinations]


def check_plan(spec: StudySpec, planned: list[Configuration], n_train: int) -> None:
    """SpecError where a study asks for more than the data set has, trials that are not known yet included."""
    check_against_data(spec, planned + corners(spec), n_train)


def check_against_data(spec: StudySpec, configurations: list[Configuration], n_train: int) -> None:
    """SpecError where a trial asks for more than the data set has, before any training starts."""
    for planned in configurations:
        try:
            planned.check_fits(n_train)
        except ConfigurationError as error:
            raise SpecError(str(error), path=error.parameter or "", source=spec.source) from error
