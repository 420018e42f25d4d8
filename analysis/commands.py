"""Which command makes which study, so that whatever is missing can be asked for by name."""

COMMANDS = {
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
REPORT_DATASET = "mnist"
"""The data of the report, of a study whose name says nothing else, and of a command without DATASET."""

_TOP = {"mlp-best": 1}
"""How many configurations a confirmation trains again, where four would take an hour."""

STUDIES = (*COMMANDS, "linear-grid-confirm", "mlp-random-confirm", "mlp-best-confirm")
"""The studies that the page is built from, in its order."""


def study_name(study: str, dataset: str) -> str:
    """What a study is called in a database if it is made as published: on `dataset`, with the default seed."""
    return study if dataset == REPORT_DATASET else f"{study}@{dataset}"


def command_for(study: str, dataset: str = REPORT_DATASET) -> str:
    """The command that makes `study` (its name without data or seed suffix) on `dataset`."""
    if study.endswith(CONFIRM):
        source = study.removesuffix(CONFIRM)
        top = _TOP.get(source, 4)
        command = f"make confirm STUDY={study_name(source, dataset)} TOP={top} REPLICATES=8"
    else:
        command = COMMANDS.get(study, f"make study SPEC=experiments/{study.replace('-', '_')}.yaml")
    return command if dataset == REPORT_DATASET else f"{command} DATASET={dataset}"
