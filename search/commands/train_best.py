"""`digitsweep train-best`: the selected configuration as a model file."""

from pathlib import Path

import typer

from search.commands.common import load_stored_data, say, warn
from search.commands.options import Database, DataFolder, DatasetName, OutputFile, Replicate, StudyName
from search.commands.reproduce import warn_of_differences
from search.wording import percent


def train_best(
    study: StudyName,
    out: OutputFile = Path("model.npz"),
    replicate: Replicate = 0,
    db: Database = "runs.sqlite",
    dataset: DatasetName = None,
    data: DataFolder = None,
) -> None:
    """Train the selected configuration again, compare it with the stored run, and write it as a model file."""
    from engine.kernels.launch import compile_kernels
    from engine.model_file import save_model
    from search.train_best import selected_run
    from search.train_best import train_best as train_again

    selected = selected_run(db, study, replicate)
    stored = selected.run
    images = load_stored_data(stored.named_data, db, dataset, data)
    compile_kernels(say)
    say(
        f"Selection {selected.selection_id}: training {stored} again, "
        f"up to evaluation {selected.read_k} of {stored.configuration.n_evaluations} …"
    )
    trained = train_again(selected, images)
    save_model(out, trained.model)
    say(
        f"{out}: validation accuracy {percent(trained.validation_accuracy)}, test accuracy "
        f"{percent(trained.test_accuracy)} on {images.name} (selected trial, mean of {selected.n_runs}: "
        f"{percent(selected.test_accuracy)} on test)."
    )
    if not trained.comparison.is_identical:
        warn_of_differences(stored, trained.comparison)
        warn(f"  {out} holds what was trained now, and says so.")
        raise typer.Exit(1)
    say(f"Identical to the stored run in all {trained.comparison.n_values} evaluations.")
