"""A claim as a study file states it: a sentence, what it is measured by, and one form that says what is tested.

    claims:                                        Claim, checked with the file it stands in
      - claim: Momentum speeds up convergence.  ─▶ Compare.examine(…) ─▶ Evidence ─▶ verdict
        compare: {factor: momentum, level: on, against: off}
        metric: convergence
        expect: lower

Nothing here is heavy to import: study files are checked with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from analysis.errors import NotApplicableError
from analysis.metrics import METRICS, Metric, MetricName, nearest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.claims.contrast import Contrast
    from analysis.claims.evidence import Evidence
    from analysis.studies import Studies, Study

MAX_SENTENCE = 300
SAME = ("same", "neither")
"""What a claim expects that says that there is no difference: it must say how small a difference does not matter."""


@dataclass(frozen=True)
class StatedAxis:
    """An axis as a study file states it.

    Attributes:
        values: Its values; None for a range.
        low: Lower end of a range, or None.
        high: Upper end of a range, or None.
        is_number: Whether its values are numbers.
    """

    values: tuple[Any, ...] | None
    low: float | None
    high: float | None
    is_number: bool

    def holds(self, value: Any) -> bool:
        """Whether it has that value."""
        if self.values is not None:
            return value in self.values
        assert self.low is not None and self.high is not None
        return isinstance(value, int | float) and self.low <= value <= self.high


@dataclass(frozen=True)
class Stated:
    """What a form can know of the study whose file it stands in, before anything has run.

    Attributes:
        study: The study's name in its file.
        driver: Its driver.
        axes: What it varies, by the hyperparameter's name: `space` and `by`.
        is_paired: Whether its runs come in matched pairs: every level of an axis at the same values of the others.
        has_rungs: Whether it trains at several fidelities.
    """

    study: str
    driver: str
    axes: Mapping[str, StatedAxis]
    is_paired: bool
    has_rungs: bool

    def axis(self, name: str, path: str) -> StatedAxis:
        """The axis of that name.

        Raises:
            ClaimError: The study does not vary it.
        """
        if name not in self.axes:
            raise ClaimError(f"the study must vary {name}, but does not; {nearest_of(name, self.axes)}", path)
        return self.axes[name]


class ClaimError(ValueError):
    """A claim that cannot be tested as stated: `path` inside the claim, and what must hold."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.message, self.path = message, path


class Form(BaseModel):
    """What a claim says of its metric. A form is one file: its keys, what it needs, its statistic, its words."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    EXPECTS: ClassVar[tuple[str, ...]] = ()
    """What the claim's key `expect` may be; it must be given where there are any."""
    TAKES_MARGIN: ClassVar[bool] = False
    """Whether the claim's key `margin` means anything."""

    def check(self, claim: Claim, stated: Stated) -> None:  # noqa: ARG002
        """ClaimError where the study cannot answer it, with the path of the key."""
        if claim.expect in SAME and claim.margin is None and claim.measured.split is None:
            raise ClaimError(
                f"expect: {claim.expect} needs the smallest difference of {claim.metric} that matters, in "
                f"{claim.measured.unit}, but it is missing",
                "margin",
            )

    def support(self, claim: Claim) -> str:
        """What would support and what contradict it, in one or two sentences."""
        raise NotImplementedError

    def examine(self, claim: Claim, study: Study, studies: Studies) -> Evidence:
        """What the runs say.

        Raises:
            NothingThereError: Runs or another study are missing.
            NotApplicableError: They are there, but the statistic's conditions do not hold.
        """
        raise NotImplementedError

    def is_tested(self) -> bool:
        """Whether its verdict takes part in what several claims of a page share: the probability of a false one."""
        return True

    def contrast(self, claim: Claim, study: Study) -> Contrast:
        """The claim as one number a replicate, for `decide`.

        Raises:
            NothingThereError: Runs are missing.
            NotApplicableError: More replicates would not settle it, or the statistic's conditions do not hold.
        """
        del study
        raise NotApplicableError(f"what {claim.form_name} says is not a number of each replicate")


class ClaimBase(BaseModel):
    """What every claim has; the forms are added to it in `analysis.claims.forms`.

    Attributes:
        claim: The claim in a sentence.
        where: Where it comes from, if anywhere: `section 2.4, Figure 4`.
        key: Short name, for links; made from the sentence where none is given.
        metric: What is measured of a run, a name of `analysis.metrics`.
        expect: What the form says of it: `higher`, `lower`, `same`, …
        margin: The smallest difference that matters, in the metric's own unit (0.005 is half a point of accuracy). By
            default the binomial standard error of an accuracy on its split, and none for a difference where it is known
            which images each run got right.
        needs: What must hold of the stored study: `dataset`, or hyperparameters with the value that all runs have, or a
            list of values that are all among theirs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    FORMS: ClassVar[Mapping[str, type[Form]]] = {}

    claim: str = Field(min_length=1, max_length=MAX_SENTENCE)
    where: str = Field(default="", max_length=MAX_SENTENCE)
    key: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)
    metric: MetricName = "test_accuracy"
    expect: str | None = None
    margin: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    needs: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_one_form(self) -> Self:
        given = [name for name in self.FORMS if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"a claim has one of {', '.join(self.FORMS)}, but got {found}")
        expects = self.form.EXPECTS
        if expects and self.expect not in expects:
            got = "it is missing" if self.expect is None else f"got {self.expect!r}"
            raise ValueError(f"expect must be one of {', '.join(expects)} for {given[0]}, but {got}")
        if not expects and self.expect is not None:
            raise ValueError(f"expect means nothing for {given[0]}, whose own keys say what is expected")
        if self.margin is not None and not self.form.TAKES_MARGIN:
            raise ValueError(f"margin means nothing for {given[0]}")
        if self.margin is not None and self.measured.kind == "share" and self.margin >= 1:
            raise ValueError(f"margin is a share here, 0.005 for half a point, but got {self.margin}")
        return self

    @property
    def form_name(self) -> str:
        """The key of its form."""
        return next(name for name in self.FORMS if getattr(self, name) is not None)

    @property
    def form(self) -> Form:
        """Its form."""
        found: Form = getattr(self, self.form_name)
        return found

    @property
    def measured(self) -> Metric:
        """Its metric."""
        return METRICS[self.metric]

    @property
    def anchor(self) -> str:
        """Its name in links."""
        return self.key or re.sub(r"[^a-z0-9]+", "-", self.claim.lower())[:60].strip("-") or "claim"


Claim = ClaimBase
