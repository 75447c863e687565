"""What every benchmark shares: a row of the printed table, and timings that survive a noisy machine."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hptheory.errors import HPTheoryError


@dataclass(frozen=True)
class Row:
    """One measured number: what, how much, against which peer in the same run, and the number to reach."""

    name: str
    value: str
    peer: str = ""
    ratio: str = ""
    goal: str = ""
    reached: bool | None = None

    def __str__(self) -> str:
        mark = {True: "yes", False: "NO", None: ""}[self.reached]
        return f"{self.name:<52} {self.value:>16} {self.peer:>34} {self.ratio:>9} {self.goal:>16} {mark:>4}"


HEADER = f"{'what':<52} {'measured':>16} {'peer, same run':>34} {'ratio':>9} {'to reach':>16} {'':>4}"


def report(rows: Iterable[Row]) -> int:
    """Print rows as they come; exit code 1 if a number is not reached, 2 with a sentence if one cannot be
    measured here."""
    missed = False
    try:
        for row in rows:
            print(row, flush=True)
            missed |= row.reached is False
    except HPTheoryError as error:
        print(error, file=sys.stderr)
        return 2
    return int(missed)


def cpu_seconds(function: Callable[[], object], repeats: int = 5) -> float:
    """Return the median processor time of a call (other processes on the machine do not count)."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return statistics.median(times)


def seconds(function: Callable[[], object], device: str) -> float:
    """Processor time on the CPU (other processes do not count); wall-clock time to the end of the work on a
    GPU.
    """
    if device == "cpu":
        start = time.process_time()
        function()
        return time.process_time() - start
    import torch  # not for benchmarks without it

    torch.cuda.synchronize()
    start = time.perf_counter()
    function()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def in_turns(
    ours: Callable[[], object], theirs: Callable[[], object], device: str, repeats: int
) -> tuple[float, float, float]:
    """The median seconds of both, timed in turn, and the median of the ratios (theirs over ours) of
    neighbours.
    """
    seconds(ours, device), seconds(theirs, device)  # warm up
    times = [(seconds(ours, device), seconds(theirs, device)) for _ in range(repeats)]
    our, their = map(statistics.median, zip(*times, strict=True))
    return our, their, statistics.median(their / our for our, their in times)
