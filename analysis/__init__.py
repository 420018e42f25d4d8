"""From the database to claims with their uncertainty: reads the views, writes figures, pages and tidy files.

    from analysis import load_runs, load_curves     results in two lines, as tidy data frames

    errors.py          what is raised where something is not there, not applicable, or not known
    tables.py          the views as data frames
    selection_rule.py  which configuration is best: a rule that sees validation alone
    commands.py        what to type for a study
    conditions.py      what a stored study varies, and what exists in a trial
    files.py           whole files or none; tables that spreadsheets may open
    wording.py         numbers and configurations in words
    metrics.py         what is measured of a run
    statistics/        intervals, paired effects, rankings, curves, effects of a grid: tables in, tables out
    trials.py          replicates averaged, trials ranked
    studies.py         what a study offers: its question, axes, runs, pairs, selection
    frames.py          tidy data frames for one's own analysis
    health.py          what the search itself looks like: edges, divergences, seed noise
    optimism.py        what was selected, against fresh seeds and against the frozen choice
    fidelity.py        whether small training sets rank candidates as larger ones do
    claims/            the forms of claims, the evidence on each, and the verdicts that follow
    figures/           one file per form of figure: a table and a drawing
    report/            the pages, as HTML and as Markdown
    export.py          tidy CSV and Parquet

Imports neither engine nor search: the documented views are the whole input. Inside, imports run one way:
tables → statistics → trials → studies → health, optimism, fidelity → claims and figures side by side → report.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.frames import load_curves, load_runs

__all__ = ["load_curves", "load_runs"]


def __getattr__(name: str) -> Any:
    """The two loaders, imported when they are asked for: pandas is heavy."""
    if name in __all__:
        from analysis import frames

        return getattr(frames, name)
    raise AttributeError(f"module 'analysis' has no attribute {name!r}")
