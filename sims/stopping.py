"""A polite end: Ctrl-C, or the SIGTERM of a cluster, lets what is being trained come to a checkpoint."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

TOGETHER = 1.0
"""Seconds within which signals are one: a command and its process group are often told both."""


@contextmanager
def stop_noted() -> Iterator[Callable[[], bool]]:
    """Within, a signal that would raise ``KeyboardInterrupt`` is only noted, and what is given says so; on
    leaving it is raised. A second signal, some time after the first, is raised at once.

    In the main thread only, where signals come; a signal that the program handles in its own way is left to
    it.

    >>> with stop_noted() as stopping:
    ...     stopping()
    False
    """
    noted: list[float] = []

    def note(number: int, frame: FrameType | None) -> None:
        if noted and time.monotonic() - noted[0] > TOGETHER:
            raise KeyboardInterrupt
        if not noted:  # by the system: a handler may interrupt a print
            os.write(2, b"\nstops after this step; once more to stop at once\n")
            noted.append(time.monotonic())

    in_main = threading.current_thread() is threading.main_thread()
    numbers = [
        number
        for number in (signal.SIGINT, signal.SIGTERM)
        if in_main and signal.getsignal(number) is signal.default_int_handler
    ]
    for number in numbers:
        signal.signal(number, note)
    try:
        yield lambda: bool(noted)
    finally:
        for number in numbers:
            signal.signal(number, signal.default_int_handler)
    if noted:
        raise KeyboardInterrupt
