"""Work for the tests of the engines: small, picklable, and with every way to fail."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sims.engines import Engine, Finished, Report


def square(unit: int, report: Report) -> int:
    for step in range(3):
        report(step, 3)
    return unit * unit


def square_or_fail(unit: int, report: Report) -> int:
    if unit % 3 == 0:
        raise RuntimeError(f"unit {unit} cannot be done\nmore about it")
    return square(unit, report)


def square_or_die(unit: int, report: Report) -> int:
    if unit == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(unit, report)


def process(unit: int, report: Report) -> int:
    return os.getpid()


def much(unit: int, report: Report) -> bytes:
    """More than a pipe holds: it is sent only as fast as the parent reads."""
    return bytes(2**24)


def broken(unit: int, report: Report) -> int:
    raise TypeError("an error of the program")


def threads(unit: int, report: Report) -> tuple[str, int]:
    import torch

    return os.environ["OMP_NUM_THREADS"], torch.get_num_threads()


def until_asked_to_end(unit: str, report: Report) -> None:
    """Report until somebody asks for an end, and note that in the file."""
    while not report(0, 1):
        time.sleep(0.01)
    Path(unit).touch()
    raise KeyboardInterrupt


def listen_or_not(unit: str, report: Report) -> None:
    return leave_trace(unit, report) if unit.endswith("deaf") else until_asked_to_end(unit, report)


def leave_trace(unit: str, report: Report) -> None:
    """Write the process number to the file, and go on for a minute."""
    draft = Path(f"{unit}.draft")
    draft.write_text(str(os.getpid()))
    draft.replace(unit)
    time.sleep(60)


def note_node(unit: tuple[int, str], report: Report) -> tuple[int, str]:
    """Where unit number i is worked on, noted in a folder while it lasts; the number and the node."""
    import ray

    number, folder = unit
    node = ray.get_runtime_context().get_node_id()
    mark = Path(folder, f"{number}-{node}-{os.getpid()}")
    mark.touch()
    for step in range(10):
        report(step, 10)
        time.sleep(0.1)
    mark.unlink()
    return number, node


class Pretender(Engine):
    """An engine that does nothing: a slot for each of the results that it was given, told at once."""

    def __init__(self, results: Sequence[Any], label: str = "a pretender") -> None:
        self.results, self._label = list(results), label
        self.given: list[list[Any]] = []

    @property
    def slots(self) -> int:
        return len(self.results)

    @property
    def label(self) -> str:
        return self._label

    def run(self, take, work, on_progress):
        units = list(iter(take, None))
        self.given.append(units)
        return iter([Finished(unit, result) for unit, result in zip(units, self.results, strict=True)])
