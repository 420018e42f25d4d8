"""Search health: what the search itself looks like, in plain sentences with the numbers behind them.

Edges of the space, diverged runs, runs still improving when they ended, the gap between train and
validation, and seed noise against the differences found. Looks at validation and train only, except where
it says otherwise.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.selection_rule import guessing_accuracy
from analysis.statistics.curves import seed_spread
from analysis.statistics.intervals import binomial_error
from analysis.studies import CONFIRM, Study
from analysis.trials import by_trial
from analysis.wording import count, level_name, percent_text, points_text, short_text

EDGE_SHARE = 0.05
"""Outer share of the values tried (by rank) that counts as the edge for a parameter with many values."""
MANY_VALUES = 12
HARDLY_LEARNED = 0.5
"""Share of the way from guessing to the study's best validation accuracy below which a run learned next to nothing."""
FIDELITY = ("train_images", "epochs")
"""What a fidelity study varies as means to an end, and not as part of its space."""


@dataclass(frozen=True)
class Remark:
    """One sentence about a study; `concern` tells whether it asks for action."""

    topic: str
    sentence: str
    concern: bool
    run_ids: tuple[int, ...]


def health(study: Study) -> list[Remark]:
    """All remarks on a study."""
    remarks = [_divergence(study.all_runs)]
    if study.has_results:
        runs = study.complete
        remarks += _edges(study) if study.driver != CONFIRM else []
        remarks += _learned_nothing(runs)
        remarks += [_still_improving(study, runs), _gap(runs), _noise(runs)]
    return remarks


def _ids(runs: pd.DataFrame) -> tuple[int, ...]:
    return tuple(int(number) for number in runs["run_id"])


def _divergence(runs: pd.DataFrame) -> Remark:
    diverged = runs[runs["state"] == "diverged"]
    share = len(diverged) / len(runs)
    if diverged.empty:
        return Remark("divergence", f"None of {len(runs):,} runs diverged.", False, ())
    sentence = (
        f"{len(diverged):,} of {len(runs):,} runs ({percent_text(share, 0)}) diverged, at {_rates(diverged)}. "
        f"Averages are over the runs that did not."
    )
    return Remark("divergence", sentence, share > 0.1, _ids(diverged))


def searched_numbers(runs: pd.DataFrame) -> list[str]:
    """Numeric parameters that the study's trials differ in."""
    names = sorted({name for params in runs["params"] for name in params})
    return [
        name
        for name in names
        if name in runs
        and runs[name].nunique() > 2
        and pd.api.types.is_numeric_dtype(runs[name])
        and not pd.api.types.is_bool_dtype(runs[name])
    ]


def at_edge(values: pd.Series, chosen: Any) -> str:
    """`lowest`, `highest` or "" for a chosen value among those tried (many values: the outer 5 %)."""
    distinct = np.sort(values.unique())
    low, high = distinct[0], distinct[-1]
    if len(distinct) > MANY_VALUES:
        low, high = np.quantile(values, [EDGE_SHARE, 1 - EDGE_SHARE])
    return "lowest" if chosen <= low else "highest" if chosen >= high else ""


def _rates(runs: pd.DataFrame) -> str:
    low, high = runs["learning_rate"].min(), runs["learning_rate"].max()
    return (
        f"learning rate {short_text(low)}"
        if low == high
        else f"learning rates from {short_text(low)} to {short_text(high)}"
    )


def _learned_nothing(runs: pd.DataFrame) -> list[Remark]:
    """Runs that ended without a loss beyond all bounds and yet classify hardly better than by chance."""
    guessing = guessing_accuracy(int(runs["n_classes"].iloc[0])) if runs["n_classes"].notna().all() else 0.0
    bound = guessing + HARDLY_LEARNED * (float(runs["validation_accuracy"].max()) - guessing)
    lost = runs[runs["validation_accuracy"] < bound]
    if lost.empty:
        return []
    sentence = (
        f"{count(len(lost), 'run')} of {len(runs):,} stayed below {percent_text(bound, 0)} on validation, half "
        f"of the way from guessing to the best, without diverging, at {_rates(lost)}. Means and spreads contain them."
    )
    return [Remark("learned nothing", sentence, True, _ids(lost))]


def _edges(study: Study) -> list[Remark]:
    """Whether the chosen values lie at the edge of those tried, at lower fidelity too."""
    chosen, tried = study.selected, study.complete_at_any_fidelity
    remarks = []
    names = [name for name in searched_numbers(tried) if name not in FIDELITY]
    for name in names:
        edge = at_edge(tried[name], chosen[name])
        if edge:
            sentence = (
                f"The best configuration on validation has {level_name(name, chosen[name])}, among the {edge} "
                f"values tried ({short_text(tried[name].min())} to {short_text(tried[name].max())}): a wider space may "
                "hold better ones."
            )
            remarks.append(Remark("edge", sentence, True, tuple(chosen["run_ids"])))
    if not remarks and names:
        sentence = "The best configuration on validation lies inside the range of every numeric parameter."
        remarks.append(Remark("edge", sentence, False, tuple(chosen["run_ids"])))
    return remarks


def _still_improving(study: Study, runs: pd.DataFrame) -> Remark:
    """Runs whose last epoch is better on validation than the one before by over a standard error."""
    curves = study.curves_of(runs)[["run_id", "epoch", "validation_accuracy"]]
    last = curves.groupby("run_id")["epoch"].transform("max")
    back = np.ceil(last - curves["epoch"] + 1e-9).clip(lower=1)
    means = curves.assign(back=back).pivot_table(index="run_id", columns="back", values="validation_accuracy")
    if 2.0 not in means:
        return Remark("still improving", "Runs of one epoch do not show whether they were still improving.", False, ())
    gain = (means[1.0] - means[2.0]).dropna()
    error = binomial_error(float(runs["validation_accuracy"].mean()), int(runs["n_validation"].iloc[0]))
    improving = gain[gain > error]
    sentence = (
        f"{len(improving):,} of {len(gain):,} runs gained more than {points_text(error)} points (one standard error) "
        "of validation accuracy in their last epoch over the one before"
    )
    concern = len(improving) > 0.25 * len(gain)
    sentence += ": longer training may pay." if concern else "."
    return Remark("still improving", sentence, concern, tuple(int(run_id) for run_id in improving.index))


def _gap(runs: pd.DataFrame) -> Remark:
    gap = runs["train_accuracy"] - runs["validation_accuracy"]
    widest = runs.iloc[int(gap.to_numpy().argmax())]
    sentence = (
        f"Train accuracy minus validation accuracy is {points_text(gap.mean())} points on average, at most "
        f"{points_text(gap.max())} (run {int(widest['run_id'])})."
    )
    return Remark("train against validation", sentence, bool(gap.mean() > 0.02), (int(widest["run_id"]),))


def _noise(runs: pd.DataFrame) -> Remark:
    noise, freedom = seed_spread(runs)
    between = float(by_trial(runs)["validation_accuracy"].std(ddof=1))
    if freedom == 0:
        sentence = (
            f"One run per configuration: seed noise is not measured, so the {points_text(between)} points of standard "
            "deviation between configurations contain it."
        )
        return Remark("seed noise", sentence, True, ())
    sentence = (
        f"Seeds alone spread validation accuracy by {points_text(noise)} points (standard deviation, "
        f"{freedom} degrees of freedom)"
    )
    if np.isnan(between):
        return Remark("seed noise", sentence + ".", False, _ids(runs))
    sentence += f", configurations by {points_text(between)}."
    mean_noise = noise / float(np.sqrt(runs.groupby("trial_number").size().mean()))
    concern = between < 2 * mean_noise
    sentence += " Much of the differences found is noise." if concern else ""
    return Remark("seed noise", sentence, concern, _ids(runs))
