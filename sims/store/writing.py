"""When checkpoints are written, and by whom: by a thread of its own, while the training goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

from torch import Tensor

from hptheory.files import OutputError
from sims.store.checkpoints import Checkpoint

INTERVAL = 60.0
"""Seconds of training between checkpoints, at least."""
SHARE = 0.01
"""The share of the time that writing checkpoints may take: a slow disk makes them rarer."""


class Pace:
    """When to write the next checkpoint: every ``interval`` seconds, and never for more than a small share
    of the time.

    *Laws*: the time spent writing is at most ``SHARE`` of the time since the write before, or the interval is
    as asked.

    >>> now = iter([0.0, 59.0, 61.0, 100.0, 102.0, 200.0, 302.0])
    >>> pace = Pace(60.0, clock=lambda: next(now))
    >>> pace.due(), pace.due()                              # 59 seconds after the start, and 61
    (False, True)
    >>> pace.begin(); pace.end()                            # takes 2 seconds: the next one 200 s later
    >>> pace.due(), pace.due()
    (False, True)
    """

    def __init__(self, interval: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.interval, self.clock = interval, clock
        self.last, self.started = clock(), 0.0

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self.clock() - self.last >= self.interval

    def begin(self) -> None:
        """The writing begins."""
        self.started = self.clock()

    def end(self) -> None:
        """The writing is over."""
        self.last = self.clock()
        self.interval = max(self.interval, (self.last - self.started) / SHARE)


class Writer:
    """Writes the checkpoints of a pack beside its training, one at a time; a context manager, which on
    leaving waits for the last one.

    *Laws*: what is written is the state as it was handed over; never are two written at once; a place that
    cannot be written is a sentence in ``notes``, and the training goes on.
    """

    def __init__(self, checkpoint: Checkpoint, interval: float) -> None:
        self.checkpoint, self.pace = checkpoint, Pace(interval)
        self.notes: list[str] = []
        self._pool = ThreadPoolExecutor(1, "checkpoint")
        self._writing: Future[None] | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *reason: object) -> None:
        self._pool.shutdown()
        self.is_busy()

    def is_busy(self) -> bool:
        """Whether one is being written; an error of the program in the last one is raised here."""
        if self._writing is None or not self._writing.done():
            return self._writing is not None
        self._writing.result()
        return False

    def offer(
        self, state: Callable[[], Mapping[str, Tensor]], seconds: float, *, at_once: bool = False
    ) -> None:
        """Have the state written, after so many seconds of training, if it is time for it; ``at_once``: in
        any case, once the one before is written.

        ``state`` is asked for only then; its tensors must be nobody else's.
        """
        if at_once and self._writing is not None:
            wait([self._writing])
        if self.is_busy() or not (at_once or self.pace.due()):
            return
        self.pace.begin()
        # Copies from a device are made here, in the order of the training's own work on it.
        tensors = {name: tensor.cpu() for name, tensor in state().items()}
        self._writing = self._pool.submit(self._write, tensors, seconds)

    def _write(self, tensors: Mapping[str, Tensor], seconds: float) -> None:
        try:
            self.checkpoint.write(tensors, seconds)
        except OutputError as error:
            self.notes.append(f"no checkpoint: {error}")
        self.pace.end()
