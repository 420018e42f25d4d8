"""Whose the noise is: the variance of a metric in a crossed study, source by source, for each configuration.

vary: {split: 4, initialisation: 4, order: 4} ──noise_of──▶ one row a configuration and source ──▶ figure, page
"""

from typing import Any

import pandas as pd

from analysis.errors import NotApplicableError
from analysis.metrics import METRICS
from analysis.statistics.components import variance_components
from analysis.studies import Study, with_runs

METRIC = "test_accuracy"
"""What is taken apart where nothing else is asked for."""


def noise_of(study: Study, metric: str = METRIC) -> pd.DataFrame:
    """The components of the variance of one run, for each configuration of which every run is complete.

    Args:
        study: A crossed study.
        metric: What varies.

    Returns:
        One row a configuration, best first, and source: `trial_number`, `configuration` (in words), `source`, `levels`
        (degrees of freedom of the rest), `deviation` with `low` and `high` (a standard deviation, in units of the
        metric), `share` of the variance, `n_runs`, and `n_left_out`, configurations with runs that are not complete.

    Raises:
        NotApplicableError: The study crosses no two streams, or of no configuration every run is complete.
    """
    sources = list(study.replicated.crossed)
    if not sources:
        raise NotApplicableError(
            f"whose the noise is needs a study that crosses two streams or more, as vary: {{initialisation: 4, "
            f"order: 4}}, but {study.name} does not"
        )
    every = study.all_runs[study.all_runs["full_fidelity"]]
    whole = every.groupby("trial_number")["state"].transform(lambda states: states.eq("complete").all())
    runs = every[whole]
    if runs.empty:
        raise NotApplicableError(f"no configuration of study {study.name} has all its runs complete yet")
    runs = runs.assign(value=METRICS[metric].of_runs(study, runs))
    levels = pd.DataFrame(list(runs["streams"]), index=runs.index)[sources]
    table = pd.concat([runs[["trial_number", "value"]], levels], axis=1)
    rows: list[dict[str, Any]] = []
    for _, trial in study.ranked[study.ranked["trial_number"].isin(runs["trial_number"])].iterrows():
        own = table[table["trial_number"] == trial["trial_number"]]
        for source in variance_components(own, sources, "value").sources:
            deviation = source.deviation
            rows.append(
                {
                    "trial_number": int(trial["trial_number"]),
                    "configuration": study.describe(trial),
                    "source": source.name,
                    "levels": deviation.n,
                    "deviation": deviation.estimate,
                    "low": deviation.low,
                    "high": deviation.high,
                    "share": source.share,
                    "n_runs": len(own),
                }
            )
    n_left_out = every["trial_number"].nunique() - runs["trial_number"].nunique()
    return with_runs(pd.DataFrame(rows).assign(metric=metric, n_left_out=n_left_out), runs["run_id"])
