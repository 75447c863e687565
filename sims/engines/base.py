"""The interface of the engines: take units while there are any, work on each, tell what became of it.

An engine knows nothing of training. The caller hands units out one by one, when there is room for one more,
so that several sweeps on one directory share what is left.
"""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sims.errors import ClaimsLostError

Unit = TypeVar("Unit")
Result = TypeVar("Result")

Report = Callable[[int, int], bool | None]
"""Called by the work with the steps that it has done, and with the number of all its steps. True asks it
to keep what it has and to end with ``KeyboardInterrupt``."""
Work = Callable[[Unit, Report], Result]
"""What is done with a unit; it must be picklable for engines with other processes."""

# What can go wrong with a unit (data, memory, disk, numbers). Anything else (TypeError, NameError, ...) is an
# error of the program, would befall every unit, and stops the sweep with its traceback.
UNIT_ERRORS = (ValueError, RuntimeError, OSError, MemoryError, ArithmeticError, LookupError)


@dataclass(frozen=True)
class Failure:
    """Why there is no result: a sentence, the kind of error, and where the program was."""

    error: str
    kind: str
    traceback: str = field(default="", repr=False, compare=False)

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """The failure that an error is: its first line is the sentence that is printed.

        >>> Failure.of(ValueError("too wide" + chr(10) + "details"))
        Failure(error='too wide', kind='ValueError')
        """
        kind = type(error).__name__
        sentence = (str(error).strip() or kind).splitlines()[0]
        return cls(sentence, kind, "".join(traceback.format_exception(error)))


@dataclass(frozen=True)
class Finished(Generic[Unit, Result]):
    """A unit that is over, with its result or the reason why there is none."""

    unit: Unit
    result: Result | Failure


class Engine(ABC):
    """A place where units are worked on; a context manager that starts and ends what it needs.

    *Laws*: every unit taken comes back finished, once; a unit that fails is a ``Failure`` and disturbs no
    other; the results do not depend on the engine.
    """

    is_local = True
    """Whether units are worked on by this machine, so that its devices are theirs."""

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many units can be worked on at a time, now."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What it is, for a record: how many processes, with how many threads."""

    @abstractmethod
    def run(
        self,
        take: Callable[[], Unit | None],
        work: Work[Unit, Result],
        on_progress: Callable[[Unit, int, int], bool | None],
    ) -> Iterator[Finished[Unit, Result]]:
        """The units as they finish, in any order; ends when ``take`` gives None and none is being worked on.

        ``on_progress`` is called in the caller's process with a unit and what its work reported. True from it
        ends the run: units of this machine keep what they have, those that are finished by then come back.
        """

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *reason: object) -> None:
        """End what was started; units that are being worked on are dropped."""
        return


def process_label(processes: int, threads: int) -> str:
    """The label of an engine of this machine.

    >>> process_label(1, 2), process_label(2, 1)
    ('1 process of 2 threads', '2 processes of 1 thread')
    """
    counted = [
        f"{number} {noun}{'' if number == 1 else ending}"
        for number, noun, ending in ((processes, "process", "es"), (threads, "thread", "s"))
    ]
    return " of ".join(counted)


def attempt(work: Work[Unit, Result], unit: Unit, report: Report) -> Result | Failure:
    """The result of the work, or the failure that an error of the unit is."""
    try:
        return work(unit, report)
    except ClaimsLostError:
        raise
    except UNIT_ERRORS as error:
        return Failure.of(error)
