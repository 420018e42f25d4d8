"""Studies made by hand, with claims, without a database."""

import dataclasses
import itertools

import pandas as pd

from analysis.claims.forms import StatedClaim
from analysis.claims.judge import examine, judge
from analysis.commands import Commands
from analysis.studies import Studies, Study
from analysis.tables import SPLIT_NAMES

N_IMAGES = 10_000


def claim_of(**stated):
    return StatedClaim.model_validate({"claim": "It is so.", **stated})


def study_of(
    space, value, *, driver="grid", replicates=1, name="mine", sections=None, trials=None, curves=None, **spec
):
    """A study whose runs have `value(params, replicate)` as their accuracies, or what its mapping says.

    Args:
        space: The axes.
        value: A test accuracy, or columns; None for a run that diverged.
        sections: Which sections of the file the axes stand in, `space` if not told.
        trials: The configurations; all combinations if not told.
    """
    trials = trials or [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]
    rows = []
    for number, params in enumerate(trials):
        for replicate in range(replicates):
            found = value(params, replicate)
            row = {f"{split}_{metric}": 0.0 for split in SPLIT_NAMES for metric in ("accuracy", "loss")}
            columns = found if isinstance(found, dict) else {"test_accuracy": found, "validation_accuracy": found}
            factor = next(iter(space))
            attributes = {"factor": factor, "level": params[factor], "by": {}}
            rows.append(
                row
                | {
                    "study": name, "run_id": len(rows) + 1, "trial_id": number, "trial_number": number,
                    "replicate": replicate, "seed": 2022 + replicate, "full_fidelity": True, "attributes": attributes,
                    "state": "complete" if found is not None else "diverged", "params": params, "config": params,
                    "trial_state": "complete" if found is not None else "diverged", "read_at": "best", "read_k": 1,
                    "n_train": 50_000, "n_validation": N_IMAGES, "n_test": N_IMAGES, "train_seconds": 1.0,
                    "train_images": None, "updates": 250_000, "learning_rate": 0.01, "momentum": True,
                    "cut": {}, "decay": "constant", "momentum_form": "average", "hidden_layers": 0, "epochs": 5,
                }
                | params
                | (columns if found is not None else {})
            )  # fmt: skip
    axes = {section: {} for section in ("space", "by", "nuisance")}
    for axis, values in space.items():
        axes[(sections or {}).get(axis, "space")][axis] = values
    return Study(
        name=name,
        base_name=name,
        question="Is it so?",
        driver=driver,
        dataset="beans",
        data_sha256="d" * 64,
        seed=2022,
        spec={**axes, **spec},
        all_runs=pd.DataFrame(rows),
        all_curves=pd.DataFrame(curves if curves is not None else {"run_id": []}),
        commands=Commands(name, f"make study SPEC={name}.yaml"),
    )


def alone(*studies):
    return Studies(studies, studies)


def evidence_of(claim, study, *others):
    return claim.form.examine(claim, study, Studies((study,), (study, *others)))


def verdict_of(claim, study, *others):
    """What the claim gets where it is the only one."""
    found = evidence_of(claim, study, *others)
    return judge(found, found.p)[0]


def with_claims(study, *claims, **spec):
    return dataclasses.replace(study, spec={**study.spec, "claims": list(claims), **spec})


def found_in(studies):
    return {finding.claim.anchor: finding for finding in examine(studies)}
