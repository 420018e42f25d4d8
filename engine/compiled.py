"""How a function becomes machine code: the two decorators of the compiled part, typed, and its disk cache.

A *kernel* is called from Python, holds no interpreter lock and is cached on disk, beside its module or, where that
folder cannot be written, in the user's cache folder. An *inlined* function is a piece of kernels. Numba decides by a
kernel's own file whether a cached copy is stale, but a kernel is made of the pieces of several files: here the names
of the cached files carry a fingerprint of the modules that the kernel's module imports, directly or through others.

Where Numba is told not to compile (`NUMBA_DISABLE_JIT`), there are no kernels, and importing them says so: their loops
over vectors have no form in Python.
"""

import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar, cast

import numba
from numba import njit
from numba.core.caching import InTreeCacheLocator, UserProvidedCacheLocator, UserWideCacheLocator

from engine.errors import CompilerOffError
from engine.sources import imported_sources, source_digest

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Kernel(Protocol[P, R_co]):
    """A compiled function, with what this project uses of Numba's dispatcher."""

    py_func: Any
    stats: Any

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run it; types not seen before are compiled first."""

    def compile(self, signature: Any) -> Any:
        """Make machine code for these argument types, from the cache where it is there."""


@cache
def fingerprint(module: Path) -> str:
    """What the kernels of a module are made of, as 16 hexadecimal digits."""
    package = Path(__file__).parent
    return source_digest(imported_sources(module, package), package)[:16]


class _Fingerprinted:
    """To a place for Numba's cache: file names that carry the fingerprint."""

    _fingerprint: str

    @classmethod
    def from_function(cls, function: Any, file: str) -> Any:
        place = super().from_function(function, file)  # type: ignore[misc]
        if place is not None:
            place._fingerprint = fingerprint(Path(file))
        return place

    def get_disambiguator(self) -> str:
        return f"{super().get_disambiguator()}-{self._fingerprint}"  # type: ignore[misc]


class InProvidedFolder(_Fingerprinted, UserProvidedCacheLocator):  # type: ignore[misc]  # Numba ships no types
    """The folder that NUMBA_CACHE_DIR names."""


class BesideModule(_Fingerprinted, InTreeCacheLocator):  # type: ignore[misc]
    """The folder `__pycache__` beside the kernel's module."""


class InUsersFolder(_Fingerprinted, UserWideCacheLocator):  # type: ignore[misc]
    """The user's cache folder."""


_decorating = threading.Lock()


def kernel(function: Callable[P, R]) -> Kernel[P, R]:
    """Compile on first call, without the interpreter lock, cached on disk where some folder can be written.

    Raises:
        CompilerOffError: Numba is told not to compile.
    """
    return _compiled(function, "python")


def dividing_kernel(function: Callable[P, R]) -> Kernel[P, R]:
    """A kernel in which x / 0 is infinite or no number, as in NumPy, so that loops with a division become vectors."""
    return _compiled(function, "numpy")


def _compiled(function: Callable[P, R], error_model: str) -> Kernel[P, R]:
    if numba.config.DISABLE_JIT:
        raise CompilerOffError(
            "the engine works in compiled code, and Numba's compiler is switched off here; "
            "unset NUMBA_DISABLE_JIT (or disable_jit in .numba_config.yaml)"
        )
    places = ",".join(f"{__name__}.{place.__name__}" for place in (InProvidedFolder, BesideModule, InUsersFolder))
    with _decorating:
        # Numba's setting for places of one's own holds for the process; it is read when a function is decorated.
        before, numba.config.CACHE_LOCATOR_CLASSES = numba.config.CACHE_LOCATOR_CLASSES, places
        try:
            return cast("Kernel[P, R]", njit(nogil=True, cache=True, error_model=error_model)(function))
        except RuntimeError:
            # No folder can be written: compile in every process.
            return cast("Kernel[P, R]", njit(nogil=True, error_model=error_model)(function))
        finally:
            numba.config.CACHE_LOCATOR_CLASSES = before


def is_cached(compiled: Kernel[..., Any]) -> bool:
    """Is this kernel on disk for this version of Python, made from the present sources?"""
    folder, function = compiled.stats.cache_path, compiled.py_func
    if folder is None:
        return False
    made_of = fingerprint(Path(function.__code__.co_filename))
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    return any(Path(folder).glob(f"*.{function.__name__}-*-{made_of}.{python}*.nbi"))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """A piece of kernels, always inlined: vector values stay in registers and loops see their constants."""
    return cast("Callable[P, R]", njit(nogil=True, forceinline=True)(function))
