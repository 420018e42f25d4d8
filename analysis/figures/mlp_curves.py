"""Training curves of the 2 × 100 MLP with momentum and decay (the report's Figure 8)."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures.common import count, decays, describe, one_factor_runs, split_curves
from analysis.figures.curves import draw_split_curves
from analysis.figures.style import ACTIVATIONS
from analysis.tables import StudyMissingError, Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Training of the MLP"
REPORT = "Figure 8"
SOURCES = (
    "ofat-hidden-size",
    "ofat-activation",
    "ofat-depth",
    "ofat-momentum",
    "ofat-decay",
    "ofat-learning-rate",
)


def reported_runs(tables: Tables, activations: tuple[str, ...] = ("relu",)) -> pd.DataFrame:
    """Complete runs of the report's MLP (2 × 100, momentum, decay), from one study.

    One configuration per activation.

    Raises:
        StudyMissingError: No one-factor study holds them.
    """
    for study in SOURCES:
        try:
            runs = one_factor_runs(tables, study)
        except StudyMissingError:
            continue
        shape = (
            (runs["hidden_layers"] == 2)
            & (runs["hidden_size"] == 100)
            & runs["momentum"].astype(bool)
            & decays(runs["decay"])
        )
        found = runs[shape & runs["activation"].isin(activations)]
        # One trial per activation: the first, which is the baseline or differs from it in the
        # activation only.
        first = found.groupby("activation")["trial_number"].transform("min")
        found = found[found["trial_number"] == first]
        if found["activation"].nunique() == len(activations):
            return found
    there = next((study for study in SOURCES if study in tables.studies), None)
    if there is None:
        raise StudyMissingError(SOURCES[0], tables.command(SOURCES[0]))
    wanted = " and ".join(ACTIVATIONS[activation].label for activation in activations)
    reason = f"has no complete run of 2 × 100 units with {wanted}, momentum and decay"
    raise StudyMissingError(there, tables.command(there), reason)


def table(tables: Tables) -> pd.DataFrame:
    """Mean loss and accuracy per split and evaluation, with intervals over replicates."""
    runs = reported_runs(tables)
    return split_curves(tables, runs).assign(configuration=describe(runs.iloc[0]), study=runs["study"].iloc[0])


def draw(table: pd.DataFrame) -> "Figure":
    """Loss above, accuracy below."""
    return draw_split_curves(table)


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    row = table.iloc[0]
    n_runs = int(row["n_runs"])
    bands = "; bands: 95 % intervals of the mean" if n_runs > 1 else ""
    return f"{row['configuration']} (study {row['study']}), mean of {count(n_runs, 'run')}{bands}."
