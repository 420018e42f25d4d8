"""Signals that end a study: what the first one asks for, and what the next.

    first     no new run starts, segments in training end, everything is saved
    second    segments in training are given up; everything up to their start is saved
    third     KeyboardInterrupt, wherever the program is

A signal within half a second of one that counted is the same one: `make` hands SIGTERM on to a process that has it
from its group already, and a key that is held down repeats.
"""

import signal
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

    @property
    def stopping(self) -> bool:
        """Whether the study is to end."""
        return self._n >= 1

    @property
    def at_once(self) -> bool:
        """Whether it is not to wait for the segments in training."""
        return self._n >= 2

    def _count(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._n and now - self._counted < SAME_SECONDS:
            return
        self._n += 1
        self._counted = now
        self.name = self.name or signal.Signals(number).name
        if self._n > 2:
            raise KeyboardInterrupt

    def __enter__(self) -> "Interrupts":
        numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
        try:
            for number in numbers:
                if signal.Signals(number).name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN:
                    continue  # nohup: the study is to outlive its terminal
                self._before[number] = signal.signal(number, self._count)
        except ValueError:  # not in the main thread, where signals cannot be handled
            pass
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._n:  # until the same signal cannot come again, to whoever handles it next
            time.sleep(max(0.0, self._counted + SAME_SECONDS - time.monotonic()))
        for number, handler in self._before.items():
            signal.signal(number, handler)
