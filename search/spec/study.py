"""A study as its YAML file states it, checked whole before anything runs.

    experiments/x.yaml ──load_spec──> StudySpec ──drivers──> trials

Every mistake in a file is one message that names the file, the place, what is expected and what was found.
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_serializer,
    model_validator,
)

from analysis.figures.requests import StatedFigure
from engine.configuration import DOMAINS
from engine.data.reference import Reference
from engine.errors import ConfigurationError, DataError, shown
from search.spec.answers import settled
from search.spec.consistency import parse_constraints
from search.spec.limits import (
    MAX_CLAIMS,
    MAX_FIGURES,
    MAX_NAME,
    MAX_REPLICATES,
    MAX_RUNGS,
    MAX_TEXT,
    MAX_TRIALS,
    NAME_PATTERN,
)
from search.spec.meaning import DriverName, check_meaning
from search.spec.other_names import nearest
from search.spec.points import Points, parse_groups, parse_picked
from search.spec.replication import split_key, vary_key, with_replicates
from search.spec.space import Space, SpecError, parse_space
from search.spec.words import in_our_words
from search.spec.yaml_file import load_yaml

if TYPE_CHECKING:
    from analysis.claims.claim import Claim as StatedClaim
else:
    from analysis.claims.forms import StatedClaim

DEFAULT_SEED = 2022


def _widths_as_words(when: object) -> object:
    """Conditions on `hidden_sizes` with each list of units as the word that it is compared as (`engine.domains`)."""
    if not isinstance(when, dict):
        return when
    return {
        name: {other: _as_words(needed) if other == "hidden_sizes" else needed for other, needed in needs.items()}
        if isinstance(needs, dict)
        else needs
        for name, needs in when.items()
    }


def _as_words(needed: object) -> object:
    if not isinstance(needed, list):
        return needed
    try:
        return [DOMAINS["hidden_sizes"].check("hidden_sizes", value) for value in needed]
    except ConfigurationError:  # found again, with its place, where conditions are checked
        return needed


def _fraction(value: object) -> object:
    """1/3 as it stands in a file, where YAML sees a word."""
    if isinstance(value, str) and value.count("/") == 1:
        numerator, denominator = value.split("/")
        try:
            return float(numerator) / float(denominator)
        except (ValueError, ZeroDivisionError):
            return value
    return value


def _data_set(value: object) -> object:
    """A data set's name, path or mapping, its keys checked; whether it is there is seen when it is loaded."""
    try:
        Reference.parse(value)
    except DataError as error:
        raise ValueError(str(error)) from error
    return value


NUISANCE_FACTORS = (0.25, 0.5, 1, 2, 4)
"""What a nuisance that is only named is tried at, as multiples of its baseline."""


def _around(name: str, baseline: object) -> list[float]:
    """The values that a nuisance named without an axis is tried at."""
    if isinstance(baseline, bool) or not isinstance(baseline, int | float) or not 0 < baseline <= 1e38:
        raise ValueError(
            f"nuisance: a name alone needs a number above 0 as its baseline in fixed, but {name} has "
            f"{'no value' if baseline is None else shown(baseline)} there; or give its values, as in "
            f"{{{name}: [0.005, 0.01, 0.02]}}"
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

    train_images: list[Annotated[int, Field(ge=1)]] = Field(min_length=2, max_length=MAX_RUNGS)
    epochs: list[Annotated[int, Field(ge=1)]] = Field(min_length=2, max_length=MAX_RUNGS)
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
        driver: what proposes configurations.
        dataset: a name, the path of a file, or a mapping of its path and how it is to be read.
        seed: decides the plan and, with the replicate, each run's seed.
        replicates: runs of each trial.
        vary: what replicates draw anew, everything else being held: a list of `split`, `initialisation`, `order` and
            `dropout` (its masks, and noise), or some of them with numbers of levels, which are crossed.
        split: other cuts of the training and validation images into the two, `folds` or `resample` with their number.
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
        claims: sentences that the results are to support or contradict.
        figures: what the page shows first.
        page: the title of a page of their own for the studies that name it.
        configurations: for `grid`: hand-picked ones, beside `space` or without it.
        zip: for all but `ofat`: groups of hyperparameters whose lists move together.
        when: hyperparameters that exist only where others have certain values (`analysis.conditions`).
        constraints: inequalities between hyperparameters (`search.spec.constraints`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    study: str = Field(pattern=NAME_PATTERN, max_length=MAX_NAME)
    question: str = Field(min_length=1, max_length=MAX_TEXT)
    driver: DriverName
    dataset: Annotated[Any, BeforeValidator(_data_set)] = "auto"
    seed: int = Field(default=DEFAULT_SEED, ge=0, le=2**31 - 1)
    replicates: int = Field(default=1, ge=1, le=MAX_REPLICATES)
    vary: Annotated[Any, BeforeValidator(vary_key)] = None
    split: Annotated[Any, BeforeValidator(split_key)] = None
    at: Literal["best", "last"] = "best"
    fixed: dict[str, Any] = Field(default_factory=dict)
    space: dict[str, Any] = Field(default_factory=dict)
    trials: int | None = Field(default=None, ge=1, le=MAX_TRIALS)
    sampler: Literal["tpe", "gp", "cmaes", "qmc", "nsgaii"] | None = None
    pruner: Literal["none", "successive_halving", "hyperband"] | None = None
    by: dict[str, Any] = Field(default_factory=dict)
    nuisance: dict[str, Any] = Field(default_factory=dict)
    fidelity: FidelitySpec | None = None
    claims: list[StatedClaim] = Field(default_factory=list, max_length=MAX_CLAIMS)
    figures: list[StatedFigure] = Field(default_factory=list, max_length=MAX_FIGURES)
    page: str = Field(default="", max_length=MAX_NAME)
    configurations: list[dict[str, Any]] = Field(default_factory=list)
    zip: list[dict[str, list[Any]]] = Field(default_factory=list)
    when: Annotated[dict[str, dict[str, Any]], BeforeValidator(_widths_as_words)] = Field(default_factory=dict)
    constraints: list[str] = Field(default_factory=list)
    source: str = ""

    @field_serializer("claims", "figures")
    def _as_stated(self, models: list[BaseModel]) -> list[dict[str, Any]]:
        """What the file says of them, without the keys that it leaves out."""
        return [model.model_dump(exclude_unset=True) for model in models]

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
        if not isinstance(raw, dict) or not isinstance(raw.get("nuisance"), list):
            return raw
        names, baseline = raw["nuisance"], raw.get("fixed", {})
        if not isinstance(baseline, dict):  # which is found below, and comes first
            return raw | {"nuisance": {}}
        for i, name in enumerate(names):
            if not isinstance(name, str) or name not in DOMAINS or name in names[:i]:
                raise ValueError(
                    f"nuisance[{i}]: a list holds names of hyperparameters, each once, but got {shown(name)}; "
                    "with values it is keys and values, as in {learning_rate: [0.005, 0.01, 0.02]}"
                )
        return raw | {"nuisance": {name: _around(name, baseline.get(name)) for name in names}}

    @model_validator(mode="before")
    @classmethod
    def _count_replicates(cls, raw: Any) -> Any:
        """How many replicates `vary` or `split` stand for, written out."""
        return with_replicates(raw)

    @cached_property
    def axes(self) -> Space:
        """The parsed space."""
        return parse_space(self.space)

    @cached_property
    def by_axes(self) -> Space:
        """The parsed `by` section."""
        return parse_space(self.by, path="by")

    @cached_property
    def nuisance_axes(self) -> Space:
        """The parsed `nuisance` section."""
        return parse_space(self.nuisance, path="nuisance")

    @cached_property
    def points(self) -> Points:
        """The configurations that the study can try."""
        return Points(
            space=dict(sorted({**self.axes, **self.by_axes, **self.nuisance_axes}.items())),
            groups=parse_groups(self.zip),
            given=parse_picked(self.configurations),
            when=self.when,
            constraints=parse_constraints(self.constraints),
            fixed=self.fixed,
            source=self.source,
        )

    @property
    def varied(self) -> Space:
        """Every hyperparameter that varies, with its values."""
        return self.points.shown

    def revised(self, **changes: object) -> "StudySpec":
        """The same study with some fields replaced, checked again; None leaves a field as it is.

        Another sampler makes it another study, so it is named after it: `mlp-optuna` becomes `mlp-optuna-cmaes`.
        """
        kept = {key: value for key, value in changes.items() if value is not None}
        if self.sampler and kept.get("sampler", self.sampler) != self.sampler:
            kept.setdefault("study", f"{self.study}-{kept['sampler']}")
        return parse_spec({**self.model_dump(exclude={"source"}), **kept}, source=self.source)


def load_spec(path: str | Path) -> StudySpec:
    """The study in a YAML file.

    Raises:
        SpecError: the file is missing or not YAML, or the study cannot be run as written.
    """
    file = load_yaml(path)
    known = StudySpec.model_fields
    places = {key for key in file.definitions if key not in known and not nearest(key, known, {})}
    return parse_spec({key: value for key, value in file.values.items() if key not in places}, source=str(path))


def parse_spec(raw: dict[str, Any], *, source: str = "") -> StudySpec:
    """The study that a mapping states; `source` is the file's name for messages.

    Raises:
        SpecError: an unknown key, a wrong type, a value out of range, an empty space.
    """
    try:
        spec = StudySpec.model_validate({**raw, "source": source})
    except ValidationError as error:
        raise SpecError(in_our_words(error, StudySpec), source=source) from error
    try:
        check_meaning(spec)
        return settled(spec)
    except SpecError as error:
        raise SpecError(error.message, path=error.path, source=source) from error
