"""How a function becomes machine code: the two decorators of the compiled part, typed, and its disk cache.

A *kernel* is called from Python, holds no interpreter lock and is cached on disk, beside the package or, where that
folder cannot be written, in the user's cache folder (Numba's own fallback). An *inlined* function is a piece of
kernels. Numba decides by a kernel's own file whether a cached copy is stale, but a kernel is made of the pieces of
several files; the cache's key here therefore carries a fingerprint of all of them.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from numba import njit
from numba.core.caching import FunctionCache

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Kernel(Protocol[P, R_co]):
    """A compiled function, with what this project uses of Numba's dispatcher."""

    __name__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run it; types not seen before are compiled first."""

    def compile(self, signature: Any) -> Any:
        """Make machine code for these argument types, from the cache where it is there."""


@cache
def source_fingerprint() -> str:
    """SHA-256 of every module of this package: any of them may be part of a kernel."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


class _FingerprintedCache(FunctionCache):  # type: ignore[misc]  # Numba ships no types
    """Numba's cache, whose key also says which sources the machine code was made from."""

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (*super()._index_key(sig, codegen), source_fingerprint())

    def is_filled(self) -> bool:
        """Is machine code from the present sources on disk? Reads the index, loads nothing."""
        fingerprint = source_fingerprint()
        return any(key[-1] == fingerprint for key in self._cache_file._load_index())


def kernel(function: Callable[P, R]) -> Kernel[P, R]:
    """Compile on first call, without the interpreter lock, cached on disk where some folder can be written."""
    dispatcher = njit(nogil=True)(function)
    try:
        dispatcher._cache = _FingerprintedCache(function)
    except RuntimeError:
        # Neither the package's folder nor the user's can be written: compile in every process.
        return cast("Kernel[P, R]", dispatcher)
    return cast("Kernel[P, R]", dispatcher)


def is_cached(compiled: Kernel[..., Any]) -> bool:
    """Is this kernel on disk, made from the present sources?"""
    held = getattr(compiled, "_cache", None)
    return isinstance(held, _FingerprintedCache) and held.is_filled()


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """A piece of kernels, always inlined: vector values stay in registers and loops see their constants."""
    return cast("Callable[P, R]", njit(nogil=True, forceinline=True)(function))
