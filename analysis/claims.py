"""The report's claims as data, and what this database says about each.

    Claim.test(tables) → Evidence ──Holm over all claims──▶ judge → Finding

Verdicts: `supported`, `contradicted`, `undecided`, `not run`. A difference is called real only if its
interval excludes zero, its p value survives Holm's correction over all claims tested by one, and it is
larger than the binomial standard error with which the test images measure an accuracy. Claims about a level
on MNIST are not tested on other data.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analysis import linear_evidence, mlp_evidence
from analysis.evidence import ALPHA, CONTRADICTED, NOT_RUN, SUPPORTED, UNDECIDED, Evidence, Number, p_text
from analysis.statistics import holm
from analysis.tables import NotApplicableError, StudyMissingError, Tables


@dataclass(frozen=True)
class Claim:
    """A statement of the report.

    Attributes:
        key: Short name.
        statement: The claim in a sentence.
        where: Section and figure of the report.
        support: What would support it.
        study: The study that answers it.
        test: From tables to evidence; StudyMissingError and NotApplicableError lead to `not run`.
        mnist_only: Whether it speaks of a level that only MNIST can show.
    """

    key: str
    statement: str
    where: str
    support: str
    study: str
    test: Callable[[Tables], Evidence]
    mnist_only: bool = False


@dataclass(frozen=True)
class Finding:
    """A claim with its verdict; `command` makes what is missing."""

    claim: Claim
    verdict: str
    sentence: str
    numbers: tuple[Number, ...] = ()
    run_ids: tuple[int, ...] = ()
    p: float = np.nan
    p_adjusted: float = np.nan
    command: str = ""


def judge(found: Evidence, p_adjusted: float) -> tuple[str, str]:
    """The verdict on a difference, and why it is not a firmer one."""
    if found.verdict == CONTRADICTED and p_adjusted >= ALPHA:
        return (
            UNDECIDED,
            f"The test does not survive the correction for several claims ({p_text(p_adjusted)}).",
        )
    if found.verdict is not None:
        return found.verdict, ""
    if not np.isfinite(found.low):
        return UNDECIDED, "Too few units for an interval."
    if found.low <= 0 <= found.high:
        return UNDECIDED, "The interval includes no difference."
    if not p_adjusted < ALPHA:
        return (
            UNDECIDED,
            f"The test does not survive the correction for several claims ({p_text(p_adjusted)}).",
        )
    if abs(found.difference) <= found.resolution:
        return UNDECIDED, (
            f"The difference is smaller than the {100 * found.resolution:.2f} points of standard "
            "error with which "
            "the test images measure an accuracy, so it is not called real."
        )
    return (SUPPORTED if found.difference > 0 else CONTRADICTED), ""


def examine(tables: Tables) -> list[Finding]:
    """Every claim with its verdict, in the report's order; p values are corrected over all of them (Holm)."""
    findings: list[Finding] = []
    tested: list[tuple[int, Evidence]] = []
    for position, claim in enumerate(CLAIMS):
        command = tables.command(claim.study)
        if claim.mnist_only and tables.dataset != "mnist":
            mnist_command = Tables("mnist", tables.runs, tables.curves).command(claim.study)
            reason = f"The claim is about MNIST; these runs are on {tables.dataset}."
            findings.append(Finding(claim, NOT_RUN, reason, command=mnist_command))
            continue
        try:
            found = claim.test(tables)
        except StudyMissingError as missing:
            findings.append(
                Finding(claim, NOT_RUN, f"Study {missing.study} {missing.reason}.", command=missing.command)
            )
            continue
        except NotApplicableError as error:
            findings.append(Finding(claim, NOT_RUN, f"{str(error)[:1].upper()}{str(error)[1:]}.", command=command))
            continue
        tested.append((position, found))
        findings.append(Finding(claim, UNDECIDED, found.sentence, found.numbers, found.run_ids, found.p))
    with_p = [(position, found) for position, found in tested if np.isfinite(found.p)]
    adjusted = dict(zip([p for p, _ in with_p], holm([e.p for _, e in with_p]), strict=True)) if with_p else {}
    for position, found in tested:
        p_adjusted = float(adjusted.get(position, np.nan))
        verdict, reason = judge(found, p_adjusted)
        sentence = " ".join(part for part in (found.sentence, reason, _one_seed(tables, found)) if part)
        findings[position] = replace(findings[position], verdict=verdict, sentence=sentence, p_adjusted=p_adjusted)
    return findings


def _one_seed(tables: Tables, found: Evidence) -> str:
    """A word of caution where all runs behind a finding have the same seed."""
    runs = tables.runs[tables.runs["run_id"].isin(found.run_ids)]
    if len(runs) < 2 or runs["seed"].nunique() > 1:
        return ""
    return "All runs share one seed, so this says nothing about other seeds."


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "linear-minimum",
        "All linear models reach at least 91.8 % test accuracy.",
        "section 2.4, Figure 3",
        "Every run of the grid at 91.8 % or above, none diverged; contradicted by a run more than a "
        "standard error below. The report does not give its eight learning rates; ours were chosen so that this could "
        "hold, so it says that there are such rates, not that the report's were.",
        "linear-grid",
        linear_evidence.lowest_linear,
        mnist_only=True,
    ),
    Claim(
        "linear-mean",
        "The mean test accuracy of the linear models is 92.2 %.",
        "section 2.4, Figure 3",
        "A mean that rounds to 92.2 %; contradicted by one that is more than a standard error away.",
        "linear-grid",
        linear_evidence.mean_linear,
        mnist_only=True,
    ),
    Claim(
        "no-rate-correlation",
        "There is no correlation between learning rate and test accuracy.",
        "section 2.4",
        "Means of the learning rates that differ by less than a standard error of an accuracy; contradicted by a "
        "correlation in five seeds or more, or by a range that no sample of images would give.",
        "linear-grid",
        lambda tables: linear_evidence.rate_and_accuracy(tables, "linear-grid"),
    ),
    Claim(
        "no-rate-correlation-wide",
        "Nor is there one over a wide range of learning rates.",
        "beyond section 2.4",
        "The same over 0.0001 to 0.3.",
        "linear-lr-wide",
        lambda tables: linear_evidence.rate_and_accuracy(tables, "linear-lr-wide"),
    ),
    Claim(
        "momentum-speed",
        "Momentum speeds up convergence.",
        "section 2.4, Figure 4",
        "Fewer evaluations until within one point of the run's best, in matched pairs. The report's words, "
        "an increase in converging time, are read with its Figure 4 as faster convergence.",
        "linear-grid",
        linear_evidence.momentum,
    ),
    Claim(
        "two-evaluations",
        "No model needs more than two updates (evaluations) to come within 1 % of its best.",
        "section 2.4, footnote 1",
        "Every run of the grid within one point of its own best validation accuracy at evaluation 2; contradicted by "
        "a run that is a standard error short of that.",
        "linear-grid",
        lambda tables: linear_evidence.convergence_within(tables, 2, "two evaluations"),
    ),
    Claim(
        "two-epochs",
        "The same, read as two epochs (the footnote places evaluation 8 in epoch 2).",
        "section 2.4, footnote 1",
        "Every run of the grid there at evaluation 10, the end of epoch 2.",
        "linear-grid",
        lambda tables: linear_evidence.convergence_within(tables, 10, "two epochs (10 evaluations)"),
    ),
    Claim(
        "decay-accuracy",
        "Learning-rate decay improves accuracy.",
        "section 2.4, Figure 5",
        "Higher test accuracy in matched pairs, by more than a standard error.",
        "linear-grid",
        linear_evidence.decay,
    ),
    Claim(
        "mlp-beats-linear",
        "The MLP beats the linear model.",
        "section 3.4, Figure 7",
        "The MLP selected on validation above the linear model selected on validation, on test.",
        "mlp-random",
        mlp_evidence.mlp_against_linear,
    ),
    Claim(
        "mlp-98",
        "The best MLP reaches 98 %.",
        "section 3.4",
        "The MLP selected on validation at 98 % or more on test.",
        "mlp-random",
        lambda tables: mlp_evidence.level_reached(mlp_evidence.best_mlp_runs(tables), 0.98, above=False),
        mnist_only=True,
    ),
    Claim(
        "wider-to-100",
        "Wider is better, up to 100 units per layer.",
        "section 3.4, Figure 9",
        "Higher test accuracy at 100 units than at 10 with the same seeds.",
        "ofat-hidden-size",
        lambda tables: mlp_evidence.width(tables, 100),
    ),
    Claim(
        "wider-beyond-100",
        "Wider stays better beyond 100 units (the largest size against 100).",
        "section 3.4 (left open)",
        "Higher test accuracy at the largest size than at 100 with the same seeds.",
        "ofat-hidden-size",
        lambda tables: mlp_evidence.width(tables, 0, 100),
    ),
    Claim(
        "relu-above-tanh",
        "ReLU performs slightly better than tanh.",
        "section 3.4, Figures 9 and 10",
        "Higher test accuracy in pairs of the same size and seed.",
        "ofat-hidden-size",
        mlp_evidence.relu,
    ),
    Claim(
        "longer-or-wider",
        "Training longer or wider goes above 98 %.",
        "section 3.4 (conjecture)",
        "The widest network of the one-factor study, trained as the report did, above 98 % on test by two standard "
        "errors.",
        "ofat-hidden-size",
        mlp_evidence.beyond,
        mnist_only=True,
    ),
    Claim(
        "small-training-sets",
        "Smaller training sets still show where good hyperparameters are.",
        "section 3.4 (conjecture)",
        "A rank correlation of at least 0.5, with its whole interval, between the smallest and a larger training set.",
        "mlp-fidelity",
        mlp_evidence.small_sets,
    ),
)

__all__ = ["CLAIMS", "Claim", "Evidence", "Finding", "Number", "examine", "judge"]
