"""The training engine: arrays in, arrays out.

    configuration   what is trained                     datasets   finding and verifying images
    tensors         components with both passes         data       splits as sparse rows
    network         a chain of components               kernels    the same, compiled, one image at a time
    training, state segments of a run                   seeds      where random numbers come from
    modelfile       a trained network as a file

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
