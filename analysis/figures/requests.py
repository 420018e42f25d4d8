"""The figures that a study file can ask for, one class a form: its keys, checked with the file.

    figures:
      - figure: paired
        factor: momentum
        metric: convergence
        number: Figure 4

Every study gets every figure that it can feed without asking; a file asks where it wants one in front, with other keys
than a form chooses by itself, or under a number. Nothing here is heavy to import: study files are checked with it.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from analysis.metrics import MetricName  # noqa: TC001 -- pydantic reads it

MAX_TEXT = 300


Ends = Annotated[list[float], Field(min_length=2, max_length=2)]


class Request(BaseModel):
    """What every figure has.

    Attributes:
        number: What it is called elsewhere: `Figure 4`.
        title: Its heading; the form's own where it is not given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    HEADING: ClassVar[str] = ""
    """Its heading, of a form that has the same for every study."""

    number: str = Field(default="", max_length=MAX_TEXT)
    title: str = Field(default="", max_length=MAX_TEXT)

    @property
    def form(self) -> str:
        """The form's name, its key `figure`."""
        return next(name for name, kind in REQUESTS.items() if kind is type(self))


class Curves(Request):
    """Loss and accuracy against epochs: of the selected configuration beside the median one, or of named ones.

    Attributes:
        of: The configuration with these values, as {activation: relu}, the best on validation where there are several;
            the selected one where it is not given.
        by: An axis: one line for each of its levels, on test, instead of one for each split; all else as in `of`, and
            as it was selected.
        behind: What the selected configuration is shown with: the `median` one beside it, or in grey the range of
            `all` on test.
    """

    figure: Literal["curves"] = "curves"
    of: dict[str, Any] = Field(default_factory=dict)
    by: str | None = None
    behind: Literal["median", "all"] = "median"


class Distribution(Request):
    """How a metric is spread over the configurations.

    Attributes:
        metric: What is drawn.
        beside: Another study on the same data, by its name in its file.
        marks: Values from elsewhere, as {"report: lowest": 0.918}.
    """

    figure: Literal["distribution"] = "distribution"
    metric: MetricName = "test_accuracy"
    beside: str | None = None
    marks: dict[str, float] = Field(default_factory=dict)


class Paired(Request):
    """Two levels of a factor: box plots, and below them the differences of matched pairs.

    Attributes:
        factor: The hyperparameter.
        level: The level whose value comes first in the difference; the last of the axis where it is not given.
        against: The other one; the first of the axis where it is not given.
        metric: What is compared.
    """

    figure: Literal["paired"] = "paired"
    factor: str
    level: Any = None
    against: Any = None
    metric: MetricName = "test_accuracy"


class Response(Request):
    """A metric against a numeric axis, one line for each level of another axis, one panel for each of a third.

    Attributes:
        axis: The numeric axis.
        by: The axes of lines and of panels.
        metric: What is drawn.
        marks: Ranges from elsewhere, as {"range of the report": [10, 100]}.
    """

    figure: Literal["response"] = "response"
    axis: str
    by: list[str] = Field(default_factory=list, max_length=2)
    metric: MetricName = "test_accuracy"
    marks: dict[str, Ends] = Field(default_factory=dict)


class Interaction(Request):
    """Main effects and two-way interactions of a balanced grid, and the share of the variation each explains."""

    figure: Literal["interaction"] = "interaction"
    metric: MetricName = "test_accuracy"


class OneFactor(Request):
    """What each change to the baseline does, in pairs with the same seeds.

    Attributes:
        beside: Other studies of one factor at a time with the same baseline, by their names in their files; those that
            are there are drawn too.
        metric: What is compared.
    """

    figure: Literal["one_factor"] = "one_factor"
    beside: list[str] = Field(default_factory=list)
    metric: MetricName = "test_accuracy"


class Noise(Request):
    """The variance of a crossed study (`vary`), source by source, for each configuration.

    Attributes:
        metric: What varies.
    """

    figure: Literal["noise"] = "noise"
    metric: MetricName = "test_accuracy"


class ExpectedBest(Request):
    """Expected best validation accuracy against the number of random trials."""

    HEADING: ClassVar[str] = "What a random search of n trials can expect"

    figure: Literal["expected_best"] = "expected_best"


class Importance(Request):
    """Which hyperparameters a search found to matter."""

    HEADING: ClassVar[str] = "Importance of hyperparameters"

    figure: Literal["importance"] = "importance"


class Fidelity(Request):
    """The candidates of successive halving over its rungs, and how far the rankings agree.

    Attributes:
        against: A study that trains the same candidates in full, by its name in its file.
    """

    HEADING: ClassVar[str] = "From small training sets to the full one"

    figure: Literal["fidelity"] = "fidelity"
    against: str | None = None


class Confirmation(Request):
    """The value that got a configuration selected, and what fresh seeds give."""

    HEADING: ClassVar[str] = "Selected against confirmed"

    figure: Literal["confirmation"] = "confirmation"


class Pareto(Request):
    """Training time against accuracy, and the configurations that none beats in both."""

    figure: Literal["pareto"] = "pareto"
    metric: MetricName = "test_accuracy"


class MomentumBowl(Request):
    """Gradient descent with and without momentum on an ill-conditioned bowl, computed; only where it is asked for."""

    HEADING: ClassVar[str] = "Gradient descent with and without momentum"

    figure: Literal["momentum_bowl"] = "momentum_bowl"


class ComponentChain(Request):
    """The chain of components of the selected configuration; only where it is asked for."""

    HEADING: ClassVar[str] = "The chain of components"

    figure: Literal["component_chain"] = "component_chain"


REQUESTS: dict[str, type[Request]] = {
    "curves": Curves,
    "distribution": Distribution,
    "paired": Paired,
    "response": Response,
    "interaction": Interaction,
    "one_factor": OneFactor,
    "noise": Noise,
    "expected_best": ExpectedBest,
    "importance": Importance,
    "fidelity": Fidelity,
    "confirmation": Confirmation,
    "pareto": Pareto,
    "momentum_bowl": MomentumBowl,
    "component_chain": ComponentChain,
}
"""Every form of figure, by the key `figure`."""

StatedFigure = Annotated[
    Curves
    | Distribution
    | Paired
    | Response
    | Interaction
    | OneFactor
    | Noise
    | ExpectedBest
    | Importance
    | Fidelity
    | Confirmation
    | Pareto
    | MomentumBowl
    | ComponentChain,
    Field(discriminator="figure"),
]
"""A figure of a study file."""
