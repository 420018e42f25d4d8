"""The types of arrays, for signatures; shapes and meanings stand in docstrings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.signedinteger[Any]]

DTYPES: dict[str, np.dtype[Any]] = {name: np.dtype(name) for name in ("float32", "float64")}
"""The precisions of parameters and arithmetic, by the name that a configuration gives."""
