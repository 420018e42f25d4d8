"""Which command makes which study, so that whatever is missing can be asked for by name."""

_COMMANDS = {
    "linear-grid": "make linear-grid",
    "linear-lr-wide": "make study SPEC=experiments/linear_lr_wide.yaml",
    "mlp-random": "make mlp-random N=50",
    "mlp-optuna": "make mlp-optuna N=50 SAMPLER=tpe",
    "mlp-fidelity": "make study SPEC=experiments/mlp_fidelity.yaml",
    "mlp-best": "make study SPEC=experiments/mlp_best.yaml",
    "ofat-hidden-size": "make ofat",
    "ofat-depth": "make ofat",
    "ofat-activation": "make ofat",
    "ofat-learning-rate": "make ofat",
    "ofat-momentum": "make ofat",
    "ofat-decay": "make ofat",
}
CONFIRM = "-confirm"

_TOP = {"mlp-best": 1}
"""How many configurations a confirmation trains again, where four would take an hour."""

STUDIES = (*_COMMANDS, "linear-grid-confirm", "mlp-random-confirm", "mlp-best-confirm")
"""The studies that the page is built from, in its order."""


def command_for(study: str, dataset: str = "mnist") -> str:
    """The command that makes `study` (its name without data or seed suffix) on `dataset`."""
    if study.endswith(CONFIRM):
        source = study.removesuffix(CONFIRM)
        top = _TOP.get(source, 4)
        source += "" if dataset == "mnist" else f"@{dataset}"
        command = f"make confirm STUDY={source} TOP={top} REPLICATES=8"
    else:
        command = _COMMANDS.get(study, f"make study SPEC=experiments/{study.replace('-', '_')}.yaml")
    return command if dataset == "mnist" else f"{command} DATASET={dataset}"
