"""BLAS on one thread: how many threads share a sum decides its order, and with it the last bits of a result."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any


class _Blas:
    """NumPy's BLAS and how many are asking it to keep to one thread, which is a setting of the whole process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_inside = 0
        self._limiter: Any = None

    @cached_property
    def _controller(self) -> Any:
        import numpy as np  # noqa: F401  whose library has to be loaded before it is looked for
        from threadpoolctl import ThreadpoolController

        return ThreadpoolController()

    def enter(self) -> None:
        with self._lock:
            if self._n_inside == 0:
                self._limiter = self._controller.limit(limits=1, user_api="blas")
            self._n_inside += 1

    def leave(self) -> None:
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0:
                self._limiter.restore_original_limits()


_blas = _Blas()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold NumPy's BLAS to one thread, in the whole process, until the last of those inside leaves."""
    _blas.enter()
    try:
        yield
    finally:
        _blas.leave()
