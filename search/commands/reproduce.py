"""`digitsweep reproduce`: a stored run trained again and compared, to the last bit."""

from typing import TYPE_CHECKING

import typer

from search.commands.common import load_stored_data, say, warn
from search.commands.options import Database, DataFolder, DatasetName, RunId

if TYPE_CHECKING:
    from search.reproduce import Comparison, StoredRun


def reproduce(
    run_id: RunId,
    db: Database = "runs.sqlite",
    dataset: DatasetName = None,
    data: DataFolder = None,
) -> None:
    """Train a stored run again and compare every evaluation, to the last bit."""
    from search.reproduce import reproduce as train_again
    from search.reproduce import stored_run

    stored = stored_run(db, run_id)
    comparison = train_again(stored, load_stored_data(stored.named_data, db, dataset, data))
    if not comparison.is_identical:
        warn_of_differences(stored, comparison)
        raise typer.Exit(1)
    images = f" and what it said about {comparison.n_images:,} images" if comparison.n_images else ""
    say(f"{stored}: identical, {comparison.n_values} evaluations{images} compared.")


def warn_of_differences(stored: "StoredRun", comparison: "Comparison") -> None:
    """Say on standard error where a run came out differently, and whether the code has changed."""
    from search.execution.environment import changes_since

    differences = comparison.differences
    warn(f"{stored}: {len(differences)} of {comparison.n_values} evaluations differ")
    for k, split, before, again in differences[:5]:
        warn(f"  k = {k}, {split}: stored {before}, now {again}")
    for k, split in comparison.other_predictions:
        warn(f"  k = {k}, {split}: something else was said about some of the images")
    if not comparison.same_code:
        warn(f"  The engine's source has changed since that run was made, by {stored.code_version}.")
        for change in changes_since(stored.code_version):
            warn(f"  {change}")
