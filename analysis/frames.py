"""Results as tidy data frames, for whoever wants to look for themselves."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.studies import read_studies
from analysis.tables import SPLIT_NAMES

if TYPE_CHECKING:
    from sqlalchemy import Engine

_HIDDEN = ("config", "params", "attributes", "environment", "study_seed", "trial_id")
_BESIDE = ["study", "dataset", "trial_number", "replicate", "run_id"]


def load_runs(database: "str | Engine" = "runs.sqlite", study: str | None = None) -> pd.DataFrame:
    """One row per run: a configuration trained once with one seed, read at the evaluation that its study says.

    Args:
        database: Path of an SQLite file, an SQLAlchemy URL, or an engine.
        study: One study, by its name in the database or in its file; by default all.

    Returns:
        Sorted by study, trial and replicate. Accuracies are shares in [0, 1], losses mean nats, times seconds.

        Which run: `study` (name in the database), `base_name` (in its file), `driver`, `dataset`, `data_sha256`,
        `n_train`, `n_validation`, `n_test` (images or rows), `n_classes`, `read_at` (`best` or `last`), `trial_number`
        (from 0), `config_hash`, `full_fidelity`, `trial_state`, `run_id`, `replicate` (from 0; the same one of two
        trials has the same seed), `seed`, `streams` and `cut` (levels of what it drew, and its cut of the data, as
        mappings), `state`.

        What it gave: `read_k` and `read_epoch` (the evaluation it is read at), `train_loss`, `train_accuracy`,
        `validation_loss`, `validation_accuracy`, `test_loss`, `test_accuracy`.

        What it took: `epochs`, `updates`, `train_seconds`, `evaluate_seconds`, `diverged_at_update`, `error`,
        `code_version`, `started_at`, `finished_at` (UTC).

        And every hyperparameter by its name, as `learning_rate` or `hidden_size`.

    Raises:
        FileNotFoundError: `database` is a path without a file.
        LookupError: It has no run, or no such study.
    """
    return pd.concat([one.every_run for one in read_studies(database, study=study)], ignore_index=True).drop(
        columns=list(_HIDDEN)
    )


def load_curves(database: "str | Engine" = "runs.sqlite", study: str | None = None) -> pd.DataFrame:
    """One row per run, evaluation and split, to be joined with `load_runs` by `run_id`.

    Args:
        database: Path of an SQLite file, an SQLAlchemy URL, or an engine.
        study: One study, by its name in the database or in its file; by default all.

    Returns:
        `study`, `dataset`, `trial_number`, `replicate`, `run_id`; `k` (evaluation, from 1), `epoch`, `learning_rate`
        (of the updates since the evaluation before); `split` (`train`, `validation`, `test`), `loss` (mean, nats),
        `accuracy` (share in [0, 1]).

    Raises:
        FileNotFoundError: `database` is a path without a file.
        LookupError: It has no run, or no such study.
    """
    studies = read_studies(database, study=study)
    curves = pd.concat(
        [one.all_curves.merge(one.every_run[_BESIDE], on="run_id") for one in studies], ignore_index=True
    )
    shared = [*_BESIDE, "k", "epoch", "learning_rate"]
    parts = [
        curves[shared].assign(split=split, loss=curves[f"{split}_loss"], accuracy=curves[f"{split}_accuracy"])
        for split in SPLIT_NAMES
    ]
    return pd.concat(parts, ignore_index=True).sort_values(["run_id", "k", "split"], ignore_index=True)
