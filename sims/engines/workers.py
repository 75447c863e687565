"""Several worker processes on this machine, each with few threads: faster than one program with many threads
where a pack's matrices are too small to share.

The parent speaks to each worker through a pipe. A worker that dies (killed for memory, say) fails its unit,
if it has one, and is replaced; workers whose parent dies end at once, so that nothing goes on in secret.
Signals are the parent's: it asks its workers to keep what they have and to end, and waits for them, but not
for ever.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from sims.engines.base import Engine, Failure, Finished, Result, Unit, Work, attempt, process_label

GRACE = 40.0
"""Seconds that workers have to finish their step and to write a checkpoint; Slurm is asked for 60."""


@dataclass(frozen=True)
class Hand:
    """A worker process, seen from the parent."""

    process: SpawnProcess
    pipe: Connection


class Workers(Engine):
    """Works on ``count`` units at a time, each in a process of its own with ``threads`` threads.

    The processes are spawned, so a script that uses this needs the usual ``if __name__ == "__main__"``.
    """

    def __init__(self, count: int, threads: int = 1) -> None:
        self.count, self.threads = count, threads
        self._idle: list[Hand] = []
        self._busy: dict[Connection, tuple[Hand, Any]] = {}

    @property
    def slots(self) -> int:
        """The number of worker processes."""
        return self.count

    @property
    def label(self) -> str:
        """The number of processes, and the threads of each."""
        return process_label(self.count, self.threads)

    def run(
        self,
        take: Callable[[], Unit | None],
        work: Work[Unit, Result],
        on_progress: Callable[[Unit, int, int], bool | None],
    ) -> Iterator[Finished[Unit, Result]]:
        """See ``Engine.run``."""
        more, until = True, None  # until when workers that were asked to end are waited for
        while True:
            while more and until is None and len(self._busy) < self.count:
                unit = take()
                more = unit is not None
                if unit is not None:
                    self._give(work, unit)
            patience = None if until is None else until - time.monotonic()
            if not self._busy or (patience is not None and patience <= 0):
                break
            for ready in connection.wait(list(self._busy), patience):
                assert isinstance(ready, Connection)
                hand, unit = self._busy[ready]
                kind, content = _received(hand)
                if kind == "progress":
                    if on_progress(unit, *content) and until is None:
                        until = time.monotonic() + GRACE
                        self._ask_to_end()
                    continue
                del self._busy[ready]
                if kind != "dead":
                    self._idle.append(hand)
                if kind != "ended":
                    yield Finished(unit, content)
                more = True
        if until is not None:
            self.__exit__()  # they have ended, or have to

    def _ask_to_end(self) -> None:
        for hand, _ in self._busy.values():
            with suppress(OSError):  # it has died; reading from it tells
                hand.pipe.send(None)

    def _give(self, work: Work[Any, Any], unit: object) -> None:
        while self._idle:
            hand = self._idle.pop()
            try:
                hand.pipe.send((work, unit))
                break
            except OSError:  # it has died while it was idle: no unit is lost, and another takes its place
                _dismiss(hand)
        else:
            hand = _hire(self.threads)
            with suppress(OSError):  # it has died at once: `_received` finds out why
                hand.pipe.send((work, unit))
        self._busy[hand.pipe] = hand, unit

    def __exit__(self, *reason: object) -> None:
        for hand in [*self._idle, *(hand for hand, _ in self._busy.values())]:
            _dismiss(hand)
        self._idle, self._busy = [], {}


def _hire(threads: int) -> Hand:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, threads), daemon=True)
    process.start()
    theirs.close()
    return Hand(process, ours)


def _dismiss(hand: Hand) -> None:
    """End a worker, dead or alive."""
    hand.process.kill()
    hand.process.join()
    hand.process.close()
    hand.pipe.close()


def _received(hand: Hand) -> tuple[str, Any]:
    """The next message of a worker; the failure of its unit if it has died."""
    try:
        message: tuple[str, Any] = hand.pipe.recv()
        return message
    except (EOFError, OSError):  # the end, between two messages or within one
        hand.process.join()
        code = hand.process.exitcode
        hand.process.close()
        hand.pipe.close()
        return "dead", Failure(_obituary(code), "WorkerDied")


def _obituary(code: int | None) -> str:
    """Why a worker process has ended, as far as its exit code tells.

    >>> _obituary(-9)
    'the worker process was killed by SIGKILL (too little memory is the usual reason)'
    """
    if code is not None and code < 0:
        why = " (too little memory is the usual reason)" if code == -signal.SIGKILL else ""
        return f"the worker process was killed by {signal.Signals(-code).name}{why}"
    return f"the worker process ended with exit code {code}; its traceback is above"


def _work(pipe: Connection, threads: int) -> None:
    """The life of a worker process: units in, results out, until the parent ends it."""
    for polite in (signal.SIGINT, signal.SIGTERM):  # for the parent, which then ends its workers
        signal.signal(polite, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = str(threads)  # before torch is imported, which `recv` below does

    def report(*steps: int) -> bool:
        pipe.send(("progress", steps))
        return pipe.poll()  # in the middle of a unit nothing comes but the wish that it ends

    while True:
        try:
            given = pipe.recv()
        except EOFError:
            return
        if given is None:
            return
        work, unit = given
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(threads)
        try:
            pipe.send(("result", attempt(work, unit, report)))
        except KeyboardInterrupt:
            pipe.send(("ended", None))
            return


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)
