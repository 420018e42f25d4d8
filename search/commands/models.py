"""Commands about single runs and the networks they make: train again, keep, use."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search.commands.common import Database, DataFolder, DatasetName, StudyName, console, errors, load_data
from search.output import print_predictions

if TYPE_CHECKING:
    from search.reproduce import Comparison, StoredRun


def reproduce(
    run_id: Annotated[int, typer.Argument(help="A finished run, as in the column run_id of v_runs.")],
    db: Database = "runs.sqlite",
    dataset: DatasetName = None,
    data: DataFolder = None,
) -> None:
    """Train a stored run again and compare every evaluation, to the last bit."""
    from search.reproduce import reproduce as train_again
    from search.reproduce import stored_run

    stored = stored_run(db, run_id)
    comparison = train_again(stored, load_data(dataset or stored.named_data, data))
    if comparison.differences:
        _print_differences(stored, comparison)
        raise typer.Exit(1)
    console.print(f"{stored}: identical, {comparison.n_values} evaluations compared.", highlight=False, markup=False)


def train_best(
    study: StudyName,
    out: Annotated[Path, typer.Option("--out", "-o", help="Model file to write.")] = Path("model.npz"),
    replicate: Annotated[int, typer.Option(min=0, help="Which run of the selected trial, from 0.")] = 0,
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
    images = load_data(dataset or stored.named_data, data)
    compile_kernels(lambda message: console.print(message, highlight=False, markup=False))
    console.print(
        f"Selection {selected.selection_id}: training {stored} again, "
        f"up to evaluation {selected.read_k} of {stored.configuration.n_evaluations} …",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    trained = train_again(selected, images)
    save_model(out, trained.model)
    console.print(
        f"{out}: validation accuracy {trained.validation_accuracy:.2%}, test accuracy {trained.test_accuracy:.2%} "
        f"on {images.name} (selected trial, mean of {selected.n_runs}: {selected.test_accuracy:.2%} on test).",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    if trained.comparison.differences:
        _print_differences(stored, trained.comparison)
        errors.print(f"  {out} holds what was trained now, and says so.", markup=False)
        raise typer.Exit(1)
    console.print(
        f"Identical to the stored run in all {trained.comparison.n_values} evaluations.", highlight=False, markup=False
    )


def predict(
    model: Annotated[Path, typer.Argument(help="Model file from train-best.")],
    images: Annotated[list[Path], typer.Argument(help="Pictures of one digit each: PNG, JPEG and others.")],
) -> None:
    """Say which digit a picture shows, with the probability of each of the ten."""
    import numpy as np

    from engine.model_file import load_model
    from search.pictures import as_input, read_gray

    loaded = load_model(model)
    inputs = [as_input(read_gray(image), loaded.n_features, loaded.dataset) for image in images]
    probabilities = loaded.predict_proba(np.stack([found.pixels for found in inputs]))
    for image, found in zip(images, inputs, strict=True):
        if found.steps:
            errors.print(f"{image}: {'; '.join(found.steps)}", highlight=False, markup=False)
    print_predictions(console, [str(image) for image in images], probabilities.tolist())


def _print_differences(stored: "StoredRun", comparison: "Comparison") -> None:
    differences = comparison.differences
    errors.print(f"{stored}: {len(differences)} of {comparison.n_values} evaluations differ", markup=False)
    for k, split, before, again in differences[:5]:
        errors.print(f"  k = {k}, {split}: stored {before}, now {again}", markup=False)
    if not comparison.same_code:
        errors.print("  The engine's source has changed since that run was made.", markup=False)
