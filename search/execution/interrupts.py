"""Signals that end a study: what the first one asks for, and what the next.

    first     no new run starts, segments in training end, everything is saved
    second    segments in training are given up; everything up to their start is saved
    third     KeyboardInterrupt, wherever the program is

A signal within half a second of one that counted is the same one: `make` hands SIGTERM on to a process that has it
from its group already, and a key that is held down repeats.

Python runs a signal's handler when the main thread comes to it, and once for several that came meanwhile. So a thread
counts them, by the bytes that `signal.set_wakeup_fd` writes the moment each arrives.
"""

import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

SAME_SECONDS = 0.5
"""Within this time of a signal that counted, further ones are taken for the same."""

# Not every system has all of them.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")


class Interrupts:
    """Counts signals for the length of a block, in the main thread; elsewhere there are none to count.

    Attributes:
        name: of the first signal, None before it.
    """

    def __init__(self) -> None:
        self.name: str | None = None
        self._n = 0
        self._counted = 0.0
        self._before: dict[int, Any] = {}
        self._bytes, self._arrivals, self._wakeup_before = -1, -1, -1
        self._counter: threading.Thread | None = None
        self._main = threading.get_ident()

    @property
    def stopping(self) -> bool:
        """Whether the study is to end."""
        return self.name is not None

    @property
    def at_once(self) -> bool:
        """Whether it is not to wait for the segments in training."""
        return self._n >= 2

    def _count(self) -> None:
        while number := int.from_bytes(os.read(self._bytes, 1)):
            now = time.monotonic()
            if number not in self._before or (self._n and now - self._counted < SAME_SECONDS):
                continue
            self._counted = now
            self.name = self.name or signal.Signals(number).name
            self._n += 1
            if self._n > 2:
                signal.pthread_kill(self._main, number)  # its handler raises, also in a sleep

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        # The first stops whatever the main thread does next, however far the counting is.
        self.name = self.name or signal.Signals(number).name
        if self._n > 2:
            raise KeyboardInterrupt

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is not threading.main_thread():
            return self
        self._bytes, self._arrivals = os.pipe()
        os.set_blocking(self._arrivals, False)
        self._wakeup_before = signal.set_wakeup_fd(self._arrivals, warn_on_full_buffer=False)
        for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
            if signal.Signals(number).name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup: the study is to outlive its terminal
            self._before[number] = signal.signal(number, self._handle)
        self._counter = threading.Thread(target=self._count, daemon=True)
        self._counter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._counter is None:
            return
        if self._n:  # until the same signal cannot come again, to whoever handles it next
            time.sleep(max(0.0, self._counted + SAME_SECONDS - time.monotonic()))
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.write(self._arrivals, b"\0")
        self._counter.join()
        os.close(self._bytes)
        os.close(self._arrivals)
