"""The training engine: arrays in, arrays out.

    configuration        what is trained                data/              finding, verifying, reading images
    components           both passes of each part       network            a chain of components
    schedules            the learning rate              initializers       the first weights
    optimizers           the step                       folding            what is evaluated of a run
    training, state      segments of a run              implementations    what does their work
    kernels/             the same, compiled             seeds              where random numbers come from
    model_file           a trained network as a file    archive, files     how that is written and read

The names below are imported on first use, so that `import engine` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.configuration import Configuration
    from engine.data.load import load_dataset
    from engine.model_file import load_model
    from engine.network import Network
    from engine.training import train

_HOMES = {
    "Configuration": "engine.configuration",
    "Network": "engine.network",
    "load_dataset": "engine.data.load",
    "load_model": "engine.model_file",
    "train": "engine.training",
}

__all__ = ["Configuration", "Network", "load_dataset", "load_model", "train"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
