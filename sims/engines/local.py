"""The engine that needs nothing: one unit after another in the caller's own process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from sims.engines.base import Engine, Finished, Result, Unit, Work, attempt, process_label


class InProcess(Engine):
    """Works on one unit at a time, with all the threads that torch has.

    >>> units = iter([1, 2, 0])
    >>> finished = InProcess().run(lambda: next(units, None), lambda unit, report: 6 // unit, print)
    >>> [(one.unit, one.result) for one in finished]
    [(1, 6), (2, 3), (0, Failure(error='integer division or modulo by zero', kind='ZeroDivisionError'))]
    """

    @property
    def slots(self) -> int:
        """One."""
        return 1

    @property
    def label(self) -> str:
        """One process, and the threads of torch."""
        import torch

        return process_label(1, torch.get_num_threads())

    def run(
        self,
        take: Callable[[], Unit | None],
        work: Work[Unit, Result],
        on_progress: Callable[[Unit, int, int], bool | None],
    ) -> Iterator[Finished[Unit, Result]]:
        """See ``Engine.run``."""
        while (unit := take()) is not None:
            yield Finished(unit, attempt(work, unit, partial(on_progress, unit)))
